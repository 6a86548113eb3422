// Twin: the codec once more in plain TypeScript, slow and obvious, as the oracle of the tests. It
// shares nothing with the WebAssembly module: matrices are inverted rather than interpolated,
// bytes multiplied bit by bit, BLAKE3's tree cut recursively. Never used but by tests, and by the
// self-test.

import { assert, present } from "../base/assert.ts";
import { type Bytes, joinBytes } from "../base/bytes.ts";

/** A matrix over GF(2^8), as rows. */
export type Matrix = readonly (readonly number[])[];

/** The product in GF(2^8) with polynomial 0x11D, by shifting and adding. */
export function multiply(left: number, right: number): number {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) {
    if (right >> bit & 1) product ^= left << bit;
  }
  for (let bit = 14; bit >= 8; bit--) {
    if (product >> bit & 1) product ^= 0x11d << (bit - 8);
  }
  return product;
}

/** `base` to the power of `exponent`; 0^0 is 1. */
export function power(base: number, exponent: number): number {
  let result = 1;
  for (let count = 0; count < exponent; count++) {
    result = multiply(result, base);
  }
  return result;
}

/** The x with `multiply(x, value) === 1`. */
export function invert(value: number): number {
  assert(value !== 0, "zero has no inverse");
  return power(value, 254);
}

/** Rows 0 to k+m-1 of Backblaze's matrix: Vandermonde, times the inverse of its top square. */
export function encodingMatrix(
  dataShards: number,
  parityShards: number,
): Matrix {
  const vandermonde = Array.from(
    { length: dataShards + parityShards },
    (_, row) =>
      Array.from({ length: dataShards }, (_, column) => power(row, column)),
  );
  return multiplyMatrices(
    vandermonde,
    invertMatrix(vandermonde.slice(0, dataShards)),
  );
}

/** All k+m shards of a block whose data shards are `data`. */
export function encode(data: readonly Bytes[], parityShards: number): Bytes[] {
  const matrix = encodingMatrix(data.length, parityShards);
  return matrix.map((row) => combine(row, data));
}

/** All shards again, from a block that lacks some of them. */
export function rebuild(
  shards: readonly (Bytes | undefined)[],
  dataShards: number,
): Bytes[] {
  const matrix = encodingMatrix(dataShards, shards.length - dataShards);
  const rows: (readonly number[])[] = [];
  const survivors: Bytes[] = [];
  for (const [index, shard] of shards.entries()) {
    if (shard === undefined || survivors.length === dataShards) continue;
    rows.push(present(matrix[index], "each shard has a row"));
    survivors.push(shard);
  }
  assert(survivors.length === dataShards, "k shards are needed");
  const data = invertMatrix(rows).map((row) => combine(row, survivors));
  return encode(data, shards.length - dataShards);
}

/** The sum of `shards`, each times its factor. */
function combine(factors: readonly number[], shards: readonly Bytes[]): Bytes {
  const sum = new Uint8Array(present(shards[0], "k is at least 1").length);
  for (const [index, shard] of shards.entries()) {
    const factor = present(factors[index], "each shard has a factor");
    for (let at = 0; at < sum.length; at++) {
      sum[at]! ^= multiply(factor, shard[at]!);
    }
  }
  return sum;
}

function multiplyMatrices(left: Matrix, right: Matrix): Matrix {
  return left.map((row) =>
    present(right[0], "a matrix has rows").map((_, column) =>
      row.reduce(
        (sum, entry, index) => sum ^ multiply(entry, right[index]![column]!),
        0,
      )
    )
  );
}

/** Gauss-Jordan elimination of the matrix with the unit matrix beside it. */
function invertMatrix(matrix: Matrix): Matrix {
  const size = matrix.length;
  const work = matrix.map((row, index) => [
    ...row,
    ...Array.from({ length: size }, (_, column) => column === index ? 1 : 0),
  ]);
  for (let column = 0; column < size; column++) {
    const pivot = work.findIndex((row, index) =>
      index >= column && row[column] !== 0
    );
    assert(pivot >= 0, "the matrix has an inverse");
    [work[column], work[pivot]] = [work[pivot]!, work[column]!];
    const scale = invert(work[column]![column]!);
    work[column] = work[column]!.map((entry) => multiply(entry, scale));
    for (let row = 0; row < size; row++) {
      const factor = work[row]![column]!;
      if (row === column || factor === 0) continue;
      work[row] = work[row]!.map((entry, at) =>
        entry ^ multiply(factor, work[column]![at]!)
      );
    }
  }
  return work.map((row) => row.slice(size));
}

const chunkBytes = 1024;
const chunkStart = 1, chunkEnd = 2, parent = 4, root = 8;
const initial = [
  ...[0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a],
  ...[0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
];
const permutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];

/** Plain BLAKE3. */
export function blake3(bytes: Bytes): Bytes {
  return digestTree(bytes, 0, root);
}

