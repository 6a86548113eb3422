// Command line target: words of the grammar in any order, and words of no grammar, run in a world of
// fakes whose archive fails in every way that it may.

import { ok } from "node:assert/strict";
import fc from "fast-check";
import { Failure, type FailureCode } from "../../src/base/errors.ts";
import { entryOf, FakeArchive, newWorld, run } from "../cli/fakes.ts";
import { parseArguments } from "../../src/cli/arguments.ts";
import { readCorpus } from "./corpus.ts";
import { openLaw, type Target } from "./target.ts";

/** Command lines that are kept, a word a line. */
const samples = readCorpus("arguments", ".txt")
  .map((bytes) => new TextDecoder().decode(bytes).trimEnd().split("\n"));

const commands = [...parseHelp([]).matchAll(/^ {2}([a-z-]+) /gm)]
  .map((match) => match[1]!)
  .filter((name) => parseArguments([name, "--help"], 80).kind === "help");
ok(commands.length >= 10, "the main help names the commands");
const options = [
  ...new Set(
    [[], ...commands.map((name) => [name])].flatMap((words) =>
      parseHelp(words).match(/(?<=[ ,])--?[a-zA-Z][a-z-]*/g) ?? []
    ),
  ),
].sort();

function parseHelp(words: readonly string[]): string {
  const invocation = parseArguments([...words, "--help"], 80);
  ok(invocation.kind === "help");
  return invocation.text;
}

const values = [
  "",
  "-",
  "--",
  "0",
  "-1",
  "4",
  "1e9",
  "99999999999999999999",
  "erasure:4+2",
  "erasure:300+1",
  "replicate:3",
  "1d",
  "99999y",
  "debug",
  "fast",
  "unlimited",
  "video.mp4",
  "0011",
  "../../x",
  "a\nb\x1b[31m\u202e",
  "*",
  "[",
  "{a,b}".repeat(20),
  "(".repeat(200),
  "x".repeat(5000),
  "\ud800",
  "\0",
];
const word = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...options) },
  { weight: 3, arbitrary: fc.constantFrom(...values) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constantFrom(...options),
      fc.constantFrom(...values),
    ).map((pair) => pair.join("=")),
  },
  { weight: 1, arbitrary: fc.constantFrom(...commands) },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
);
const words = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(
      fc.constantFrom(...commands),
      fc.array(word, { maxLength: 6 }),
    ).map(([command, rest]) => [command, ...rest]),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(
      fc.constantFrom(...samples),
      fc.array(fc.tuple(fc.nat(20), fc.option(word)), { maxLength: 3 }),
    ).map(([sample, changes]) => change(sample, changes)),
  },
  // What a completion script asks.
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constantFrom("bash", "zsh", "fish", "pwsh", "sh"),
      fc.array(word, { maxLength: 6 }),
    ).map(([shell, rest]) => ["completions", shell, "--", ...rest]),
  },
  { weight: 1, arbitrary: fc.array(word, { maxLength: 8 }) },
);

function change(
  sample: readonly string[],
  changes: readonly (readonly [number, string | null])[],
): string[] {
  const changed = [...sample];
  for (const [at, word] of changes) {
    if (word === null) changed.splice(at, 1);
    else changed.splice(at, at % 2, word);
  }
  return changed;
}

const codes: readonly FailureCode[] = [
  "not-found",
  "exists",
  "permission-denied",
  "no-space",
  "read-only",
  "io",
  "offline",
  "unsafe-path",
  "wrong-kind",
  "invalid-name",
  "ambiguous",
  "source-changed",
  "source-unreadable",
  "damaged",
  "unsupported-format",
];
const exitCodesKnown = new Set([0, 1, 4, 5, 8, 9, 12, 13, 16, 130, 141, 143]);

/** The target. */
export const commandLineTarget: Target = {
  name: "command line",
  weight: 15,
  cases: 800,
  open: () =>
    Promise.resolve(
      openLaw(
        fc.asyncProperty(
          words,
          fc.option(fc.constantFrom(...codes)),
          fc.nat(200),
          judge,
        ),
      ),
    ),
};

async function judge(
  args: readonly string[],
  code: FailureCode | null,
  columnCount: number,
): Promise<void> {
  // A log is a real file, also in a world of fakes.
  if (args.some((word) => word.includes("--log-file"))) {
    parseArguments(args, columnCount);
    return;
  }
  const archive = new FakeArchive();
  archive.entries = [entryOf()];
  const world = newWorld({ archive, columnCount });
  if (code !== null) failEverything(archive, new Failure(code, "It failed"));
  const exitCode = await run(world, ...args);
  if (args[0] === "completions" && args[2] === "--") {
    ok(exitCode === 0 && world.stderr === "", `${exitCode}\n${world.stderr}`);
  }
  const said = `${exitCode}\n${world.stdout}\n${world.stderr}`;
  ok(exitCodesKnown.has(exitCode), said);
  ok(!/internal error|^\s+at .*:\d+/m.test(world.stderr), said);
  ok(exitCode === 0 || exitCode === 1 || said.length > 5, said);
  // deno-lint-ignore no-control-regex -- what must never reach a terminal
  ok(!/[\x00-\x09\x0b-\x1f]/.test(world.stderr), said);
}

function failEverything(archive: FakeArchive, failure: Failure): void {
  const fail = () => {
    throw failure;
  };
  const rejecting = () => Promise.reject(failure);
  Object.assign(archive, {
    restored: failure,
    list: fail,
    find: fail,
    show: fail,
    commit: rejecting,
    remove: rejecting,
    planPrune: fail,
    planCleanup: fail,
    leftovers: fail,
  });
}
