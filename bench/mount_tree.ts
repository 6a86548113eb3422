// A mounted tree of many files against the tree itself: ls of its names, ls -l and find with sizes; and
// what a reader of another file feels while its table is decoded. Contenders take turns.
//
//   deno run -A bench/mount_tree.ts [--files 100000] [--rounds 3] [--folder /var/tmp]

import { median, Mount, quantile, run } from "./mounted.ts";
import { optionOf, program } from "./program.ts";

const otherBytes = 64 * 1024 * 1024;

async function grow(folder: string, count: number): Promise<void> {
  await Deno.mkdir(`${folder}/tree/flat`, { recursive: true });
  for (let index = 0; index < count; index++) {
    const name = `${index}`.padStart(6, "0");
    await Deno.writeTextFile(`${folder}/tree/flat/file_${name}.txt`, name);
  }
  const other = new Uint8Array(otherBytes);
  for (let at = 0; at < other.length; at += 65536) {
    crypto.getRandomValues(other.subarray(at, at + 65536));
  }
  await Deno.writeFile(`${folder}/other`, other);
}

interface Turns {
  readonly first: number[];
  readonly again: number[];
  readonly plain: number[];
}

/** Seconds of a command; find wants its path first. */
async function secondsOf(
  [command, ...args]: readonly string[],
  path: string,
): Promise<number> {
  const words = command === "find" ? [path, ...args] : [...args, path];
  const start = performance.now();
  await run(command!, ...words);
  return (performance.now() - start) / 1000;
}

/** Milliseconds of 4 KiB reads at places that repeat, until `ends` says so. */
function readAround(path: string, ends: (count: number) => boolean): number[] {
  using file = Deno.openSync(path);
  const page = new Uint8Array(4096);
  const times: number[] = [];
  for (let state = 7, count = 0; !ends(count); count++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const offset = Math.floor(state / 2 ** 32 * (otherBytes / 4096)) * 4096;
    const start = performance.now();
    file.seekSync(offset, Deno.SeekMode.Start);
    file.readSync(page);
    const ms = performance.now() - start;
    // What came from the kernel's pages asked nobody.
    if (ms > 0.02) times.push(ms);
  }
  return times;
}

/** How long reads take while somebody asks for a file of the tree, for the first time. */
async function readBesideTable(mount: Mount): Promise<number[]> {
  const other = `${mount.path}/other`;
  readAround(other, (count) => count === 3000);
  const asked = new Deno.Command("ls", {
    args: ["-d", `${mount.path}/tree/flat/file_000000.txt`],
    stdout: "null",
  }).spawn();
  const end = performance.now() + 1000;
  const times = readAround(other, () => performance.now() > end);
  await asked.status;
  return times;
}

async function main(): Promise<void> {
  const count = Number(optionOf("files", "100000"));
  const rounds = Number(optionOf("rounds", "3"));
  const folder = await Deno.makeTempDir({
    dir: optionOf("folder", "/var/tmp"),
  });
  const at = (name: string) => `${folder}/${name}`;
  const commands: readonly (readonly string[])[] = [
    ["ls", "-U"],
    ["ls", "-l"],
    ["find", "-printf", "%s\n"],
  ];
  try {
    await grow(folder, count);
    const inputs = [at("tree"), at("other")];
    await run(
      program[0]!,
      ...program.slice(1),
      "commit",
      "-a",
      at("a"),
      ...inputs,
    );
    await Deno.mkdir(at("m"));
    // The first start of a checkout compiles it, which takes 20 MiB that nobody needs later.
    await (await Mount.open(at("a"), at("m")))[Symbol.asyncDispose]();
    let beside: number[] = [];
    const seconds = commands.map(
      () => ({ first: [], again: [], plain: [] } as Turns),
    );
    let peakMib = 0;
    for (let round = 0; round < rounds; round++) {
      for (const [index, words] of commands.entries()) {
        await using mount = await Mount.open(at("a"), at("m"));
        beside = beside.concat(await readBesideTable(mount));
        const { first, again, plain } = seconds[index]!;
        first.push(await secondsOf(words, `${at("m")}/tree/flat`));
        again.push(await secondsOf(words, `${at("m")}/tree/flat`));
        plain.push(await secondsOf(words, `${folder}/tree/flat`));
        peakMib = Math.max(peakMib, mount.peakMib());
      }
    }
    console.log(`${count} files, ${rounds} rounds; medians`);
    for (const [index, words] of commands.entries()) {
      const { first, again, plain } = seconds[index]!;
      const name = words.join(" ").trim().padEnd(16);
      const [one, two, three] = [first, again, plain].map(median);
      console.log(
        `${name} first ${one!.toFixed(2)} s, again ${two!.toFixed(2)} s, ` +
          `the tree itself ${three!.toFixed(2)} s`,
      );
    }
    console.log(
      `another file's 4 KiB while the table is decoded: p50 ${
        quantile(beside, 0.5).toFixed(2)
      }, p99 ${quantile(beside, 0.99).toFixed(2)}, slowest ${
        quantile(beside, 1).toFixed(1)
      } ms`,
    );
    console.log(`peak memory ${peakMib.toFixed(0)} MiB`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

await main();
