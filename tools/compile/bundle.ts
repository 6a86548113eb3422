// Bundle: the whole program as one text of plain JavaScript, with the codec, the libraries that it
// imports and the program of its threads inside. The same checkout gives the same text, wherever
// it lies and wherever Deno keeps its packages.
//
// The text is no module but a script in one function: Deno reads through every module that it is
// given to find what it imports, which costs 60 ms for one of this size at each start, and a text
// that a small module evaluates costs only V8's own reading.

import { runDeno, runProgram } from "./run_deno.ts";

/** A program that `deno task compile` can put into an executable. */
export interface Bundle {
  /** The program, readable; what stack traces call `blockframe.js`. */
  readonly text: string;
  /** The module that runs it. */
  readonly module: string;
}

/** Bundles the checkout at `root`; `commit` is what `--version` says. */
export async function bundleProgram(
  root: URL,
  commit: string,
): Promise<Bundle> {
  const worker = await bundleModule(root, "src/archive/worker.ts");
  const main = await bundleModule(root, "main.ts");
  const thread = scriptOf(worker, "", "blockframe_worker.js");
  const constants = [
    `const BLOCKFRAME_COMMIT = ${JSON.stringify(commit)};`,
    `const BLOCKFRAME_WORKER = ${JSON.stringify(thread)};\n`,
  ].join("\n");
  const text = scriptOf(`${constants}${main}`, "async ", "blockframe.js");
  return { text, module: `await (0, eval)(${JSON.stringify(text)});\n` };
}

/**
 * The commit of the checkout at `root`, marked where files differ from it; "" where this is no
 * checkout, but sources that lie somewhere, even in a checkout of something else. Without git there
 * is none to be named either, which is said.
 */
export async function readCommit(root: URL): Promise<string> {
  try {
    await Deno.lstat(new URL(".git", root));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
  try {
    const head = await git(root, "rev-parse", "HEAD");
    // Not as the user has it set: a new file may be one that is imported.
    const changes = await git(root, "status", "--porcelain", "-unormal");
    return changes === "" ? head : `${head}-dirty`;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    console.log(`The executable will name no commit: ${why}`);
    return "";
  }
}

/**
 * A bundled module as a call of one function. What only modules may say is said otherwise.
 * @throws {Error} where the module imports what this does not know.
 */
export function scriptOf(module: string, kind: string, name: string): string {
  const body = module
    // Loaded when it is first used: modules of Node cost 20 ms or more, and most runs need none.
    .replace(
      /^import (\w+) from "(node:[\w/]+)";$/gm,
      'const $1 = builtinModule("$2");',
    )
    .replaceAll("import.meta", "moduleMeta");
  const foreign = body.match(
    /^(?:import(?: .* from)? "|export (?:\{|\*|default |async |const |function |class )).*$/m,
  );
  if (foreign !== null) {
    throw new Error(`Cannot make a script of ${name}: it says ${foreign[0]}`);
  }
  return `((${parameters}) => (${kind}() => {"use strict";\n${body}\n})())(${values})\n//# sourceURL=${name}\n`;
}

// What the script knows besides the globals. `process` is the global one, but whoever asks only what
// platform this is (a package does, at its start) does not have Deno load the rest: 10 ms.
const platform = `({ windows: "win32" })[Deno.build.os] ?? Deno.build.os`;
const parameters = "moduleMeta, builtinModule, process";
const values = [
  `{ main: true, url: "blockframe:" }`,
  `(name) => new Proxy({}, { get: (_, key) => globalThis.process.getBuiltinModule(name)[key] })`,
  `new Proxy({}, { get: (_, key) => key === "platform" ? ${platform} : globalThis.process[key] })`,
].join(", ");

/** One module and all that it imports, as `deno bundle` puts them into one. */
async function bundleModule(root: URL, path: string): Promise<string> {
  const output = await Deno.makeTempFile({ suffix: ".js" });
  try {
    await runDeno(root, "bundle", "--quiet", "--output", output, path);
    return plainPaths(
      await Deno.readTextFile(output),
      await findPackages(root),
    );
  } finally {
    await Deno.remove(output);
  }
}

/** The text with the places of packages on this machine replaced by their names. */
export function plainPaths(text: string, packages: string): string {
  const escaped = packages.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return text.replace(
    new RegExp(`(?:\\.\\./)*${escaped}/[^/"\\s]+/`, "g"),
    "npm/",
  );
}

/** Where Deno keeps packages, as it is written below `root`: without the part that both share. */
async function findPackages(root: URL): Promise<string> {
  const { npmCache } = JSON.parse(await runDeno(root, "info", "--json"));
  const ours = decodeURIComponent(root.pathname).split("/").filter((one) =>
    one !== ""
  );
  const theirs = (npmCache as string).split(/[/\\]/).filter((one) =>
    one !== ""
  );
  const shared = theirs.findIndex((one, index) => one !== ours[index]);
  return theirs.slice(Math.max(shared, 0)).join("/");
}

async function git(cwd: URL, ...args: string[]): Promise<string> {
  const place = decodeURIComponent(cwd.pathname);
  // Where the checkout is, whoever owns it, and not where the environment says: a hook sets that.
  const env = { GIT_DIR: `${place}.git`, GIT_WORK_TREE: place };
  return (await runProgram("git", args, { cwd, env })).trim();
}
