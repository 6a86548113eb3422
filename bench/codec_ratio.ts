// Codec ratio: our kernels beside other people's, in one run and in turn, so that a machine's mood
// hits all alike. Prints gigabytes (10^9) of input per second on one core, best of all rounds, and
// ours divided by each.
//
//   deno run --allow-read --allow-write --allow-run --allow-env bench/codec_ratio.ts [--json]
//
// Against ISA-L (AVX2, needs a C compiler and libisal-dev), hash-wasm's BLAKE3 and CRC32C, and b3sum
// on one thread, which takes the widest instructions there are. What is not installed is left out.

import { createBLAKE3, createCRC32 } from "hash-wasm";
import { Codec } from "../src/codec/mod.ts";
import { Prng } from "../src/base/prng.ts";

const rounds = 15;
const roundMs = 40;
const sliceMs = 4;
const kib = 1024;
const leafBytes = 64 * kib;
const codec = Codec.open();
const prng = new Prng(1);

/** A way to do the work: gigabytes per second of one round. */
type Contender = () => Promise<number> | number;

interface Race {
  readonly work: string;
  readonly ours: Contender;
  readonly others: readonly (readonly [name: string, run: Contender])[];
}

interface Result {
  readonly work: string;
  readonly ours: number;
  readonly others: Record<string, { gbPerSecond: number; ratio: number }>;
}

/**
 * The best slice of a round of `work` on `bytes` bytes. Other work on the machine then spoils a
 * slice and not the number; codec_isal.c does the same.
 */
function repeat(bytes: number, work: () => void): number {
  work();
  let best = 0;
  for (const start = performance.now(); performance.now() - start < roundMs;) {
    const slice = performance.now();
    let passCount = 0, elapsedMs = 0;
    while (elapsedMs < sliceMs) {
      work();
      passCount++;
      elapsedMs = performance.now() - slice;
    }
    best = Math.max(best, passCount * bytes / elapsedMs / 1e6);
  }
  return best;
}

/** Shards side by side, `strideBytes` apart. */
function encodeRace(
  [k, m]: readonly [number, number],
  shardBytes: number,
  strideBytes: number,
  isal: string | undefined,
): Race {
  const room = codec.lease((k + m) * strideBytes);
  prng.fill(room.view());
  const shards = Array.from(
    { length: k + m },
    (_, index) => room.offset + index * strideBytes,
  );
  const coder = codec.coder(k, m);
  const apart = strideBytes === shardBytes
    ? ""
    : `, ${strideBytes - shardBytes} B between`;
  return {
    work: `encode ${k}+${m}, ${shardBytes / kib} KiB per shard${apart}`,
    ours: () => repeat(k * shardBytes, () => coder.encode(shards, shardBytes)),
    others: isal === undefined ? [] : [["ISA-L AVX2", async () => {
      const args = [k, m, shardBytes, strideBytes, roundMs].map(String);
      return Number(await outputOf(isal, ...args));
    }]],
  };
}

/** The cost of one lost data shard is per byte of the survivors, as for encoding. */
function rebuildRace(
  [k, m]: readonly [number, number],
  shardBytes: number,
): Race {
  const room = codec.lease((k + m) * shardBytes);
  prng.fill(room.view());
  const shards = Array.from(
    { length: k + m },
    (_, index) => room.offset + index * shardBytes,
  );
  const coder = codec.coder(k, m);
  return {
    work: `rebuild 1 of ${k}+${m}, ${shardBytes / kib} KiB per shard`,
    ours: () =>
      repeat(k * shardBytes, () => coder.rebuild(shards, [0], shardBytes)),
    others: [],
  };
}

