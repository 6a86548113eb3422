// Test: the one command that says whether this checkout is right. Runs the suites of
// tools/suites.ts one after the other, shows their output as it comes, and ends with the plain line
// `N passed, N failed`. Under CI=true whatever was skipped counts as failed.
//
// deno task test                  everything
// deno task test codec format     only these suites
// deno task check                 --static: formatter, lint and types
// deno task ok                    --developer: everything, and the Rust sources' checks

import { provisionTools } from "./provision.ts";
import {
  developerSuites,
  modulesOf,
  plannedSuites,
  staticSuites,
  type Suite,
  testSuites,
} from "./suites.ts";
import {
  addCounts,
  type Counts,
  formatCounts,
  parseCargoSummary,
  parseDenoSummary,
} from "./summary.ts";

/** What one suite came to. */
interface Outcome extends Counts {
  readonly name: string;
  readonly seconds: number;
  /** Why it was skipped, or failed without a test's name. */
  readonly note?: string;
  /** The end of its output. */
  readonly tail: string;
}

const suiteMinutesMax = 12;
const tailLines = 80;
const failedOnce: Counts = { passed: 0, failed: 1, skipped: 0 };
const root = new URL("../", import.meta.url);
const underCi = Deno.env.get("CI") === "true";

async function main(args: readonly string[]): Promise<number> {
  const suites = chooseSuites(args);
  if (suites === undefined) return 2;
  const missing = await provisionTools(new Set(suites.flatMap(needsOf)));
  const outcomes: Outcome[] = [];
  for (const suite of suites) {
    const outcome = await runSuite(suite, missing);
    if (outcome !== undefined) outcomes.push(outcome);
  }
  return report(outcomes);
}

function chooseSuites(args: readonly string[]): readonly Suite[] | undefined {
  const names = args.filter((arg) => !arg.startsWith("--"));
  if (args.includes("--static")) return staticSuites;
  const all = [...staticSuites, ...testSuites];
  if (args.includes("--developer")) all.push(...developerSuites);
  if (names.length === 0) return all;
  const unknown = names.filter((name) => !all.some((one) => one.name === name));
  if (unknown.length === 0) {
    return all.filter((one) => names.includes(one.name));
  }
  console.log(`No suite is called ${unknown.join(", ")}`);
  console.log(`Suites: ${all.map((one) => one.name).join(", ")}`);
  return undefined;
}

/** Runs one suite; `undefined` where it is planned and not there yet. */
async function runSuite(
  suite: Suite,
  missing: ReadonlySet<string>,
): Promise<Outcome | undefined> {
  console.log(`\n=== ${suite.name}`);
  const modules = modulesOf(suite);
  if (modules !== undefined && !hasFile(modules.folder, modules.ending)) {
    const fact = `no *${modules.ending} below ${modules.folder}/`;
    if (!plannedSuites.includes(suite.name)) return failure(suite, fact);
    console.log(`Planned: ${fact} yet`);
    return undefined;
  }
  const lacking = needsOf(suite).filter((name) => missing.has(name));
  if (lacking.length > 0) return skip(suite, `needs ${lacking.join(", ")}`);
  const started = performance.now();
  const { code, output } = await runStreaming(commandOf(suite));
  const seconds = (performance.now() - started) / 1000;
  return outcomeOf(suite, code, output, seconds);
}

function needsOf(suite: Suite): readonly string[] {
  return suite.kind === "command" ? [] : suite.needs;
}

function commandOf(
  suite: Suite,
): { program: string; options: Deno.CommandOptions } {
  const stdio = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
  const env: Record<string, string> = { DENO_NO_UPDATE_CHECK: "1" };
  if (Deno.stdout.isTerminal() && !Deno.noColor) env.FORCE_COLOR = "1";
  if (suite.kind === "cargo") {
    const cwd = new URL(`${suite.folder}/`, root);
    return {
      program: "cargo",
      options: { args: [...suite.args], cwd, env, ...stdio },
    };
  }
  const args = suite.kind === "command" ? [...suite.args] : [
    "test",
    "--no-check", // the suite "types" has checked them all
    ...(suite.permissions === "all" ? ["--allow-all"] : []),
    ...(suite.parallel ? ["--parallel"] : []),
    suite.folder,
  ];
  return {
    program: Deno.execPath(),
    options: { args, cwd: root, env, ...stdio },
  };
}

