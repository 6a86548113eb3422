import assert from "node:assert/strict";
import {
  formatDamage,
  formatFile,
  formatPlaces,
  listRanges,
} from "../../src/cli/damage_text.ts";
import { describeHealth, formatSummary } from "../../src/cli/health_text.ts";
import { formatLine } from "../../src/cli/output.ts";
import type { FileDamage, HealthReport } from "../../src/archive/report.ts";
import { damageOf, healthOf } from "./fakes.ts";

function linesOf(report: HealthReport, verbose = false): string[] {
  return describeHealth(report, verbose).map((line) => formatLine(line, false));
}

const segment = (index: number, parts: Partial<FileDamage> = {}) =>
  damageOf({ index, ...parts });
const parity = (
  block: number,
  index: number,
  parts: Partial<FileDamage> = {},
) => damageOf({ role: "parity", block, index, ...parts });
const manifest = (parts: Partial<FileDamage> = {}) =>
  damageOf({ role: "manifest", file: "manifest.json", ...parts });
const outboard = (file: string, parts: Partial<FileDamage> = {}) =>
  damageOf({ role: "outboard", file, ...parts });

Deno.test("describeHealth() says healthy in one line", () => {
  assert.deepEqual(linesOf(healthOf()), [
    "✓ video.mp4: healthy (120 segments)",
  ]);
  assert.deepEqual(linesOf(healthOf({ segmentCount: 1 })), [
    "✓ video.mp4: healthy (1 segment)",
  ]);
});

Deno.test("describeHealth() says what was recovered in the original's words", () => {
  const report = healthOf({
    name: "dataset.bin",
    state: "repaired",
    damage: [segment(45), segment(67), segment(89)],
  });
  assert.deepEqual(linesOf(report), [
    "✗ dataset.bin: 3 corrupt segments",
    "  → Recovered from parity: segments 45, 67, 89",
  ]);
});

Deno.test("describeHealth() tells parity and copies from segments", () => {
  const report = healthOf({
    state: "repaired",
    damage: [
      segment(3, { cause: "missing" }),
      parity(0, 0),
      parity(0, 2),
      parity(4, 1),
      manifest(),
      outboard("hashes/outboard_1.bin", { cause: "missing" }),
    ],
  });
  assert.deepEqual(linesOf(report), [
    "✗ video.mp4: 1 missing segment, 3 corrupt parity shards, " +
    "1 damaged manifest copy, 1 missing outboard copy",
    "  → Recovered from parity: segment 3",
    "  → Recomputed: parity shards 0, 2 of block 0, 1 of block 4",
    "  → Restored from an intact copy: 1 manifest copy; 1 outboard copy",
  ]);
});

Deno.test("describeHealth() tells parity across blocks from that of blocks", () => {
  const group = (index: number) =>
    damageOf({
      file: `groups/group_0/column_0${index}_parity_0.dat`,
      role: "group",
      cause: "missing",
    });
  const report = healthOf({
    state: "repaired",
    damage: [parity(0, 1), group(3), group(4)],
  });
  assert.deepEqual(linesOf(report), [
    "✗ video.mp4: 1 corrupt parity shard, 2 missing parity shards across blocks",
    "  → Recomputed: parity shard 1 of block 0; 2 parity shards across blocks",
  ]);
});

Deno.test("describeHealth() says what could be done where nothing was written", () => {
  const report = healthOf({
    state: "repairable",
    damage: [
      segment(7, { repaired: false }),
      parity(0, 1, { repaired: false }),
      manifest({ repaired: false, cause: "missing" }),
    ],
  });
  assert.deepEqual(linesOf(report), [
    "✗ video.mp4: 1 corrupt segment, 1 corrupt parity shard, 1 missing manifest copy",
    "  → Can be recovered from parity: segment 7",
    "  → Can be recomputed: parity shard 1 of block 0",
    "  → Can be restored from an intact copy: 1 manifest copy",
  ]);
});

Deno.test("describeHealth() says once what kept every file from being written", () => {
  const report = healthOf({
    state: "repairable",
    damage: Array.from({ length: 1300 }, (_, index) =>
      segment(index, {
        repaired: false,
        obstacle: `Cannot open "${index}": the medium is read-only`,
        obstacleCode: index === 1299 ? "io" : "read-only",
      })),
  });
  const lines = linesOf(report);
  assert.deepEqual(lines.slice(1), [
    '  → Not written back (Cannot open "0": the medium is read-only; 1298 other files likewise)' +
    ": segments 0-1298",
    '  → Not written back (Cannot open "1299": the medium is read-only): segment 1299',
  ]);
});

Deno.test("describeHealth() names what kept a repair from being written", () => {
  const obstacle = "the medium is read-only";
  const report = healthOf({
    state: "repairable",
    damage: [
      segment(7, { repaired: false, obstacle }),
      segment(9, { repaired: false, obstacle }),
      segment(11),
    ],
  });
  assert.deepEqual(linesOf(report), [
    "✗ video.mp4: 3 corrupt segments",
    "  → Recovered from parity: segment 11",
    "  → Not written back (the medium is read-only): segments 7, 9",
  ]);
});

