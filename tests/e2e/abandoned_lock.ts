// Abandoned lock: a commit is killed at its work, and the next command takes its lock over.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { kill, pause, type RunOptions } from "./program.ts";
import { kib, Workplace } from "./workplace.ts";

/** The lock of whoever writes. */
export const lock = ".lock_writer";

/** Kills a commit; the next one must say so and go on, `secondsMin` seconds later or more. */
export async function expectTakenOver(
  options: Partial<RunOptions> = {},
  secondsMin = 0,
): Promise<void> {
  using work = new Workplace({ config: undefined });
  const { content } = await work.commit("early", 1000);
  await using big = await Deno.create(work.at("big"));
  await big.truncate(400 * kib * kib);
  using running = work.start(["commit", "big"], options);
  // The entry of before, the lock, and the staging folder, which comes last.
  while (countNames(work) < 3) await pause(2);
  kill(running.child, "SIGKILL");
  await running.ending;
  const { pid, command } = JSON.parse(
    await Deno.readTextFile(`${work.archive}/${lock}`),
  );
  deepEqual([pid, command], [running.child.pid, "commit"]);
  const startMs = performance.now();
  const { stderr } = await work.expect(0, ["commit", "early"], options);
  ok(performance.now() - startMs >= secondsMin * 1000);
  match(
    stderr,
    new RegExp(
      `warning: The lock of commit \\(process ${pid}[^)]*\\) was left by`,
    ),
  );
  const args = ["cleanup", "--older-than", "0h", "--yes"];
  const cleaned = await work.expect(0, args, options);
  match(cleaned.stdout, /1 folder removed/);
  equal(cleaned.stderr, "");
  equal(countNames(work), 1);
  await work.expectRestore(0, "early", content);
}

/** How many names the archive's folder has. */
export function countNames(work: Workplace): number {
  return [...Deno.readDirSync(work.archive)].length;
}
