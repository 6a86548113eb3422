// Codec bench: the codec through its public face, by `deno task bench` (small) or `bench:big`.
// Groups have a baseline each; numbers that the documents quote come from codec_ratio.ts instead,
// which runs the contenders in turn. Every group ends by comparing results, so that the work is
// real.

import { createBLAKE3, createCRC32 } from "hash-wasm";
import { assert } from "../src/base/assert.ts";
import { equalBytes, parseHex } from "../src/base/bytes.ts";
import { Prng } from "../src/base/prng.ts";
import { Codec } from "../src/codec/mod.ts";

const sliceBytes = (Deno.args.includes("--big") ? 256 : 64) * 1024;
const leafBytes = 64 * 1024;
const codec = Codec.open();
const prng = new Prng(1);

for (const [k, m] of [[30, 3], [10, 4], [1, 3]] as const) {
  const shape = `${k}+${m}, ${sliceBytes / 1024} KiB per shard`;
  const room = codec.lease((k + m) * sliceBytes);
  const shards = Array.from(
    { length: k + m },
    (_, index) => room.offset + index * sliceBytes,
  );
  prng.fill(room.view(0, k * sliceBytes));
  const coder = codec.coder(k, m);
  coder.encode(shards, sliceBytes);
  const group = `Reed-Solomon ${shape}`;
  Deno.bench(
    `encode ${shape}`,
    { group, baseline: true },
    () => coder.encode(shards, sliceBytes),
  );
  Deno.bench(
    `verify ${shape}`,
    { group },
    () => assert(coder.verify(shards, sliceBytes), "intact"),
  );
  Deno.bench(`rebuild 1 data shard ${shape}`, { group }, () => {
    coder.rebuild(shards, [0], sliceBytes);
  });
  const lost = Array.from({ length: m }, (_, index) => k - 1 + index);
  Deno.bench(`rebuild ${m} shards ${shape}`, { group }, () => {
    coder.rebuild(shards, lost, sliceBytes);
  });
}

const streamBytes = 16 * leafBytes;
const stream = codec.lease(streamBytes);
const digests = codec.lease(streamBytes / leafBytes * 32);
prng.fill(stream.view());
const heapBytes = stream.view().slice();
const hashWasm = await createBLAKE3();

const blake3 = "BLAKE3, 1 MiB";
Deno.bench("hash-wasm BLAKE3 1 MiB", { group: blake3, baseline: true }, () => {
  hashWasm.init().update(heapBytes).digest("binary");
});
Deno.bench(
  "digestLeaves() 64 KiB leaves 1 MiB",
  { group: blake3 },
  digestStream,
);
Deno.bench(
  "digest() of bytes outside WASM memory 1 MiB",
  { group: blake3 },
  () => {
    codec.digest(heapBytes);
  },
);

digestStream();
const expected = parseHex(hashWasm.init().update(heapBytes).digest());
assert(
  expected !== undefined && equalBytes(codec.rootOf(digests.view()), expected),
  "both compute BLAKE3",
);

const crc = await createCRC32(0x82f63b78);
const checksum = "CRC32C, 1 MiB";
Deno.bench(
  "hash-wasm CRC32C 1 MiB",
  { group: checksum, baseline: true },
  () => {
    crc.init().update(heapBytes).digest();
  },
);
Deno.bench("crc32c() 1 MiB in WASM memory", { group: checksum }, () => {
  codec.crc32c(stream.view());
});
assert(
  parseInt(crc.init().update(heapBytes).digest(), 16) ===
    codec.crc32c(heapBytes),
  "both compute CRC32C",
);

function digestStream(): void {
  codec.digestLeaves({
    source: stream.offset,
    bytes: streamBytes,
    leafBytes,
    streamOffset: 0,
    target: digests.offset,
    wholeStream: true,
  });
}
