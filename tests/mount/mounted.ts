// Mounted: an archive of a workplace, mounted by the real program. Disposing unmounts it, whatever
// state it is in; a mount that does not come up or does not end fails its test.

import { doesNotMatch, equal, match, ok } from "node:assert/strict";
import {
  type Ending,
  kill,
  type Running,
  type RunOptions,
} from "../e2e/program.ts";
import type { Workplace } from "../e2e/workplace.ts";

// A name space of mounts that another test makes meanwhile has a copy of ours, which lives as long as it.
const secondsMax = 120;

/** A program that serves a mount. */
export class Mounted implements AsyncDisposable {
  /** Where the archive is. */
  readonly path: string;
  readonly running: Running;

  private constructor(path: string, running: Running) {
    this.path = path;
    this.running = running;
  }

  /** Mounts the workplace's archive at a folder `mnt` in it. */
  static async at(
    work: Workplace,
    options: readonly string[] = [],
    run: Partial<RunOptions> = {},
  ): Promise<Mounted> {
    const path = work.at("mnt");
    // A dead mount is no folder, and neither can it be made.
    const isThere = [...Deno.readDirSync(work.path)]
      .some(({ name }) => name === "mnt");
    if (!isThere) work.makeFolder("mnt");
    const running = work.start(["mount", "-m", path, ...options], run);
    await until(
      () =>
        isMounted(path) &&
        errorOf(() => Deno.openSync(path).close()) === "none",
      async () => {
        const early = await Promise.race([running.ending, pause(0)]);
        return early === undefined ? "" : early.stderr;
      },
    );
    return new Mounted(path, running);
  }

  /** The path of `name` in the mount. */
  at(name: string): string {
    return `${this.path}/${name}`;
  }

  /** Unmounts as a user does; gives what the program said. */
  async unmount(): Promise<Ending> {
    runTool("fusermount3", "-u", this.path);
    return await this.ending();
  }

  /** Sends a signal; gives what the program said. */
  async stop(signal: Deno.Signal): Promise<Ending> {
    kill(this.running.child, signal);
    return await this.ending();
  }

  /** The program's end, which must be clean. */
  async ending(): Promise<Ending> {
    const ending = await this.running.ending;
    equal(ending.code, 0, ending.stderr);
    doesNotMatch(ending.stderr, /internal error/i);
    equal(isMounted(this.path), false, "nothing is mounted any more");
    return ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (isMounted(this.path)) {
      new Deno.Command("fusermount3", { args: ["-u", "-z", this.path] })
        .outputSync();
    }
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      kill(this.running.child, "SIGKILL");
    }, secondsMax * 1000);
    await this.running.ending.catch(() => {});
    clearTimeout(timer);
    ok(!late, "a mount ends when it is unmounted");
  }
}

/** Whether a FUSE file system is mounted there. */
export function isMounted(path: string): boolean {
  return Deno.readTextFileSync("/proc/self/mountinfo").split("\n")
    .some((line) =>
      line.split(" ")[4] === path && line.includes(" - fuse.blockframe ")
    );
}

/** Waits for something that comes soon. */
export async function until(
  holds: () => boolean,
  why: () => Promise<string> = () => Promise.resolve(""),
): Promise<void> {
  const endMs = Date.now() + secondsMax * 1000;
  while (!holds()) {
    const said = await why();
    ok(said === "" && Date.now() < endMs, `it does not come: ${said}`);
    await pause(20);
  }
}

/** Waits. */
export function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms));
}

/** Runs a program that must succeed; gives its output. */
export function runTool(program: string, ...args: readonly string[]): string {
  const { success, stdout, stderr } = new Deno.Command(program, {
    args: [...args],
  }).outputSync();
  const text = new TextDecoder().decode(stdout);
  ok(
    success,
    `${program} ${args.join(" ")}\n${text}${new TextDecoder().decode(stderr)}`,
  );
  return text;
}

/** The error code of what a call throws. */
export function errorOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code !== undefined) return code;
    const number = /os error (\d+)/.exec(message)?.[1];
    match(`${number}`, /^\d+$/, message);
    return `errno ${number}`;
  }
  return "none";
}

/** The bytes of a file. */
export function readBytes(path: string): Uint8Array {
  return Deno.readFileSync(path);
}

/** What stat(2) says. */
export function infoOf(path: string): Deno.FileInfo {
  return Deno.statSync(path);
}

/** Opens a file or folder for reading. */
export function openPath(path: string): Deno.FsFile {
  return Deno.openSync(path);
}

/** The names in a folder, sorted. */
export function namesIn(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

/** Calls that would change the file system, each at a mount with a file "it". */
export const writingCalls: Readonly<Record<string, (root: string) => unknown>> =
  {
    write: (root) => Deno.writeTextFileSync(`${root}/it`, "x"),
    create: (root) => Deno.writeTextFileSync(`${root}/new`, "x"),
    remove: (root) => Deno.removeSync(`${root}/it`),
    rename: (root) => Deno.renameSync(`${root}/it`, `${root}/that`),
    folder: (root) => Deno.mkdirSync(`${root}/folder`),
    mode: (root) => Deno.chmodSync(`${root}/it`, 0o600),
    times: (root) => Deno.utimeSync(`${root}/it`, 0, 0),
    link: (root) => Deno.symlinkSync("it", `${root}/link`),
  };
