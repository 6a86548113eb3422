// Program: blockframe as a real process, from the home that home.ts chose. Every run ends within a
// time limit (a program that hangs fails its test), and nothing that it prints may be a stack trace.

import { doesNotMatch, equal } from "node:assert/strict";
import { type Home, ownHome, startOf } from "./home.ts";

/** How a process ended and what it said. */
export interface Ending {
  readonly code: number;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where and how a process runs. */
export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Bytes on standard input; default: there is nothing to read. */
  readonly stdin?: string;
  /** Flags of `deno run` instead of those of `deno task start`. */
  readonly permissions?: readonly string[];
  /** Words before the command line: `setpriv` and the like. */
  readonly prefix?: readonly string[];
  /** Where the program lies, where elsewhere than this run's. */
  readonly home?: Home;
}

const secondsMax = 120;

/** Runs `blockframe ARGS` to its end. */
export async function runProgram(
  args: readonly string[],
  options: RunOptions,
): Promise<Ending> {
  using running = startProgram(args, options);
  return await running.ending;
}

/** A process that was started. Disposing kills it if it is still there. */
export interface Running extends Disposable {
  readonly child: Deno.ChildProcess;
  /** Fails where the process hangs or shows a stack trace. */
  readonly ending: Promise<Ending>;
}

/** Starts `blockframe ARGS`. */
export function startProgram(
  args: readonly string[],
  options: RunOptions,
): Running {
  const start = startOf(args, options.home ?? ownHome, options.permissions);
  const [first, ...others] = [...options.prefix ?? [], ...start.words];
  const child = new Deno.Command(findTool(first!), {
    args: others,
    cwd: options.cwd,
    clearEnv: true,
    env: { ...start.env, ...options.env },
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let ended = false;
  const ending = follow(child, args, options.stdin).finally(() => ended = true);
  ending.catch(() => {}); // it is the caller's to await; one that is killed on dispose has no reader
  return {
    child,
    ending,
    [Symbol.dispose]: () => {
      if (!ended) kill(child, "SIGKILL");
    },
  };
}

/** Waits until `isTrue`, or the process ended. */
export async function waitFor(
  running: Running,
  isTrue: () => boolean,
): Promise<void> {
  let ended = false;
  running.ending.finally(() => ended = true).catch(() => {});
  while (!ended && !isTrue()) await pause(1);
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Sends a signal; a process that ended meanwhile is none to send it to. */
export function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound ||
      error instanceof TypeError;
    if (!gone) throw error;
  }
}

async function follow(
  child: Deno.ChildProcess,
  args: readonly string[],
  stdin: string | undefined,
): Promise<Ending> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    kill(child, "SIGKILL");
  }, secondsMax * 1000);
  try {
    const [stdout, stderr, status] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.status,
      stdin === undefined ? undefined : feed(child, stdin),
    ]);
    equal(late, false, `blockframe ${args.join(" ")} hangs`);
    assertNoStack(stdout);
    assertNoStack(stderr);
    return { code: status.code, signal: status.signal, stdout, stderr };
  } finally {
    clearTimeout(timer);
  }
}

async function feed(child: Deno.ChildProcess, text: string): Promise<void> {
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
}

function assertNoStack(text: string): void {
  doesNotMatch(text, /^\s+at /m, "a stack trace is printed");
  doesNotMatch(text, /file:\/\/\//, "the place of a module is printed");
}

/** Where a program lies that the tests find and the program under test, without a PATH, may not. */
function findTool(name: string): string {
  if (name.includes("/")) return name;
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    try {
      if (Deno.statSync(`${folder}/${name}`).isFile) return `${folder}/${name}`;
    } catch {
      continue; // the next one
    }
  }
  throw new Error(`There is no ${name} on the PATH`);
}
