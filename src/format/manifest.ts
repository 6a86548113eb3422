// Manifest: what an entry says of itself, as JSON that a person can read, and self-checking: its
// last member is the BLAKE3 of all bytes before that line, so `head -n -2 manifest.json | b3sum`
// proves a copy. Decoding trusts nothing: form, limits and relations are verified before use.

import {
  type Bytes,
  decodeUtf8,
  encodeUtf8,
  formatHex,
} from "../base/bytes.ts";
import {
  digestBytes,
  entryFileCountMax,
  groupParityShardsMax,
  leafBytesMax,
  leafBytesMin,
  manifestBytesMax,
  outboardBytesMax,
  payloadBytesMax,
  segmentBytesMax,
  shardCountMax,
} from "../base/limits.ts";
import { isId, nameProblem } from "./entry_path.ts";
import {
  blockCountOf,
  blockDataShards,
  blockShardCount,
  columnCountOf,
  type CrossBlock,
  type Geometry,
  segmentCountOf,
  shardCountOf,
  slotCountOf,
} from "./geometry.ts";
import { isInline, type OutboardRecord, pageCountOf } from "./outboard.ts";
import type { Digester } from "./pages.ts";
import {
  encodeFilesMember,
  type FileTableRecord,
  readFilesMember,
} from "./files_member.ts";
import {
  formatPolicy,
  parsePolicy,
  type Policy,
  shardsOf,
  type Tier,
} from "./policy.ts";
import {
  formatDigestList,
  Invalid,
  memberOf,
  type Members,
  readDigestList,
  readDigests,
  readInteger,
  readObject,
} from "./members.ts";

/** The version that this code writes and reads. */
export const formatVersion = 1;

/** What is known of the file that was committed. */
export interface SourceAttributes {
  /** Modification time, ISO 8601 in UTC. */
  readonly modified?: string;
  /** Permission bits in octal digits. */
  readonly mode?: string;
}

/** An entry's description. Everything else about the entry follows from it. */
export interface Manifest {
  readonly id: string;
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly tier: Tier;
  readonly policy: Policy;
  readonly geometry: Geometry;
  /** Plain BLAKE3 of the payload. */
  readonly root: Bytes;
  readonly outboard: OutboardRecord;
  readonly source: SourceAttributes;
  /** Of a tree: its file table. */
  readonly files?: FileTableRecord;
}

/** What a manifest's bytes turned out to be. */
export type DecodedManifest =
  | { readonly kind: "valid"; readonly manifest: Manifest }
  /** The self-check fails: these bytes are damaged, or were never a manifest. */
  | { readonly kind: "damaged"; readonly problem: string }
  /** The self-check holds, but a newer version or an unknown feature is needed. */
  | { readonly kind: "unsupported"; readonly problem: string }
  /** The self-check holds, but the content contradicts the format: somebody made this up. */
  | { readonly kind: "invalid"; readonly problem: string };

/** Required by entries that store a tree. */
const treeFeature = "file_table";

/** Required by entries with parity across blocks. */
const crossBlockFeature = "cross_block_parity";

const knownFeatures: readonly unknown[] = [treeFeature, crossBlockFeature];

const checkMember = "manifest_blake3";

/** The bytes of a manifest file. */
export function encodeManifest(manifest: Manifest, digest: Digester): Bytes {
  const { geometry, outboard, source, files } = manifest;
  const { crossBlock } = geometry;
  const members = {
    format: "blockframe",
    version: formatVersion,
    required_features: [
      ...(files === undefined ? [] : [treeFeature]),
      ...(crossBlock === undefined ? [] : [crossBlockFeature]),
    ],
    id: manifest.id,
    name: manifest.name,
    created: manifest.created,
    tier: manifest.tier,
    policy: formatPolicy(manifest.policy),
    payload_bytes: geometry.payloadBytes,
    segment_bytes: geometry.segmentBytes,
    leaf_bytes: geometry.leafBytes,
    // JSON leaves out what is undefined.
    cross_block: crossBlock &&
      { groups: crossBlock.groups, parity: crossBlock.parity },
    root: formatHex(manifest.root),
    source: { modified: source.modified, mode: source.mode },
    ...(files === undefined ? {} : { files: encodeFilesMember(files) }),
    outboard: outboard.kind === "inline"
      ? { inline: formatHex(outboard.digests) }
      : { pages: formatDigestList(outboard.pageDigests) },
  };
  const body = JSON.stringify(members, null, 2).replace(/\n}$/, ",\n");
  const check = formatHex(digest(encodeUtf8(body)));
  return encodeUtf8(`${body}  "${checkMember}": "${check}"\n}\n`);
}