/** The leaf digests of a stream, by the rule of `Codec.digestLeaves`. */
export function digestLeaves(
  bytes: Bytes,
  leafBytes: number,
  streamOffset: number,
  wholeStream: boolean,
): Bytes {
  if (wholeStream && bytes.length <= leafBytes) return blake3(bytes);
  const digests: Bytes[] = [];
  for (let at = 0; at < bytes.length; at += leafBytes) {
    const leaf = bytes.subarray(at, at + leafBytes);
    digests.push(digestTree(leaf, (streamOffset + at) / chunkBytes, 0));
  }
  return joinBytes(digests);
}

/** The root over leaf digests, by BLAKE3's rule for trees; one digest is its own root. */
export function rootOf(digests: Bytes): Bytes {
  return digests.length === 32 ? digests.slice() : mergeTree(digests, root);
}

/** The value of the subtree over `bytes`, whose first chunk has number `chunk`. */
function digestTree(bytes: Bytes, chunk: number, flags: number): Bytes {
  if (bytes.length <= chunkBytes) return digestChunk(bytes, chunk, flags);
  const left = largestPowerBelow(bytes.length / chunkBytes) * chunkBytes;
  return digestParent(
    digestTree(bytes.subarray(0, left), chunk, 0),
    digestTree(bytes.subarray(left), chunk + left / chunkBytes, 0),
    flags,
  );
}

function mergeTree(values: Bytes, flags: number): Bytes {
  if (values.length === 32) return values;
  const left = largestPowerBelow(values.length / 32) * 32;
  return digestParent(
    mergeTree(values.subarray(0, left), 0),
    mergeTree(values.subarray(left), 0),
    flags,
  );
}

/** The largest power of two that is less than `count`. */
function largestPowerBelow(count: number): number {
  let result = 1;
  while (result * 2 < count) result *= 2;
  return result;
}

function digestParent(left: Bytes, right: Bytes, flags: number): Bytes {
  return formatWords(
    compress(initial, joinBytes([left, right]), 0, 64, parent | flags),
  );
}

function digestChunk(bytes: Bytes, chunk: number, flags: number): Bytes {
  let chain = initial;
  let at = 0;
  do {
    const block = bytes.subarray(at, at + 64);
    const first = at === 0 ? chunkStart : 0;
    const last = at + 64 >= bytes.length ? chunkEnd | flags : 0;
    chain = compress(chain, block, chunk, block.length, first | last);
    at += 64;
  } while (at < bytes.length);
  return formatWords(chain);
}

function compress(
  chain: number[],
  block: Bytes,
  chunk: number,
  blockBytes: number,
  flags: number,
): number[] {
  const padded = new Uint8Array(64);
  padded.set(block);
  const view = new DataView(padded.buffer);
  let message = Array.from(
    { length: 16 },
    (_, word) => view.getUint32(word * 4, true),
  );
  const tail = [
    chunk % 2 ** 32,
    Math.floor(chunk / 2 ** 32),
    blockBytes,
    flags,
  ];
  const state = [...chain, ...initial.slice(0, 4), ...tail];
  for (let round = 0; round < 7; round++) {
    for (let index = 0; index < 8; index++) {
      mix(
        state,
        quarters[index]!,
        message[index * 2]!,
        message[index * 2 + 1]!,
      );
    }
    message = permutation.map((from) => message[from]!);
  }
  return chain.map((_, word) => (state[word]! ^ state[word + 8]!) >>> 0);
}

/** Four columns, then four diagonals. */
const quarters = [
  ...[[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15]],
  ...[[0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]],
];

function mix(state: number[], quarter: number[], x: number, y: number): void {
  const [a, b, c, d] = quarter as [number, number, number, number];
  const add = (to: number, ...values: number[]) => {
    for (const value of values) state[to] = (state[to]! + value) >>> 0;
  };
  const turn = (to: number, by: number, bits: number) => {
    const word = state[to]! ^ state[by]!;
    state[to] = (word >>> bits | word << (32 - bits)) >>> 0;
  };
  add(a, state[b]!, x);
  turn(d, a, 16);
  add(c, state[d]!);
  turn(b, c, 12);
  add(a, state[b]!, y);
  turn(d, a, 8);
  add(c, state[d]!);
  turn(b, c, 7);
}

function formatWords(words: number[]): Bytes {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, word] of words.entries()) {
    view.setUint32(index * 4, word, true);
  }
  return bytes;
}

/** CRC32C bit by bit: the reflected polynomial 0x82F63B78. */
export function crc32c(bytes: Bytes, seed = 0): number {
  let state = ~seed >>> 0;
  for (const byte of bytes) {
    state ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      state = state & 1 ? state >>> 1 ^ 0x82f63b78 : state >>> 1;
    }
  }
  return ~state >>> 0;
}
