import assert from "node:assert/strict";
import { AssertionError } from "../../src/base/assert.ts";
import { Failure, type FailureCode } from "../../src/base/errors.ts";
import { formatBuildInfo, readBuildInfo } from "../../src/cli/build_info.ts";
import { documentsOf, entryOf, healthOf, newWorld, run } from "./fakes.ts";

const versionLines = [
  /^blockframe \d+\.\d+\.\d+$/,
  /^commit {3}none \(from source\)$/,
  /^runtime {2}Deno \d+\.\d+\.\d+\S*, V8 \d+\.\d+\S*$/,
  /^codec {4}WebAssembly module [0-9a-f]{12}, SIMD$/,
  /^target {3}[a-z0-9_]+(?:-[a-z0-9_]+)+$/,
];

Deno.test("runCommandLine() prints what the program is and ends with 0", async () => {
  for (const args of [["--version"], ["version"], ["list", "--version"]]) {
    const world = newWorld({ openError: new Error("no archive is needed") });
    assert.equal(await run(world, ...args), 0);
    const lines = world.stdout.split("\n");
    assert.equal(lines.pop(), "");
    assert.equal(lines.length, versionLines.length);
    for (const [index, line] of lines.entries()) {
      assert.match(line, versionLines[index]!);
    }
  }
});

Deno.test("runCommandLine() prints what the program is as JSON", async () => {
  for (const word of ["--version", "version"]) {
    const world = newWorld();
    assert.equal(await run(world, word, "--json"), 0);
    const [document] = documentsOf(world);
    assert.deepEqual(Object.keys(document!), [
      "type",
      "schema",
      "version",
      "commit",
      "runtime",
      "codec",
      "target",
    ]);
    assert.equal(document!["type"], "version");
    assert.equal(document!["commit"], null);
  }
});

Deno.test("formatBuildInfo() names the commit of an executable", () => {
  Object.assign(globalThis, { BLOCKFRAME_COMMIT: "0123abc" });
  try {
    const info = readBuildInfo();
    assert.equal(info.commit, "0123abc");
    assert.match(formatBuildInfo(info), /^commit {3}0123abc$/m);
  } finally {
    Reflect.deleteProperty(globalThis, "BLOCKFRAME_COMMIT");
  }
});

Deno.test("a trace in an executable names lines of the program and not the module that starts it", async () => {
  const error = new Error("broken");
  error.stack = `Error: broken
    at inner (blockframe.js, <anonymous>:12:3)
    at async data:application/javascript,let%20text......%0A:18:1`;
  const variables = { BLOCKFRAME_DEBUG: "1" };
  const world = newWorld({ openError: error, variables });
  await run(world, "list");
  assert.match(world.stderr, /at inner \(blockframe\.js:12:3\)\n$/);
});

Deno.test("runCommandLine() refuses bad usage on standard error with 16", async () => {
  const world = newWorld();
  assert.equal(await run(world, "comit", "x"), 16);
  assert.equal(world.stdout, "");
  assert.match(
    world.stderr,
    /^blockframe: error: .*Did you mean commit\?\nhint: /,
  );
  const json = newWorld();
  assert.equal(await run(json, "list", "--json", "--nope"), 16);
  assert.deepEqual(
    documentsOf(json).map(({ type, code, exitCode }) => ({
      type,
      code,
      exitCode,
    })),
    [{ type: "error", code: "usage", exitCode: 16 }],
  );
  const notOption = newWorld();
  assert.equal(await run(notOption, "show", "a", "--", "--json"), 16);
  assert.equal(notOption.stdout, "");
});

const failureRows: [FailureCode, number][] = [
  ["not-found", 8],
  ["permission-denied", 8],
  ["wrong-kind", 8],
  ["offline", 8],
  ["io", 8],
  ["unsupported-format", 8],
  ["invalid-argument", 16],
  ["damaged", 4],
  ["interrupted", 130],
];
for (const [code, exitCode] of failureRows) {
  Deno.test(`runCommandLine() ends with ${exitCode} when the archive answers ${code}`, async () => {
    const openError = new Failure(code, "Cannot open it");
    const world = newWorld({ openError });
    assert.equal(await run(world, "list"), exitCode);
    assert.match(world.stderr, /^blockframe: error: Cannot open it\n/);
    assert.doesNotMatch(world.stderr, /\n +at /);
    const json = newWorld({ openError });
    assert.equal(await run(json, "list", "--json"), exitCode);
    assert.deepEqual(documentsOf(json), [
      { type: "error", schema: 1, code, message: "Cannot open it", exitCode },
    ]);
  });
}

Deno.test("runCommandLine() hints at how an archive comes to be", async () => {
  const openError = new Failure("not-found", "No archive here");
  const world = newWorld({ openError });
  await run(world, "health");
  assert.match(world.stderr, /hint: `blockframe commit` makes an archive/);
});

Deno.test("runCommandLine() ends with 16 on a bad configuration", async () => {
  const world = newWorld({ files: { "config.toml": "colour = 1" } });
  assert.equal(await run(world, "list", "--json"), 16);
  assert.match(world.stderr, /error: config\.toml: unknown key "colour"/);
  assert.equal(documentsOf(world)[0]!["code"], "invalid-config");
});

