// Geometry: where every byte of an entry lies, from some numbers of the manifest and from nothing
// else (never from what happens to be on the disk). Pure arithmetic.
//
// The payload is cut into segments; k consecutive segments and their m parity shards are a block
// (the last block may have fewer segments, and then its code is that of fewer). All shards of a
// block are read side by side in rows of one leaf each.
//
// Where blocks are protected from each other's loss, too, every segment belongs besides to one
// column: a block whose segments do not follow each other but lie in different blocks. All that is
// said of blocks holds for columns; they have the numbers from blockCountOf() on.

import { assert } from "../base/assert.ts";
import {
  groupBlocksMax,
  leafBytesMax,
  leafBytesMin,
  segmentBytesDefault,
} from "../base/limits.ts";

/** Parity over the segments of different blocks. */
export interface CrossBlock {
  /** Block b belongs to group b mod `groups`; 1 to the number of blocks. */
  readonly groups: number;
  /** Parity shards of every column; at least 1. */
  readonly parity: number;
}

/** The numbers that say where everything is. */
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
  /** Where there is parity across blocks. */
  readonly crossBlock?: CrossBlock;
}

/** A run of rows of one block: the unit of work. */
export interface RowRun {
  /** A block, or from blockCountOf() on a column. */
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
  /** Whether whole blocks are to be protected, too. */
  readonly acrossBlocks?: boolean;
}): Geometry {
  const geometry = planBlocks(request);
  const blocks = blockCountOf(geometry);
  return request.acrossBlocks && blocks > 0
    ? { ...geometry, crossBlock: planCrossBlock(blocks) }
    : geometry;
}

/**
 * How many groups the blocks form, and with how much parity. It grows with the group: one block in
 * the smallest, 3 from 100 blocks on, 10 in a full one, which has no room for more.
 */
export function planCrossBlock(blocks: number): CrossBlock {
  const groups = Math.ceil(blocks / groupBlocksMax);
  const size = Math.floor(blocks / groups);
  const parity = size < 100
    ? Math.max(1, Math.floor(size * 3 / 100))
    : 3 + Math.floor((size - 100) * 7 / 146);
  return { groups, parity };
}