/** What `bytes` are. Never throws, whatever they hold; bounded by {@link manifestBytesMax}. */
export function decodeManifest(
  bytes: Bytes,
  digest: Digester,
): DecodedManifest {
  const damaged = (problem: string): DecodedManifest => ({
    kind: "damaged",
    problem,
  });
  if (bytes.length > manifestBytesMax) {
    return damaged("it is larger than any manifest");
  }
  const trailerBytes = encodeUtf8(`  "${checkMember}": ""\n}\n`).length +
    2 * digestBytes;
  if (bytes.length < trailerBytes) return damaged("it is too short");
  const body = bytes.subarray(0, bytes.length - trailerBytes);
  const trailer = decodeUtf8(bytes.subarray(bytes.length - trailerBytes));
  const check = trailer === undefined
    ? null
    : /^ {2}"(\w+)": "([0-9a-f]{64})"\n}\n$/.exec(trailer);
  if (check === null || check[1] !== checkMember) {
    return damaged("its last lines are not a check");
  }
  if (formatHex(digest(body)) !== check[2]) {
    return damaged("its bytes do not match its check");
  }
  const text = decodeUtf8(bytes);
  if (text === undefined) {
    return { kind: "invalid", problem: "it is not UTF-8" };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: "invalid", problem: "it is not JSON" };
  }
  return readMembers(value);
}

class Unsupported extends Error {}

function readMembers(value: unknown): DecodedManifest {
  try {
    return { kind: "valid", manifest: readManifest(value) };
  } catch (error) {
    if (error instanceof Invalid) {
      return { kind: "invalid", problem: error.message };
    }
    if (error instanceof Unsupported) {
      return { kind: "unsupported", problem: error.message };
    }
    throw error;
  }
}

function readManifest(value: unknown): Manifest {
  const members = readObject(value, "the manifest");
  const features = readVersion(members);
  const id = readText(members, "id");
  if (!isId(id)) throw new Invalid(`"id" is not 16 hexadecimal digits`);
  const name = readText(members, "name");
  const problem = nameProblem(name);
  if (problem !== undefined) {
    throw new Invalid(`"name" cannot be a file's name: ${problem}`);
  }
  const policy = readPolicy(members);
  const geometry = readGeometry(members, policy);
  return {
    id,
    name,
    created: readTime(members, "created"),
    tier: readInteger(members, "tier", 0, 4) as Tier,
    policy,
    geometry,
    root: readDigests(members["root"], "root", 1),
    outboard: readOutboard(members, geometry),
    source: readSource(members),
    ...(features.includes(treeFeature)
      ? { files: readFilesMember(members["files"]) }
      : {}),
  };
}

/** The features that the entry requires, all of which are known here. */
function readVersion(members: Members): string[] {
  if (members["format"] !== "blockframe") {
    throw new Invalid(`"format" is not "blockframe"`);
  }
  const version = readInteger(members, "version", 0, payloadBytesMax);
  if (version !== formatVersion) {
    throw new Unsupported(
      `it has format version ${version}; this program reads ${formatVersion}`,
    );
  }
  const features = members["required_features"];
  if (!Array.isArray(features)) {
    throw new Invalid(`"required_features" is not a list`);
  }
  const unknown = features.filter((each) => !knownFeatures.includes(each));
  if (unknown.length > 0) {
    const names = unknown.slice(0, 8).map((feature) => JSON.stringify(feature))
      .join(", ");
    throw new Unsupported(
      `it needs features that this program does not know: ${names}`,
    );
  }
  return features;
}

function readPolicy(members: Members): Policy {
  const text = readText(members, "policy");
  try {
    return parsePolicy(text);
  } catch {
    throw new Invalid(`"policy" is not a policy`);
  }
}

