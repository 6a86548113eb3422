import {
  deepEqual as assertEquals,
  equal as assertSame,
  throws as assertThrows,
} from "node:assert/strict";
import { AssertionError } from "../../src/base/assert.ts";
import type { Bytes } from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import { Codec } from "../../src/codec/mod.ts";
import * as twin from "../../src/codec/twin.ts";
import { MemoryBlock } from "./block.ts";
import { blockVectors } from "./vectors.ts";

const codec = Codec.open();

/** A block in memory whose data shards are random and whose parity is yet to be computed. */
function randomBlock(
  prng: Prng,
  dataShards: number,
  parityShards: number,
  bytes: number,
): { block: MemoryBlock; data: Bytes[] } {
  const block = new MemoryBlock(codec, dataShards + parityShards, bytes);
  const data = Array.from({ length: dataShards }, () => prng.bytes(bytes));
  for (const [index, shard] of data.entries()) block.write(index, shard);
  return { block, data };
}

/** Destroys `lost`, rebuilds them and stops unless every shard is what it was. */
function assertRebuilds(
  block: MemoryBlock,
  shards: readonly Bytes[],
  dataShards: number,
  lost: readonly number[],
  survivors?: readonly number[],
): void {
  for (const index of lost) block.destroy(index);
  codec.coder(dataShards, shards.length - dataShards)
    .rebuild(block.offsets, lost, block.bytes, survivors);
  block.assertHolds(
    shards,
    `${dataShards} of ${shards.length} shards, lost ${lost}`,
  );
}

/** All subsets of 0 to count-1 with 1 to `sizeMax` members, ascending. */
function* subsetsOf(count: number, sizeMax: number): Generator<number[]> {
  for (let bits = 1; bits < 1 << count; bits++) {
    const subset = [];
    for (let index = 0; index < count; index++) {
      if (bits >> index & 1) subset.push(index);
    }
    if (subset.length <= sizeMax) yield subset;
  }
}

Deno.test("encode() computes the parity of the fixed vectors", () => {
  const vectors = blockVectors();
  assertSame(vectors.length, 12);
  for (const { dataShards, parityShards, bytes, shards } of vectors) {
    using block = new MemoryBlock(codec, shards.length, bytes);
    for (const [index, shard] of shards.slice(0, dataShards).entries()) {
      block.write(index, shard);
    }
    codec.coder(dataShards, parityShards).encode(block.offsets, bytes);
    block.assertHolds(shards, `${dataShards}+${parityShards}`);
  }
});

Deno.test("matrix is Backblaze's: Vandermonde times the inverse of its top square", () => {
  for (
    const [k, m] of [[1, 3], [2, 5], [10, 4], [30, 3], [17, 11], [
      40,
      24,
    ]] as const
  ) {
    const rows = twin.encodingMatrix(k, m).slice(k);
    assertEquals([...codec.coder(k, m).matrix], rows.flat(), `${k}+${m}`);
  }
});

Deno.test("rebuild() undoes every loss that parity allows, of every block up to 12 shards", () => {
  const prng = new Prng(12);
  let patternCount = 0;
  for (let count = 2; count <= 12; count++) {
    for (let dataShards = 1; dataShards < count; dataShards++) {
      const bytes = 1 + prng.below(40);
      const { block, data } = randomBlock(
        prng,
        dataShards,
        count - dataShards,
        bytes,
      );
      using _ = block;
      const shards = twin.encode(data, count - dataShards);
      for (let index = dataShards; index < count; index++) {
        block.write(index, shards[index]!);
      }
      for (const lost of subsetsOf(count, count - dataShards)) {
        assertRebuilds(block, shards, dataShards, lost);
        patternCount++;
      }
    }
  }
  // The sum over n = 2..12, k = 1..n-1 and l = 1..n-k of n choose l.
  assertSame(patternCount, 44_979);
});

Deno.test("rebuild() undoes random losses of blocks up to 256 shards", () => {
  const prng = new Prng(256);
  for (let round = 0; round < 60; round++) {
    const count = round === 0 ? 256 : 2 + prng.below(255);
    const dataShards = 1 + prng.below(count - 1);
    const parityShards = count - dataShards;
    const { block, data } = randomBlock(
      prng,
      dataShards,
      parityShards,
      1 + prng.below(150),
    );
    using _ = block;
    codec.coder(dataShards, parityShards).encode(block.offsets, block.bytes);
    const shards = block.offsets.map((_, index) => block.copy(index));
    assertEquals(shards.slice(0, dataShards), data);
    const order = prng.sample(count, count);
    const lost = order.slice(0, 1 + prng.below(parityShards)).sort((a, b) =>
      a - b
    );
    const survivors = order.slice(lost.length, lost.length + dataShards).sort((
      a,
      b,
    ) => a - b);
    assertRebuilds(block, shards, dataShards, lost);
    assertRebuilds(block, shards, dataShards, lost, survivors);
  }
});

Deno.test("rebuild() reads nothing but the survivors it is given", () => {
  const prng = new Prng(3);
  const { block, data } = randomBlock(prng, 4, 4, 50);
  using _ = block;
  const shards = twin.encode(data, 4);
  for (const index of [1, 4, 6, 7]) block.write(index, shards[index]!);
  for (const index of [0, 2, 3, 5]) block.destroy(index);
  codec.coder(4, 4).rebuild(block.offsets, [0, 2], 50, [1, 4, 6, 7]);
  assertSame(block.holds(0, shards[0]!), true);
  assertSame(block.holds(2, shards[2]!), true);
  assertSame(block.holds(3, shards[3]!), false, "shard 3 was not asked for");
});

