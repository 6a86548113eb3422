// Geometry: where every byte of an entry lies, from five numbers of the manifest and from nothing
// else (never from what happens to be on the disk). Pure arithmetic.
//
// The payload is cut into segments; k consecutive segments and their m parity shards are a block
// (the last block may have fewer segments, and then its code is that of fewer). All shards of a
// block are read side by side in rows of one leaf each.

import { assert } from "../base/assert.ts";
import {
  leafBytesMax,
  leafBytesMin,
  segmentBytesDefault,
} from "../base/limits.ts";

/** The five numbers that say where everything is. */
export interface Geometry {
  readonly payloadBytes: number;
  /** Power of two, 1 KiB to 64 KiB. */
  readonly leafBytes: number;
  /** A multiple of leafBytes. */
  readonly segmentBytes: number;
  /** k: data shards of every block but perhaps the last. */
  readonly dataShards: number;
  /** m: parity shards of every block. */
  readonly parityShards: number;
}

/** A run of rows of one block: the unit of work. */
export interface RowRun {
  readonly block: number;
  readonly firstRow: number;
  readonly rowCount: number;
}

/** The geometry of a new entry. */
export function planGeometry(request: {
  readonly payloadBytes: number;
  readonly dataShards: number;
  readonly parityShards: number;
  /** Upper bound of a segment; at least leafBytesMin. Default 32 MiB. */
  readonly segmentBytesMax?: number;
  /** Upper bound of a leaf. Default 64 KiB. */
  readonly leafBytesMax?: number;
  /** Default true; false makes every segment but the last as long as it may be. */
  readonly evenBlocks?: boolean;
}): Geometry {
  const { payloadBytes, dataShards, parityShards } = request;
  const segmentLimit = request.segmentBytesMax ?? segmentBytesDefault;
  let leafBytes = request.leafBytesMax ?? leafBytesMax;
  while (leafBytes > leafBytesMin && leafBytes > segmentLimit) leafBytes /= 2;
  assert(leafBytes <= segmentLimit, "a segment holds at least one leaf");
  // Small payloads over several shards get small leaves: rounding a segment up to whole leaves may
  // then waste at most a quarter of it, so the overhead stays near m/k.
  const share = Math.ceil(payloadBytes / dataShards);
  while (dataShards > 1 && leafBytes > leafBytesMin && share < 4 * leafBytes) {
    leafBytes /= 2;
  }
  const wholeLeaves = Math.floor(segmentLimit / leafBytes) * leafBytes;
  const isEven = request.evenBlocks ?? true;
  if (dataShards === 1 || payloadBytes === 0 || !isEven) {
    return {
      payloadBytes,
      leafBytes,
      segmentBytes: wholeLeaves,
      dataShards,
      parityShards,
    };
  }
  // As many blocks as the limit asks for, then segments just long enough that these blocks are
  // evenly filled: no last block is a stump with full-size parity.
  const blocks = Math.ceil(payloadBytes / (dataShards * wholeLeaves));
  const evenBytes = Math.ceil(payloadBytes / (dataShards * blocks));
  const segmentBytes = Math.ceil(evenBytes / leafBytes) * leafBytes;
  return { payloadBytes, leafBytes, segmentBytes, dataShards, parityShards };
}

/** Segments of the payload; 0 for an empty one. */
export function segmentCountOf(geometry: Geometry): number {
  return Math.ceil(geometry.payloadBytes / geometry.segmentBytes);
}

/** Blocks of the payload. */
export function blockCountOf(geometry: Geometry): number {
  return Math.ceil(segmentCountOf(geometry) / geometry.dataShards);
}

/** Bytes of one segment. */
export function segmentLength(geometry: Geometry, segment: number): number {
  return Math.min(
    geometry.segmentBytes,
    geometry.payloadBytes - segment * geometry.segmentBytes,
  );
}

/** Data shards of this block: k, or fewer in the last. */
export function blockDataShards(geometry: Geometry, block: number): number {
  return Math.min(
    geometry.dataShards,
    segmentCountOf(geometry) - block * geometry.dataShards,
  );
}

