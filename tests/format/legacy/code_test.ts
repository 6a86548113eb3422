import { deepEqual, equal } from "node:assert/strict";
import { type Bytes, equalBytes, formatHex } from "../../../src/base/bytes.ts";
import { Prng } from "../../../src/base/prng.ts";
import {
  LegacyCoder,
  parityRows,
  rebuildRows,
  syndromeRows,
} from "../../../src/format/legacy/code.ts";
import { divide, multiply } from "../../../src/format/legacy/field.ts";
import { Locator } from "../../../src/format/legacy/locate.ts";

Deno.test("multiply() is that of a field, and divide() undoes it", () => {
  const chance = new Prng(1);
  for (let round = 0; round < 2000; round++) {
    const [a, b, c] = [0, 0, 0].map(() => chance.below(0x10000)) as [
      number,
      number,
      number,
    ];
    equal(multiply(a, b), multiply(b, a));
    equal(multiply(a, 1), a);
    equal(multiply(a, b ^ c), multiply(a, b) ^ multiply(a, c));
    equal(multiply(a, multiply(b, c)), multiply(multiply(a, b), c));
    if (b !== 0) equal(divide(multiply(a, b), b), a);
  }
});

Deno.test("multiply() is that of the Cantor basis: every member squared and itself give the one before", () => {
  // What makes it a Cantor basis: v^2 + v is the member before; the first is 1.
  for (let bit = 1; bit < 16; bit++) {
    const element = 1 << bit;
    equal(multiply(element, element) ^ element, 1 << (bit - 1));
  }
});

// The rows that blockframe-rs' crate has for k >= 3, as measured on it.
const knownRows = [
  "c f a 8 a f 8 c f 8 a c 9b 92 84 8c bd b6 a5 af d6 db ca c6 f8 f7 e3 ed db ca",
  "f c 8 a f a c 8 8 f c a 92 9b 8c 84 b6 bd af a5 db d6 c6 ca f7 f8 ed e3 ca db",
  "a 8 c f 8 c a f a c f 8 84 8c 9b 92 a5 af bd b6 ca c6 d6 db e3 ed f8 f7 d6 c6",
].map((row) => row.split(" ").map((digits) => parseInt(digits, 16)));

Deno.test("parityRows() are those of the crate for every number of data shards", () => {
  deepEqual(parityRows(1), [[1], [1], [1]]);
  deepEqual(parityRows(2), [[3, 2], [2, 3], [5, 4]]);
  for (let k = 3; k <= 30; k++) {
    deepEqual(parityRows(k), knownRows.map((row) => row.slice(0, k)), `${k}`);
  }
});

// What the crate made of data shard i byte b = (7i + 13b + 1) mod 256.
const vectors: readonly [number, number, readonly string[]][] = [
  [2, 2, ["de2d", "d736", "394c"]],
  [3, 2, ["1e5a", "704b", "8e4c"]],
  [4, 2, ["e9b3", "099a", "850e"]],
  [5, 2, ["686a", "8dda", "34e3"]],
  [29, 2, ["fdd0", "6867", "400e"]],
  [30, 2, ["1803", "98a6", "24b7"]],
  [7, 4, ["1e3786d5", "2a74e4fd", "5d349a10"]],
  [30, 6, ["4deaf575d9e1", "b2ef12cf2b37", "b045dc17c9a0"]],
];

for (const [k, bytes, parities] of vectors) {
  Deno.test(`LegacyCoder gives the crate's parity of ${k} shards of ${bytes} bytes`, () => {
    const data = Array.from(
      { length: k },
      (_, i) =>
        Uint8Array.from({ length: bytes }, (_, b) => 7 * i + 13 * b + 1),
    );
    deepEqual(encode(data).map(formatHex), parities);
  });
}

Deno.test("LegacyCoder gives copies for one data shard", () => {
  const data = new Prng(3).bytes(130);
  for (const parity of encode([data])) equal(equalBytes(parity, data), true);
});

