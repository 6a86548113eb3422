// Slab plan: what the rows of single blocks left lost, and the parity of columns that went bad, as
// slabs: the units in which it is rebuilt across blocks.

import { digestBytes } from "../base/limits.ts";
import type { Bytes } from "../base/bytes.ts";
import {
  blockCountOf,
  type Geometry,
  isColumn,
  placeOfColumn,
  rowCountOf,
  type RowRun,
} from "../format/geometry.ts";
import {
  blocksOfGroup,
  shardsOfSlab,
  type Slab,
  type SlabShard,
} from "../format/slab.ts";
import type { Ledger } from "./ledger.ts";
import type { RunDigests } from "./scan_entry.ts";

/** A slab and the shards of which leaves are lost in it, the same ones in each of its rows. */
export interface LostSlab {
  readonly slab: Slab;
  readonly lost: readonly SlabShard[];
}

/**
 * Every leaf that the ledger has as lost (of one shard, if only that is wanted), in slabs whose
 * columns take at most `runBytesMax`.
 */
export function* planSlabs(
  geometry: Geometry,
  ledger: Ledger,
  runBytesMax: number,
  wanted?: SlabShard,
): Generator<LostSlab> {
  const groups = geometry.crossBlock?.groups ?? 0;
  for (let group = 0; group < groups; group++) {
    let open: LostSlab | undefined;
    const rowsMax = rowsOfSlab(geometry, group, runBytesMax);
    for (const row of rowsOf(geometry, ledger, group)) {
      const slab: Slab = { group, firstRow: row, rowCount: 1 };
      const lost = lostOf(geometry, ledger, slab).filter((each) =>
        wanted === undefined ||
        wanted.block === each.block && wanted.shard === each.shard
      );
      const isLonger = open !== undefined &&
        open.slab.firstRow + open.slab.rowCount === row &&
        open.slab.rowCount < rowsMax && areSame(open.lost, lost);
      if (open !== undefined && isLonger) {
        const { firstRow, rowCount } = open.slab;
        open = { slab: { group, firstRow, rowCount: rowCount + 1 }, lost };
        continue;
      }
      if (open !== undefined) yield open;
      open = lost.length === 0 ? undefined : { slab, lost };
    }
    if (open !== undefined) yield open;
  }
}

/** For each shard of the slab one digest a row, as jobs carry them. */
export function digestsOfSlab(
  geometry: Geometry,
  outboard: RunDigests,
  slab: Slab,
): Bytes {
  const shards = [...shardsOfSlab(geometry, slab)];
  const stride = slab.rowCount * digestBytes;
  const digests = new Uint8Array(shards.length * stride);
  let known: { run: RowRun; digests: Bytes } | undefined;
  shards.forEach(({ block, shard }, index) => {
    if (known?.run.block !== block) {
      const { firstRow, rowCount } = slab;
      const run = { block, firstRow, rowCount };
      known = { run, digests: outboard.readRun(run) };
    }
    const own = known.digests.subarray(shard * stride, (shard + 1) * stride);
    digests.set(own, index * stride);
  });
  return digests;
}

/** Bytes that solving a slab goes through, near enough for progress. */
export function slabBytesOf(
  geometry: Geometry,
  { slab, lost }: LostSlab,
): number {
  const blocks = blockCountOf(geometry) / (geometry.crossBlock?.groups ?? 1);
  const columns = Math.min(lost.length, geometry.dataShards);
  return Math.ceil(blocks) * columns * slab.rowCount * geometry.leafBytes;
}

function rowsOfSlab(
  geometry: Geometry,
  group: number,
  runBytesMax: number,
): number {
  const { crossBlock, dataShards, parityShards, leafBytes } = geometry;
  const parity = crossBlock?.parity ?? 0;
  const blocks = [...blocksOfGroup(geometry, group)].length;
  const lineShards = Math.max(blocks + parity, dataShards + parityShards);
  // What is rebuilt is held, which is as much as there is parity if all of that is needed.
  const heldShards = blocks * parityShards + dataShards * parity;
  return Math.max(
    1,
    Math.min(
      Math.floor(runBytesMax / (lineShards * leafBytes)),
      Math.floor(2 * runBytesMax / (heldShards * leafBytes)),
    ),
  );
}

/** The rows of a group in which anything was found, in order. */
function rowsOf(
  geometry: Geometry,
  ledger: Ledger,
  group: number,
): number[] {
  const found = new Uint8Array(rowCountOf(geometry, group));
  const groups = geometry.crossBlock?.groups ?? 1;
  for (const { block, firstRow, rowCount } of ledger.findingRuns) {
    const of = isColumn(geometry, block)
      ? placeOfColumn(geometry, block).group
      : block % groups;
    if (of === group) found.fill(1, firstRow, firstRow + rowCount);
  }
  return Array.from(found.keys()).filter((row) => found[row] === 1);
}

function lostOf(geometry: Geometry, ledger: Ledger, slab: Slab): SlabShard[] {
  const lost: SlabShard[] = [];
  for (const each of shardsOfSlab(geometry, slab)) {
    if (ledger.isLost(each.block, each.shard, slab.firstRow)) lost.push(each);
  }
  return lost;
}

function areSame(
  left: readonly SlabShard[],
  right: readonly SlabShard[],
): boolean {
  return left.length === right.length &&
    left.every((each, index) =>
      each.block === right[index]!.block && each.shard === right[index]!.shard
    );
}
