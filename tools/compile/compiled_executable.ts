// Compiled executable: what `deno compile` makes of the bundle: a runtime without the parts of Deno
// that are for developers, with the program, its permissions and its flags in it. The runtime is
// downloaded by Deno, or named in DENORT_BIN.

import type { Bundle } from "./bundle.ts";
import { readRegistryFile } from "./registry.ts";
import { runProgram } from "./run_deno.ts";
import type { RegistryPair } from "./targets.ts";
import { readWheelFile } from "./wheel.ts";

/** A `deno` that compiles, and the runtime that it is to put in, where it is not to look for it. */
export interface Compiler {
  readonly deno: string;
  readonly runtime?: string;
}

/**
 * Writes the executable to `output`; `flags` are permissions and flags of V8.
 * @throws {Error} where `deno compile` fails; see isOutOfReach().
 */
export async function writeCompiledExecutable(
  output: string,
  target: string,
  bundle: Bundle,
  flags: readonly string[],
  compiler: Compiler,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    // With a settings file of its own, so that no other one is found.
    await Deno.writeTextFile(`${folder}/deno.json`, "{}\n");
    await Deno.writeTextFile(`${folder}/blockframe.js`, bundle.module);
    // The time of a file goes into the executable, and the same inputs are to give the same bytes.
    await Deno.utime(`${folder}/blockframe.js`, 0, 0);
    await runProgram(compiler.deno, [
      "compile",
      ...fixedFlags,
      ...flags,
      ...["--target", target],
      ...["--output", output],
      "blockframe.js",
    ], {
      cwd: folder,
      env: compiler.runtime === undefined
        ? {}
        : { DENORT_BIN: compiler.runtime },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Why the runtime could not be downloaded; undefined where something else went wrong. */
export function outOfReach(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const [, causes] = error.message.split("Setting up base binary.");
  return causes?.match(/^ *(?:\d+: )?(\S.*)$/m)?.[1];
}

/** Puts a compiler and a runtime of registries into `folder`. */
export async function writeRegistryPair(
  folder: string,
  pair: RegistryPair,
): Promise<Compiler> {
  const compiler = { deno: `${folder}/deno`, runtime: `${folder}/denort` };
  const { runtime } = pair;
  const files = [
    [compiler.deno, await readRegistryFile(pair.compiler)],
    [
      compiler.runtime,
      "platform" in runtime
        ? await readWheelFile(runtime)
        : await readRegistryFile(runtime),
    ],
  ] as const;
  for (const [path, bytes] of files) {
    await Deno.writeFile(path, bytes, { mode: 0o755 });
  }
  return compiler;
}

const fixedFlags = [
  "--quiet",
  "--no-prompt",
  "--no-check", // the checkout's tests have done that, and here all is plain JavaScript
  "--no-lock",
  "--no-remote",
  "--no-npm",
  "--no-code-cache", // it would lie in a folder that everybody may write to
  "--unstable-worker-options",
];
