import assert from "node:assert/strict";
import type { ImportReport } from "../../src/archive/report.ts";
import { Failure } from "../../src/base/errors.ts";
import {
  damageOf,
  documentsOf,
  entryOf,
  healthOf,
  newWorld,
  run,
} from "./fakes.ts";

function reportOf(parts: Partial<ImportReport> = {}): ImportReport {
  return {
    folder: `video.mp4_${"ab".repeat(32)}`,
    name: "video.mp4",
    root: "ab".repeat(32),
    payloadBytes: 20_000_000,
    outcome: "imported",
    damage: [],
    lostRanges: [],
    entry: entryOf(),
    elapsedMs: 3,
    ...parts,
  };
}

const damage = [damageOf({ repaired: false })];
const rows: readonly [string, Partial<ImportReport>, number, RegExp][] = [
  ["imported", {}, 0, /✓ video\.mp4: imported \(.*, id 00112233445566ff\)/],
  ["imported, rebuilt", { damage }, 1, /Worked around: 1 corrupt segment/],
  ["importable", { outcome: "importable" }, 0, /would be imported/],
  [
    "importable, rebuilt",
    { outcome: "importable", damage },
    1,
    /Worked around/,
  ],
  [
    "present",
    { outcome: "present" },
    0,
    /already there \(id 00112233445566ff\)/,
  ],
  [
    "lost",
    {
      outcome: "lost",
      damage,
      lostRanges: [{ payloadOffset: 0, bytes: 4096 }],
    },
    4,
    /not imported: 1 corrupt segment, beyond repair\n {2}→ Lost for good/,
  ],
  [
    "lost as a whole",
    {
      outcome: "lost",
      problem: "its BLAKE3 is another",
      problemCode: "damaged",
    },
    4,
    /not imported: its BLAKE3 is another/,
  ],
  [
    "unreadable",
    { outcome: "failed", problem: "it is not JSON", problemCode: "unreadable" },
    4,
    /not imported: it is not JSON/,
  ],
  [
    "no manifest",
    { outcome: "failed", problem: "none", problemCode: "no-manifest" },
    4,
    /not imported: none/,
  ],
  [
    "too old",
    { outcome: "failed", problem: "old", problemCode: "unsupported-format" },
    8,
    /not imported: old/,
  ],
  [
    "full disk",
    { outcome: "failed", problem: "full", problemCode: "no-space" },
    8,
    /not imported: full/,
  ],
];

for (const [what, parts, code, words] of rows) {
  Deno.test(`import says ${what} and ends with ${code}`, async () => {
    const world = newWorld();
    world.archive.importReports = [reportOf(parts)];
    assert.equal(await run(world, "import", "/old"), code);
    assert.match(world.stdout, words);
    assert.deepEqual(world.archive.imports, [
      { source: "/old", dryRun: false },
    ]);
    const json = newWorld();
    json.archive.importReports = [reportOf(parts)];
    assert.equal(await run(json, "import", "/old", "--json"), code);
    const [one, summary] = documentsOf(json);
    assert.equal(one?.type, "import");
    assert.equal(one?.outcome, reportOf(parts).outcome);
    assert.equal(summary?.type, "import-summary");
    assert.equal(summary?.exitCode, code);
    assert.equal(summary?.entryCount, 1);
  });
}

Deno.test("import adds up the codes of its entries", async () => {
  const world = newWorld();
  world.archive.importReports = [
    reportOf(),
    reportOf({ damage }),
    reportOf({ outcome: "lost", damage }),
    reportOf({ outcome: "failed", problemCode: "no-space", problem: "full" }),
  ];
  assert.equal(await run(world, "import", "/old"), 13);
  assert.match(
    world.stdout,
    /4 entries: 2 imported, 1 damaged beyond repair, 1 failed/,
  );
});

Deno.test("import looks at the old archive before it makes a new one", async () => {
  const world = newWorld();
  await run(world, "import", "/old", "-a", "/new");
  assert.deepEqual(world.opened.map(({ path, create }) => [path, create]), [
    ["/old", false],
    ["/new", true],
  ]);
  assert.match(world.stderr, /No entries of blockframe-rs in \/old/);
});

Deno.test("import --dry-run makes no archive", async () => {
  const world = newWorld();
  await run(world, "import", "-n", "/old");
  assert.deepEqual(world.opened.map((each) => each.create), [false]);
  assert.deepEqual(world.archive.imports, [{ source: "/old", dryRun: true }]);
});

Deno.test("import of a folder that is not there ends with 8 and hints at nothing", async () => {
  const world = newWorld({ openError: new Failure("not-found", "No folder") });
  assert.equal(await run(world, "import", "/old"), 8);
  assert.doesNotMatch(world.stderr, /hint/);
});

Deno.test("import needs a folder", async () => {
  assert.equal(await run(newWorld(), "import"), 16);
});

Deno.test("health --legacy opens the old archive and only reports", async () => {
  const world = newWorld();
  world.archive.legacyReports = [healthOf({ state: "repairable", damage })];
  assert.equal(await run(world, "health", "--legacy", "/old"), 4);
  assert.deepEqual(world.opened.map((each) => each.path), ["/old"]);
  assert.deepEqual(world.archive.healthRequests, []);
  assert.match(world.stdout, /Can be recovered from parity: segment/);
  assert.match(world.stderr, /hint: `blockframe import \/old` stores/);
});

Deno.test("health --legacy goes with no name", async () => {
  assert.equal(await run(newWorld(), "health", "--legacy", "/old", "a"), 16);
});
