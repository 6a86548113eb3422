// Fuzz: more generated input than a test run has time for, with seeds that nobody tried. Stops at the
// first input that breaks a law and says how to run it again.
//
// deno task fuzz                     ten minutes, seeds from the clock on
// deno task fuzz --minutes 600
// deno task fuzz --cases 100000 --seed 7
// deno task fuzz --replay "manifest:7:544:0:2"

import { replay, run } from "../tests/fuzz/fuzz.ts";
import { systemClock } from "../src/base/ports.ts";

const minutesDefault = 10;
const casesPerRound = 2000;
const seedMax = 2 ** 31;

async function main(args: readonly string[]): Promise<number> {
  const values = parseOptions(args);
  if (values === undefined) {
    console.error(
      'Usage: deno task fuzz [--minutes N | --cases N] [--seed N] [--replay "WORDS"]',
    );
    return 2;
  }
  try {
    const words = values.get("replay");
    if (words === undefined) await fuzz(values);
    else await replay(words);
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.log(error.message);
    if (error.cause instanceof Error) console.log(error.cause.stack);
    return 1;
  }
}

function parseOptions(
  args: readonly string[],
): ReadonlyMap<string, string> | undefined {
  const values = new Map<string, string>();
  for (let index = 0; index < args.length; index += 2) {
    const [name, value] = [args[index]!, args[index + 1]];
    const isNumber = ["--minutes", "--cases", "--seed"].includes(name);
    if (value === undefined || (!isNumber && name !== "--replay")) {
      return undefined;
    }
    if (isNumber && !Number.isFinite(Number(value))) return undefined;
    values.set(name.slice(2), value);
  }
  return values;
}

async function fuzz(values: ReadonlyMap<string, string>): Promise<void> {
  const cases = Number(values.get("cases") ?? Infinity);
  const minutes = Number(
    values.get("minutes") ?? (cases < Infinity ? Infinity : minutesDefault),
  );
  const first = Number(values.get("seed") ?? systemClock.nowMs() % seedMax);
  console.error(`Seed ${first} (again: deno task fuzz --seed ${first})`);
  const startMs = performance.now();
  const sums = new Map<string, number>();
  let seed = first, done = 0;
  while (done < cases && performance.now() - startMs < minutes * 60_000) {
    const round = await run(seed++, Math.min(casesPerRound, cases - done));
    for (const [name, count] of Object.entries(round.cases)) {
      sums.set(name, (sums.get(name) ?? 0) + count);
      done += count;
    }
    const seconds = (performance.now() - startMs) / 1000;
    console.error(`${done} cases in ${seconds.toFixed(0)} s`);
  }
  for (const [name, count] of sums) {
    console.log(`${name.padEnd(14)}${String(count).padStart(9)}`);
  }
  console.log(`${"all".padEnd(14)}${String(done).padStart(9)} passed`);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
