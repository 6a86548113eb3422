import assert from "node:assert/strict";
import type { EntryProblem, HealthReport } from "../../src/archive/report.ts";
import { damageOf, documentsOf, healthOf, newWorld, run } from "./fakes.ts";

const healthy = healthOf();
const repaired = healthOf({
  name: "dataset.bin",
  state: "repaired",
  damage: [45, 67, 89].map((index) => damageOf({ index })),
});
const repairable = healthOf({
  name: "notes.txt",
  state: "repairable",
  damage: [damageOf({ repaired: false })],
});
const lost = healthOf({
  name: "old.iso",
  state: "lost",
  damage: [damageOf({ repaired: false, rebuiltLeafCount: 0 })],
  lostRanges: [{ payloadOffset: 0, bytes: 65_536 }],
});

function unexaminable(
  code: EntryProblem["code"],
): { report: HealthReport; problem: EntryProblem } {
  const folder = `broken_${code}`;
  const problem = `it is ${code}`;
  return {
    report: healthOf({
      name: "",
      folder,
      state: "lost",
      problem,
      problemCode: code,
    }),
    problem: { folder, code, problem },
  };
}

const rows: [string, HealthReport[], number][] = [
  ["no entry", [], 8],
  ["healthy", [healthy], 0],
  ["repaired", [repaired], 1],
  ["repairable", [repairable], 4],
  ["lost", [lost], 4],
  ["healthy and repaired", [healthy, repaired], 1],
  ["repaired and lost", [repaired, lost], 5],
  ["repairable and lost", [repairable, lost], 4],
  ["no manifest", [unexaminable("no-manifest").report], 4],
  ["unreadable", [unexaminable("unreadable").report], 4],
  ["newer format", [unexaminable("unsupported-format").report], 8],
  [
    "newer format and repaired",
    [unexaminable("unsupported-format").report, repaired],
    9,
  ],
];
for (const [title, reports, code] of rows) {
  Deno.test(`health ends with ${code} for: ${title}`, async () => {
    const world = newWorld();
    world.archive.reports = reports;
    world.archive.problems = [
      unexaminable("no-manifest").problem,
      unexaminable("unreadable").problem,
      unexaminable("unsupported-format").problem,
    ];
    assert.equal(await run(world, "health"), code);
    const json = newWorld({ archive: world.archive });
    assert.equal(await run(json, "health", "--json"), code);
    assert.equal(documentsOf(json).at(-1)!["exitCode"], code);
  });
}

Deno.test("health prints a line per entry and a summary", async () => {
  const world = newWorld();
  world.archive.reports = [healthy, repaired];
  assert.equal(await run(world, "health"), 1);
  assert.equal(
    world.stdout,
    `✓ video.mp4: healthy (120 segments)
✗ dataset.bin: 3 corrupt segments
  → Recovered from parity: segments 45, 67, 89
2 entries: 1 healthy, 1 repaired
`,
  );
  assert.equal(world.stderr, "");
});

Deno.test("health repairs unless --check, and passes the names on", async () => {
  const world = newWorld();
  await run(world, "health");
  await run(world, "repair", "a", "b");
  await run(world, "health", "--check", "a");
  assert.deepEqual(world.archive.healthRequests, [
    { repair: true },
    { selectors: ["a", "b"], repair: true },
    { selectors: ["a"], repair: false },
  ]);
});

Deno.test("health --check hints at the command that repairs, naming the same archive", async () => {
  const world = newWorld();
  world.archive.reports = [repairable];
  assert.equal(await run(world, "health", "--check", "-a", "/mnt/my disk"), 4);
  assert.equal(
    world.stderr,
    "hint: `blockframe health --archive '/mnt/my disk'` repairs it\n",
  );
});

Deno.test("health hints at a partial restore where bytes are lost", async () => {
  const world = newWorld();
  world.archive.reports = [lost];
  await run(world, "health");
  assert.match(world.stderr, /`blockframe restore old\.iso --partial`/);
  world.archive.reports = [lost, lost];
  await run(world, "health");
  assert.match(world.stderr, /`blockframe restore NAME --partial`/);
});