async function blake3Race(folder: string): Promise<Race> {
  const bytes = 1024 * kib;
  const stream = codec.lease(bytes),
    digests = codec.lease(bytes / leafBytes * 32);
  prng.fill(stream.view());
  const heap = stream.view().slice();
  const hashWasm = await createBLAKE3();
  const others: [string, Contender][] = [[
    "hash-wasm",
    () => repeat(bytes, () => hashWasm.init().update(heap).digest("binary")),
  ]];
  if (await outputOf("b3sum", "--version") !== undefined) {
    const file = `${folder}/input`;
    const fileBytes = 256 << 20;
    await Deno.writeFile(file, new Uint8Array(fileBytes));
    others.push(["b3sum, native", async () => {
      const start = performance.now();
      await outputOf("b3sum", "--num-threads", "1", file);
      return fileBytes / (performance.now() - start) / 1e6;
    }]);
  }
  return {
    work: "BLAKE3, 64 KiB leaves",
    ours: () =>
      repeat(bytes, () =>
        codec.digestLeaves({
          source: stream.offset,
          bytes,
          leafBytes,
          streamOffset: 0,
          target: digests.offset,
          wholeStream: true,
        })),
    others,
  };
}

async function crc32cRace(): Promise<Race> {
  const bytes = 1024 * kib;
  const stream = codec.lease(bytes);
  prng.fill(stream.view());
  const heap = stream.view().slice();
  const hashWasm = await createCRC32(0x82f63b78);
  return {
    work: "CRC32C",
    ours: () => repeat(bytes, () => codec.crc32c(stream.view())),
    others: [[
      "hash-wasm",
      () => repeat(bytes, () => hashWasm.init().update(heap).digest()),
    ]],
  };
}

async function run(race: Race): Promise<Result> {
  let ours = 0;
  const best = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    ours = Math.max(ours, await race.ours());
    for (const [name, contender] of race.others) {
      best.set(name, Math.max(best.get(name) ?? 0, await contender()));
    }
  }
  const others = [...best].map(([name, gbPerSecond]) => [
    name,
    { gbPerSecond, ratio: ours / gbPerSecond },
  ]);
  return { work: race.work, ours, others: Object.fromEntries(others) };
}

/** What a command prints, or `undefined` if it is not there or fails. */
async function outputOf(
  command: string,
  ...args: string[]
): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(command, {
      args,
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}

/** The compiled driver of ISA-L, or `undefined` where it cannot be built. */
async function buildIsal(folder: string): Promise<string | undefined> {
  const source = new URL("codec_isal.c", import.meta.url).pathname;
  const binary = `${folder}/codec_isal`;
  const built = await outputOf("cc", "-O2", "-o", binary, source, "-lisal");
  if (built === undefined) {
    console.error("Left out ISA-L: it needs cc and libisal-dev");
  }
  return built === undefined ? undefined : binary;
}

function print(results: readonly Result[]): void {
  console.log("| work | ours, GB/s | other, GB/s | ours / other |");
  console.log("| --- | --- | --- | --- |");
  for (const { work, ours, others } of results) {
    const rivals = Object.entries(others);
    if (rivals.length === 0) {
      console.log(`| ${work} | ${ours.toFixed(2)} | | |`);
    }
    for (const [name, { gbPerSecond, ratio }] of rivals) {
      const rate = `${name} ${gbPerSecond.toFixed(2)}`;
      console.log(
        `| ${work} | ${ours.toFixed(2)} | ${rate} | ${ratio.toFixed(2)} |`,
      );
    }
  }
}

const folder = await Deno.makeTempDir();
try {
  const isal = await buildIsal(folder);
  const results: Result[] = [];
  for (const shape of [[30, 3], [10, 4], [1, 3]] as const) {
    for (const bytes of [64 * kib, 256 * kib]) {
      results.push(await run(encodeRace(shape, bytes, bytes, isal)));
      results.push(await run(encodeRace(shape, bytes, bytes + 192, isal)));
    }
  }
  for (const shape of [[30, 3], [10, 4]] as const) {
    results.push(await run(rebuildRace(shape, 64 * kib)));
  }
  results.push(await run(await blake3Race(folder)));
  results.push(await run(await crc32cRace()));
  if (Deno.args.includes("--json")) {
    console.log(JSON.stringify(results, undefined, 2));
  } else print(results);
} finally {
  await Deno.remove(folder, { recursive: true });
}
