// A mount against the raw segment files, in one run: reading all of it from front to back with our
// cache cold, the segments in the page cache ("warm") and not ("cold"); reading it again from the
// kernel's pages; random 4 KiB reads that nothing has cached; the first byte of rotten leaves; and the
// memory of the process that serves. Contenders take turns; what counts is the ratio of medians.
//
// Beside them is what bounds them: BLAKE3 alone, on one thread by this program's module and on two by
// b3sum where it is installed, and a file that is read again from a file system whose pages are
// single as FUSE's are (tmpfs; those of ext4 and XFS are large).
//
//   deno run -A bench/mount_ratio.ts [--mib 1024] [--rounds 5] [--folder /var/tmp] [--small /dev/shm]
//
// Caches are dropped file by file (dd, iflag=nocache), which needs no root and disturbs nobody else.

import { Codec } from "../src/codec/mod.ts";
import { median, Mount, quantile, run } from "./mounted.ts";
import { optionOf, program } from "./program.ts";

const mib = 1024 * 1024;
const randomReads = 4000;
const rottenLeaves = 40;

interface Options {
  readonly mib: number;
  readonly rounds: number;
  readonly folder: string;
  /** A folder on a file system with single pages, for the control. */
  readonly small: string;
}

function parseOptions(): Options {
  return {
    mib: Number(optionOf("mib", "1024")),
    rounds: Number(optionOf("rounds", "5")),
    folder: optionOf("folder", "/var/tmp"),
    small: optionOf("small", "/dev/shm"),
  };
}

/** Seconds that `cat` takes for these files. */
async function timeOfCat(paths: readonly string[]): Promise<number> {
  const start = performance.now();
  await run("cat", ...paths);
  return (performance.now() - start) / 1000;
}

/** Takes the files' pages out of the page cache; what is not on the disk yet would stay. */
async function dropPages(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await run("dd", `if=${path}`, "iflag=nocache", "count=0", "status=none");
  }
}

/** Seconds that BLAKE3 of so many MiB takes one thread of this program. */
function timeOfDigests(count: number): number {
  const codec = Codec.open();
  const parts = 16;
  using source = codec.lease(parts * mib);
  using target = codec.lease(16 * 32);
  const digest = (part: number) =>
    codec.digestLeaves({
      source: source.offset + part % parts * mib,
      bytes: mib,
      leafBytes: 65536,
      streamOffset: 0,
      target: target.offset,
      wholeStream: false,
    });
  for (let part = 0; part < 64; part++) digest(part);
  const start = performance.now();
  for (let part = 0; part < count; part++) digest(part);
  return (performance.now() - start) / 1000;
}

/** Seconds of b3sum with two threads; undefined where there is none. */
async function timeOfB3sum(path: string): Promise<number | undefined> {
  const start = performance.now();
  try {
    await run("b3sum", "--num-threads", "2", path);
  } catch {
    return undefined;
  }
  return (performance.now() - start) / 1000;
}

/** Microseconds of reads at random places. */
function timesOfReads(path: string, offsets: readonly number[]): number[] {
  using file = Deno.openSync(path);
  const page = new Uint8Array(4096);
  return offsets.map((offset) => {
    const start = performance.now();
    file.seekSync(offset, Deno.SeekMode.Start);
    file.readSync(page);
    return (performance.now() - start) * 1000;
  });
}

/** Offsets of whole pages, spread over the file, that repeat from run to run. */
function spread(bytes: number, count: number): number[] {
  const pages = Math.floor(bytes / 4096);
  let state = 12345;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor(state / 2 ** 32 * pages) * 4096;
  });
}

async function fill(path: string, bytes: number): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const part = new Uint8Array(mib);
  for (let done = 0; done < bytes; done += part.length) {
    for (let at = 0; at < part.length; at += 65536) {
      crypto.getRandomValues(part.subarray(at, at + 65536));
    }
    for (let at = 0; at < part.length;) {
      at += await file.write(part.subarray(at));
    }
  }
}

/** Segment files of an entry, in payload order. */
function segmentsOf(folder: string): string[] {
  const paths: string[] = [];
  const walk = (path: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(path)) {
      if (isDirectory) walk(`${path}/${name}`);
      else if (/^segment_\d+\.dat$/.test(name)) paths.push(`${path}/${name}`);
    }
  };
  walk(folder);
  return paths.sort();
}

/** Rots one byte in the middle of some leaves; gives the payload offsets of these leaves. */
function rot(segments: readonly string[], count: number): number[] {
  const sizes = segments.map((path) => Deno.statSync(path).size);
  const leafBytes = 64 * 1024;
  return Array.from({ length: count }, (_, index) => {
    const segment = index % segments.length;
    const leaves = Math.floor(sizes[segment]! / leafBytes);
    // Another row each time: more than three in one row would be lost.
    const leaf = (index * 7 + 3) % leaves;
    using file = Deno.openSync(segments[segment]!, { read: true, write: true });
    const offset = leaf * leafBytes + 30_000;
    const byte = new Uint8Array(1);
    file.seekSync(offset, Deno.SeekMode.Start);
    file.readSync(byte);
    byte[0]! ^= 0xff;
    file.seekSync(offset, Deno.SeekMode.Start);
    file.writeSync(byte);
    const before = sizes.slice(0, segment).reduce((sum, size) => sum + size, 0);
    return before + leaf * leafBytes;
  });
}