function readGeometry(members: Members, policy: Policy): Geometry {
  const payloadBytes = readInteger(
    members,
    "payload_bytes",
    0,
    payloadBytesMax,
  );
  const leafBytes = readInteger(
    members,
    "leaf_bytes",
    leafBytesMin,
    leafBytesMax,
  );
  if ((leafBytes & (leafBytes - 1)) !== 0) {
    throw new Invalid(`"leaf_bytes" is no power of two`);
  }
  const segmentBytes = readInteger(
    members,
    "segment_bytes",
    leafBytes,
    segmentBytesMax,
  );
  if (segmentBytes % leafBytes !== 0) {
    throw new Invalid(`"segment_bytes" is not whole leaves`);
  }
  const blocks = { payloadBytes, leafBytes, segmentBytes, ...shardsOf(policy) };
  const crossBlock = readCrossBlock(members, blocks);
  const geometry = crossBlock === undefined
    ? blocks
    : { ...blocks, crossBlock };
  if (shardCountOf(geometry) > entryFileCountMax) {
    throw new Unsupported(
      `it describes more files than this program can hold`,
    );
  }
  if (slotCountOf(geometry) * digestBytes > outboardBytesMax) {
    throw new Unsupported(
      `it describes more leaves than this program can hold`,
    );
  }
  return geometry;
}

/** Parity across blocks, which is there exactly where the features name it. */
function readCrossBlock(
  members: Members,
  blocks: Geometry,
): CrossBlock | undefined {
  const value = memberOf(members, "cross_block");
  const features = members["required_features"] as unknown[];
  const isNamed = features.includes(crossBlockFeature);
  if (isNamed !== (value !== undefined)) {
    throw new Invalid(
      `"cross_block" and "required_features" contradict each other`,
    );
  }
  if (value === undefined) return undefined;
  const cross = readObject(value, `"cross_block"`);
  const blockCount = blockCountOf(blocks);
  const crossBlock = {
    groups: readInteger(cross, "groups", 1, Math.max(1, blockCount)),
    parity: readInteger(cross, "parity", 1, shardCountMax - 1),
  };
  const largest = { ...blocks, crossBlock };
  if (
    blocks.dataShards === 1 || blockCount === 0 ||
    blockShardCount(largest, blockCount) > shardCountMax
  ) throw new Invalid(`"cross_block" does not fit the payload and its policy`);
  const blocksMax = blockDataShards(largest, blockCount);
  const parityCount = blocksMax * blocks.parityShards +
    blocks.dataShards * crossBlock.parity;
  if (parityCount > groupParityShardsMax) {
    throw new Unsupported(
      `its groups have more parity than this program can hold`,
    );
  }
  return crossBlock;
}

function readOutboard(members: Members, geometry: Geometry): OutboardRecord {
  const outboard = readObject(members["outboard"], `"outboard"`);
  const slotCount = slotCountOf(geometry);
  if (isInline(slotCount)) {
    return {
      kind: "inline",
      digests: readDigests(outboard["inline"], "inline", slotCount),
    };
  }
  const pages = readDigestList(
    outboard["pages"],
    "pages",
    pageCountOf(slotCount),
  );
  return { kind: "pages", pageDigests: pages };
}

function readSource(members: Members): SourceAttributes {
  const source = readObject(members["source"] ?? {}, `"source"`);
  const mode = source["mode"];
  if (
    mode !== undefined &&
    (typeof mode !== "string" || !/^[0-7]{1,4}$/.test(mode))
  ) {
    throw new Invalid(`"mode" is not octal digits`);
  }
  return {
    ...(source["modified"] === undefined
      ? {}
      : { modified: readTime(source, "modified") }),
    ...(mode === undefined ? {} : { mode }),
  };
}

function readText(members: Members, member: string): string {
  const value = members[member];
  if (typeof value !== "string") throw new Invalid(`"${member}" is not text`);
  return value;
}

function readTime(members: Members, member: string): string {
  const text = readText(members, member);
  const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;
  if (!form.test(text)) throw new Invalid(`"${member}" is not a time in UTC`);
  return text;
}

/** Folders, shards and blocks that a report of this entry speaks of. */
export function countsOf(
  manifest: Manifest,
): { segmentCount: number; blockCount: number; parityCount: number } {
  const { geometry } = manifest;
  const blockCount = blockCountOf(geometry);
  return {
    segmentCount: segmentCountOf(geometry),
    blockCount,
    parityCount: blockCount * geometry.parityShards +
      columnCountOf(geometry) * (geometry.crossBlock?.parity ?? 0),
  };
}
