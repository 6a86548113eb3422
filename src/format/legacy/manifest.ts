// Legacy manifest: the manifests of blockframe-rs since 2025-11-28, all kinds as one description.
// Nothing in one is trusted: names, sizes and counts are judged, its hashes must lead to its root,
// and no path is made of its texts. What it says of the code is ignored, as its own program does.

import { type Bytes, decodeUtf8 } from "../../base/bytes.ts";
import { payloadBytesMax, segmentBytesMax } from "../../base/limits.ts";
import { nameProblem } from "../entry_path.ts";
import type { Digester } from "../pages.ts";
import { elementBlockBytes, legacyParityShards } from "./code.ts";
import {
  legacyBlockCount,
  legacyDataShards,
  type LegacyLayout,
  type LegacyTier,
} from "./layout.ts";
import { merkleRoot } from "./merkle.ts";
import {
  Invalid,
  memberOf,
  type Members,
  readInteger,
  readObject,
} from "../members.ts";

/** What the shards of an entry are verified with. */
export type LegacyProof =
  /** By block the hash of every shard, data first. */
  | { readonly kind: "shards"; readonly blocks: readonly (readonly string[])[] }
  /** By block the root over these hashes: before 2025-12-21. */
  | { readonly kind: "roots"; readonly blocks: readonly string[] };

/** An entry of blockframe-rs. */
export interface LegacyEntry {
  readonly name: string;
  /** BLAKE3 of the payload, hexadecimal. */
  readonly originalHash: string;
  readonly layout: LegacyLayout;
  readonly proof: LegacyProof;
}

/** What a manifest came to. */
export type LegacyDecoding =
  | { readonly kind: "valid"; readonly entry: LegacyEntry }
  | { readonly kind: "invalid"; readonly problem: string }
  /** Of the program's first months, when its archives looked otherwise. */
  | { readonly kind: "unsupported"; readonly problem: string };

/** The segment of all entries that do not name theirs. */
const segmentBytesUnnamed = 32 * 1024 * 1024;

/** The name and the hash that an entry's folder is named by, if it is named like one. */
export function parseLegacyFolder(
  folder: string,
): { name: string; originalHash: string } | undefined {
  const match = /^(.+)_([0-9a-f]{64})$/s.exec(folder);
  return match === null
    ? undefined
    : { name: match[1]!, originalHash: match[2]! };
}

/** Decodes a manifest of blockframe-rs. */
export function decodeLegacyManifest(
  bytes: Bytes,
  digest: Digester,
): LegacyDecoding {
  try {
    const members = readObject(parseJson(bytes), "it");
    if (!Object.hasOwn(members, "tier")) {
      return {
        kind: "unsupported",
        problem:
          "its manifest names no tier: it was written before 2025-11-28, in a form that cannot be read",
      };
    }
    return { kind: "valid", entry: readEntry(members, digest) };
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    return {
      kind: "invalid",
      problem: `its manifest is not valid: ${error.message}`,
    };
  }
}

function parseJson(bytes: Bytes): unknown {
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new Invalid("it is not UTF-8");
  try {
    return JSON.parse(text);
  } catch {
    throw new Invalid("it is not JSON");
  }
}

function readEntry(members: Members, digest: Digester): LegacyEntry {
  const name = memberOf(members, "name");
  if (typeof name !== "string") throw new Invalid(`"name" is not text`);
  const problem = nameProblem(name);
  if (problem !== undefined) throw new Invalid(`"name" is no name: ${problem}`);
  const layout = readLayout(members);
  const tree = readObject(memberOf(members, "merkle_tree"), `"merkle_tree"`);
  const proof = readProof(layout, tree);
  const root = readHash(memberOf(tree, "root"), `"root"`);
  const blockRoots = proof.kind === "roots"
    ? proof.blocks
    : proof.blocks.map((hashes) => merkleRoot(hashes, digest));
  if (merkleRoot(blockRoots, digest) !== root) {
    throw new Invalid("its hashes do not lead to its root");
  }
  return {
    name,
    originalHash: readHash(
      memberOf(members, "original_hash"),
      `"original_hash"`,
    ),
    layout,
    proof,
  };
}

function readLayout(members: Members): LegacyLayout {
  const tier = readInteger(members, "tier", 1, 3) as LegacyTier;
  if (tier === 1) {
    const payloadBytes = readInteger(members, "size", 0, payloadBytesMax);
    return { tier, payloadBytes, segmentBytes: payloadBytes };
  }
  const payloadBytes = readInteger(members, "size", 1, payloadBytesMax);
  const segmentBytes = Object.hasOwn(members, "segment_size")
    ? readInteger(members, "segment_size", elementBlockBytes, segmentBytesMax)
    : segmentBytesUnnamed;
  if (segmentBytes % elementBlockBytes !== 0) {
    throw new Invalid(`"segment_size" is no multiple of ${elementBlockBytes}`);
  }
  return { tier, payloadBytes, segmentBytes };
}

function readProof(layout: LegacyLayout, tree: Members): LegacyProof {
  const leaves = readObject(memberOf(tree, "leaves") ?? {}, `"leaves"`);
  if (layout.tier === 1) {
    const count = 1 + legacyParityShards;
    const hashes = readMap(leaves, "leaves", count).map(readLeaf);
    return { kind: "shards", blocks: [hashes] };
  }
  const member = layout.tier === 2 ? "segments" : "blocks";
  const map = readObject(memberOf(tree, member) ?? {}, `"${member}"`);
  const count = legacyBlockCount(layout);
  if (Object.keys(map).length === 0) {
    return {
      kind: "roots",
      blocks: readMap(leaves, "leaves", count).map(readLeaf),
    };
  }
  const blocks = readMap(map, member, count).map((value, block) => {
    const what = `"${member}" ${block}`;
    const hashes = readObject(value, what);
    const data = layout.tier === 2
      ? [memberOf(hashes, "data")]
      : memberOf(hashes, "segments");
    return [
      ...readHashes(data, legacyDataShards(layout, block), what),
      ...readHashes(memberOf(hashes, "parity"), legacyParityShards, what),
    ];
  });
  return { kind: "shards", blocks };
}

function readLeaf(value: unknown, index: number): string {
  return readHash(value, `"leaves" ${index}`);
}

/** The values of a map whose keys are 0 to count - 1, in that order. */
function readMap(map: Members, what: string, count: number): unknown[] {
  const keys = Object.keys(map);
  // The count may be beyond all that can be allocated; the keys are there already.
  if (keys.length !== count) {
    throw new Invalid(`"${what}" has ${keys.length} members, not ${count}`);
  }
  return keys.map((_, index) => {
    if (!Object.hasOwn(map, String(index))) {
      throw new Invalid(`"${what}" lacks ${index}`);
    }
    return map[String(index)];
  });
}

function readHashes(value: unknown, count: number, what: string): string[] {
  if (!Array.isArray(value) || value.length !== count) {
    throw new Invalid(`${what} has not ${count} hashes where they belong`);
  }
  return value.map((hash) => readHash(hash, what));
}

function readHash(value: unknown, what: string): string {
  if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value)) {
    throw new Invalid(`${what} is not 64 hexadecimal digits`);
  }
  return value;
}