/** What took turns, in seconds. */
const contenders = [
  "raw",
  "mount",
  "rawCold",
  "mountCold",
  "pages",
  "file",
  "single",
  "digest",
  "b3sum",
] as const;
type Seconds = Record<typeof contenders[number], number[]>;

/** One turn of everybody; gives the peak memory of the mount, MiB. */
async function playRound(
  options: Options,
  at: (name: string) => string,
  single: string,
  seconds: Seconds,
): Promise<number> {
  const segments = segmentsOf(at("a"));
  const whole = [`${at("m")}/big`];
  await timeOfCat(segments); // into the page cache
  seconds.raw.push(await timeOfCat(segments));
  let peakMib: number;
  {
    await using mount = await Mount.open(at("a"), at("m"));
    seconds.mount.push(await timeOfCat(whole));
    await timeOfCat([...whole, at("big"), single]);
    seconds.pages.push(await timeOfCat(whole));
    seconds.file.push(await timeOfCat([at("big")]));
    seconds.single.push(await timeOfCat([single]));
    peakMib = mount.peakMib();
  }
  await dropPages(segments);
  seconds.rawCold.push(await timeOfCat(segments));
  await dropPages(segments);
  {
    await using _mount = await Mount.open(at("a"), at("m"));
    seconds.mountCold.push(await timeOfCat(whole));
  }
  seconds.digest.push(timeOfDigests(options.mib));
  const b3sum = await timeOfB3sum(at("big"));
  if (b3sum !== undefined) seconds.b3sum.push(b3sum);
  return peakMib;
}

async function main(): Promise<void> {
  const options = parseOptions();
  const folder = await Deno.makeTempDir({ dir: options.folder });
  const single = await Deno.makeTempFile({ dir: options.small });
  const at = (name: string) => `${folder}/${name}`;
  try {
    const bytes = options.mib * mib;
    await fill(at("big"), bytes);
    await Deno.copyFile(at("big"), single);
    await run(
      program[0]!,
      ...program.slice(1),
      "commit",
      "-a",
      at("a"),
      at("big"),
    );
    await run("sync");
    await Deno.mkdir(at("m"));
    const segments = segmentsOf(at("a"));
    const seconds = Object.fromEntries(
      contenders.map((name) => [name, []]),
    ) as unknown as Seconds;
    let peakMib = 0;
    for (let round = 0; round < options.rounds; round++) {
      const peak = await playRound(options, at, single, seconds);
      peakMib = Math.max(peakMib, peak);
    }
    await timeOfCat(segments);
    const readAt = async (places: readonly number[]) => {
      await using mount = await Mount.open(at("a"), at("m"));
      return timesOfReads(`${mount.path}/big`, places);
    };
    const random = await readAt(spread(bytes, randomReads));
    const rotten = await readAt(
      rot(segments, Math.min(rottenLeaves, segments.length * 2)),
    );
    report(options, seconds, random, rotten, peakMib);
  } finally {
    await Deno.remove(folder, { recursive: true });
    await Deno.remove(single);
  }
}

function report(
  options: Options,
  seconds: Seconds,
  random: readonly number[],
  rotten: readonly number[],
  peakMib: number,
): void {
  const speed = (name: keyof Seconds) =>
    options.mib * mib / 1e6 / median(seconds[name]);
  const row = (what: string, value: string, aim = "") =>
    console.log(
      `| ${what.padEnd(44)} | ${value.padStart(10)} | ${aim.padEnd(11)} |`,
    );
  const fixed = (value: number, unit: string, digits = 0) =>
    `${value.toFixed(digits)} ${unit}`;
  const rate = (what: string, name: keyof Seconds, aim = "") =>
    row(what, fixed(speed(name), "MB/s"), aim);
  const ratio = (
    what: string,
    over: keyof Seconds,
    under: keyof Seconds,
    aim = "",
  ) => row(what, (speed(over) / speed(under)).toFixed(2), aim);
  console.log(`${options.mib} MiB, ${options.rounds} rounds`);
  row("", "measured", "aim");
  rate("cat of the raw segments, warm", "raw");
  rate("cat through the mount, warm", "mount", ">= 700 MB/s");
  ratio("ratio", "mount", "raw", ">= 0.5");
  rate("cat of the raw segments, cold", "rawCold");
  rate("cat through the mount, cold", "mountCold", ">= 700 MB/s");
  ratio("ratio", "mountCold", "rawCold", ">= 0.5");
  rate("BLAKE3 alone, this program, one thread", "digest");
  if (seconds.b3sum.length > 0) rate("b3sum, two threads", "b3sum");
  rate("again, from the kernel's pages", "pages");
  ratio("ratio to a plain file", "pages", "file", "1");
  ratio("ratio to a file with single pages (tmpfs)", "pages", "single");
  row("random 4 KiB, p50", fixed(quantile(random, 0.5), "µs"), "<= 300 µs");
  row("random 4 KiB, p99", fixed(quantile(random, 0.99), "µs"), "<= 2000 µs");
  row("rotten leaf, p50", fixed(median(rotten) / 1000, "ms", 1));
  row(
    "rotten leaf, slowest",
    fixed(Math.max(...rotten) / 1000, "ms", 1),
    "<= 20 ms",
  );
  row("peak memory (64 MiB cache)", fixed(peakMib, "MiB"), "<= 214 MiB");
}

await main();
