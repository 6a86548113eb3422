// Crash everywhere: stops a piece of work at every step that it makes on a simulated disk, and gives
// every disk that may be found afterwards to a judge.

import { ok } from "node:assert/strict";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { SimulatedDisk } from "../../src/store/simulated_disk.ts";

/** Stops `work` at every step; gives every disk that may be found afterwards to `judge`. */
export async function crashEverywhere(
  pristine: SimulatedDisk,
  work: (disk: SimulatedDisk) => Promise<void>,
  judge: (disk: SimulatedDisk, label: string) => Promise<void>,
): Promise<number> {
  let cases = 0;
  for (let step = 1;; step++) {
    const disk = new SimulatedDisk({}, pristine.copyRoot());
    disk.stopAfter(step);
    try {
      await work(disk);
    } catch (error) {
      ok(
        isFailure(error),
        `step ${step}: ${error instanceof Error ? error.stack : error}`,
      );
    }
    if (!disk.stopped) break;
    for (const [fate, found] of fatesOf(disk, step)) {
      await judge(found, `step ${step}, ${fate}`);
      cases++;
    }
  }
  return cases;
}

/** Fates of one crash: all that may be lost is lost, nothing is, and some in between. */
function fatesOf(disk: SimulatedDisk, step: number): [string, SimulatedDisk][] {
  const fates: [string, SimulatedDisk][] = [
    ["losing", disk.crash("losing")],
    ["keeping", disk.crash("keeping")],
  ];
  for (let seed = 1; seed <= 3; seed++) {
    fates.push([`seed ${seed}`, disk.crash(new Prng(1000 * step + seed))]);
  }
  disk.resume();
  fates.push(["killed", disk]);
  return fates;
}
