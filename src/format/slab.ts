// Slab: some rows of all blocks of a group, with the parity of its columns. Leaves of different rows
// have nothing to do with each other, so a slab can be decoded alone: its leaves are a rectangle, of
// blocks one way and columns the other, and whatever can be rebuilt can be rebuilt inside it.

import {
  blockCountOf,
  blockDataShards,
  blockShardCount,
  columnCountOf,
  type Geometry,
  runLength,
} from "./geometry.ts";

/** Some rows of a group. */
export interface Slab {
  readonly group: number;
  readonly firstRow: number;
  readonly rowCount: number;
}

/** A shard of a slab: of a block, or the parity of a column. */
export interface SlabShard {
  readonly block: number;
  readonly shard: number;
}

/** The blocks of a group. */
export function* blocksOfGroup(
  geometry: Geometry,
  group: number,
): Generator<number> {
  const groups = geometry.crossBlock?.groups ?? 1;
  const blocks = blockCountOf(geometry);
  for (let block = group; block < blocks; block += groups) yield block;
}

/** The columns of a group. */
export function* columnsOfGroup(
  geometry: Geometry,
  group: number,
): Generator<number> {
  const blocks = blockCountOf(geometry);
  const end = Math.min(
    columnCountOf(geometry),
    (group + 1) * geometry.dataShards,
  );
  for (let column = group * geometry.dataShards; column < end; column++) {
    yield blocks + column;
  }
}

/** All shards that have a leaf in the first row of the slab, each once: blocks, then columns. */
export function* shardsOfSlab(
  geometry: Geometry,
  slab: Slab,
): Generator<SlabShard> {
  const { group, firstRow } = slab;
  const isThere = (block: number, shard: number) =>
    runLength(geometry, { block, firstRow, rowCount: 1 }, shard) > 0;
  for (const block of blocksOfGroup(geometry, group)) {
    for (let shard = 0; shard < blockShardCount(geometry, block); shard++) {
      if (isThere(block, shard)) yield { block, shard };
    }
  }
  for (const block of columnsOfGroup(geometry, group)) {
    const first = blockDataShards(geometry, block);
    for (let shard = first; shard < blockShardCount(geometry, block); shard++) {
      if (isThere(block, shard)) yield { block, shard };
    }
  }
}
