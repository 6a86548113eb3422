import assert from "node:assert/strict";
import {
  type Command,
  type Invocation,
  parseArguments,
} from "../../src/cli/arguments.ts";
import { commandNames } from "../../src/cli/grammar.ts";

function parse(...args: string[]): Invocation {
  return parseArguments(args, 80);
}

function commandOf(...args: string[]) {
  const invocation = parse(...args);
  assert.equal(invocation.kind, "command", JSON.stringify(invocation));
  return invocation as Extract<Invocation, { kind: "command" }>;
}

function problemOf(...args: string[]): string {
  const invocation = parse(...args);
  assert.equal(invocation.kind, "usage", JSON.stringify(invocation));
  return (invocation as Extract<Invocation, { kind: "usage" }>).problem;
}

function helpOf(...args: string[]): string {
  const invocation = parse(...args);
  assert.equal(invocation.kind, "help", JSON.stringify(invocation));
  return (invocation as Extract<Invocation, { kind: "help" }>).text;
}

const commandRows: [string[], Partial<Command>][] = [
  [["commit", "a"], { command: "commit", sources: ["a"] }],
  [["commit", "-f", "a"], { command: "commit", sources: ["a"] }],
  [["commit", "c", "-f", "a", "--file=b"], { sources: ["a", "b", "c"] }],
  [["commit", "--file=-x"], { sources: ["-x"] }],
  [["commit", "--", "-x", "--json"], { sources: ["-x", "--json"] }],
  [["commit", "a", "--name", "b"], { sources: ["a"], name: "b" }],
  [["commit", "a", "--policy", "erasure:10+4"], { policy: "erasure:10+4" }],
  [["commit", "a", "--policy=replicate:3"], { policy: "replicate:3" }],
  [["commit", "a", "--durability", "fast"], { durability: "fast" }],
  [["restore", "n"], {
    command: "restore",
    selector: "n",
    partial: false,
    overwrite: false,
  }],
  [["reconstruct", "n", "-o", "dir/"], { command: "restore", output: "dir/" }],
  [["restore", "--partial", "--overwrite", "n"], {
    partial: true,
    overwrite: true,
  }],
  [["restore", "--", "-n"], { selector: "-n" }],
  [["health"], { command: "health", selectors: [], checkOnly: false }],
  [["health", "--check", "a", "b"], { selectors: ["a", "b"], checkOnly: true }],
  [["repair", "a"], { command: "health", selectors: ["a"] }],
  [["list"], { command: "list" }],
  [["find", "*.mp4"], { command: "find", pattern: "*.mp4" }],
  [
    ["show", "n"],
    { command: "show", selector: "n", hashes: false, shards: false },
  ],
  [
    ["show", "n", "--hashes"],
    { command: "show", selector: "n", hashes: true, shards: false },
  ],
  [["restore", "n", "a", "b/*"], { selector: "n", patterns: ["a", "b/*"] }],
  [["remove", "n"], { command: "remove", confirmed: false, dryRun: false }],
  [["remove", "n", "--yes"], { confirmed: true }],
  [["remove", "-n", "n"], { selector: "n", dryRun: true }],
  [["remove", "n", "--version", "1f3a"], { selector: "n", version: "1f3a" }],
  [["remove", "n", "--all-versions"], { allVersions: true }],
  [["prune", "--keep-last", "3"], { names: [], rules: { last: 3 } }],
  [["cleanup"], { command: "cleanup", olderThan: "1d", dryRun: false }],
  [["cleanup", "--older-than", "2w", "-n"], { olderThan: "2w", dryRun: true }],
];

for (const [args, expected] of commandRows) {
  Deno.test(`parseArguments() understands: ${args.join(" ")}`, () => {
    const { command } = commandOf(...args);
    for (const [key, value] of Object.entries(expected)) {
      assert.deepEqual(
        (command as unknown as Record<string, unknown>)[key],
        value,
      );
    }
  });
}

Deno.test("parseArguments() takes the options of every command before and after it", () => {
  for (
    const args of [
      ["-a", "dir", "list", "--json", "-q"],
      ["list", "--archive", "dir", "-q", "--json"],
      ["--json", "-q", "list", "--archive=dir"],
    ]
  ) {
    const { shared } = commandOf(...args);
    assert.deepEqual([shared.archive, shared.json, shared.quiet], [
      "dir",
      true,
      true,
    ]);
  }
});

Deno.test("parseArguments() reads every shared option", () => {
  const { shared } = commandOf(
    "list",
    "-a",
    "x",
    ...["--config", "c.toml", "--json", "-v", "--no-color", "--no-progress"],
    ...["--log-level", "debug", "--log-file", "l.log", "--workers", "0"],
    ...["--lock-wait", "5min"],
  );
  assert.deepEqual({ ...shared }, {
    archive: "x",
    config: "c.toml",
    json: true,
    quiet: false,
    verbose: true,
    noColor: true,
    noProgress: true,
    logLevel: "debug",
    logFile: "l.log",
    workers: 0,
    lockWait: "5min",
  });
});

