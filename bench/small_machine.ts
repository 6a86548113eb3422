// A small machine: what each command needs of memory, and that it does its work in a control group
// of so much, page cache included, without swap. Peak memory is the largest resident set of the
// process, as GNU time has it; the group's own limit is what may not be passed.
//
//   deno run -A bench/small_machine.ts [--program dist/blockframe] [--limit-mib 512] [--gb 3]
//       [--files 50000] [--workers 4] [--folder /var/tmp]
//
// As root, on Linux. The file is of random bytes: the disk needs three times its room.

import { MemoryGroup } from "../tools/memory_group.ts";
import { optionOf, program as startTask } from "./program.ts";

const mib = 1024 * 1024;
const limitBytes = Number(optionOf("limit-mib", "512")) * mib;
const workers = ["--workers", optionOf("workers", "4")];
const given = optionOf("program", "");
const program = given === "" ? startTask : [Deno.realPathSync(given)];
const folder = await Deno.makeTempDir({
  dir: optionOf("folder", "/var/tmp"),
  prefix: "blockframe-small-",
});
const mountpoint = `${folder}/mnt`;
const text = new TextDecoder();

function openGroup(): MemoryGroup {
  const group = MemoryGroup.open(limitBytes);
  if (group === undefined) throw new Error("No control group can be made here");
  return group;
}

/** Runs a command in a group, prints what it took, and stops everything where it ends otherwise. */
async function run(
  title: string,
  command: readonly string[],
  expected = 0,
  meanwhile?: () => Promise<void>,
): Promise<void> {
  const group = openGroup();
  const report = await Deno.makeTempFile();
  const timed = ["/usr/bin/time", "-q", "-o", report, "-f", "%e %U %S %M"];
  const [first, ...words] = [...group.prefix, ...timed, ...command];
  const child = new Deno.Command(first!, {
    args: words,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  await meanwhile?.();
  const { code, stdout, stderr } = await output;
  const line = (await Deno.readTextFile(report)).trim().split("\n").at(-1)!;
  await Deno.remove(report);
  const [wall, user, system, peak] = line.split(" ").map(Number);
  const killed = group.killedCount;
  group[Symbol.dispose]();
  console.log(
    `${title.padEnd(34)} ${wall!.toFixed(1).padStart(7)} s wall ${
      (user! + system!).toFixed(1).padStart(6)
    } s cpu ${(peak! / 1024).toFixed(0).padStart(5)} MiB peak${
      killed === 0 ? "" : "  KILLED"
    }`,
  );
  if (code === expected && killed === 0) return;
  throw new Error(
    `${title} ended with ${code}: ${text.decode(stdout).slice(-2000)}${
      text.decode(stderr).slice(-2000)
    }`,
  );
}

/** The limit bites: what asks for more is killed. */
async function proveLimit(): Promise<void> {
  using group = openGroup();
  const script =
    `const all = []; while (all.length < ${2 * limitBytes / mib}) ` +
    `all.push(new Uint8Array(${mib}).fill(1));`;
  const [first, ...words] = [...group.prefix, Deno.execPath(), "eval", script];
  const { signal } = await new Deno.Command(first!, { args: words }).output();
  if (signal !== "SIGKILL" || group.killedCount !== 1) {
    throw new Error(`The limit does not bite: ${signal}`);
  }
  console.log(`limit ${limitBytes / mib} MiB: what takes twice that is killed`);
}

function makeFile(path: string, bytes: number): void {
  using file = Deno.openSync(path, { write: true, createNew: true });
  const piece = new Uint8Array(mib);
  for (let done = 0; done < bytes; done += piece.length) {
    for (let at = 0; at < mib; at += 65536) {
      crypto.getRandomValues(piece.subarray(at, at + 65536));
    }
    file.writeSync(piece.subarray(0, Math.min(mib, bytes - done)));
  }
}

function makeTree(path: string, count: number): void {
  const bytes = crypto.getRandomValues(new Uint8Array(4000));
  for (let index = 0; index < count; index++) {
    const inner = `${path}/folder ${index % 500}`;
    if (index < 500) Deno.mkdirSync(inner, { recursive: true });
    const name = `${inner}/a file with a rather long name ${index}.txt`;
    Deno.writeFileSync(name, bytes.subarray(0, 200 + index * 31 % 3800));
  }
}

/** Takes three shards of the second block, and rots one leaf in ten of another one's. */
function damage(archive: string): void {
  const [entry] = [...Deno.readDirSync(archive)].filter((each) =>
    each.isDirectory && !each.name.startsWith(".")
  );
  const blocks = `${archive}/${entry!.name}/blocks`;
  const inner = (block: number) =>
    [...Deno.readDirSync(`${blocks}/block_${block}/segments`)]
      .map((each) => `${blocks}/block_${block}/segments/${each.name}`).sort();
  for (const path of inner(0).slice(3, 6)) Deno.removeSync(path);
  inner(1).forEach((path, shard) => {
    using file = Deno.openSync(path, { write: true });
    const { size } = file.statSync();
    for (let leaf = shard % 10; leaf < size / 65536; leaf += 10) {
      file.seekSync(leaf * 65536, Deno.SeekMode.Start);
      file.writeSync(new Uint8Array(8).fill(0x5a));
    }
  });
}

/** Compares what is mounted with what was committed, and unmounts. */
async function compareMounted(source: string, name: string): Promise<void> {
  const isThere = async () =>
    (await Deno.readTextFile("/proc/self/mountinfo")).includes(mountpoint);
  for (let tries = 0; !(await isThere()) && tries < 300; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { code } = await new Deno.Command("diff", {
    args: ["-rq", source, `${mountpoint}/${name}`],
  }).output();
  await new Deno.Command("fusermount3", { args: ["-u", mountpoint] }).output();
  if (code !== 0) throw new Error(`${name} differs under the mount`);
}

async function main(): Promise<void> {
  await proveLimit();
  const bytes = Number(optionOf("gb", "3")) * 1e9;
  const count = Number(optionOf("files", "50000"));
  console.log(`a file of ${bytes / 1e9} GB, a tree of ${count} files`);
  await Deno.mkdir(mountpoint);
  for (const name of ["file", "tree"]) {
    const source = `${folder}/${name}`, archive = `${folder}/archive-${name}`;
    if (name === "file") makeFile(source, bytes);
    else makeTree(source, count);
    await Deno.mkdir(archive);
    const step = (title: string, words: readonly string[], expected = 0) =>
      run(
        `${title} (${name})`,
        [...program, ...words, "-a", archive, ...workers],
        expected,
      );
    const restored = `${folder}/restored`;
    await step("commit", ["commit", source]);
    await step("list", ["list"]);
    await step("health", ["health"]);
    if (name === "file") {
      damage(archive);
      await step("health, repairing", ["health"], 1);
    }
    await step("restore", ["restore", name, "-o", restored]);
    await Deno.remove(restored, { recursive: true });
    await run(
      `mount, all read (${name})`,
      [...program, "mount", "-m", mountpoint, "-a", archive, ...workers],
      0,
      () => compareMounted(source, name),
    );
    await Deno.remove(source, { recursive: true });
    await Deno.remove(archive, { recursive: true });
  }
}

try {
  await main();
} finally {
  await Deno.remove(folder, { recursive: true });
}