Deno.test("health --quiet prints only what is wrong", async () => {
  const well = newWorld();
  well.archive.reports = [healthy, healthy];
  assert.equal(await run(well, "health", "-q"), 0);
  assert.equal(well.stdout + well.stderr, "");
  const ill = newWorld();
  ill.archive.reports = [healthy, repaired];
  assert.equal(await run(ill, "health", "-q"), 1);
  assert.doesNotMatch(ill.stdout, /✓/);
  assert.match(ill.stdout, /2 entries: 1 healthy, 1 repaired/);
});

Deno.test("health takes no empty archive for a healthy one", async () => {
  const message =
    "blockframe: error: No entries in archive_directory: nothing was verified\n" +
    "hint: if there should be some, look whether its disk is mounted\n";
  for (const words of [[], ["--quiet"], ["--check"]]) {
    const world = newWorld();
    assert.equal(await run(world, "health", ...words), 8);
    assert.equal(world.stdout, "");
    assert.equal(world.stderr, message);
  }
  const world = newWorld();
  assert.equal(await run(world, "health", "--json"), 8);
  assert.equal(JSON.parse(world.stdout).exitCode, 8);
});

Deno.test("health tells versions of a name apart", async () => {
  const world = newWorld();
  world.archive.reports = [
    { ...healthy, versionCount: 2 },
    { ...lost, name: "video.mp4", id: "1f3a", versionCount: 2 },
  ];
  await run(world, "health", "--check");
  assert.match(world.stdout, /^✓ video\.mp4 \(id 00112233445566ff\): healthy/m);
  assert.match(world.stdout, /^✗ video\.mp4 \(id 1f3a\): /m);
  assert.match(world.stderr, /`blockframe restore 1f3a --partial`/);
});

Deno.test("health --json prints a line per entry and a summary, with true names", async () => {
  const name = "a\x1b[2J\nb";
  const world = newWorld();
  world.archive.reports = [healthOf({ name }), repaired, lost];
  assert.equal(await run(world, "health", "--json"), 5);
  const documents = documentsOf(world);
  assert.deepEqual(documents.map((one) => one["type"]), [
    "entry",
    "entry",
    "entry",
    "summary",
  ]);
  assert.ok(documents.every((one) => one["schema"] === 1));
  assert.equal(documents[0]!["name"], name);
  assert.deepEqual(documents[2]!["lostRanges"], lost.lostRanges);
  assert.deepEqual(documents[3], {
    type: "summary",
    schema: 1,
    archive: "archive_directory",
    entryCount: 3,
    healthyCount: 1,
    repairedCount: 1,
    repairableCount: 0,
    lostCount: 1,
    problemCount: 0,
    exitCode: 5,
  });
});

Deno.test("health has colours on a terminal only", async () => {
  for (
    const [variables, args, colored] of [
      [{}, [], true],
      [{ NO_COLOR: "1" }, [], false],
      [{ NO_COLOR: "" }, [], true],
      [{ TERM: "dumb" }, [], false],
      [{}, ["--no-color"], false],
    ] as const
  ) {
    const world = newWorld({ isTerminal: true, variables });
    world.archive.reports = [healthy];
    await run(world, "health", ...args);
    assert.equal(world.stdout.includes("\x1b[32m"), colored);
  }
});

Deno.test("health stops at a signal with what it has", async () => {
  const world = newWorld();
  world.archive.reports = [healthy];
  const pristine = world.archive.health.bind(world.archive);
  world.archive.health = async function* (request) {
    yield* pristine(request);
    world.signal("SIGINT");
    await Promise.resolve();
    world.opened[0]!.signal!.throwIfAborted();
  };
  assert.equal(await run(world, "health", "--json"), 130);
  assert.deepEqual(documentsOf(world).map((one) => one["type"]), [
    "entry",
    "error",
  ]);
  assert.equal(documentsOf(world)[1]!["code"], "interrupted");
});
