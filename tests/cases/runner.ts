// Runner: all cases of a job, one after the other, or one of them alone. A case counts only where its
// fault happened and left a disk that was not judged before.

import { assert } from "../../src/base/assert.ts";
import { messageOf } from "../../src/base/errors.ts";
import { type CaseName, formatJob, type Job } from "./case_id.ts";
import { runCrashes } from "./crash_cases.ts";
import { runDamage } from "./damage_cases.ts";
import { runFaults } from "./fault_cases.ts";
import { operations } from "./operations.ts";
import { CaseFailed, openStage, type Stage } from "./stage.ts";
import { emptyTally, type Tally } from "./tally.ts";
import { World } from "./world.ts";

/** Runs a job, or one case of it; stops at the first case that fails. */
export async function runJob(job: Job, only?: CaseName): Promise<Tally> {
  const tally = emptyTally();
  try {
    if (job.operation === "damage") await runDamage(job, tally, only);
    else await runOperation(await prepare(job, tally, only));
  } catch (error) {
    const name = error instanceof CaseFailed ? error.caseName : formatJob(job);
    const why = error instanceof CaseFailed ? error.cause : error;
    const message = why instanceof Error ? why.stack : messageOf(why);
    tally.failure = { name, message: message ?? name };
  }
  return tally;
}

async function prepare(
  job: Job,
  tally: Tally,
  only: CaseName | undefined,
): Promise<Stage> {
  const operation = operations[job.operation];
  assert(operation !== undefined, `there is an operation "${job.operation}"`);
  const world = new World(job);
  const run = await operation.prepare(world);
  return openStage({ job, operation, world, run, tally, only });
}

async function runOperation(stage: Stage): Promise<void> {
  await runCrashes(stage);
  await runFaults(stage);
}
