// Layout: where blockframe-rs put which bytes. All three tiers are blocks of data shards and three
// parity shards: tier 1 is one block of one, tier 2 a block of one for each segment, tier 3 blocks
// of up to 30 segments. Everything follows from the manifest, and nothing from what lies on a disk.

import { elementBlockBytes, legacyDataShardsMax } from "./code.ts";

/** The tiers of blockframe-rs. */
export type LegacyTier = 1 | 2 | 3;

/** What the places of all shards follow from. */
export interface LegacyLayout {
  readonly tier: LegacyTier;
  readonly payloadBytes: number;
  /** Length of every segment but the last; in tier 1 that of the payload. */
  readonly segmentBytes: number;
}

/** Data shards of a block that is full. */
export function fullDataShards(layout: LegacyLayout): number {
  return layout.tier === 3 ? legacyDataShardsMax : 1;
}

/** Segments of the payload; an empty payload of tier 1 has one, too. */
export function legacySegmentCount(layout: LegacyLayout): number {
  return layout.tier === 1
    ? 1
    : Math.ceil(layout.payloadBytes / layout.segmentBytes);
}

/** Blocks of the payload. */
export function legacyBlockCount(layout: LegacyLayout): number {
  return Math.ceil(legacySegmentCount(layout) / fullDataShards(layout));
}

/** Data shards of one block. */
export function legacyDataShards(layout: LegacyLayout, block: number): number {
  const full = fullDataShards(layout);
  return Math.min(full, legacySegmentCount(layout) - block * full);
}

/** Where in the payload a data shard begins. */
export function legacyPayloadOffset(
  layout: LegacyLayout,
  block: number,
  shard: number,
): number {
  return (block * fullDataShards(layout) + shard) * layout.segmentBytes;
}

/** Bytes of a data shard. */
export function legacyDataBytes(
  layout: LegacyLayout,
  block: number,
  shard: number,
): number {
  const offset = legacyPayloadOffset(layout, block, shard);
  return Math.min(layout.segmentBytes, layout.payloadBytes - offset);
}

/** Bytes of a shard of the block as the code sees it, filled up with zeros. */
export function legacyCodeBytes(layout: LegacyLayout, block: number): number {
  const longest = legacyDataBytes(layout, block, 0);
  return Math.ceil(longest / elementBlockBytes) * elementBlockBytes;
}

/**
 * The lengths that the parity shards of a block may have. Copies of a single shard were filled up
 * to 64 bytes by some versions and not by others.
 */
export function legacyParityBytes(
  layout: LegacyLayout,
  block: number,
): readonly number[] {
  const padded = legacyCodeBytes(layout, block);
  const exact = legacyDataBytes(layout, block, 0);
  return padded === exact ? [padded] : [padded, exact];
}

/** Path of a data shard in the folder of its entry. */
export function legacyDataPath(
  layout: LegacyLayout,
  block: number,
  shard: number,
): string {
  switch (layout.tier) {
    case 1:
      return "data.dat";
    case 2:
      return `segments/segment_${block}.dat`;
    case 3:
      return `blocks/block_${block}/segments/segment_${shard}.dat`;
  }
}

/** Path of a parity shard in the folder of its entry. */
export function legacyParityPath(
  layout: LegacyLayout,
  block: number,
  parity: number,
): string {
  switch (layout.tier) {
    case 1:
      return `parity_${parity}.dat`;
    case 2:
      return `parity/segment_${block}_parity_${parity}.dat`;
    case 3:
      return `blocks/block_${block}/parity/block_parity_${parity}.dat`;
  }
}
