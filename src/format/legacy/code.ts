// Code: the Reed-Solomon code of blockframe-rs in closed form: k data and three parity shards over
// GF(2^16), any k of which give the rest. Knows matrices and windows of shards, and how bytes stand
// for elements; what is lost is the caller's to know.

import { assert, present } from "../../base/assert.ts";
import type { Bytes } from "../../base/bytes.ts";
import { divide, multiply } from "./field.ts";

/** Parity shards of every block of blockframe-rs. */
export const legacyParityShards = 3;

/** Data shards of a full block of tier 3; the most that a block has. */
export const legacyDataShardsMax = 30;

/** Bytes in which 32 elements lie: their low bytes, then their high ones. */
export const elementBlockBytes = 64;

/** Coefficients, row by row: a row computes one shard from all sources. */
export type Matrix = readonly (readonly number[])[];

/** The three rows that compute the parity of `dataShards` data shards. */
export function parityRows(dataShards: number): Matrix {
  assert(
    dataShards >= 1 && dataShards <= legacyDataShardsMax,
    "a block has 1 to 30 data shards",
  );
  const parities = [...Array(legacyParityShards).keys()];
  const data = [...Array(dataShards).keys()];
  // The crate turns the code around for few data shards; for k = 1 that leaves plain copies, and
  // for k = 4 both forms are the same.
  if (dataShards <= 2) {
    return parities.map((parity) =>
      data.map((index) => lagrange(index, dataShards + parity, dataShards))
    );
  }
  return parities.map((parity) =>
    data.map((index) => lagrange(parity, 4 + index, 4))
  );
}

/** L_a(x) over the points 0 to count - 1: 1 at a, 0 at the others. */
function lagrange(a: number, x: number, count: number): number {
  let value = 1;
  for (let point = 0; point < count; point++) {
    if (point === a) continue;
    value = multiply(value, divide(x ^ point, a ^ point));
  }
  return value;
}

/** The rows that compute the shards `lost` from `survivors`, k shards (parity j is shard k + j). */
export function rebuildRows(
  dataShards: number,
  survivors: readonly number[],
  lost: readonly number[],
): Matrix {
  assert(survivors.length === dataShards, "k survivors rebuild a block");
  const rows = parityRows(dataShards);
  const rowOf = (shard: number) =>
    shard < dataShards
      ? Array.from({ length: dataShards }, (_, at) => at === shard ? 1 : 0)
      : [...present(rows[shard - dataShards], "a block has 3 parity shards")];
  const inverse = invert(survivors.map(rowOf));
  return lost.map((shard) => {
    const row = rowOf(shard);
    return survivors.map((_, column) =>
      row.reduce(
        (sum, value, at) => sum ^ multiply(value, inverse[at]![column]!),
        0,
      )
    );
  });
}

/** The rows whose results are all zero where the k + 3 shards of a block belong together. */
export function syndromeRows(dataShards: number): Matrix {
  return parityRows(dataShards).map((row, parity) => [
    ...row,
    ...Array.from(
      { length: legacyParityShards },
      (_, at) => at === parity ? 1 : 0,
    ),
  ]);
}

/** Gauss and Jordan, on a square of elements that has an inverse. */
function invert(square: number[][]): number[][] {
  const size = square.length;
  const work = square.map((row, index) => [
    ...row,
    ...Array.from({ length: size }, (_, at) => at === index ? 1 : 0),
  ]);
  for (let column = 0; column < size; column++) {
    const pivot = work.findIndex((row, at) =>
      at >= column && row[column] !== 0
    );
    assert(pivot >= 0, "any k shards of a block determine it");
    [work[column], work[pivot]] = [work[pivot]!, work[column]!];
    const own = work[column]!;
    const scale = own[column]!;
    for (let at = 0; at < own.length; at++) own[at] = divide(own[at]!, scale);
    for (const row of work) {
      const factor = row[column]!;
      if (row === own || factor === 0) continue;
      for (let at = 0; at < row.length; at++) {
        row[at]! ^= multiply(factor, own[at]!);
      }
    }
  }
  return work.map((row) => row.slice(size));
}

/** A matrix made ready to be applied to windows of shards. */
export class LegacyCoder {
  /** For each row and source what its low and its high byte turn into; undefined for nothing. */
  readonly #products:
    readonly (readonly (Uint16Array<ArrayBuffer> | undefined)[])[];

  /** A coder that applies `matrix`. */
  constructor(matrix: Matrix) {
    this.#products = matrix.map((row) => row.map(makeProducts));
  }

  /**
   * Writes the results of all rows into `targets`. All windows have one length, which is even, and
   * begin at a multiple of 64 bytes of their shards; only the last window of a shard may have a
   * length that is none.
   */
  apply(sources: readonly Bytes[], targets: readonly Bytes[]): void {
    const bytes = sources[0]?.length ?? 0;
    assert(bytes % 2 === 0, "elements have two bytes");
    for (const [row, products] of this.#products.entries()) {
      const target = present(targets[row], "every row has a target");
      target.fill(0);
      for (const [at, table] of products.entries()) {
        const source = present(sources[at], "every column has a source");
        assert(
          source.length === bytes && target.length === bytes,
          "windows have one length",
        );
        if (table !== undefined) addProducts(source, table, target);
      }
    }
  }
}

function makeProducts(
  coefficient: number,
): Uint16Array<ArrayBuffer> | undefined {
  if (coefficient === 0) return undefined;
  const table = new Uint16Array(512);
  for (let byte = 0; byte < 256; byte++) {
    table[byte] = multiply(coefficient, byte);
    table[256 + byte] = multiply(coefficient, byte << 8);
  }
  return table;
}

function addProducts(
  source: Bytes,
  table: Uint16Array<ArrayBuffer>,
  target: Bytes,
): void {
  for (let start = 0; start < source.length; start += elementBlockBytes) {
    const half = Math.min(elementBlockBytes, source.length - start) >> 1;
    for (let low = start; low < start + half; low++) {
      const high = low + half;
      const product = table[source[low]!]! ^ table[256 + source[high]!]!;
      target[low]! ^= product & 0xff;
      target[high]! ^= product >> 8;
    }
  }
}
