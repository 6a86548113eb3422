// Program: blockframe as a real process, started as the task `start` of deno.json starts it. Every
// run ends within a time limit (a program that hangs fails its test), and nothing that it prints may
// be a stack trace.

import { doesNotMatch, equal } from "node:assert/strict";

/** The root of the checkout. */
export const repository: string = decodeURIComponent(
  new URL("../../", import.meta.url).pathname,
).replace(/\/$/, "");

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
  /** The `deno` to start, the checkout and the cache, where others than ours. */
  readonly home?: Home;
}

/** A place that the program can be started from. */
export interface Home {
  readonly deno: string;
  readonly repository: string;
  readonly cache: string;
}

const secondsMax = 120;

/** Where this test's own `deno` and checkout are. */
export const ownHome: Home = {
  deno: Deno.execPath(),
  repository,
  cache: await findCache(),
};

/** The permissions of the task `start`. */
export const startPermissions: readonly string[] = await readStartPermissions();

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
  const home = options.home ?? ownHome;
  const words = [
    ...options.prefix ?? [],
    home.deno,
    "run",
    "--quiet",
    "--no-prompt",
    ...options.permissions ?? startPermissions,
    "--config",
    `${home.repository}/deno.json`,
    `${home.repository}/main.ts`,
    ...args,
  ];
  const child = new Deno.Command(words[0]!, {
    args: words.slice(1),
    cwd: options.cwd,
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: options.cwd,
      DENO_DIR: home.cache,
      DENO_NO_UPDATE_CHECK: "1",
      ...options.env,
    },
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

async function readStartPermissions(): Promise<string[]> {
  const { tasks } = JSON.parse(
    await Deno.readTextFile(`${repository}/deno.json`),
  );
  const words: string[] = tasks.start.command.split(" ");
  equal(words.at(-1), "main.ts", "the task starts main.ts");
  return words.filter((word) => word.startsWith("--allow-"));
}

// The cache lies below HOME, which the processes under test must not see.
async function findCache(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
    stdin: "null",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}
