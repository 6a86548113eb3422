// Legacy writer: archives as blockframe-rs wrote them, made for tests from the description of its
// format: all tiers, and what differs from version to version. Its layout and its hash tree are its
// own; only the parity comes from src, where vectors of the real program vouch for it.

import { type Bytes, encodeUtf8, formatHex } from "../../src/base/bytes.ts";
import { Codec } from "../../src/codec/mod.ts";
import { LegacyCoder, parityRows } from "../../src/format/legacy/code.ts";
import type { Store } from "../../src/store/store.ts";
import { writeFile } from "./harness.ts";

/**
 * Versions: November 2025 (no segment_size, roots only, parity of exact length), December 4 (roots
 * only), December 21 (hashes of all shards), January 2026 (parity of tier 2 filled up).
 */
export type Epoch = "2025-11" | "2025-12-04" | "2025-12-21" | "2026-01";

/** All of them. */
export const epochs: readonly Epoch[] = [
  "2025-11",
  "2025-12-04",
  "2025-12-21",
  "2026-01",
];

/** What to write. */
export interface LegacySpec {
  readonly name: string;
  readonly payload: Bytes;
  readonly tier: 1 | 2 | 3;
  readonly epoch: Epoch;
  /** Default: 4 KiB, and the 32 MiB that the first version did not name. */
  readonly segmentBytes?: number;
  /** What the manifest and the folder claim; default: the truth. */
  readonly originalHash?: string;
  readonly change?: (manifest: Record<string, unknown>) => void;
}

/** One block as it was written: the paths of its shards in the entry's folder, data first. */
export type LegacyBlock = readonly string[];

/** Hexadecimal BLAKE3. */
export function blake3(bytes: Bytes): string {
  return formatHex(Codec.open().digest(bytes));
}

/** The root over hexadecimal leaves. */
export function rootOf(leaves: readonly string[]): string {
  if (leaves.length === 1) return leaves[0]!;
  const parents: string[] = [];
  for (let at = 0; at < leaves.length; at += 2) {
    const pair = leaves[at]! + (leaves[at + 1] ?? leaves[at]!);
    parents.push(blake3(encodeUtf8(pair)));
  }
  return rootOf(parents);
}

/** Writes an entry; gives its folder and its blocks. */
export function writeLegacy(
  store: Store,
  spec: LegacySpec,
): { folder: string; blocks: readonly LegacyBlock[] } {
  const { name, payload, tier, epoch } = spec;
  const originalHash = spec.originalHash ?? blake3(payload);
  const folder = `${name}_${originalHash}`;
  const segmentBytes = spec.segmentBytes ??
    (epoch === "2025-11" ? 32 * 1024 * 1024 : 4096);
  const segments = tier === 1 ? [payload] : cut(payload, segmentBytes);
  const perBlock = tier === 3 ? 30 : 1;
  const blocks: string[][] = [], hashes: string[][] = [];
  for (let first = 0; first < segments.length; first += perBlock) {
    const data = segments.slice(first, first + perBlock);
    const shards = [...data, ...parityOf(data, tier, epoch)];
    const paths = shardPaths(tier, blocks.length, data.length);
    for (const [at, bytes] of shards.entries()) {
      writeDeep(store, `${folder}/${paths[at]}`, bytes);
    }
    blocks.push(paths);
    hashes.push(shards.map(blake3));
  }
  const manifest: Record<string, unknown> = {
    erasure_coding: {
      data_shards: tier === 3 ? 30 : 6,
      parity_shards: 3,
      type: "reed-solomon",
    },
    merkle_tree: merkleTree(tier, epoch, hashes),
    name,
    original_hash: originalHash,
    ...(epoch === "2025-11"
      ? {}
      : { segment_size: tier === 1 ? padded(payload.length) : segmentBytes }),
    size: payload.length,
    tier,
    time_of_creation: "2025-12-24 18:00:00.123456789 UTC",
  };
  spec.change?.(manifest);
  writeDeep(
    store,
    `${folder}/manifest.json`,
    encodeUtf8(JSON.stringify(manifest)),
  );
  return { folder, blocks };
}

function merkleTree(
  tier: 1 | 2 | 3,
  epoch: Epoch,
  hashes: readonly (readonly string[])[],
): Record<string, unknown> {
  const roots = hashes.map(rootOf);
  const root = rootOf(roots);
  if (tier === 1) return { leaves: { ...hashes[0] }, root };
  if (epoch < "2025-12-21") return { leaves: { ...roots }, root };
  const segments = tier === 3
    ? {}
    : { ...hashes.map((each) => ({ data: each[0], parity: each.slice(1) })) };
  const blocks = tier === 2 ? {} : {
    ...hashes.map((each) => ({
      parity: each.slice(-3),
      segments: each.slice(0, -3),
    })),
  };
  return { blocks, leaves: {}, root, segments };
}

function parityOf(
  data: readonly Bytes[],
  tier: 1 | 2 | 3,
  epoch: Epoch,
): Bytes[] {
  const longest = data[0]!.length;
  const isPadded = tier === 1
    ? epoch !== "2025-11"
    : tier === 2 && epoch >= "2026";
  const bytes = isPadded ? padded(longest) : longest;
  const sources = data.map((each) => {
    const shard = new Uint8Array(bytes);
    shard.set(each);
    return shard;
  });
  if (data.length === 1) return [0, 1, 2].map(() => sources[0]!.slice());
  const parity = [0, 1, 2].map(() => new Uint8Array(bytes));
  new LegacyCoder(parityRows(data.length)).apply(sources, parity);
  return parity;
}

function shardPaths(tier: 1 | 2 | 3, block: number, count: number): string[] {
  if (tier === 1) {
    return ["data.dat", "parity_0.dat", "parity_1.dat", "parity_2.dat"];
  }
  const parities = [0, 1, 2];
  if (tier === 2) {
    return [
      `segments/segment_${block}.dat`,
      ...parities.map((at) => `parity/segment_${block}_parity_${at}.dat`),
    ];
  }
  return [
    ...Array.from(
      { length: count },
      (_, at) => `blocks/block_${block}/segments/segment_${at}.dat`,
    ),
    ...parities.map((at) =>
      `blocks/block_${block}/parity/block_parity_${at}.dat`
    ),
  ];
}

function cut(payload: Bytes, segmentBytes: number): Bytes[] {
  const segments: Bytes[] = [];
  for (let at = 0; at < payload.length; at += segmentBytes) {
    segments.push(payload.subarray(at, at + segmentBytes));
  }
  return segments;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

/** Writes a file and makes the folders above it. */
export function writeDeep(store: Store, path: string, bytes: Bytes): void {
  const parts = path.split("/");
  for (let count = 1; count < parts.length; count++) {
    store.makeFolder(parts.slice(0, count).join("/"));
  }
  writeFile(store, path, bytes);
}
