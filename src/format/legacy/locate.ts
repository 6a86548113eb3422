// Locate: which shards of a block are wrong, where the archive has one root for all of them and no
// hash of each. Every column of the block (one element of each shard) has a syndrome of three
// elements, zero if it is right and a multiple of a shard's own direction if that shard alone is
// wrong. The locator gathers directions and proposes sets of wrong shards, likeliest first; only
// the root can tell whether one is true.

import type { Bytes } from "../../base/bytes.ts";
import { elementBlockBytes, legacyParityShards, syndromeRows } from "./code.ts";
import { divide, multiply } from "./field.ts";

type Vector = readonly [number, number, number];

/** Directions of columns with several wrong elements that are kept: more say nothing new. */
const mixedCountMax = 256;

/** Gathers syndromes and proposes which shards are wrong. */
export class Locator {
  readonly #shardCount: number;
  /** The direction of each shard. */
  readonly #directions: readonly Vector[];
  readonly #shardOf = new Map<number, number>();
  readonly #single = new Set<number>();
  readonly #mixed = new Map<number, Vector>();

  /** A locator that has seen nothing of a block. */
  constructor(dataShards: number) {
    const rows = syndromeRows(dataShards);
    this.#shardCount = dataShards + legacyParityShards;
    this.#directions = Array.from(
      { length: this.#shardCount },
      (_, shard) => normalize(rows.map((row) => row[shard]!)),
    );
    for (const [shard, direction] of this.#directions.entries()) {
      const key = keyOf(direction);
      this.#shardOf.set(key, shard);
    }
  }

  /** Whether a column was met that is not right. */
  get foundAny(): boolean {
    return this.#single.size + this.#mixed.size > 0;
  }

  /** Takes in the three syndromes of one window, as LegacyCoder gives them. */
  add(syndromes: readonly Bytes[]): void {
    const [first, second, third] = syndromes as [Bytes, Bytes, Bytes];
    const bytes = first.length;
    for (let start = 0; start < bytes; start += elementBlockBytes) {
      const half = Math.min(elementBlockBytes, bytes - start) >> 1;
      for (let low = start; low < start + half; low++) {
        const high = low + half;
        const a = first[low]! | first[high]! << 8;
        const b = second[low]! | second[high]! << 8;
        const c = third[low]! | third[high]! << 8;
        if ((a | b | c) !== 0) this.#enter(normalize([a, b, c]));
      }
    }
  }

  /** Sets of at most three shards, all of `erased` among them, that explain what was seen. */
  *propose(erased: readonly number[]): Generator<readonly number[]> {
    const located = this.#located(erased);
    const seen = [
      ...[...this.#single].map((shard) => this.#directions[shard]!),
      ...this.#mixed.values(),
    ];
    // Three errors in one column can look like one error elsewhere: what columns seem to say of a
    // set of three is no more than a hint where to begin.
    const later: (readonly number[])[] = [];
    for (const wrong of supersets(erased, this.#shardCount)) {
      if (wrong.length === legacyParityShards) {
        if (located.every((shard) => wrong.includes(shard))) yield wrong;
        else later.push(wrong);
      } else if (seen.every((syndrome) => this.#spans(wrong, syndrome))) {
        yield wrong;
      }
    }
    yield* later;
  }

  #enter(direction: Vector): void {
    const key = keyOf(direction);
    const shard = this.#shardOf.get(key);
    if (shard !== undefined) this.#single.add(shard);
    else if (this.#mixed.size < mixedCountMax) this.#mixed.set(key, direction);
  }

  /** Shards that seem to be wrong: those that alone, besides one erased shard, explain a column. */
  #located(erased: readonly number[]): number[] {
    if (erased.length > 1) return [];
    const located = new Set(this.#single);
    const [gone] = erased;
    if (gone !== undefined) {
      for (const syndrome of this.#mixed.values()) {
        for (let shard = 0; shard < this.#shardCount; shard++) {
          if (this.#spans([gone, shard], syndrome)) located.add(shard);
        }
      }
    }
    return [...located];
  }

  /** Whether errors in these shards (at most two) can have this syndrome. */
  #spans(shards: readonly number[], syndrome: Vector): boolean {
    const [first, second] = shards.map((shard) => this.#directions[shard]!);
    if (first === undefined) return false;
    if (second === undefined) return keyOf(first) === keyOf(syndrome);
    return determinant(first, second, syndrome) === 0;
  }
}

/** All sets of `from` and more, of at most three of `count` shards, small ones first. */
function* supersets(
  from: readonly number[],
  count: number,
): Generator<readonly number[]> {
  for (let size = from.length; size <= legacyParityShards; size++) {
    yield* extend(from, 0, size - from.length, count);
  }
}

function* extend(
  from: readonly number[],
  first: number,
  more: number,
  count: number,
): Generator<readonly number[]> {
  if (more === 0) {
    yield from.toSorted((a, b) => a - b);
    return;
  }
  for (let shard = first; shard < count; shard++) {
    if (from.includes(shard)) continue;
    yield* extend([...from, shard], shard + 1, more - 1, count);
  }
}

/** The same direction with 1 as its first element that is not 0. */
function normalize(vector: readonly number[]): Vector {
  const [a, b, c] = vector as Vector;
  if (a !== 0) return [1, divide(b, a), divide(c, a)];
  return b !== 0 ? [0, 1, divide(c, b)] : [0, 0, 1];
}

function keyOf([a, b, c]: Vector): number {
  return a * 0x1_0000_0000 + b * 0x1_0000 + c;
}

function determinant(u: Vector, v: Vector, w: Vector): number {
  return multiply(u[0], multiply(v[1], w[2]) ^ multiply(v[2], w[1])) ^
    multiply(u[1], multiply(v[0], w[2]) ^ multiply(v[2], w[0])) ^
    multiply(u[2], multiply(v[0], w[1]) ^ multiply(v[1], w[0]));
}
