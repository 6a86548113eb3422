// Damage text: what was found wrong with the files of an entry, in words. Pure. The words for the
// state of a whole entry are in health_text.ts.

import type {
  DamageCause,
  FileDamage,
  PayloadRange,
} from "../archive/report.ts";
import { unreachable } from "../base/assert.ts";
import { formatSize } from "./size.ts";
import { formatCount, formatIndices } from "./text.ts";

/** Ranges, files and blocks that a text lists before it counts the rest. */
export const listedCountMax = 10;

type Role = FileDamage["role"];

const roles: readonly Role[] = [
  "segment",
  "parity",
  "group",
  "manifest",
  "outboard",
  "table",
];

/** All of it in short: `3 corrupt segments, 1 missing parity shard`. */
export function formatDamage(damage: readonly FileDamage[]): string {
  const parts: string[] = [];
  for (const role of roles) {
    const ofRole = damage.filter((item) => item.role === role);
    if (ofRole.length > 0) parts.push(formatRole(role, ofRole));
  }
  return parts.join(", ");
}

/** Which files: `segments 45, 67-89; parity shards 0, 2 of block 4; 1 manifest copy`. */
export function formatPlaces(damage: readonly FileDamage[]): string {
  const parts: string[] = [];
  for (const role of roles) {
    const ofRole = damage.filter((item) => item.role === role);
    if (ofRole.length === 0) continue;
    if (role === "segment") {
      const indices = ofRole.map((item) => item.index);
      const noun = new Set(indices).size === 1 ? "segment" : "segments";
      parts.push(`${noun} ${formatIndices(indices)}`);
    } else if (role === "parity") parts.push(formatParity(ofRole));
    else parts.push(countFiles(ofRole, nounOf(role)));
  }
  return parts.join("; ");
}

/** One file: `segments/segment_45.dat: corrupt, 3 leaves, repaired`. */
export function formatFile(item: FileDamage): string {
  const leaves = item.leafCount === 0
    ? ""
    : `, ${formatCount(item.leafCount, "leaf", "leaves")}`;
  const outcome = item.repaired
    ? "repaired"
    : item.rebuiltLeafCount >= item.leafCount
    ? "can be repaired"
    : `${
      formatCount(item.leafCount - item.rebuiltLeafCount, "leaf", "leaves")
    } lost`;
  return `${item.file}: ${formatCause(item.cause)}${leaves}, ${outcome}`;
}

/** Byte ranges, one text each, at most a few of them: `bytes 65536-131071 (64.0 KiB)`. */
export function listRanges(ranges: readonly PayloadRange[]): string[] {
  const texts = ranges.slice(0, listedCountMax).map((range) =>
    `bytes ${range.payloadOffset}-${range.payloadOffset + range.bytes - 1} (${
      formatSize(range.bytes)
    })`
  );
  const hidden = ranges.length - texts.length;
  if (hidden > 0) texts.push(`... and ${hidden} more, see --json`);
  return texts;
}

/** `1.50 MiB in 2 ranges` */
export function formatRanges(ranges: readonly PayloadRange[]): string {
  const bytes = ranges.reduce((sum, range) => sum + range.bytes, 0);
  return `${formatSize(bytes)} in ${formatCount(ranges.length, "range")}`;
}

function formatRole(role: Role, damage: readonly FileDamage[]): string {
  const isMetadata = role !== "segment" && role !== "parity";
  const counts = new Map<string, Set<string>>();
  for (const item of damage) {
    // Which byte of a copy is wrong matters to nobody: it is replaced as a whole.
    const word = isMetadata && item.cause !== "missing"
      ? "damaged"
      : formatCause(item.cause);
    const files = counts.get(word) ?? new Set();
    counts.set(word, files.add(item.file));
  }
  const noun = nounOf(role);
  if (counts.size === 1) {
    const [word] = counts.keys();
    return countFiles(damage, [`${word} ${noun[0]}`, `${word} ${noun[1]}`]);
  }
  const detail = [...counts].map(([word, files]) => `${files.size} ${word}`);
  const all = countFiles(damage, [`damaged ${noun[0]}`, `damaged ${noun[1]}`]);
  return `${all} (${detail.join(", ")})`;
}

function formatParity(damage: readonly FileDamage[]): string {
  const blocks = new Map<number, number[]>();
  for (const item of damage) {
    const shards = blocks.get(item.block) ?? [];
    shards.push(item.index);
    blocks.set(item.block, shards);
  }
  const sorted = [...blocks].sort(([left], [right]) => left - right);
  const texts = sorted.slice(0, listedCountMax).map(([block, shards]) =>
    `${formatIndices(shards)} of block ${block}`
  );
  const hidden = sorted.length - texts.length;
  if (hidden > 0) texts.push(`... and ${formatCount(hidden, "more block")}`);
  const noun = damage.length === 1 ? "parity shard" : "parity shards";
  return `${noun} ${texts.join(", ")}`;
}

function countFiles(
  damage: readonly FileDamage[],
  noun: readonly [string, string],
): string {
  const count = new Set(damage.map((item) => item.file)).size;
  return formatCount(count, noun[0], noun[1]);
}

function nounOf(role: Role): readonly [string, string] {
  switch (role) {
    case "segment":
      return ["segment", "segments"];
    case "parity":
      return ["parity shard", "parity shards"];
    case "group":
      return ["parity shard across blocks", "parity shards across blocks"];
    case "manifest":
      return ["manifest copy", "manifest copies"];
    case "outboard":
      return ["outboard copy", "outboard copies"];
    case "table":
      return ["file table copy", "file table copies"];
    default:
      return unreachable(role);
  }
}

/** The word for a cause; what is rotten on the disk is corrupt to its reader. */
export function formatCause(cause: DamageCause): string {
  switch (cause) {
    case "rotten":
      return "corrupt";
    case "missing":
    case "truncated":
    case "overlong":
    case "unreadable":
    case "unsafe":
      return cause;
    default:
      return unreachable(cause);
  }
}
