import {
  deepEqual as assertEquals,
  equal as assertSame,
  throws as assertThrows,
} from "node:assert/strict";
import { AssertionError } from "../../src/base/assert.ts";
import { type Bytes, encodeUtf8, formatHex } from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import { Codec } from "../../src/codec/mod.ts";
import * as twin from "../../src/codec/twin.ts";
import { hashVectors, leafVectors, pattern } from "./vectors.ts";

const codec = Codec.open();
const kib = 1024;

/** The digests of a run of leaves that lies in memory `slip` bytes past a lease's start. */
function digestRun(
  bytes: Bytes,
  leafBytes: number,
  streamOffset: number,
  wholeStream: boolean,
  slip = 0,
): Bytes {
  const targetBytes = Math.ceil(bytes.length / leafBytes) * 32;
  using source = codec.lease(bytes.length + slip);
  using target = codec.lease(targetBytes);
  source.view(slip, bytes.length).set(bytes);
  codec.digestLeaves({
    source: source.offset + slip,
    bytes: bytes.length,
    leafBytes,
    streamOffset,
    target: target.offset,
    wholeStream,
  });
  return target.view(0, targetBytes).slice();
}

Deno.test("digest() gives BLAKE3's published digests", () => {
  const vectors = hashVectors();
  assertSame(vectors.length, 35);
  for (const { bytes, digest } of vectors) {
    assertEquals(codec.digest(pattern(bytes)), digest, `${bytes} bytes`);
  }
});

Deno.test("digestLeaves() gives the leaf values of the blake3 crate", () => {
  const vectors = leafVectors();
  assertSame(vectors.length, 14);
  for (const { leafBytes, leaf, bytes, digest } of vectors) {
    const digests = digestRun(
      pattern(bytes),
      leafBytes,
      leaf * leafBytes,
      false,
    );
    assertEquals(
      digests,
      digest,
      `leaf ${leaf} of ${leafBytes}, ${bytes} bytes`,
    );
  }
});

Deno.test("digest() agrees with the twin for every short length", () => {
  const bytes = new Prng(1).bytes(2200);
  for (
    let length = 0;
    length <= bytes.length;
    length += length < 200 ? 1 : 13
  ) {
    const part = bytes.subarray(0, length);
    assertEquals(codec.digest(part), twin.blake3(part), `${length} bytes`);
  }
});

Deno.test("digest() agrees with the twin across pieces and levels", () => {
  const bytes = new Prng(2).bytes(700 * kib);
  for (
    const length of [
      64 * kib,
      64 * kib + 1,
      256 * kib,
      256 * kib + 1,
      513 * kib,
      700 * kib,
    ]
  ) {
    const part = bytes.subarray(0, length);
    assertEquals(codec.digest(part), twin.blake3(part), `${length} bytes`);
  }
});

Deno.test("digest() takes bytes that lie in WASM memory where they are", () => {
  const bytes = new Prng(3).bytes(300 * kib + 7);
  using lease = codec.lease(bytes.length + 3);
  lease.view(3).set(bytes);
  assertEquals(codec.digest(lease.view(3)), codec.digest(bytes));
  assertEquals(lease.view(3).slice(), bytes);
  assertSame(codec.crc32c(lease.view(3)), codec.crc32c(bytes));
});

Deno.test("rootOf() leaf digests of a whole stream is its plain hash", () => {
  const prng = new Prng(4);
  const bytes = prng.bytes(200 * kib);
  const lengths = [
    1,
    1000,
    1024,
    1025,
    3 * kib,
    65 * kib,
    128 * kib,
    200 * kib,
  ];
  for (let round = 0; round < 30; round++) {
    lengths.push(1 + prng.below(bytes.length));
  }
  for (const length of lengths) {
    const part = bytes.subarray(0, length);
    const hash = codec.digest(part);
    for (const leafBytes of [1, 2, 4, 16, 64].map((size) => size * kib)) {
      const digests = digestRun(part, leafBytes, 0, true, prng.below(20));
      assertEquals(
        codec.rootOf(digests),
        hash,
        `${length} bytes, leaf ${leafBytes}`,
      );
    }
  }
});

