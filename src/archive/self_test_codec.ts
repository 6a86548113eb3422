// Self-test of the codec: answers that were known before this program was, and the same once more in
// plain TypeScript, which shares nothing with the WebAssembly module. Needs no permission.

import { assert } from "../base/assert.ts";
import {
  type Bytes,
  encodeUtf8,
  equalBytes,
  formatHex,
  joinBytes,
} from "../base/bytes.ts";
import { Codec } from "../codec/mod.ts";
import * as twin from "../codec/twin.ts";

/** Of the official test vectors: bytes, digest. Byte i of every input is i % 251. */
const digestRows: readonly (readonly [number, string])[] = [
  [0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"],
  [1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"],
  [1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"],
  [1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"],
  [31744, "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47"],
  [102400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"],
];

/** Above that the twin takes longer than somebody waits. */
const twinBytesMax = 32 * 1024;

/** RFC 3720, appendix B.4: 32 bytes from 0 up, and the check value of the CRC catalogues. */
const checksumRows: readonly (readonly [Bytes, number])[] = [
  [Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
  [encodeUtf8("123456789"), 0xe3069283],
];

/** Shards of the block whose parity is known. Not a multiple of any vector. */
const shardBytes = 4129;
const dataShards = 10;
const parityShards = 4;

/** BLAKE3 of its parity shards, one after the other. */
const parityDigest =
  "c47856dfe8be5949e1af1db928671e5b5cd46802145d45dd903b7f54be2811ee";

/** Compares digests with the official ones. @throws {AssertionError} */
export function verifyDigests(): string {
  const codec = Codec.open();
  for (const [bytes, wanted] of digestRows) {
    const input = Uint8Array.from({ length: bytes }, (_, index) => index % 251);
    assert(
      formatHex(codec.digest(input)) === wanted,
      `the BLAKE3 of ${bytes} bytes is another`,
    );
    assert(
      bytes > twinBytesMax || formatHex(twin.blake3(input)) === wanted,
      `the twin's BLAKE3 of ${bytes} bytes is another`,
    );
  }
  for (const [input, wanted] of checksumRows) {
    assert(
      codec.crc32c(input) === wanted && twin.crc32c(input) === wanted,
      `the CRC32C of ${input.length} bytes is another`,
    );
  }
  return `BLAKE3 and CRC32C: ${
    digestRows.length + checksumRows.length
  } known answers`;
}

/** Compares parity with what is known, and rebuilds lost shards. @throws {AssertionError} */
export function verifyParity(): string {
  const codec = Codec.open();
  const coder = codec.coder(dataShards, parityShards);
  const shardCount = dataShards + parityShards;
  using room = codec.lease(shardCount * shardBytes);
  const offsets = Array.from(
    { length: shardCount },
    (_, index) => room.offset + index * shardBytes,
  );
  const shardOf = (index: number) => room.view(index * shardBytes, shardBytes);
  const data = Array.from(
    { length: dataShards },
    (_, shard) =>
      Uint8Array.from(
        { length: shardBytes },
        (_, index) => (index * 7 + shard * 31) % 251,
      ),
  );
  for (const [index, shard] of data.entries()) shardOf(index).set(shard);
  coder.encode(offsets, shardBytes);
  const shards = Array.from(offsets, (_, index) => shardOf(index).slice());
  const parity = joinBytes(shards.slice(dataShards));
  assert(
    formatHex(codec.digest(parity)) === parityDigest,
    "the parity of a known block is another",
  );
  assert(
    equalBytes(
      parity,
      joinBytes(twin.encode(data, parityShards).slice(dataShards)),
    ),
    "the twin's parity of a known block is another",
  );
  // As many as can be lost, of data and of parity.
  const lost = [0, 4, 9, 11];
  for (const index of lost) shardOf(index).fill(0xff);
  assert(
    !coder.verify(offsets, shardBytes),
    "shards that were overwritten do not differ",
  );
  coder.rebuild(offsets, lost, shardBytes);
  for (const [index, shard] of shards.entries()) {
    assert(equalBytes(shardOf(index), shard), `shard ${index} was not rebuilt`);
  }
  return `Reed-Solomon ${dataShards}+${parityShards}: known parity, ${lost.length} lost shards rebuilt`;
}
