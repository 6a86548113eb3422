// A mount against the raw segment files, in one run: reading all of it from front to back with our
// cache cold, reading it again from the kernel's pages, random 4 KiB reads that nothing has cached,
// the first byte of rotten leaves, and the memory of the process that serves. Contenders take turns;
// what counts is the ratio of medians. The segments are in the page cache, as after a commit; with
// --cold, which needs root, the kernel's caches are dropped before every contender.
//
//   deno run -A bench/mount_ratio.ts [--mib 1024] [--rounds 5] [--folder /var/tmp] [--cold]

import { optionOf, program } from "./program.ts";

const mib = 1024 * 1024;
const randomReads = 4000;
const rottenLeaves = 40;

interface Options {
  readonly mib: number;
  readonly rounds: number;
  readonly folder: string;
  readonly cold: boolean;
}

function parseOptions(args: readonly string[]): Options {
  return {
    mib: Number(optionOf("mib", "1024")),
    rounds: Number(optionOf("rounds", "5")),
    folder: optionOf("folder", "/var/tmp"),
    cold: args.includes("--cold"),
  };
}

/** A mount that is up. */
class Mount {
  readonly path: string;
  readonly #child: Deno.ChildProcess;

  private constructor(path: string, child: Deno.ChildProcess) {
    this.path = path;
    this.#child = child;
  }

  static async open(archive: string, path: string): Promise<Mount> {
    const child = new Deno.Command(program[0]!, {
      args: [...program.slice(1), "mount", "-a", archive, "-m", path, "--json"],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    reader.releaseLock();
    return new Mount(path, child);
  }

  /** The largest resident set so far, MiB. */
  peakMib(): number {
    const status = Deno.readTextFileSync(`/proc/${this.#child.pid}/status`);
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }

  async close(): Promise<void> {
    await run("fusermount3", "-u", this.path);
    await this.#child.stdout.cancel();
    await this.#child.status;
  }
}

async function run(command: string, ...args: string[]): Promise<void> {
  const { success } = await new Deno.Command(command, {
    args,
    stdout: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")}`);
}

/** Seconds that `cat` takes for these files. */
async function timeOfCat(paths: readonly string[]): Promise<number> {
  const start = performance.now();
  await run("cat", ...paths);
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

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[
    Math.min(sorted.length - 1, Math.floor(sorted.length * share))
  ]!;
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
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

async function main(): Promise<void> {
  const options = parseOptions(Deno.args);
  const folder = await Deno.makeTempDir({ dir: options.folder });
  const at = (name: string) => `${folder}/${name}`;
  const settle = async () => {
    if (options.cold) await Deno.writeTextFile("/proc/sys/vm/drop_caches", "3");
  };
  try {
    const bytes = options.mib * mib;
    await fill(at("big"), bytes);
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
    const seconds: Record<"raw" | "mount" | "pages" | "file", number[]> = {
      raw: [],
      mount: [],
      pages: [],
      file: [],
    };
    let peakMib = 0;
    for (let round = 0; round < options.rounds; round++) {
      await timeOfCat(segments); // in the page cache, unless dropped
      await settle();
      seconds.raw.push(await timeOfCat(segments));
      await settle();
      const mount = await Mount.open(at("a"), at("m"));
      seconds.mount.push(await timeOfCat([`${at("m")}/big`]));
      seconds.pages.push(await timeOfCat([`${at("m")}/big`]));
      await timeOfCat([at("big")]);
      seconds.file.push(await timeOfCat([at("big")]));
      peakMib = Math.max(peakMib, mount.peakMib());
      await mount.close();
    }
    await timeOfCat(segments);
    let mount = await Mount.open(at("a"), at("m"));
    const random = timesOfReads(`${at("m")}/big`, spread(bytes, randomReads));
    await mount.close();
    const places = rot(segments, Math.min(rottenLeaves, segments.length * 2));
    mount = await Mount.open(at("a"), at("m"));
    const rotten = timesOfReads(`${at("m")}/big`, places);
    await mount.close();
    report(options, seconds, random, rotten, peakMib);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function report(
  options: Options,
  seconds: Record<"raw" | "mount" | "pages" | "file", number[]>,
  random: readonly number[],
  rotten: readonly number[],
  peakMib: number,
): void {
  const speed = (name: keyof typeof seconds) =>
    options.mib * mib / 1e6 / median(seconds[name]);
  const row = (what: string, value: string, aim: string) =>
    console.log(`| ${what.padEnd(44)} | ${value.padStart(14)} | ${aim} |`);
  const fixed = (value: number, unit: string, digits = 0) =>
    `${value.toFixed(digits)} ${unit}`;
  console.log(
    `${options.mib} MiB, ${options.rounds} rounds${
      options.cold ? ", cold" : ""
    }`,
  );
  row("cat of the raw segments", fixed(speed("raw"), "MB/s"), "");
  row("cat through the mount", fixed(speed("mount"), "MB/s"), ">= 700 MB/s");
  row(
    "ratio to the raw segments",
    (speed("mount") / speed("raw")).toFixed(2),
    ">= 0.5",
  );
  row("again, from the kernel's pages", fixed(speed("pages"), "MB/s"), "");
  row(
    "ratio to a plain file",
    (speed("pages") / speed("file")).toFixed(2),
    "about 1",
  );
  row("random 4 KiB, p50", fixed(quantile(random, 0.5), "µs"), "<= 300 µs");
  row("random 4 KiB, p99", fixed(quantile(random, 0.99), "µs"), "<= 2000 µs");
  row("rotten leaf, p50", fixed(median(rotten) / 1000, "ms", 1), "");
  row(
    "rotten leaf, slowest",
    fixed(Math.max(...rotten) / 1000, "ms", 1),
    "<= 20 ms",
  );
  row("peak memory (64 MiB cache)", fixed(peakMib, "MiB"), "<= 214 MiB");
}

await main();
