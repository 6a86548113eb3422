// Fuzz: generated input for everything that reads what others may have written: manifests, outboards,
// file tables, manifests of blockframe-rs, settings, command lines, whole archives. A target is a law
// that must hold for every input; fast-check makes the inputs, and makes a failing one small.
//
// The tests run a bounded number of cases of each target; `deno task fuzz` runs more, with other
// seeds, and runs a failure again.

import fc from "fast-check";
import { archiveTarget, folderTarget } from "./archive_target.ts";
import { commandLineTarget } from "./command_line_target.ts";
import { configTarget } from "./config_target.ts";
import { fileTableTarget } from "./file_table_target.ts";
import { indexPageTarget } from "./index_page_target.ts";
import { legacyTarget } from "./legacy_target.ts";
import { manifestTarget } from "./manifest_target.ts";
import { outboardTarget } from "./outboard_target.ts";
import type { Target } from "./target.ts";

/** All targets. */
export const targets: readonly Target[] = [
  manifestTarget,
  outboardTarget,
  fileTableTarget,
  legacyTarget,
  indexPageTarget,
  configTarget,
  commandLineTarget,
  archiveTarget,
  folderTarget,
];

/** What {@link run} went through. */
export interface FuzzReport {
  readonly seed: number;
  /** Cases by target. */
  readonly cases: Readonly<Record<string, number>>;
}

/**
 * Runs at least `cases` cases in all, spread over the targets by their weights, all following from
 * `seed` (any 32-bit integer).
 * @throws {Error} with the shrunk input and the command that replays it, at the first failure
 */
export async function run(seed: number, cases: number): Promise<FuzzReport> {
  const weightSum = targets.reduce((sum, target) => sum + target.weight, 0);
  const done: Record<string, number> = {};
  for (const target of targets) {
    const count = Math.ceil(cases * target.weight / weightSum);
    await runTarget(target, seed, count);
    done[target.name] = count;
  }
  return { seed, cases: done };
}

/** Runs one target. @throws {Error} as {@link run} */
export async function runTarget(
  target: Target,
  seed: number,
  cases: number,
  path?: string,
): Promise<void> {
  await using property = await target.open();
  const details = await fc.check(property.property, {
    seed,
    numRuns: cases,
    ...(path === undefined ? {} : { path, endOnFailure: true }),
  });
  if (!details.failed) return;
  const { counterexample, counterexamplePath, errorInstance } = details;
  const words = `${target.name}:${seed}:${counterexamplePath}`;
  throw new Error(
    `The law of "${target.name}" is broken; again: deno task fuzz --replay "${words}"\n` +
      `input: ${fc.stringify(counterexample).slice(0, 2000)}`,
    { cause: errorInstance },
  );
}

/** Runs the one case that these words of a failure's message name. @throws {Error} as {@link run} */
export async function replay(words: string): Promise<void> {
  const [name, seed, ...path] = words.split(":");
  const target = targets.find((each) => each.name === name);
  if (target === undefined) throw new Error(`No target is called "${name}"`);
  await runTarget(target, Number(seed), 1, path.join(":"));
}
