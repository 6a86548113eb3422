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

async function secondsOf(command: string, ...args: string[]): Promise<number> {
  const start = performance.now();
  await run(command, ...args);
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
    let beside: number[] = [];
    const seconds = commands.map(() => ({
      mount: [] as number[],
      plain: [] as number[],
    }));
    let peakMib = 0;
    for (let round = 0; round < rounds; round++) {
      await using mount = await Mount.open(at("a"), at("m"));
      beside = beside.concat(await readBesideTable(mount));
      for (const [index, [command, ...args]] of commands.entries()) {
        for (
          const [who, root] of [["mount", at("m")], ["plain", folder]] as const
        ) {
          const path = `${root}/tree/flat`;
          const words = command === "find" ? [path, ...args] : [...args, path];
          seconds[index]![who].push(await secondsOf(command!, ...words));
        }
      }
      peakMib = Math.max(peakMib, mount.peakMib());
    }
    console.log(`${count} files, ${rounds} rounds; medians`);
    for (const [index, words] of commands.entries()) {
      const mount = median(seconds[index]!.mount);
      const plain = median(seconds[index]!.plain);
      console.log(
        `${words.join(" ").trim().padEnd(20)} ${mount.toFixed(2)} s, plain ${
          plain.toFixed(2)
        } s, ratio ${(mount / plain).toFixed(1)}`,
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
