// Home: what the tests start as `blockframe`. It is the checkout, started as the task `start` of
// deno.json does it; or, where BLOCKFRAME_E2E_PROGRAM names one, an executable. This is the one
// place that knows which. Neither gets any of the environment that the tests run in: no HOME, no
// PATH, no TERM; an executable gets nothing at all but what a test gives it.

import { equal, ok } from "node:assert/strict";

/** The root of the checkout. */
export const repository: string = decodeURIComponent(
  new URL("../../", import.meta.url).pathname,
).replace(/\/$/, "");

/** Sources that a Deno runs. */
export interface Checkout {
  readonly kind: "checkout";
  readonly deno: string;
  readonly repository: string;
  readonly cache: string;
  /** What is started, where it is not main.ts. */
  readonly main?: string;
}

/** The program as one file. */
export interface Executable {
  readonly kind: "executable";
  readonly path: string;
}

/** A place that the program can be started from. */
export type Home = Checkout | Executable;

/** What starts the program: the words of its command line, and the environment that they need. */
export interface Start {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What this run of the tests is about. */
export const ownHome: Home = await findHome();

/** Flags of the task `start`: permissions and the like. */
const startFlags: readonly string[] = await readStartFlags();

/**
 * How `blockframe ARGS` is started. `permissions` are flags of `deno run` instead of those of the
 * task; an executable has its own, so that a test that gives some belongs into a file that only
 * the checkout's suite runs (tools/suites.ts).
 */
export function startOf(
  args: readonly string[],
  home: Home = ownHome,
  permissions?: readonly string[],
): Start {
  if (home.kind === "executable") {
    equal(permissions, undefined, "an executable has no flags of Deno");
    return { words: [home.path, ...args], env: {} };
  }
  const flags = permissions === undefined ? startFlags : [
    ...startFlags.filter((word) => !word.startsWith("--allow-")),
    ...permissions,
  ];
  const config = ["--config", `${home.repository}/deno.json`];
  const main = home.main ?? `${home.repository}/main.ts`;
  return {
    words: [home.deno, "run", ...flags, ...config, main, ...args],
    env: { DENO_DIR: home.cache, DENO_NO_UPDATE_CHECK: "1" },
  };
}

async function findHome(): Promise<Home> {
  const path = Deno.env.get("BLOCKFRAME_E2E_PROGRAM") || undefined;
  if (path === undefined) {
    return {
      kind: "checkout",
      deno: Deno.execPath(),
      repository,
      cache: await findCache(),
    };
  }
  ok(path.startsWith("/"), "BLOCKFRAME_E2E_PROGRAM is an absolute path");
  ok((await Deno.stat(path)).isFile, `${path} is an executable`);
  return { kind: "executable", path };
}

async function readStartFlags(): Promise<string[]> {
  const { tasks } = JSON.parse(
    await Deno.readTextFile(`${repository}/deno.json`),
  );
  const words: string[] = tasks.start.command.split(" ");
  equal(words.slice(0, 2).join(" "), "deno run", "the task is one run");
  equal(words.at(-1), "main.ts", "the task starts main.ts");
  return words.slice(2, -1);
}

// The cache lies below HOME, which the processes under test must not see.
async function findCache(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
    stdin: "null",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}
