// Soak: more crashes, faults and damage than a test run has time for, with seeds that nobody tried.
// Stops at the first case that fails and says how to run it again.
//
// deno task soak                     ten minutes, seeds from the clock
// deno task soak --minutes 600
// deno task soak --cases 5000000 --seed 7
// deno task soak --case "commit/erasure/seed 17/crash 41/losing"

import { parseCase } from "../tests/cases/case_id.ts";
import { formatFailure, formatSum, runJobs } from "../tests/cases/pool.ts";
import { runJob } from "../tests/cases/runner.ts";
import { jobsOf } from "../tests/cases/table.ts";
import { formatTally, sumOf, type Tally } from "../tests/cases/tally.ts";
import { systemClock } from "../src/base/ports.ts";

const minutesDefault = 10;
const seedMax = 2 ** 31;

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === undefined) {
    console.error(
      'Usage: deno task soak [--minutes N | --cases N] [--seed N] [--case "NAME"]',
    );
    return 2;
  }
  const startMs = performance.now();
  const tally = options.case === undefined
    ? await soak(options, startMs)
    : await runOne(options.case);
  const seconds = (performance.now() - startMs) / 1000;
  console.log(`${formatTally(tally)}\n${formatSum(tally, seconds)}`);
  if (tally.failure !== undefined) console.log(formatFailure(tally.failure));
  return tally.failure === undefined && sumOf(tally) > 0 ? 0 : 1;
}

interface Options {
  readonly minutes: number;
  readonly cases: number;
  readonly seed: number;
  readonly case?: string;
}

function parseOptions(args: readonly string[]): Options | undefined {
  const values = new Map<string, string>();
  for (let index = 0; index < args.length; index += 2) {
    const [name, value] = [args[index]!, args[index + 1]];
    const isKnown = ["--minutes", "--cases", "--seed", "--case"].includes(name);
    if (!isKnown || value === undefined) return undefined;
    values.set(name.slice(2), value);
  }
  const numberOf = (name: string, otherwise: number) =>
    Number(values.get(name) ?? otherwise);
  const cases = numberOf("cases", Infinity);
  const options = {
    cases,
    minutes: numberOf("minutes", cases < Infinity ? Infinity : minutesDefault),
    seed: numberOf("seed", systemClock.nowMs() % seedMax),
  };
  if (Object.values(options).some(Number.isNaN)) return undefined;
  const name = values.get("case");
  return name === undefined ? options : { ...options, case: name };
}

async function soak(
  { minutes, cases, seed }: Options,
  startMs: number,
): Promise<Tally> {
  console.error(`Seed ${seed} (again: deno task soak --seed ${seed})`);
  let shownMs = startMs;
  return await runJobs(jobsOf(seed, Infinity), {
    threadCount: navigator.hardwareConcurrency,
    isOver: (tally) =>
      sumOf(tally) >= cases ||
      performance.now() - startMs >= minutes * 60_000,
    onJob: (tally) => {
      const nowMs = performance.now();
      if (nowMs - shownMs < 10_000) return;
      shownMs = nowMs;
      console.error(formatSum(tally, (nowMs - startMs) / 1000));
    },
  });
}

async function runOne(name: string): Promise<Tally> {
  const { job, only } = parseCase(name);
  return await runJob(job, only);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