const problemRows: [string[], RegExp][] = [
  [[], /^No command given$/],
  [["comit", "a"], /"comit"\. Did you mean commit\?$/],
  [["helth"], /Did you mean health\?$/],
  [["list", "--jsn"], /"--jsn"\. Did you mean --json\?$/],
  [["commit"], /^Nothing to commit: name a file$/],
  [
    ["commit", "a", "b", "--name", "c"],
    /--name goes with one file, not with 2/,
  ],
  [["commit", "a", "--policy", "raid5"], /erasure:K\+M or replicate:N/],
  [["commit", "a", "--durability", "slow"], /"full" and "fast"/],
  [["list", "--lock-wait", "5m"], /Expected 0, or .* 5min or 2h, got "5m"/],
  [["list", "--lock-wait", ""], /Expected 0, or/],
  [["commit", "-f"], /^-f requires PATH$/],
  [["restore"], /NAME/],
  [["restore", "a", "--overwrite", "--skip-existing"], /exclude each other/],
  [["restore", "a", "-o", "-", "--json"], /both need standard output/],
  [["restore", "a", "-o", "-", "--overwrite"], /goes with a file/],
  [["restore", ""], /Expected a name, got nothing/],
  [["find"], /PATTERN/],
  [["remove"], /NAME/],
  [["remove", "a", "--version", "1", "--all-versions"], /exclude/],
  [["list", "-q", "-v"], /exclude each other/],
  [["list", "--archive="], /Expected a folder, got nothing/],
  [["list", "--workers", "-1"], /--workers/],
  [["list", "--workers", "many"], /--workers.*integer/],
  [["list", "--log-level", "loud"], /"error", "warn", "info",? and "debug"/],
  [["list", "-a", "x", "-a", "y"], /cannot be used multiple times/],
  [["help", "nothing"], /nothing/],
  [["restore", "a", "--version", "1f3a"], /remove; restore takes the id/],
  [["--cache", "1GiB", "list"], /^--cache comes behind its command$/],
  [["mount", "archive", "mnt"], /^Unexpected "archive": -m names the folder/],
  [["mount", "-m", "a", "-o", "b"], /-o b is no option.*allow_other/],
];

for (const [args, problem] of problemRows) {
  Deno.test(`parseArguments() refuses: ${args.join(" ") || "(nothing)"}`, () => {
    const text = problemOf(...args);
    assert.match(text, problem);
    assert.doesNotMatch(text, /\n|\.$/);
  });
}

Deno.test("parseArguments() points at the help of the command that was understood", () => {
  const invocation = parse("restore", "a", "--nope");
  assert.equal(
    invocation.kind === "usage" && invocation.help,
    "restore --help",
  );
  const unknown = parse("nope");
  assert.equal(unknown.kind === "usage" && unknown.help, "--help");
});

// Without the other names that some have.
const mainNames = commandNames.filter((name) =>
  name !== "reconstruct" && name !== "repair"
);

for (const name of mainNames) {
  for (const args of [[name, "--help"], [name, "-h"], ["help", name]]) {
    Deno.test(`parseArguments() gives help with examples first: ${args.join(" ")}`, () => {
      const text = helpOf(...args);
      assert.ok(text.includes(`Usage: blockframe ${name} `));
      const examples = text.indexOf("Examples:\n  blockframe ");
      assert.ok(examples > 0, text);
      assert.ok(examples < text.indexOf("\nOptions of every command:"), text);
      assert.match(text, /-a, --archive DIR/);
      assert.match(text, /--json/);
      assert.doesNotMatch(text, /[ \t]$/m);
      // No line of the usage ends inside an option.
      const usage = text.slice(text.indexOf("Usage:")).split("\n\n")[0]!;
      for (const line of usage.split("\n")) {
        assert.equal(line.split("[").length, line.split("]").length, usage);
        assert.ok(line.length <= 80, line);
      }
    });
  }
}

Deno.test("parseArguments() lists every command in the main help", () => {
  for (const args of [["--help"], ["-h"], ["help"]]) {
    const text = helpOf(...args);
    for (const name of mainNames) {
      assert.match(text, new RegExp(`^  ${name} +\\S`, "m"));
    }
    assert.match(text, /Examples:\n {2}blockframe commit/);
    assert.match(text, /Exit codes: 0 nothing wrong/);
    assert.ok(text.split("\n").every((line) => line.length <= 80), text);
  }
});

Deno.test("parseArguments() knows three ways to ask for the version", () => {
  for (const args of [["--version"], ["version"], ["--version", "--json"]]) {
    assert.deepEqual(parse(...args), {
      kind: "version",
      json: args.length > 1,
    });
  }
});
