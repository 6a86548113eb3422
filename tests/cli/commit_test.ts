import assert from "node:assert/strict";
import { Failure } from "../../src/base/errors.ts";
import { documentsOf, newWorld, run } from "./fakes.ts";

Deno.test("commit makes the archive and says what it stored", async () => {
  const world = newWorld();
  assert.equal(await run(world, "commit", "video.mp4"), 0);
  assert.equal(
    world.stdout,
    "✓ video.mp4: committed (19.1 MiB, tier 2, erasure:1+3, id 00112233445566ff)\n",
  );
  assert.equal(world.stderr, "");
  assert.equal(world.opened[0]?.create, true);
  assert.equal(world.opened[0]?.path, "archive_directory");
  assert.equal(world.archive.disposed, 1);
});

Deno.test("commit passes name, policy, durability, archive and settings on", async () => {
  const world = newWorld({
    files: {
      "config.toml":
        `segment_size = "4KiB"\nworkers = 2\n[tiers]\ntier1_max = "1KB"`,
    },
  });
  const code = await run(
    world,
    ...["commit", "a", "--name", "b", "--policy", "erasure:3+2"],
    ...["--durability", "fast", "-a", "/mnt/x", "--workers", "0"],
  );
  assert.equal(code, 0);
  assert.deepEqual(world.archive.commits, [
    { source: "a", name: "b", policy: "erasure:3+2" },
  ]);
  const { path, segmentBytes, workers, tiers, durability } = world.opened[0]!;
  assert.deepEqual([path, segmentBytes, workers, durability], [
    "/mnt/x",
    4096,
    0,
    "fast",
  ]);
  assert.equal(tiers?.tier1Max, 1000);
});

Deno.test("commit leaves the engine's defaults alone where nothing is set", async () => {
  const world = newWorld();
  await run(world, "commit", "a");
  for (const key of ["workers", "tiers", "segmentBytes", "durability"]) {
    assert.ok(!(key in world.opened[0]!), key);
  }
});

Deno.test("commit goes on after a source that fails and ends with 8", async () => {
  const world = newWorld();
  world.archive.failingSources.set(
    "b",
    new Failure("not-found", `Cannot commit "b": no such file`),
  );
  assert.equal(await run(world, "commit", "a", "b", "c"), 8);
  assert.equal(world.stdout.match(/✓/g)?.length, 2);
  assert.equal(
    world.stderr,
    `blockframe: error: Cannot commit "b": no such file\n`,
  );
});

Deno.test("commit ends with 16 where all that happened were mistakes of the command line", async () => {
  const bad = new Failure("invalid-name", `Cannot store the name "."`);
  const alone = newWorld();
  alone.archive.failingSources.set("a", bad);
  assert.equal(await run(alone, "commit", "a"), 16);
  const among = newWorld();
  among.archive.failingSources.set("a", bad);
  assert.equal(await run(among, "commit", "a", "b"), 8);
});

Deno.test("commit --json prints one document with entries and errors", async () => {
  const world = newWorld();
  world.archive.failingSources.set(
    "b",
    new Failure("no-space", "Cannot write: the disk is full"),
  );
  assert.equal(await run(world, "commit", "a", "b", "--json"), 8);
  const documents = documentsOf(world);
  assert.equal(documents.length, 1);
  const [{ type, schema, entries, errors, exitCode }] = documents as [
    Record<string, unknown>,
  ];
  assert.deepEqual({ type, schema, exitCode }, {
    type: "commit",
    schema: 1,
    exitCode: 8,
  });
  const [entry] = entries as Record<string, unknown>[];
  assert.equal(entry?.["name"], "a");
  assert.equal(entry?.["source"], "a");
  assert.deepEqual(errors, [
    {
      source: "b",
      code: "no-space",
      message: "Cannot write: the disk is full",
    },
  ]);
  assert.match(world.stderr, /error: Cannot write: the disk is full/);
});

Deno.test("commit --quiet prints nothing when all is well", async () => {
  const world = newWorld();
  assert.equal(await run(world, "commit", "-q", "a"), 0);
  assert.equal(world.stdout + world.stderr, "");
});

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`commit stops at ${signal} before the next source and ends with ${code}`, async () => {
    const world = newWorld();
    world.archive.beforeCommit = (source) => {
      if (source === "b") world.signal(signal);
    };
    assert.equal(await run(world, "commit", "a", "b", "c"), code);
    assert.deepEqual(world.archive.commits.map((one) => one.source), [
      "a",
      "b",
    ]);
    assert.equal(world.opened[0]?.signal?.aborted, true);
    assert.match(world.stderr, /error: Interrupted\n$/);
    assert.deepEqual(world.exits, []);
    assert.equal(world.archive.disposed, 1);
  });
}

