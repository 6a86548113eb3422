// Crash cases: the machine stops at every step of an operation, and its disk keeps of what was not
// synced nothing, everything, or what chance has it. Also twice in a row: the second time while the
// operation is done again.

import { Prng } from "../../src/base/prng.ts";
import { SimulatedDisk } from "../../src/store/simulated_disk.ts";
import {
  attempt,
  isWanted,
  judgeOnce,
  type Stage,
  storesWith,
  tryCase,
} from "./stage.ts";
import type { Role } from "./world.ts";

const tornCount = 6;
const twiceCount = 3;

/** What becomes of the disk, by name; "killed" is only the process. */
const fates: readonly string[] = [
  "losing",
  "keeping",
  "killed",
  ...Array.from({ length: tornCount }, (_, index) => `torn ${index + 1}`),
  ...Array.from({ length: twiceCount }, (_, index) => `twice ${index + 1}`),
];

/** Every step of the operation, and every fate after each. */
export async function runCrashes(stage: Stage): Promise<void> {
  const role = stage.operation.writes;
  if (role === undefined) return;
  if (!isWanted(stage, "crash")) return;
  for (let step = 1;; step++) {
    if (!isWanted(stage, "crash", step)) continue;
    const disk = copyOf(stage, role);
    const before = disk.usedBytes;
    disk.stopAfter(step);
    const stores = storesWith(stage.world, role, disk);
    const { isDone } = await attempt(stage, stores);
    stage.growths.add(disk.usedBytes - before);
    await judgeFates(stage, role, disk, step, isDone);
    if (!disk.stopped || stage.only !== undefined) return;
  }
}

async function judgeFates(
  stage: Stage,
  role: Role,
  disk: SimulatedDisk,
  step: number,
  isDone: boolean,
): Promise<void> {
  for (const fate of fates) {
    await tryCase(
      stage,
      { kind: "crash", nth: step, variant: fate },
      async () => {
        const chance = new Prng(stage.job.seed * 1000 + step);
        const found = await meetFate(stage, role, disk, fate, chance);
        // What returned is durable, whatever the fate; unless a second run went on with it.
        const mustBeDone = isDone && !disk.stopped && !fate.startsWith("twice");
        const stores = storesWith(stage.world, role, found);
        return await judgeOnce(stage, stores, { isDone: mustBeDone });
      },
    );
  }
}

async function meetFate(
  stage: Stage,
  role: Role,
  disk: SimulatedDisk,
  fate: string,
  chance: Prng,
): Promise<SimulatedDisk> {
  if (fate === "losing" || fate === "keeping") return disk.crash(fate);
  // The caches of the system are all there.
  if (fate === "killed") return new SimulatedDisk({}, disk.copyRoot());
  const [word, index] = fate.split(" ");
  for (let skipped = 0; skipped < Number(index); skipped++) chance.nextU32();
  const own = new Prng(chance.nextU32());
  const found = disk.crash(own);
  if (word === "torn") return found;
  found.stopAfter(1 + own.below(60));
  await attempt(stage, storesWith(stage.world, role, found));
  return found.crash(own);
}

function copyOf({ world }: Stage, role: Role): SimulatedDisk {
  const { sectorBytes } = world.shape;
  return new SimulatedDisk({ sectorBytes }, world[role].copyRoot());
}