/** Bytes of the longest shard of a block, which is its first segment and each of its parity shards. */
export function blockShardBytes(geometry: Geometry, block: number): number {
  return segmentLength(geometry, block * geometry.dataShards);
}

/** Bytes of one shard; shards are numbered data first, then parity. */
export function shardLength(
  geometry: Geometry,
  block: number,
  shard: number,
): number {
  return shard < blockDataShards(geometry, block)
    ? segmentLength(geometry, block * geometry.dataShards + shard)
    : blockShardBytes(geometry, block);
}

/** Rows of a block. */
export function rowCountOf(geometry: Geometry, block: number): number {
  return Math.ceil(blockShardBytes(geometry, block) / geometry.leafBytes);
}

/** Bytes of a run of rows in one shard: less than full at the shard's end, 0 beyond it. */
export function runLength(
  geometry: Geometry,
  run: RowRun,
  shard: number,
): number {
  const start = run.firstRow * geometry.leafBytes;
  const end = start + run.rowCount * geometry.leafBytes;
  const length = shardLength(geometry, run.block, shard);
  return Math.max(0, Math.min(end, length) - start);
}

/** Payload offset of a byte of a data shard. */
export function payloadOffsetOf(
  geometry: Geometry,
  block: number,
  shard: number,
  shardOffset: number,
): number {
  return (block * geometry.dataShards + shard) * geometry.segmentBytes +
    shardOffset;
}

/** Leaves of the payload. */
export function payloadLeafCount(geometry: Geometry): number {
  return Math.ceil(geometry.payloadBytes / geometry.leafBytes);
}

/** Digests in the outboard: all leaves of the payload, then all of the parity. */
export function slotCountOf(geometry: Geometry): number {
  const blocks = blockCountOf(geometry);
  if (blocks === 0) return 0;
  return slotOf(
    geometry,
    blocks - 1,
    blockDataShards(geometry, blocks - 1),
    0,
  ) +
    geometry.parityShards * rowCountOf(geometry, blocks - 1);
}

/**
 * The number of a leaf's digest in the outboard. Payload leaves come in payload order; after them
 * parity leaves by block, then by parity shard, then by row.
 */
export function slotOf(
  geometry: Geometry,
  block: number,
  shard: number,
  row: number,
): number {
  const dataShards = blockDataShards(geometry, block);
  if (shard < dataShards) {
    return payloadOffsetOf(geometry, block, shard, 0) / geometry.leafBytes +
      row;
  }
  // Every block before the last has whole segments.
  const rowsBefore = block * (geometry.segmentBytes / geometry.leafBytes);
  return payloadLeafCount(geometry) + rowsBefore * geometry.parityShards +
    (shard - dataShards) * rowCountOf(geometry, block) + row;
}

/** Bytes of all parity shards together. */
export function parityBytesOf(geometry: Geometry): number {
  const blocks = blockCountOf(geometry);
  if (blocks === 0) return 0;
  const whole = (blocks - 1) * geometry.segmentBytes;
  return geometry.parityShards *
    (whole + blockShardBytes(geometry, blocks - 1));
}

/** Every row of the entry once, in runs whose shards together take at most `runBytesMax`. */
export function* planRowRuns(
  geometry: Geometry,
  runBytesMax: number,
): Generator<RowRun> {
  const blocks = blockCountOf(geometry);
  for (let block = 0; block < blocks; block++) {
    const rowBytes =
      (blockDataShards(geometry, block) + geometry.parityShards) *
      geometry.leafBytes;
    const rows = rowCountOf(geometry, block);
    // Equal runs, so that no thread is left with a long last one.
    const runs = Math.ceil(
      rows / Math.max(1, Math.floor(runBytesMax / rowBytes)),
    );
    const rowsPerRun = Math.ceil(rows / runs);
    for (let firstRow = 0; firstRow < rows; firstRow += rowsPerRun) {
      yield {
        block,
        firstRow,
        rowCount: Math.min(rowsPerRun, rows - firstRow),
      };
    }
  }
}