Deno.test("encode() agrees with the twin for any length, and writes nothing beside", () => {
  const prng = new Prng(200);
  for (
    const [k, m] of [[1, 3], [2, 1], [3, 2], [5, 3], [4, 4], [11, 4], [
      6,
      9,
    ]] as const
  ) {
    for (let bytes = 0; bytes <= 200; bytes++) {
      const { block, data } = randomBlock(prng, k, m, bytes);
      using _ = block;
      codec.coder(k, m).encode(block.offsets, bytes);
      block.assertHolds(twin.encode(data, m), `${k}+${m}, ${bytes} bytes`);
    }
  }
});

Deno.test("encode() agrees with the twin across the kernel's strips and passes", () => {
  const prng = new Prng(4096);
  // An even k with a group of four parity shards takes the paired kernel, others the plain one.
  const shapes: [number, number][] = [
    [2, 1],
    [3, 3],
    [11, 2],
    [21, 5],
    [30, 3],
    [9, 4],
    [2, 4],
    [10, 4],
    [12, 8],
    [14, 6],
    [22, 4],
  ];
  for (const [k, m] of shapes) {
    for (const bytes of [4095, 4096, 4097, 4096 + 31, 4096 + 33, 8192 + 17]) {
      const { block, data } = randomBlock(prng, k, m, bytes);
      using _ = block;
      codec.coder(k, m).encode(block.offsets, bytes);
      block.assertHolds(twin.encode(data, m), `${k}+${m}, ${bytes} bytes`);
    }
  }
});

Deno.test("verify() tells every flipped bit, in data and in parity", () => {
  const prng = new Prng(5);
  for (
    const [k, m, bytes] of [[1, 3, 20], [3, 2, 70], [6, 6, 33], [
      10,
      4,
      8200,
    ]] as const
  ) {
    const { block } = randomBlock(prng, k, m, bytes);
    using _ = block;
    const coder = codec.coder(k, m);
    coder.encode(block.offsets, bytes);
    assertSame(coder.verify(block.offsets, bytes), true, `${k}+${m}`);
    for (let index = 0; index < k + m; index++) {
      for (const at of [0, prng.below(bytes), bytes - 1]) {
        block.flipBit(index, at);
        assertSame(
          coder.verify(block.offsets, bytes),
          false,
          `${k}+${m} ${index} ${at}`,
        );
        block.flipBit(index, at);
      }
    }
    assertSame(coder.verify(block.offsets, bytes), true);
  }
});

Deno.test("coder() of one data shard copies it", () => {
  const prng = new Prng(6);
  const { block, data } = randomBlock(prng, 1, 4, 1000);
  using _ = block;
  codec.coder(1, 4).encode(block.offsets, 1000);
  block.assertHolds(Array(5).fill(data[0]), "1+4");
  assertRebuilds(block, Array(5).fill(data[0]), 1, [0, 1, 2, 3]);
});

Deno.test("coder() without parity has nothing to do", () => {
  const prng = new Prng(7);
  const { block, data } = randomBlock(prng, 3, 0, 10);
  using _ = block;
  const coder = codec.coder(3, 0);
  coder.encode(block.offsets, 10);
  coder.rebuild(block.offsets, [], 10);
  assertSame(coder.verify(block.offsets, 10), true);
  assertSame(coder.matrix.length, 0);
  block.assertHolds(data, "3+0");
});

Deno.test("coder() forgets old tables and makes them again", () => {
  const prng = new Prng(8);
  const { block, data } = randomBlock(prng, 10, 4, 64);
  using _ = block;
  const shards = twin.encode(data, 4);
  for (let index = 10; index < 14; index++) block.write(index, shards[index]!);
  // More patterns than are kept, twice, so that the second time finds the first ones gone.
  for (let round = 0; round < 2; round++) {
    for (const lost of subsetsOf(14, 2)) {
      assertRebuilds(block, shards, 10, lost);
    }
  }
});

Deno.test("coder() refuses what a caller must not pass", () => {
  const refusals: [name: string, call: () => void][] = [
    ["no data shard", () => codec.coder(0, 3)],
    ["negative parity", () => codec.coder(3, -1)],
    ["more than 256 shards", () => codec.coder(250, 7)],
    ["half a shard", () => codec.coder(1.5, 1)],
  ];
  using block = new MemoryBlock(codec, 5, 16);
  const coder = codec.coder(3, 2);
  const rebuild = (lost: number[], survivors?: number[]) => () =>
    coder.rebuild(block.offsets, lost, 16, survivors);
  refusals.push(
    ["more losses than parity", rebuild([0, 1, 2])],
    ["losses out of order", rebuild([1, 0])],
    ["a loss twice", rebuild([1, 1])],
    ["a shard that is not there", rebuild([5])],
    ["too few survivors", rebuild([0], [1, 2])],
    ["a lost survivor", rebuild([0], [0, 1, 2])],
    ["too few offsets", () => coder.encode(block.offsets.slice(1), 16)],
    [
      "an offset outside leased memory",
      () => coder.encode([0, 0, 0, 0, 0], 16),
    ],
    ["negative bytes", () => coder.encode(block.offsets, -1)],
    ["more than memory", () => coder.encode(block.offsets, 2 ** 30)],
  );
  for (const [name, call] of refusals) assertThrows(call, AssertionError, name);
  assertSame(codec.coder(255, 1).dataShards, 255);
});