Deno.test("commit reports what was done before it was interrupted", async () => {
  const world = newWorld();
  world.archive.beforeCommit = (source) => {
    if (source === "b") world.signal("SIGINT");
  };
  assert.equal(await run(world, "commit", "--json", "a", "b", "c"), 130);
  const [document] = documentsOf(world);
  assert.equal((document!["entries"] as unknown[]).length, 2);
  assert.deepEqual(document!["errors"], [
    { source: "c", code: "interrupted", message: "Interrupted" },
  ]);
});

Deno.test("commit ends at once at the second signal", async () => {
  const world = newWorld();
  world.archive.beforeCommit = () => {
    world.signal("SIGTERM");
    world.signal("SIGINT");
  };
  await run(world, "commit", "a");
  assert.deepEqual(world.exits, [143]);
});

Deno.test("commit --verbose adds the stored size and the hash", async () => {
  const world = newWorld();
  await run(world, "commit", "-v", "a");
  assert.match(world.stdout, /^ {4}76\.4 MiB stored\n {4}BLAKE3 (?:ab){32}$/m);
});

Deno.test("commit says what is unchanged, and ends with 0", async () => {
  const world = newWorld();
  world.archive.unchangedSources.add("a");
  assert.equal(await run(world, "commit", "a", "b"), 0);
  assert.equal(
    world.stdout,
    "= a: unchanged (19.1 MiB, id 00112233445566ff); --force stores it again\n" +
      "✓ b: committed (19.1 MiB, tier 2, erasure:1+3, id 00112233445566ff)\n",
  );
  const json = newWorld({ archive: world.archive });
  assert.equal(await run(json, "commit", "a", "b", "--json"), 0);
  const entries = documentsOf(json)[0]!["entries"] as { outcome: string }[];
  assert.deepEqual(entries.map(({ outcome }) => outcome), [
    "unchanged",
    "committed",
  ]);
});

Deno.test("commit --force is passed on", async () => {
  const world = newWorld();
  await run(world, "commit", "a", "--force");
  assert.deepEqual(world.archive.commits, [{ source: "a", force: true }]);
});

Deno.test("commit - hands standard input on, under the name that was given", async () => {
  const world = newWorld();
  for (const args of [["-"], ["--file", "-"], ["-f", "-"], ["--file=-"]]) {
    assert.equal(await run(world, "commit", ...args, "--name", "db.sql"), 0);
    const { stream, ...rest } = world.archive.commits.at(-1)!;
    assert.deepEqual(rest, { source: "-", name: "db.sql" });
    assert.equal(await stream?.read(new Uint8Array(1)), 0);
  }
});

Deno.test("commit - needs a name, and goes with nothing else", async () => {
  const world = newWorld();
  assert.equal(await run(world, "commit", "-"), 16);
  assert.match(
    world.stderr,
    /Standard input has no name: give one with --name/,
  );
  world.stderr = "";
  assert.equal(await run(world, "commit", "a", "-", "--name", "b"), 16);
  assert.match(world.stderr, /- \(standard input\) is committed alone/);
  assert.equal(await run(world, "commit", "./-"), 0);
  assert.deepEqual(world.archive.commits, [{ source: "./-" }]);
});

Deno.test("commit --resume and --no-resume are handed on", async () => {
  const world = newWorld();
  await run(world, "commit", "a", "--resume");
  await run(world, "commit", "a", "--no-resume");
  assert.deepEqual(world.archive.commits.map(({ resume }) => resume), [
    "require",
    "never",
  ]);
  for (
    const [args, problem] of [
      [["a", "--resume", "--no-resume"], /exclude each other/],
      [["a", "b", "--resume"], /--resume goes with one file, not with 2/],
      [["-", "--name", "x", "--resume"], /cannot be had twice/],
    ] as const
  ) {
    world.stderr = "";
    assert.equal(await run(world, "commit", ...args), 16);
    assert.match(world.stderr, problem);
  }
});

Deno.test("commit says what it goes on with, and what is kept of it", async () => {
  const world = newWorld();
  const parts = {
    folder: ".staging_1",
    name: "a",
    bytesDone: 1024,
    bytesTotal: 2048,
  };
  world.archive.beforeCommit = () => {
    world.opened[0]?.onEvent?.({ kind: "resumed", ...parts });
    world.opened[0]?.onEvent?.({ kind: "kept", ...parts });
  };
  assert.equal(await run(world, "commit", "a"), 0);
  assert.equal(
    world.stderr,
    "Going on with a commit of a that was cut off: 1.00 KiB of 2.00 KiB written, which is verified\n" +
      "blockframe: warning: What was written of a (1.00 KiB of 2.00 KiB) is kept in .staging_1\n" +
      "hint: the same commit goes on with it; `blockframe cleanup --older-than 0h` removes it\n",
  );
});
