// Cases: crashes at every step, every kind of fault at every call, full disks, bad sectors and random
// damage, for every operation and every kind of protection. How to run more: deno task soak.

import { ok, strictEqual } from "node:assert/strict";
import { formatFailure, formatSum, runJobs } from "./pool.ts";
import { jobsOf } from "./table.ts";
import { formatTally, sumOf } from "./tally.ts";

// More than there are cores: some operations let timers turn.
const threadCount = 3 * navigator.hardwareConcurrency;
const rounds = 2;
const caseCountMin = 100_000;

Deno.test(`at least ${caseCountMin} crash and fault cases lose nothing`, async () => {
  const startMs = performance.now();
  const tally = await runJobs(jobsOf(0, rounds), { threadCount });
  const seconds = (performance.now() - startMs) / 1000;
  console.log(`${formatTally(tally)}\n${formatSum(tally, seconds)}`);
  strictEqual(
    tally.failure,
    undefined,
    tally.failure && formatFailure(tally.failure),
  );
  ok(sumOf(tally) >= caseCountMin, `${sumOf(tally)} cases`);
});
