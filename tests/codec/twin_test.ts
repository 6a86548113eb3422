// The twin is the oracle of the other tests, so it is held against what others published.

import {
  deepEqual as assertEquals,
  equal as assertSame,
} from "node:assert/strict";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import * as twin from "../../src/codec/twin.ts";
import { blockVectors, hashVectors, leafVectors, pattern } from "./vectors.ts";

Deno.test("multiply() has an inverse for every value and the generator 2", () => {
  let power = 1;
  const powers = new Set<number>();
  for (let exponent = 0; exponent < 255; exponent++) {
    powers.add(power);
    assertSame(twin.multiply(power, twin.invert(power)), 1);
    power = twin.multiply(power, 2);
  }
  assertSame(powers.size, 255);
  assertSame(power, 1);
});

Deno.test("encode() and rebuild() agree with the fixed vectors", () => {
  for (const { dataShards, parityShards, shards } of blockVectors()) {
    if (shards.length > 40) continue; // the twin takes seconds for those
    assertEquals(
      twin.encode(shards.slice(0, dataShards), parityShards),
      shards,
    );
    const damaged = shards.map((shard, index) =>
      index < parityShards ? undefined : shard
    );
    assertEquals(twin.rebuild(damaged, dataShards), shards);
  }
});

Deno.test("blake3() and digestLeaves() agree with the fixed vectors", () => {
  for (const { bytes, digest } of hashVectors()) {
    assertEquals(twin.blake3(pattern(bytes)), digest, `${bytes} bytes`);
  }
  for (const { leafBytes, leaf, bytes, digest } of leafVectors()) {
    const value = twin.digestLeaves(
      pattern(bytes),
      leafBytes,
      leaf * leafBytes,
      false,
    );
    assertEquals(value, digest, `leaf ${leaf} of ${leafBytes}`);
  }
});

Deno.test("crc32c() gives the published check value", () => {
  assertSame(twin.crc32c(encodeUtf8("123456789")), 0xe3069283);
});