/** Runs a command, passing its output on as it comes, and gives all of it at the end. */
async function runStreaming(
  { program, options }: ReturnType<typeof commandOf>,
): Promise<{ code: number; output: string }> {
  const child = new Deno.Command(program, options).spawn();
  const parts: string[] = [];
  const ended = Promise.all([
    child.status,
    passOn(child.stdout, Deno.stdout, parts),
    passOn(child.stderr, Deno.stderr, parts),
  ]).then(([{ code }]) => code);
  const { promise: expired, resolve } = Promise.withResolvers<number>();
  const timer = setTimeout(() => {
    console.log(`\nStopped: still running after ${suiteMinutesMax} minutes`);
    child.kill("SIGKILL");
    resolve(137); // and wait no longer: a grandchild may hold the pipes open
  }, suiteMinutesMax * 60_000);
  const code = await Promise.race([ended, expired]);
  clearTimeout(timer);
  return { code, output: parts.join("") };
}

async function passOn(
  source: ReadableStream<Uint8Array<ArrayBuffer>>,
  target: { writeSync(bytes: Uint8Array): number },
  parts: string[],
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of source) {
    for (let done = 0; done < bytes.length;) {
      done += target.writeSync(bytes.subarray(done));
    }
    parts.push(decoder.decode(bytes, { stream: true }));
  }
}

function outcomeOf(
  suite: Suite,
  code: number,
  output: string,
  seconds: number,
): Outcome {
  const tail = output.trimEnd().split("\n").slice(-tailLines).join("\n");
  const base = { name: suite.name, seconds, tail };
  const counts = countsOf(suite, code, output);
  if (counts === undefined) {
    return {
      ...base,
      ...failedOnce,
      note: `ended with ${code} and no summary`,
    };
  }
  if (code !== 0 && counts.failed === 0) {
    return { ...base, ...counts, failed: 1, note: `ended with ${code}` };
  }
  if (code === 0 && counts.passed + counts.failed === 0) {
    return { ...base, ...counts, failed: 1, note: "ran no test" };
  }
  return { ...base, ...counts };
}

function countsOf(
  suite: Suite,
  code: number,
  output: string,
): Counts | undefined {
  if (suite.kind === "deno") return parseDenoSummary(output);
  if (suite.kind === "cargo" && suite.counts === "tests") {
    return parseCargoSummary(output);
  }
  return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : failedOnce;
}

function failure(suite: Suite, note: string): Outcome {
  console.log(note);
  return { name: suite.name, seconds: 0, tail: note, note, ...failedOnce };
}

function skip(suite: Suite, note: string): Outcome {
  console.log(`Skipped: ${note}`);
  const counts = { passed: 0, failed: 0, skipped: 1 };
  return { name: suite.name, seconds: 0, tail: note, note, ...counts };
}

function report(outcomes: readonly Outcome[]): number {
  const failing = outcomes.filter((one) => one.failed > 0);
  for (const one of failing) {
    console.log(
      `\n=== FAILED: ${one.name} (the end of its output)\n${one.tail}`,
    );
  }
  console.log();
  for (const one of outcomes) {
    const counts = formatCounts(one);
    const note = one.note === undefined ? "" : ` (${one.note})`;
    console.log(
      `${one.name.padEnd(12)} ${
        one.seconds.toFixed(1).padStart(6)
      } s  ${counts}${note}`,
    );
  }
  const sum = addCounts(outcomes);
  const strict = underCi
    ? { passed: sum.passed, failed: sum.failed + sum.skipped, skipped: 0 }
    : sum;
  if (strict !== sum && sum.skipped > 0) {
    console.log(`${sum.skipped} skipped: under CI these count as failed`);
  }
  console.log(`\n${formatCounts(strict)}`);
  return strict.failed > 0 ? 1 : 0;
}

/** Whether a file whose name ends so lies in the folder or below it. */
function hasFile(folder: string, ending: string): boolean {
  try {
    return [...Deno.readDirSync(new URL(`${folder}/`, root))].some((entry) =>
      entry.isDirectory
        ? hasFile(`${folder}/${entry.name}`, ending)
        : entry.name.endsWith(ending)
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