Deno.test("rebuildRows() gives back any three lost shards of any block", () => {
  const chance = new Prng(7);
  for (let k = 1; k <= 30; k++) {
    for (let round = 0; round < 12; round++) {
      // Whole blocks of elements and a tail of any even length.
      const bytes = 64 * chance.below(3) + 2 * (1 + chance.below(32));
      const data = Array.from({ length: k }, () => chance.bytes(bytes));
      const shards = [...data, ...encode(data)];
      const lost = chance.sample(1 + chance.below(3), k + 3);
      const survivors = chance.sample(k + 3, k + 3)
        .filter((shard) => !lost.includes(shard)).slice(0, k);
      const rebuilt = lost.map(() => new Uint8Array(bytes));
      new LegacyCoder(rebuildRows(k, survivors, lost)).apply(
        survivors.map((shard) => shards[shard]!),
        rebuilt,
      );
      for (const [at, shard] of lost.entries()) {
        equal(equalBytes(rebuilt[at]!, shards[shard]!), true, `${k}: ${lost}`);
      }
    }
  }
});

Deno.test("LegacyCoder gives the same window by window", () => {
  const chance = new Prng(11);
  const data = Array.from({ length: 5 }, () => chance.bytes(64 * 5 + 6));
  const whole = encode(data);
  const windows = [0, 128, 256].map((start) =>
    encode(data.map((shard) => shard.subarray(start, start + 128)))
  );
  for (const [parity, bytes] of whole.entries()) {
    const joined = windows.flatMap((window) => [...window[parity]!]);
    deepEqual(joined, [...bytes]);
  }
});

Deno.test("Locator.propose() names the wrong shards first where columns tell them", () => {
  const chance = new Prng(13);
  for (const k of [1, 2, 3, 4, 7, 30]) {
    for (let round = 0; round < 20; round++) {
      const data = Array.from({ length: k }, () => chance.bytes(640));
      const shards: Bytes[] = [...data, ...encode(data)];
      const wrong = chance.sample(1 + chance.below(3), k + 3)
        .toSorted((a, b) => a - b);
      // Each in columns of its own.
      for (const [at, shard] of wrong.entries()) {
        shards[shard]![at * 64 + chance.below(32)]! ^= 1 + chance.below(255);
      }
      const locator = new Locator(k);
      locator.add(combine(syndromeRows(k), shards));
      equal(locator.foundAny, true);
      const [first] = locator.propose([]);
      deepEqual(first, wrong, `k = ${k}`);
    }
  }
});

Deno.test("Locator.propose() finds one wrong shard beside one that is missing", () => {
  const chance = new Prng(17);
  for (let round = 0; round < 20; round++) {
    const data = Array.from({ length: 9 }, () => chance.bytes(640));
    const shards: Bytes[] = [...data, ...encode(data)];
    const [missing, rotten] = chance.sample(2, 12) as [number, number];
    shards[missing] = new Uint8Array(640);
    shards[rotten]![chance.below(640)]! ^= 1;
    const locator = new Locator(9);
    locator.add(combine(syndromeRows(9), shards));
    const [first] = locator.propose([missing]);
    deepEqual(first, [missing, rotten].toSorted((a, b) => a - b));
  }
});

Deno.test("Locator finds nothing in shards that belong together", () => {
  const chance = new Prng(19);
  const data = Array.from({ length: 6 }, () => chance.bytes(200));
  const locator = new Locator(6);
  locator.add(combine(syndromeRows(6), [...data, ...encode(data)]));
  equal(locator.foundAny, false);
  deepEqual([...locator.propose([])][0], []);
});

function encode(data: readonly Bytes[]): Bytes[] {
  return combine(parityRows(data.length), data);
}

function combine(
  matrix: readonly (readonly number[])[],
  sources: readonly Bytes[],
): Bytes[] {
  const results = matrix.map(() => new Uint8Array(sources[0]!.length));
  new LegacyCoder(matrix).apply(sources, results);
  return results;
}