for (
  const error of [
    new AssertionError("Broken invariant: one is two"),
    new TypeError("x is not a function"),
  ]
) {
  Deno.test(`runCommandLine() calls a ${error.name} its own fault, in one line`, async () => {
    const world = newWorld({ openError: error });
    assert.equal(await run(world, "list"), 8);
    assert.match(world.stderr, /^blockframe: internal error: .*please report/);
    assert.doesNotMatch(world.stderr, /\n +at /);
    for (
      const asked of [
        newWorld({ openError: error, variables: { BLOCKFRAME_DEBUG: "1" } }),
        newWorld({
          openError: error,
          variables: { BLOCKFRAME_LOG_LEVEL: "debug" },
        }),
      ]
    ) {
      assert.equal(await run(asked, "list"), 8);
      assert.match(asked.stderr, /\n +at /);
    }
    const json = newWorld({ openError: error });
    await run(json, "list", "--json");
    assert.equal(documentsOf(json)[0]!["code"], "internal");
  });
}

Deno.test("runCommandLine() says what the sandbox refused", async () => {
  const openError = new Deno.errors.NotCapable("Requires read access to x");
  const world = newWorld({ openError });
  assert.equal(await run(world, "list"), 8);
  assert.match(world.stderr, /^blockframe: error: Requires read access to x\n/);
});

Deno.test("runCommandLine() shows a cause only at level debug", async () => {
  const openError = new Failure("io", "Cannot read it", {
    cause: new Error("EIO (os error 5)"),
  });
  const world = newWorld({ openError });
  await run(world, "list");
  assert.doesNotMatch(world.stderr, /EIO/);
  const debug = newWorld({ openError });
  await run(debug, "list", "--log-level", "debug");
  assert.match(debug.stderr, /debug: Because of: EIO/);
});

Deno.test("runCommandLine() ends with 141 and without a word when its reader goes away", async () => {
  const world = newWorld({ writeCountMax: 2 });
  world.archive.reports = Array.from({ length: 9 }, () => healthOf());
  assert.equal(await run(world, "health", "--json"), 141);
  assert.equal(world.stdout.trimEnd().split("\n").length, 2);
  assert.equal(world.stderr, "");
  assert.equal(world.archive.disposed, 1);
  assert.equal(await run(newWorld({ writeCountMax: 0 }), "--help"), 141);
});

Deno.test("runCommandLine() lets no message control the terminal", async () => {
  const openError = new Failure("not-found", `No "\x1b[2J\nhint: rm -rf"`);
  const world = newWorld({ openError });
  await run(world, "list");
  assert.ok(!world.stderr.includes("\x1b"));
  assert.doesNotMatch(world.stderr, /^hint: rm/m);
});

Deno.test("runCommandLine() shows progress on a terminal and erases it", async () => {
  const drive = (world: ReturnType<typeof newWorld>) => {
    world.archive.beforeCommit = (name) => {
      const { onEvent } = world.opened[0]!;
      const bytesTotal = 100 * 2 ** 20;
      onEvent!({ kind: "start", operation: "commit", name, bytesTotal });
      world.nowMs += 1000;
      onEvent!({ kind: "progress", bytesDone: bytesTotal / 2, bytesTotal });
      onEvent!({ kind: "warning", message: "slow disk" });
      onEvent!({ kind: "finish", operation: "commit" });
    };
    return world;
  };
  const variables = { NO_COLOR: "1" };
  const shown = drive(newWorld({ isTerminal: true, variables }));
  await run(shown, "commit", "a");
  assert.equal(
    shown.stderr,
    "\rcommit a  50 %  50.0 MiB/s  ETA 0:01\x1b[K\r\x1b[K" +
      "blockframe: warning: slow disk\n",
  );
  for (
    const world of [
      drive(newWorld({ variables })),
      drive(newWorld({ isTerminal: true, variables: { TERM: "dumb" } })),
    ]
  ) {
    await run(world, "commit", "a");
    assert.equal(world.stderr, "blockframe: warning: slow disk\n");
  }
  const off = drive(newWorld({ isTerminal: true, variables }));
  await run(off, "commit", "a", "--no-progress");
  assert.equal(off.stderr, "blockframe: warning: slow disk\n");
});

Deno.test("runCommandLine() keeps a log file when asked", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/logs/blockframe.log`;
    const world = newWorld();
    assert.equal(await run(world, "commit", "a", "--log-file", path), 0);
    assert.equal(world.stderr, "");
    const records = (await Deno.readTextFile(path)).trimEnd().split("\n").map((
      line,
    ) => JSON.parse(line));
    assert.deepEqual(records.map((record) => record.message), [
      "Running commit",
      "Committed a as 00112233445566ff",
      "Finished commit",
    ]);
    assert.equal(records[2].fields.exitCode, 0);
    const configured = newWorld({
      files: { "config.toml": `log_file = "${folder}"` },
    });
    assert.equal(await run(configured, "list"), 8);
    assert.match(configured.stderr, /Cannot open the log file/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("runCommandLine() logs damage as the engine meets it", async () => {
  const world = newWorld();
  world.archive.entries = [entryOf()];
  world.archive.reports = [healthOf()];
  const pristine = world.archive.health.bind(world.archive);
  world.archive.health = (request) => {
    world.opened[0]!.onEvent!({
      kind: "damage",
      folder: "video.mp4_0",
      damage: {
        file: "segments/segment_0.dat",
        role: "segment",
        index: 0,
        block: 0,
        cause: "rotten",
        leafCount: 1,
        rebuiltLeafCount: 1,
        repaired: true,
      },
    });
    return pristine(request);
  };
  await run(world, "health", "--log-level", "info");
  assert.match(
    world.stderr,
    /info: Damage in video\.mp4_0: segments\/segment_0\.dat is rotten\n/,
  );
});