Deno.test("digestLeaves() of any cut of a stream gives the same digests", () => {
  const prng = new Prng(5);
  const bytes = prng.bytes(150 * kib + 77);
  for (const leafBytes of [kib, 8 * kib, 64 * kib]) {
    const whole = digestRun(bytes, leafBytes, 0, true);
    const leafCount = Math.ceil(bytes.length / leafBytes);
    for (let round = 0; round < 20; round++) {
      const from = prng.below(leafCount);
      const to = from + 1 + prng.below(leafCount - from);
      const part = bytes.subarray(from * leafBytes, to * leafBytes);
      const digests = digestRun(
        part,
        leafBytes,
        from * leafBytes,
        false,
        round,
      );
      assertEquals(
        digests,
        whole.slice(from * 32, to * 32),
        `${leafBytes}: ${from} to ${to}`,
      );
    }
  }
});

Deno.test("digestLeaves() agrees with the twin at far offsets", () => {
  const bytes = new Prng(6).bytes(5000);
  for (const leaf of [1, 2 ** 21, 2 ** 32 - 3, 2 ** 32, 2 ** 42 - 5]) {
    const digests = digestRun(bytes, 2 * kib, leaf * 2 * kib, false);
    assertEquals(
      digests,
      twin.digestLeaves(bytes, 2 * kib, leaf * 2 * kib, false),
      `leaf ${leaf}`,
    );
  }
});

Deno.test("digestLeaves() of a stream of one leaf is its plain hash, and not otherwise", () => {
  const bytes = new Prng(7).bytes(40 * kib);
  assertEquals(digestRun(bytes, 64 * kib, 0, true), codec.digest(bytes));
  assertEquals(
    digestRun(bytes, 64 * kib, 0, false),
    twin.digestLeaves(bytes, 64 * kib, 0, false),
  );
  assertSame(
    formatHex(digestRun(bytes, 64 * kib, 0, false)) ===
      formatHex(codec.digest(bytes)),
    false,
  );
});

Deno.test("rootOf() merges more digests than one piece holds", () => {
  const prng = new Prng(8);
  for (const count of [1, 2, 3, 2047, 2048, 2049, 4096, 5001]) {
    const digests = prng.bytes(count * 32);
    assertEquals(
      codec.rootOf(digests),
      twin.rootOf(digests),
      `${count} digests`,
    );
  }
});

Deno.test("digestLeaves() refuses what a caller must not pass", () => {
  using lease = codec.lease(4096);
  const run = {
    source: lease.offset,
    bytes: 1024,
    leafBytes: 1024,
    streamOffset: 0,
    target: lease.offset + 2048,
    wholeStream: false,
  };
  codec.digestLeaves(run);
  const wrong = [
    { leafBytes: 512 },
    { leafBytes: 3072 },
    { leafBytes: 128 * kib },
    { streamOffset: 100 },
    { streamOffset: -1024 },
    { streamOffset: 1024, wholeStream: true },
    { source: 0 },
    { target: 0 },
    { bytes: 2 ** 30 },
  ];
  for (const change of wrong) {
    const call = () => codec.digestLeaves({ ...run, ...change });
    assertThrows(call, AssertionError, JSON.stringify(change));
  }
  assertThrows(() => codec.rootOf(new Uint8Array(0)), AssertionError);
  assertThrows(() => codec.rootOf(new Uint8Array(33)), AssertionError);
});

Deno.test("crc32c() gives published values", () => {
  // RFC 3720, appendix B.4, and the check value that catalogues of CRCs give.
  assertSame(codec.crc32c(encodeUtf8("123456789")), 0xe3069283);
  assertSame(codec.crc32c(new Uint8Array(32)), 0x8a9136aa);
  assertSame(codec.crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assertSame(
    codec.crc32c(Uint8Array.from({ length: 32 }, (_, index) => index)),
    0x46dd794e,
  );
});

Deno.test("crc32c() agrees with the twin for any length, cut and start", () => {
  const bytes = new Prng(9).bytes(400);
  for (let length = 0; length <= 100; length++) {
    const part = bytes.subarray(length % 7, length % 7 + length);
    assertSame(codec.crc32c(part), twin.crc32c(part), `${length} bytes`);
  }
  const whole = twin.crc32c(bytes);
  for (let cut = 0; cut <= bytes.length; cut += 9) {
    const front = codec.crc32c(bytes.subarray(0, cut));
    assertSame(
      codec.crc32c(bytes.subarray(cut), front),
      whole,
      `cut at ${cut}`,
    );
  }
});

Deno.test("crc32c() agrees with the twin across pieces", () => {
  const bytes = new Prng(10).bytes(256 * kib + 1000);
  assertSame(codec.crc32c(bytes), twin.crc32c(bytes));
});
