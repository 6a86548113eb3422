// Programs: executables made of the registry's Deno and a program of the test's own, and a way to run
// one with nothing in its environment but what the test gives it.

import { fail } from "node:assert/strict";
import { scriptOf } from "../../tools/compile/bundle.ts";
import { joinExecutable } from "../../tools/compile/npm_executable.ts";
import { readRegistryFile } from "../../tools/compile/registry.ts";
import { readStub } from "../../tools/compile/stub.ts";
import { targets } from "../../tools/compile/targets.ts";

/** The root of the checkout. */
export const root: URL = new URL("../../", import.meta.url);

/** Whether what is made here can run here. */
export const canRun: boolean = Deno.build.target === "x86_64-unknown-linux-gnu";

/** How a process ended and what it said. */
export interface Ending {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The Deno of the registry for a machine, as it is pinned. */
export async function readBase(
  machine: "x86_64" | "aarch64",
): Promise<Uint8Array<ArrayBuffer>> {
  const npm = targets.find((one) => one.npm?.machine === machine)?.npm;
  return await readRegistryFile(npm?.base ?? fail("no such machine"));
}

/** Writes an executable that runs the body of a module with these flags of `deno run`. */
export async function writeProgram(
  path: string,
  body: string,
  flags: readonly string[] = [],
): Promise<void> {
  const text = scriptOf(body, "async ", "blockframe.js");
  const bytes = joinExecutable(
    await readBase("x86_64"),
    await readStub(root, "x86_64"),
    "x86_64",
    { text, module: "" },
    ["--allow-read", ...flags],
  );
  await Deno.writeFile(path, bytes, { mode: 0o755 });
}

/** Runs a program to its end. */
export async function run(
  words: readonly string[],
  options: {
    readonly env?: Record<string, string>;
    readonly cwd?: string;
    readonly input?: string;
  } = {},
): Promise<Ending> {
  const child = new Deno.Command(words[0] ?? fail("a program"), {
    args: words.slice(1),
    clearEnv: true,
    env: options.env ?? {},
    ...options.cwd !== undefined && { cwd: options.cwd },
    stdin: options.input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const written = options.input === undefined
    ? undefined
    : new Blob([options.input]).stream().pipeTo(child.stdin);
  const { code, stdout, stderr } = await child.output();
  await written;
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** Runs `deno task compile ARGS`, as somebody types it. */
export function compile(...args: string[]): Promise<Ending> {
  const words = [Deno.execPath(), "task", "--quiet", "compile", ...args];
  return run(words, { env: { ...Deno.env.toObject(), NO_COLOR: "1" } });
}
