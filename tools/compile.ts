// Compile: makes one executable of the checkout, or one for each machine that is named.
//
// deno task compile                      dist/blockframe, for this machine
// deno task compile --target TARGET      dist/blockframe-TARGET; may be given again
// deno task compile --all                for every machine
//
// --kind compile | npm    how: by `deno compile`, or of the Deno of the npm registry. By default the
//                         second is taken where the first cannot download its runtime
// --pair                  dist/blockframe-compiled: by an older `deno compile` of the registry; also
//                         with --target x86_64-pc-windows-msvc
// --output FOLDER         another folder than dist/
//
// DENORT_BIN names the runtime that `deno compile` is to put in.

import { parseArgs } from "node:util";
import { type Bundle, bundleProgram, readCommit } from "./compile/bundle.ts";
import {
  outOfReach,
  writeCompiledExecutable,
  writeRegistryPair,
} from "./compile/compiled_executable.ts";
import { runProgram } from "./compile/run_deno.ts";
import { asksForHelp, readHeader } from "./header.ts";
import { makeNpmExecutable } from "./compile/npm_executable.ts";
import { registryPairs, type Target, targets } from "./compile/targets.ts";

const root = new URL("../", import.meta.url);

/** What was asked for. */
interface Order {
  readonly targets: readonly Target[];
  /** Whether file names say for which machine they are. */
  readonly named: boolean;
  readonly kind: "compile" | "npm" | undefined;
  readonly pair: boolean;
  readonly output: string;
}

/** What all executables are made of. */
interface Material {
  readonly bundle: Bundle;
  readonly flags: readonly string[];
}

async function main(args: readonly string[]): Promise<number> {
  if (asksForHelp(args)) {
    console.log(await readHeader(import.meta.url));
    return 0;
  }
  const order = readOrder(args);
  if (typeof order === "string") {
    console.error(order);
    return 2;
  }
  const material = {
    bundle: await bundleProgram(root, await readCommit(root)),
    flags: await readStartFlags(),
  };
  await Deno.mkdir(order.output, { recursive: true });
  const failed: string[] = [];
  for (const target of order.targets) {
    const name = order.pair
      ? `blockframe-compiled${target.ending}`
      : order.named
      ? `blockframe-${target.name}${target.ending}`
      : `blockframe${target.ending}`;
    const path = `${order.output}/${name}`;
    try {
      await writeExecutable(path, target, material, order);
      if (target.name === Deno.build.target) await tryExecutable(path);
      const { size } = await Deno.stat(path);
      console.log(`${path}: ${(size / 1e6).toFixed(1)} MB`);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      console.error(`Cannot make ${path}: ${message}`);
      failed.push(name);
    }
  }
  return failed.length === 0 ? 0 : 1;
}

function readOrder(args: readonly string[]): Order | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        target: { type: "string", multiple: true },
        all: { type: "boolean", default: false },
        kind: { type: "string" },
        pair: { type: "boolean", default: false },
        output: { type: "string" },
      },
    });
    const { kind, pair } = values;
    if (kind !== undefined && kind !== "compile" && kind !== "npm") {
      return `No kind is called ${kind}; there are: compile, npm`;
    }
    const names = values.target ?? (pair ? [registryPairs[0].target] : []);
    const wanted = values.all
      ? [...targets]
      : (names.length > 0 ? names : [Deno.build.target]).map(findTarget);
    const output = values.output ??
      decodeURIComponent(new URL("dist", root).pathname);
    const named = values.all || names.length > 0;
    return { targets: wanted, named, kind, pair, output };
  } catch (error) {
    return (error as Error).message;
  }
}

function findTarget(name: string): Target {
  const target = targets.find((one) => one.name === name);
  if (target !== undefined) return target;
  const names = targets.map((one) => one.name).join(", ");
  throw new Error(`No target is called ${name}; there are: ${names}`);
}

/** Permissions and flags of V8, which are those of the task `start`. */
export async function readStartFlags(): Promise<string[]> {
  const { tasks } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", root)),
  );
  return (tasks.start.command as string).split(" ").filter((word) =>
    /^--(?:allow|deny|v8-flags)/.test(word)
  );
}

async function writeExecutable(
  path: string,
  target: Target,
  { bundle, flags }: Material,
  { kind, pair }: Order,
): Promise<void> {
  if (pair) {
    const found = registryPairs.find((one) => one.target === target.name);
    if (found === undefined) throw new Error(`no pair is for ${target.name}`);
    const folder = await Deno.makeTempDir();
    try {
      const compiler = await writeRegistryPair(folder, found);
      await writeCompiledExecutable(path, target.name, bundle, flags, compiler);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    return;
  }
  if (kind !== "npm") {
    try {
      const compiler = { deno: Deno.execPath() };
      await writeCompiledExecutable(path, target.name, bundle, flags, compiler);
      return;
    } catch (error) {
      const why = outOfReach(error);
      if (why === undefined || Deno.env.has("DENORT_BIN")) throw error;
      if (kind === "compile" || target.npm === undefined) {
        throw new Error(
          `the runtime for ${target.name} cannot be downloaded (DENORT_BIN can name one): ${why}`,
        );
      }
      console.error(
        `The runtime of \`deno compile\` cannot be downloaded: making ${path} of the Deno of the npm registry instead`,
      );
    }
  }
  if (target.npm === undefined) {
    throw new Error(`there is no Deno of the npm registry for ${target.name}`);
  }
  const bytes = await makeNpmExecutable(root, target.npm, bundle, flags);
  await writeAtOnce(path, bytes);
}

/** Starts what was made. @throws {Error} where it does not start; it is then removed */
async function tryExecutable(path: string): Promise<void> {
  const absolute = await Deno.realPath(path);
  try {
    const said = await runProgram(absolute, ["--version"], {});
    if (!said.startsWith("blockframe ")) throw new Error(`it says ${said}`);
  } catch (error) {
    await Deno.remove(absolute);
    throw error;
  }
}

/** Whoever runs the file that was there goes on with it: a new one takes its name. */
async function writeAtOnce(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.new`;
  await Deno.writeFile(temporary, bytes, { mode: 0o755 });
  await Deno.chmod(temporary, 0o755);
  await Deno.rename(temporary, path);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
