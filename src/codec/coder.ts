// Coder: Reed-Solomon for one pair of k and m. Shard r of a block holds the values at point r of a
// polynomial of degree below k, so encoding and rebuilding are one operation: k known points give
// any others (wasm/src/field.rs). What differs is the matrix; its look-up tables are kept in WASM
// memory, the least recently used ones going first.

import * as wasm from "./blockframe.wasm";
import { assert, present } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { shardCountMax } from "../base/limits.ts";
import {
  assertLeased,
  type Lease,
  lease,
  viewOf,
  writeWords,
} from "./arena.ts";

/** Computes and verifies the parity of blocks with k data and m parity shards, and rebuilds both. */
export interface Coder {
  /** k: how many shards hold data. */
  readonly dataShards: number;
  /** m: how many shards hold parity, and how many may be lost. */
  readonly parityShards: number;
  /** The parity rows of the encoding matrix: parityShards x dataShards, row by row. */
  readonly matrix: Bytes;
  /**
   * Computes the parity shards. `shards` are k+m memory offsets, data first; each names `bytes`
   * leased bytes, and no two overlap.
   */
  encode(shards: ArrayLike<number>, bytes: number): void;
  /** Whether the parity shards are what encode() would write. */
  verify(shards: ArrayLike<number>, bytes: number): boolean;
  /**
   * Computes the shards whose indices are in `lost` (ascending, at most m, data or parity) into
   * their own offsets. Reads only `survivors` (k indices), by default the first k not lost.
   */
  rebuild(
    shards: ArrayLike<number>,
    lost: readonly number[],
    bytes: number,
    survivors?: readonly number[],
  ): void;
}

/** How many matrices' tables stay in memory: every single loss of a 30+3 block and then some. */
const keptTablesMax = 64;

const keptTables = new Map<string, Lease>();

/** Room for the offsets of all sources and all targets. */
let offsets: Lease | undefined;

/**
 * The coder for k data and m parity shards.
 * @throws {AssertionError} outside k >= 1, m >= 0, k+m <= 256
 */
export function createCoder(dataShards: number, parityShards: number): Coder {
  const shardCount = dataShards + parityShards;
  assert(
    Number.isInteger(dataShards) && Number.isInteger(parityShards) &&
      dataShards >= 1 && parityShards >= 0 && shardCount <= shardCountMax,
    "a block has at least 1 data shard and at most 256 shards",
  );
  const data = range(0, dataShards);
  const parity = range(dataShards, shardCount);
  return {
    dataShards,
    parityShards,
    matrix: computeMatrix(data, parity),
    encode(shards, bytes) {
      assertShards(shards, shardCount, bytes);
      applyMatrix(data, parity, shards, bytes);
    },
    verify(shards, bytes) {
      assertShards(shards, shardCount, bytes);
      if (parityShards === 0) return true;
      return wasm.matches(...prepare(data, parity, shards), bytes) !== 0;
    },
    rebuild(shards, lost, bytes, survivors) {
      assertShards(shards, shardCount, bytes);
      const sources = survivors ??
        range(0, shardCount).filter((index) => !lost.includes(index))
          .slice(0, dataShards);
      assertIndices(lost, shardCount);
      assertIndices(sources, shardCount);
      assert(lost.length <= parityShards, "at most m shards can be rebuilt");
      assert(sources.length === dataShards, "k survivors rebuild a block");
      assert(
        !sources.some((index) => lost.includes(index)),
        "a lost shard is no survivor",
      );
      applyMatrix(sources, lost, shards, bytes);
    },
  };
}

function applyMatrix(
  sources: readonly number[],
  targets: readonly number[],
  shards: ArrayLike<number>,
  bytes: number,
): void {
  if (targets.length === 0 || bytes === 0) return;
  wasm.apply(...prepare(sources, targets, shards), bytes);
}

type Operands = [
  tables: number,
  sources: number,
  sourceCount: number,
  targets: number,
  targetCount: number,
];

/** Puts the tables and the shards' offsets in place. Leases, so it comes before any view. */
function prepare(
  sources: readonly number[],
  targets: readonly number[],
  shards: ArrayLike<number>,
): Operands {
  const tables = keepTables(sources, targets).offset;
  offsets ??= lease(2 * shardCountMax * 4);
  const sourceOffsets = offsets.offset;
  const targetOffsets = sourceOffsets + shardCountMax * 4;
  writeWords(sourceOffsets, pick(shards, sources));
  writeWords(targetOffsets, pick(shards, targets));
  return [tables, sourceOffsets, sources.length, targetOffsets, targets.length];
}

function pick(
  shards: ArrayLike<number>,
  indices: readonly number[],
): number[] {
  return indices.map((index) =>
    present(shards[index], "every shard has an offset")
  );
}

/** The look-up tables that compute `targets` from `sources`. */
function keepTables(
  sources: readonly number[],
  targets: readonly number[],
): Lease {
  const key = `${sources}>${targets}`;
  const tables = keptTables.get(key) ?? expandTables(sources, targets);
  keptTables.delete(key);
  keptTables.set(key, tables);
  for (const [oldest, unused] of keptTables) {
    if (keptTables.size <= keptTablesMax) break;
    unused[Symbol.dispose]();
    keptTables.delete(oldest);
  }
  return tables;
}

function expandTables(
  sources: readonly number[],
  targets: readonly number[],
): Lease {
  const entries = computeMatrix(sources, targets);
  const tables = lease(
    wasm.tables_bytes(sources.length, targets.length),
  );
  using matrix = lease(entries.length);
  matrix.view().set(entries);
  wasm.expand_tables(
    matrix.offset,
    sources.length,
    targets.length,
    tables.offset,
  );
  return tables;
}

/** The matrix that computes shards `targets` from shards `sources`, row by row. */
function computeMatrix(
  sources: readonly number[],
  targets: readonly number[],
): Bytes {
  const entryCount = sources.length * targets.length;
  using room = lease(2 * shardCountMax + entryCount);
  const from = room.offset;
  const to = from + shardCountMax;
  const matrix = to + shardCountMax;
  viewOf(from, sources.length).set(sources);
  viewOf(to, targets.length).set(targets);
  wasm.coefficients(from, sources.length, to, targets.length, matrix);
  return viewOf(matrix, entryCount).slice();
}

function assertShards(
  shards: ArrayLike<number>,
  shardCount: number,
  bytes: number,
): void {
  assert(shards.length === shardCount, "a block has k+m shards");
  for (let index = 0; index < shardCount; index++) {
    assertLeased(present(shards[index], "every shard has an offset"), bytes);
  }
}

function assertIndices(indices: readonly number[], shardCount: number): void {
  let before = -1;
  for (const index of indices) {
    assert(
      Number.isInteger(index) && index > before && index < shardCount,
      "shard indices ascend and lie within the block",
    );
    before = index;
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
