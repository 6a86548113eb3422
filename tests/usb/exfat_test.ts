// exFAT: the core on a real exFAT file system, and a stick that is pulled in the middle of the work.

import { doesNotMatch, equal, match, ok } from "node:assert/strict";
import { equalBytes } from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import { listTree } from "../e2e/tree.ts";
import {
  type Ending,
  type Running,
  runProgram,
  startProgram,
} from "../e2e/program.ts";
import { makeTemporaryFolder } from "../e2e/workplace.ts";
import { type Desk, runStep, steps } from "./core.ts";
import { ExfatStick } from "./stick.ts";

const mib = 1024 * 1024;

async function withStick(
  body: (desk: Desk, stick: ExfatStick) => Promise<void>,
): Promise<void> {
  const folder = makeTemporaryFolder();
  try {
    using stick = await ExfatStick.make(folder, 43 * mib);
    const home = `${folder}/home`;
    await Deno.mkdir(home);
    const desk: Desk = {
      stick: stick.path,
      home,
      run: (args) => runProgram(args, { cwd: home }),
      forget: () => Deno.writeTextFileSync("/proc/sys/vm/drop_caches", "2"),
    };
    await body(desk, stick);
    await stick.unplug();
    stick.expectSound();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("exFAT, a real file system in an image", async (test) => {
  await withStick(async (desk) => {
    for (const step of steps) {
      await test.step(step.name, () => runStep(desk, step));
    }
  });
});

/** Runs until one is met at work: on a busy machine it may be over before it is looked at. */
const tryCount = 20;

/** What a command is doing when the stick goes. */
const works: readonly {
  readonly what: string;
  readonly args: (desk: Desk) => readonly string[];
  /** Whether a segment is lost before. */
  readonly damaged?: boolean;
}[] = [
  { what: "a health run", args: () => ["health", "--check"] },
  { what: "a repair", args: () => ["health"], damaged: true },
  { what: "a commit", args: () => ["commit", "new"] },
  {
    what: "a restore",
    args: ({ home }) => ["restore", "big", "--overwrite", "-o", `${home}/out`],
  },
];

for (const { what, args, damaged } of works) {
  for (const way of ["pull", "detach"] as const) {
    Deno.test(`a stick that goes (${way}) during ${what} is offline, not damaged`, async () => {
      await withStick(async (desk, stick) => {
        const archive = `${desk.stick}/archive`;
        const old = new Prng(1).bytes(3 * mib);
        await Deno.writeFile(`${desk.home}/big`, old);
        await Deno.writeFile(`${desk.home}/new`, new Prng(2).bytes(3 * mib));
        // Many files keep the program at work for long.
        const config = 'segment_size = "16KiB"';
        await Deno.writeTextFile(`${desk.home}/config.toml`, config);
        const policy = ["--policy", "erasure:4+2"];
        const end = ["-a", archive, "--workers", "0"];
        const made = await desk.run(["commit", "big", ...policy, ...end]);
        equal(made.code, 0, made.stderr);
        if (damaged) loseSegment(archive);
        const words = [...args(desk), ...end];
        const ending = await goneDuring(desk, stick, way, words);
        equal(ending.code, 8, ending.stdout + ending.stderr);
        match(ending.stderr, /not there any more|the disk is not there/);
        doesNotMatch(ending.stdout + ending.stderr, /damage|lost|rotten/i);
        await stick.unplug();
        stick.mend();
        await stick.plugIn();
        const after = await desk.run(["health", ...end]);
        const codes = damaged ? [0, 1] : [0];
        ok(codes.includes(after.code), after.stdout + after.stderr);
        const restore = ["restore", "big", "-o", "again", ...end];
        equal((await desk.run(restore)).code, 0);
        ok(equalBytes(await Deno.readFile(`${desk.home}/again`), old));
        const again = ["commit", "new", ...policy, ...end];
        equal((await desk.run(again)).code, 0);
      });
    });
  }
}

function loseSegment(archive: string): void {
  const segment = listTree(archive).find((path) =>
    path.includes("/segments/") && path.endsWith(".dat")
  );
  Deno.removeSync(`${archive}/${segment}`);
}

/** Starts the program, and takes the stick away while it works. */
async function goneDuring(
  desk: Desk,
  stick: ExfatStick,
  way: "pull" | "detach",
  args: readonly string[],
): Promise<Ending> {
  for (let time = 0; time < tryCount; time++) {
    // What was read before is forgotten with the mount.
    await stick.unplug();
    await stick.plugIn();
    using running = startProgram(args, { cwd: desk.home });
    if (await isMetAtWork(running, `${desk.stick}/`)) {
      if (way === "pull") await stick.pull();
      else stick.detach();
      return await running.ending;
    }
  }
  throw new Error(`The program was not met at work in ${tryCount} runs`);
}

/** Whether the process has a shard open below `folder` at a moment when it is looked at. */
async function isMetAtWork(
  running: Running,
  folder: string,
): Promise<boolean> {
  let ended = false;
  running.ending.finally(() => ended = true).catch(() => {});
  while (!hasOpenShard(running.child.pid, folder)) {
    if (ended) return false;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return true;
}

function hasOpenShard(pid: number, folder: string): boolean {
  const files = `/proc/${pid}/fd`;
  try {
    return [...Deno.readDirSync(files)].some(({ name }) => {
      const path = Deno.readLinkSync(`${files}/${name}`);
      return path.startsWith(folder) && path.endsWith(".dat");
    });
  } catch {
    return false; // it closed one, or ended, meanwhile
  }
}
