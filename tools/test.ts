// Test: the one command that says whether this checkout is right. Runs the suites of
// tools/suites.ts, those that keep one core busy two at a time, shows their output one after the
// other, and ends with the plain line `N passed, N failed`. Under CI=true whatever was skipped counts
// as failed. Executables that suites are about are built first.
//
// deno task test                  everything
// deno task test codec format     only these suites
// deno task test e2e --source     with the checkout where the suite is about an executable
// deno task check                 --static: formatter, lint and types
// deno task ok                    --developer: everything, and the Rust sources' checks

import { type Printer, runInLanes, type Sink } from "./lanes.ts";
import { takeCpuSeconds } from "./cpu_seconds.ts";
import { provisionTools } from "./provision.ts";
import {
  developerSuites,
  type ExecutableKind,
  executables,
  isWide,
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
  /** Time of processors, its processes' included; undefined where the system does not say. */
  readonly cpuSeconds?: number;
  /** Why it was skipped, or failed without a test's name. */
  readonly note?: string;
  /** The end of its output. */
  readonly tail: string;
}

const suiteMinutesMax = 12;
const tailLines = 80;
// More would find more cores on a big machine, and what minds its neighbours is less sure then.
const laneCountMax = 2;
const stdio = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
const builds: Partial<Record<ExecutableKind, Promise<boolean>>> = {};
const fromSource = Deno.args.includes("--source");
const ownProgram = Deno.env.has("BLOCKFRAME_E2E_PROGRAM");
const failedOnce: Counts = { passed: 0, failed: 1, skipped: 0 };
const root = new URL("../", import.meta.url);
const underCi = Deno.env.get("CI") === "true";

async function main(args: readonly string[]): Promise<number> {
  const suites = chooseSuites(args);
  if (suites === undefined) return 2;
  const missing = await provisionTools(new Set(suites.flatMap(needsOf)));
  takeCpuSeconds();
  const outcomes = await runInLanes(
    suites,
    {
      laneCount: Math.min(laneCountMax, navigator.hardwareConcurrency),
      isWide,
      sink: writeOut,
    },
    (suite, printer) => runSuite(suite, missing, printer),
  );
  return report(outcomes.filter((one) => one !== undefined));
}

function chooseSuites(args: readonly string[]): readonly Suite[] | undefined {
  const names = args.filter((arg) => !arg.startsWith("--"));
  if (args.includes("--static")) return staticSuites;
  const usual = [...staticSuites, ...testSuites];
  const all = [...usual, ...developerSuites];
  if (names.length === 0) return args.includes("--developer") ? all : usual;
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
  printer: Printer,
): Promise<Outcome | undefined> {
  printer.line(`\n=== ${suite.name}`);
  const modules = modulesOf(suite);
  if (modules !== undefined && !hasFile(modules.folder, modules.ending)) {
    const fact = `no *${modules.ending} below ${modules.folder}/`;
    if (!plannedSuites.includes(suite.name)) {
      return failure(suite, fact, printer);
    }
    printer.line(`Planned: ${fact} yet`);
    return undefined;
  }
  const lacking = needsOf(suite).filter((name) => missing.has(name));
  if (lacking.length > 0) {
    return skip(suite, `needs ${lacking.join(", ")}`, printer);
  }
  const program = programOf(suite);
  if (program !== "source" && !await build(program, printer)) {
    return failure(suite, `${executables[program].path} is not built`, printer);
  }
  const started = performance.now();
  const { code, output, cpuSeconds } = await runStreaming(
    commandOf(suite),
    printer,
  );
  const seconds = (performance.now() - started) / 1000;
  const outcome = outcomeOf(suite, code, output, seconds);
  return cpuSeconds === undefined ? outcome : { ...outcome, cpuSeconds };
}

/** What is started as `blockframe`: what the user named, or what the suite is about. */
function programOf(suite: Suite): "source" | ExecutableKind {
  if (suite.kind !== "deno" || fromSource || ownProgram) return "source";
  return suite.program;
}

