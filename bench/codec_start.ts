// Codec start: what the codec costs a fresh process, until its code is optimised. Prints the time of
// the import, and of hashing and encoding each of the first rows of a 30+3 block (2 MB of data each).
//
//   deno run bench/codec_start.ts                       the baseline compiler first, as Deno does
//   deno run --v8-flags=--no-liftoff bench/codec_start.ts   the optimising compiler only
//   deno run --allow-read bench/codec_start.ts --worker     the same in two workers, one by one

const rowCount = 6;
const leafBytes = 64 * 1024;
const dataShards = 30, parityShards = 3;

/** There in a worker only. */
const { postMessage } = globalThis as {
  postMessage?: (message: unknown) => void;
};

if (Deno.args.includes("--worker") && postMessage === undefined) {
  for (let count = 0; count < 2; count++) await runWorker();
} else {
  await measure();
}

async function runWorker(): Promise<void> {
  const worker = new Worker(import.meta.url, { type: "module" });
  await new Promise((resolve) => worker.onmessage = resolve);
  worker.terminate();
}

async function measure(): Promise<void> {
  const begin = performance.now();
  const { Codec } = await import("../src/codec/mod.ts");
  const imported = performance.now();
  const codec = Codec.open();
  using room = codec.lease((dataShards + parityShards) * leafBytes);
  using digests = codec.lease(dataShards * 32);
  room.view().fill(0x5a);
  const shards = Array.from(
    { length: dataShards + parityShards },
    (_, index) => room.offset + index * leafBytes,
  );
  const coder = codec.coder(dataShards, parityShards);
  console.log(
    `import ${(imported - begin).toFixed(1)} ms; row: hash ms, encode ms`,
  );
  for (let row = 0; row < rowCount; row++) {
    const start = performance.now();
    codec.digestLeaves({
      source: room.offset,
      bytes: dataShards * leafBytes,
      leafBytes,
      streamOffset: 0,
      target: digests.offset,
      wholeStream: false,
    });
    const hashed = performance.now();
    coder.encode(shards, leafBytes);
    const encoded = performance.now();
    console.log(
      `${row}: ${(hashed - start).toFixed(2)}, ${
        (encoded - hashed).toFixed(2)
      }`,
    );
  }
  postMessage?.("done");
}
