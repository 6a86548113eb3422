// A tree of many small files: `commit` of it, in a process of its own, beside `cp -r` and `sync` of
// the same tree; what memory that takes; what listing all of it and a folder of it takes.
//
//   deno run -A bench/tree_ratio.ts [--folder /var/tmp] [--files 100000] [--bytes 10240]
//     [--rounds 3] [--keep]
//
// The file cache is warm for both.

import { optionOf, program } from "./program.ts";

/** Folders of folders of a hundred files each. */
function makeTree(folder: string, fileCount: number, bytes: number): void {
  const content = new Uint8Array(bytes);
  for (let index = 0; index < fileCount; index++) {
    const outer = `${folder}/part_${Math.floor(index / 10_000)}`;
    const inner = `${outer}/group_${Math.floor(index / 100)}`;
    if (index % 100 === 0) Deno.mkdirSync(inner, { recursive: true });
    crypto.getRandomValues(content.subarray(0, Math.min(bytes, 65_536)));
    Deno.writeFileSync(`${inner}/file_${index}.bin`, content);
  }
}

interface Run {
  readonly seconds: number;
  /** Peak of all that the process had in memory, MiB. */
  readonly memoryMib: number;
  readonly text: string;
}

/** Runs a command; its memory is the peak that /proc told last, 20 ms before its end at most. */
async function measure(command: string, args: string[]): Promise<Run> {
  const start = performance.now();
  const child = new Deno.Command(command, {
    args,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let memoryKib = 0;
  const watch = setInterval(() => {
    try {
      const status = Deno.readTextFileSync(`/proc/${child.pid}/status`);
      memoryKib = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? memoryKib);
    } catch {
      // It has ended.
    }
  }, 20);
  const { success, stdout } = await child.output();
  clearInterval(watch);
  if (!success) throw new Error(`${command} ${args.join(" ")} failed`);
  return {
    seconds: (performance.now() - start) / 1000,
    memoryMib: memoryKib / 1024,
    text: new TextDecoder().decode(stdout),
  };
}

async function blockframe(...args: string[]): Promise<Run> {
  return await measure(program[0]!, [...program.slice(1), ...args]);
}

const folder = await Deno.makeTempDir({ dir: optionOf("folder", "/var/tmp") });
const keep = Deno.args.includes("--keep");
const fileCount = Number(optionOf("files", "100000"));
const bytes = Number(optionOf("bytes", "10240"));
const source = `${folder}/source`, archive = `${folder}/archive`;
try {
  Deno.mkdirSync(source);
  makeTree(source, fileCount, bytes);
  await measure("sync", []);
  console.log(`${fileCount} files of ${bytes} bytes in ${source}`);
  for (let round = 0; round < Number(optionOf("rounds", "3")); round++) {
    const copyStart = performance.now();
    await measure("cp", ["-r", source, `${folder}/copy`]);
    await measure("sync", ["-f", folder]);
    const copySeconds = (performance.now() - copyStart) / 1000;
    await Deno.remove(`${folder}/copy`, { recursive: true });
    await measure("sync", ["-f", folder]);
    const commit = await blockframe("commit", source, "-a", archive, "--force");
    console.log(
      `cp -r and sync ${copySeconds.toFixed(2)} s; commit ` +
        `${commit.seconds.toFixed(2)} s (${
          (commit.seconds / copySeconds).toFixed(2)
        } times), ${commit.memoryMib.toFixed(0)} MiB`,
    );
    for (const pattern of ["", "part_3/group_301"]) {
      const list = await blockframe(
        "show",
        "source",
        "--files",
        ...(pattern === "" ? [] : [pattern]),
        "-a",
        archive,
      );
      const lines = list.text.split("\n").length - 1;
      console.log(
        `listed ${lines} of ${pattern || "all"} in ${
          list.seconds.toFixed(2)
        } s, ${list.memoryMib.toFixed(0)} MiB`,
      );
    }
  }
} finally {
  if (keep) console.log(`kept ${folder}`);
  else await Deno.remove(folder, { recursive: true });
}