function planBlocks(request: Parameters<typeof planGeometry>[0]): Geometry {
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

/** Segments and all parity shards together. */
export function shardCountOf(geometry: Geometry): number {
  return segmentCountOf(geometry) +
    blockCountOf(geometry) * geometry.parityShards +
    columnCountOf(geometry) * (geometry.crossBlock?.parity ?? 0);
}

/** Bytes of one segment. */
export function segmentLength(geometry: Geometry, segment: number): number {
  return Math.min(
    geometry.segmentBytes,
    geometry.payloadBytes - segment * geometry.segmentBytes,
  );
}

/** Columns over all groups; 0 without parity across blocks. A column has at least one segment. */
export function columnCountOf(geometry: Geometry): number {
  const { crossBlock } = geometry;
  if (crossBlock === undefined) return 0;
  return Math.min(
    segmentCountOf(geometry),
    crossBlock.groups * geometry.dataShards,
  );
}

/** Whether the number stands for a column. */
export function isColumn(geometry: Geometry, block: number): boolean {
  return block >= blockCountOf(geometry);
}

/** The group of a column, and its place there, which all its segments have in their blocks. */
export function placeOfColumn(
  geometry: Geometry,
  block: number,
): { group: number; place: number } {
  const column = block - blockCountOf(geometry);
  const group = Math.floor(column / geometry.dataShards);
  return { group, place: column - group * geometry.dataShards };
}

/** Data shards of this block: k, or fewer in the last. Of a column: one for each block that has one. */
export function blockDataShards(geometry: Geometry, block: number): number {
  const segments = segmentCountOf(geometry);
  if (!isColumn(geometry, block)) {
    return Math.min(
      geometry.dataShards,
      segments - block * geometry.dataShards,
    );
  }
  const column = block - blockCountOf(geometry);
  return Math.ceil((segments - column) / columnStep(geometry));
}

/** Parity shards of this block. */
export function blockParityShards(geometry: Geometry, block: number): number {
  return isColumn(geometry, block)
    ? geometry.crossBlock?.parity ?? 0
    : geometry.parityShards;
}

/** Data and parity shards of this block together. */
export function blockShardCount(geometry: Geometry, block: number): number {
  return blockDataShards(geometry, block) + blockParityShards(geometry, block);
}

/** The number that a data shard has among the segments of the payload. */
export function segmentOf(
  geometry: Geometry,
  block: number,
  shard: number,
): number {
  return isColumn(geometry, block)
    ? block - blockCountOf(geometry) + shard * columnStep(geometry)
    : block * geometry.dataShards + shard;
}

/** The block and the column of a segment, and which of their shards it is. */
export function crossingOf(
  geometry: Geometry,
  segment: number,
): { block: number; shard: number; column: number; columnShard: number } {
  const step = columnStep(geometry);
  const block = Math.floor(segment / geometry.dataShards);
  return {
    block,
    shard: segment - block * geometry.dataShards,
    column: blockCountOf(geometry) + segment % step,
    columnShard: Math.floor(segment / step),
  };
}

/** From a segment of a column to the next one. */
function columnStep(geometry: Geometry): number {
  return geometry.dataShards * (geometry.crossBlock?.groups ?? 1);
}

/** Bytes of the longest shard of a block, which is its first segment and each of its parity shards. */
export function blockShardBytes(geometry: Geometry, block: number): number {
  return segmentLength(geometry, segmentOf(geometry, block, 0));
}

/** Bytes of one shard; shards are numbered data first, then parity. */
export function shardLength(
  geometry: Geometry,
  block: number,
  shard: number,
): number {
  return shard < blockDataShards(geometry, block)
    ? segmentLength(geometry, segmentOf(geometry, block, shard))
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

/** Which bytes of the payload lie in a run, one stretch for each segment that has any. */
export function payloadRangesOf(
  geometry: Geometry,
  run: RowRun,
): { payloadOffset: number; bytes: number }[] {
  const ranges: { payloadOffset: number; bytes: number }[] = [];
  const shardOffset = run.firstRow * geometry.leafBytes;
  const shards = blockDataShards(geometry, run.block);
  for (let shard = 0; shard < shards; shard++) {
    const bytes = runLength(geometry, run, shard);
    if (bytes === 0) continue;
    const payloadOffset = payloadOffsetOf(
      geometry,
      run.block,
      shard,
      shardOffset,
    );
    ranges.push({ payloadOffset, bytes });
  }
  return ranges;
}

/** Payload offset of a byte of a data shard. */
export function payloadOffsetOf(
  geometry: Geometry,
  block: number,
  shard: number,
  shardOffset: number,
): number {
  return segmentOf(geometry, block, shard) * geometry.segmentBytes +
    shardOffset;
}

/** Leaves of the payload. */
export function payloadLeafCount(geometry: Geometry): number {
  return Math.ceil(geometry.payloadBytes / geometry.leafBytes);
}

/** Digests in the outboard: all leaves of the payload, then all of the parity. */
export function slotCountOf(geometry: Geometry): number {
  const blocks = blockCountOf(geometry) + columnCountOf(geometry);
  if (blocks === 0) return 0;
  const last = blocks - 1;
  return slotOf(geometry, last, blockDataShards(geometry, last), 0) +
    blockParityShards(geometry, last) * rowCountOf(geometry, last);
}

/**
 * The number of a leaf's digest in the outboard. Payload leaves come in payload order; after them
 * parity leaves by block, then by parity shard, then by row; those of columns come last.
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
  const blocks = blockCountOf(geometry);
  const fullRows = geometry.segmentBytes / geometry.leafBytes;
  // Every block before the last, and every column before the last, has whole segments.
  const before = isColumn(geometry, block)
    ? (blocks - 1) * fullRows * geometry.parityShards +
      rowCountOf(geometry, blocks - 1) * geometry.parityShards +
      (block - blocks) * fullRows * blockParityShards(geometry, block)
    : block * fullRows * geometry.parityShards;
  return payloadLeafCount(geometry) + before +
    (shard - dataShards) * rowCountOf(geometry, block) + row;
}

/** Bytes of all parity shards together. */
export function parityBytesOf(geometry: Geometry): number {
  const bytesOf = (first: number, count: number): number => {
    if (count === 0) return 0;
    const last = first + count - 1;
    const whole = (count - 1) * geometry.segmentBytes;
    return blockParityShards(geometry, last) *
      (whole + blockShardBytes(geometry, last));
  };
  const blocks = blockCountOf(geometry);
  return bytesOf(0, blocks) + bytesOf(blocks, columnCountOf(geometry));
}

/** Every row of the blocks once, in runs whose shards together take at most `runBytesMax`. */
export function* planRowRuns(
  geometry: Geometry,
  runBytesMax: number,
): Generator<RowRun> {
  yield* planRuns(geometry, 0, blockCountOf(geometry), runBytesMax);
}

/** The same of the columns. */
export function* planColumnRuns(
  geometry: Geometry,
  runBytesMax: number,
): Generator<RowRun> {
  const blocks = blockCountOf(geometry);
  yield* planRuns(
    geometry,
    blocks,
    blocks + columnCountOf(geometry),
    runBytesMax,
  );
}

/** The runs of the blocks, then those of the columns. */
export function* planAllRuns(
  geometry: Geometry,
  runBytesMax: number,
): Generator<RowRun> {
  yield* planRowRuns(geometry, runBytesMax);
  yield* planColumnRuns(geometry, runBytesMax);
}

function* planRuns(
  geometry: Geometry,
  first: number,
  end: number,
  runBytesMax: number,
): Generator<RowRun> {
  for (let block = first; block < end; block++) {
    const rowBytes = blockShardCount(geometry, block) * geometry.leafBytes;
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