Deno.test("describeHealth() lists what is lost, exactly", () => {
  const report = healthOf({
    state: "lost",
    damage: [
      segment(0, { repaired: false, leafCount: 4, rebuiltLeafCount: 2 }),
      segment(1, { repaired: false, leafCount: 2, rebuiltLeafCount: 0 }),
      segment(2),
    ],
    lostRanges: [
      { payloadOffset: 65_536, bytes: 131_072 },
      { payloadOffset: 1_048_576, bytes: 100 },
    ],
    lostParityLeafCount: 3,
  });
  assert.deepEqual(linesOf(report), [
    "✗ video.mp4: 3 corrupt segments",
    "  → Recovered from parity: segment 2",
    "  → Beyond repair: segments 0, 1",
    "  → Lost for good: 128 KiB in 2 ranges",
    "      bytes 65536-196607 (128 KiB)",
    "      bytes 1048576-1048675 (100 B)",
    "  → Parity beyond repair: 3 leaves",
  ]);
});

Deno.test("describeHealth() says that lost parity alone loses no byte", () => {
  const report = healthOf({
    state: "lost",
    damage: [parity(0, 1, { repaired: false, rebuiltLeafCount: 0 })],
    lostParityLeafCount: 1,
  });
  assert.equal(
    linesOf(report).at(-1),
    "  → Parity beyond repair: 1 leaf; no byte of the file is lost",
  );
});

Deno.test("describeHealth() names every damaged file when verbose", () => {
  const report = healthOf({
    state: "repaired",
    damage: [segment(45, { leafCount: 3, rebuiltLeafCount: 3 })],
  });
  assert.equal(
    linesOf(report, true).at(-1),
    "    segments/segment_45.dat: corrupt, 3 leaves, repaired",
  );
});

Deno.test("describeHealth() mentions strangers and leaves them alone", () => {
  const strangers = Array.from({ length: 12 }, (_, index) => `s${index}`);
  const lines = linesOf(healthOf({ strangers }));
  assert.match(
    lines[1]!,
    /^ {2}· Left alone: 12 files not part of the entry: s0, .*s9 \.\.\. and 2 more, see --json$/,
  );
});

Deno.test("describeHealth() says why an entry cannot be examined", () => {
  const problem = "no copy of its manifest is readable";
  assert.deepEqual(
    linesOf(healthOf({ name: "", folder: "x_1", state: "lost", problem })),
    ["✗ x_1: cannot be examined: no copy of its manifest is readable"],
  );
});

Deno.test("describeHealth() lets no name control the terminal", () => {
  const hostile = "\x1b[2J\nfake: healthy";
  const lines = linesOf(healthOf({
    name: hostile,
    state: "repaired",
    damage: [segment(1)],
    strangers: [hostile],
  }));
  for (const line of lines) {
    assert.ok(!line.includes("\x1b") && !line.includes("\n"), line);
  }
});

const causeRows: [FileDamage["cause"], string][] = [
  ["missing", "missing"],
  ["truncated", "truncated"],
  ["overlong", "overlong"],
  ["unreadable", "unreadable"],
  ["rotten", "corrupt"],
  ["unsafe", "unsafe"],
];
for (const [cause, word] of causeRows) {
  Deno.test(`formatDamage() calls ${cause} files ${word}`, () => {
    const damage = [segment(1, { cause }), segment(2, { cause })];
    assert.equal(formatDamage(damage), `2 ${word} segments`);
  });
}

Deno.test("formatDamage() counts mixed causes", () => {
  const damage = [
    segment(1, { cause: "missing" }),
    segment(2, { cause: "missing" }),
    segment(3),
  ];
  assert.equal(
    formatDamage(damage),
    "3 damaged segments (2 missing, 1 corrupt)",
  );
});

Deno.test("formatDamage() counts a file once", () => {
  const damage = [segment(1), segment(1, { leafCount: 2 })];
  assert.equal(formatDamage(damage), "1 corrupt segment");
});

Deno.test("formatPlaces() folds long lists", () => {
  const many = Array.from({ length: 300 }, (_, index) => segment(index));
  assert.equal(formatPlaces(many), "segments 0-299");
  const blocks = Array.from({ length: 30 }, (_, block) => parity(block, 0));
  assert.match(
    formatPlaces(blocks),
    /^parity shards 0 of block 0, .*0 of block 9, \.\.\. and 20 more blocks$/,
  );
});

Deno.test("formatFile() says what became of a file", () => {
  const base = { leafCount: 4, rebuiltLeafCount: 4 };
  assert.match(formatFile(segment(1, { ...base })), /4 leaves, repaired$/);
  assert.match(
    formatFile(segment(1, { ...base, repaired: false })),
    /can be repaired$/,
  );
  assert.match(
    formatFile(segment(1, { ...base, repaired: false, rebuiltLeafCount: 3 })),
    /1 leaf lost$/,
  );
  assert.equal(
    formatFile(segment(1, { cause: "overlong", leafCount: 0 })),
    "segments/segment_1.dat: overlong, repaired",
  );
});

Deno.test("listRanges() is bounded and says where the rest is", () => {
  const ranges = Array.from({ length: 1000 }, (_, index) => ({
    payloadOffset: index * 10,
    bytes: 5,
  }));
  const texts = listRanges(ranges);
  assert.equal(texts.length, 11);
  assert.equal(texts.at(-1), "... and 990 more, see --json");
});

Deno.test("formatSummary() names only what there is", () => {
  const none = {
    entryCount: 3,
    healthyCount: 2,
    repairedCount: 1,
    repairableCount: 0,
    lostCount: 0,
    problemCount: 0,
  };
  assert.equal(formatSummary(none), "3 entries: 2 healthy, 1 repaired");
  assert.equal(
    formatSummary({
      entryCount: 1,
      healthyCount: 0,
      repairedCount: 0,
      repairableCount: 0,
      lostCount: 1,
      problemCount: 0,
    }),
    "1 entry: 1 damaged beyond repair",
  );
});