/** Builds an executable, once. */
function build(kind: ExecutableKind, printer: Printer): Promise<boolean> {
  builds[kind] ??= runStreaming({
    program: Deno.execPath(),
    options: { args: [...executables[kind].args], cwd: root, ...stdio },
  }, printer).then(({ code }) => code === 0);
  return builds[kind];
}

function needsOf(suite: Suite): readonly string[] {
  return suite.kind === "command" ? [] : suite.needs;
}

function commandOf(
  suite: Suite,
): { program: string; options: Deno.CommandOptions } {
  const env: Record<string, string> = { DENO_NO_UPDATE_CHECK: "1" };
  if (Deno.stdout.isTerminal() && !Deno.noColor) env.FORCE_COLOR = "1";
  if (suite.kind === "cargo") {
    const cwd = new URL(`${suite.folder}/`, root);
    return {
      program: "cargo",
      options: { args: [...suite.args], cwd, env, ...stdio },
    };
  }
  if (suite.kind === "deno" && suite.waits) {
    env.DENO_JOBS = String(2 * navigator.hardwareConcurrency);
  }
  if (fromSource) env.BLOCKFRAME_E2E_PROGRAM = "";
  const kind = programOf(suite);
  if (kind !== "source") {
    env.BLOCKFRAME_E2E_PROGRAM = pathOf(executables[kind].path);
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
  printer: Printer,
): Promise<{ code: number; output: string; cpuSeconds?: number }> {
  const child = new Deno.Command(program, options).spawn();
  const parts: string[] = [];
  let cpuSeconds: number | undefined;
  const status = child.status.then(({ code }) => {
    cpuSeconds = takeCpuSeconds();
    return code;
  });
  const ended = Promise.all([
    status,
    passOn(child.stdout, "stdout", printer, parts),
    passOn(child.stderr, "stderr", printer, parts),
  ]).then(([code]) => code);
  const { promise: expired, resolve } = Promise.withResolvers<number>();
  const timer = setTimeout(() => {
    printer.line(`\nStopped: still running after ${suiteMinutesMax} minutes`);
    child.kill("SIGKILL");
    resolve(137); // and wait no longer: a grandchild may hold the pipes open
  }, suiteMinutesMax * 60_000);
  const code = await Promise.race([ended, expired]);
  clearTimeout(timer);
  const output = parts.join("");
  return cpuSeconds === undefined
    ? { code, output }
    : { code, output, cpuSeconds };
}

async function passOn(
  source: ReadableStream<Uint8Array<ArrayBuffer>>,
  stream: "stdout" | "stderr",
  printer: Printer,
  parts: string[],
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of source) {
    printer.write(bytes, stream);
    parts.push(decoder.decode(bytes, { stream: true }));
  }
}

const writeOut: Sink = (bytes, stream) => {
  for (let done = 0; done < bytes.length;) {
    done += Deno[stream].writeSync(bytes.subarray(done));
  }
};

function pathOf(name: string): string {
  return decodeURIComponent(new URL(name, root).pathname);
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

function failure(suite: Suite, note: string, printer: Printer): Outcome {
  printer.line(note);
  return { name: suite.name, seconds: 0, tail: note, note, ...failedOnce };
}

function skip(suite: Suite, note: string, printer: Printer): Outcome {
  printer.line(`Skipped: ${note}`);
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
  const width = Math.max(...outcomes.map(({ name }) => name.length));
  for (const one of outcomes) {
    const counts = formatCounts(one);
    const note = one.note === undefined ? "" : ` (${one.note})`;
    const times = formatTime(one.seconds, "s ") +
      formatTime(one.cpuSeconds, "s of CPU ");
    console.log(`${one.name.padEnd(width)} ${times} ${counts}${note}`);
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

function formatTime(seconds: number | undefined, unit: string): string {
  return seconds === undefined
    ? ""
    : `${seconds.toFixed(1).padStart(6)} ${unit}`;
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
