// Holds docs/format.md to its promise. stranger.py was written from that page alone; here it and
// BlockFrame read and mend what the other one, or damage, has left.

import assert from "node:assert/strict";
import { decodeFileTable } from "../../src/format/file_table.ts";
import {
  type Case,
  createRandom,
  Desk,
  flip,
  hasPython,
  hitCopies,
  hitShards,
  isEqual,
  pick,
  type Random,
  type Range,
  rotLeaf,
  rotRows,
  type Shard,
  type Survey,
} from "./desk.ts";

const ignore = !(await hasPython());
const small = `segment_size = "8KiB"
[tiers]
tier1_max = "8KiB"
tier2_max = "64KiB"
`;
const longer = `segment_size = "192KiB"
[tiers]
tier1_max = "100KiB"
`;

const cases: readonly Case[] = [
  { name: "an empty file", bytes: 0 },
  { name: "one byte", bytes: 1 },
  { name: "one leaf", bytes: 5000, settings: small },
  { name: "tier 1, many leaves", bytes: 300_001 },
  { name: "tier 2, segments of one leaf", bytes: 40_000, settings: small },
  { name: "tier 2, segments of three", bytes: 500_000, settings: longer },
  { name: "tier 3, three blocks", bytes: 700_000, settings: small },
  {
    name: "erasure:4+2, ten blocks, the last of one segment",
    bytes: 300_000,
    settings: small,
    policy: "erasure:4+2",
  },
  {
    name: "erasure:4+2, a last segment of fewer rows",
    bytes: 200_000,
    settings: `segment_size = "64KiB"`,
    policy: "erasure:4+2",
  },
  {
    name: "replicate:3",
    bytes: 100_000,
    settings: small,
    policy: "replicate:3",
  },
  {
    name: "replicate:11, ten of each",
    bytes: 80_000,
    settings: small,
    policy: "replicate:11",
  },
  {
    name: "an outboard of one page",
    bytes: 320_000,
    settings: small,
    policy: "erasure:40+40",
  },
  {
    name: "an outboard of two pages",
    bytes: 1_036_800,
    settings: `segment_size = "3KiB"`,
    policy: "erasure:128+128",
  },
];

const tier4 = `segment_size = "1KiB"
[tiers]
tier1_max = "1KiB"
tier2_max = "2KiB"
tier3_max = "3KiB"
`;

const onePage = cases.find((one) => one.name.endsWith("one page"))!;
const beyond = cases.filter((one) =>
  /three|fewer|tier 1|one page/.test(one.name)
);

/** All the damage that can be mended: whole shards in every other block, rows in those between. */
function hitAll(
  desk: Desk,
  random: Random,
  survey: Survey,
  first: 0 | 1,
): void {
  for (const [b, block] of survey.blocks.entries()) {
    const hit = b % 2 === first ? hitShards : rotRows;
    hit(desk, random, survey, block);
  }
  hitCopies(desk, random, survey);
}

for (const [seed, one] of cases.entries()) {
  Deno.test({
    name: `restore() and repair() mend what BlockFrame made: ${one.name}`,
    ignore,
    fn: async () => {
      const random = createRandom(seed);
      using desk = new Desk();
      await desk.commit(one, random);
      const survey = desk.survey();
      const made = desk.snapshot();
      await desk.assertRestored();

      hitAll(desk, random, survey, 0);
      await desk.assertRestored();
      const repaired = await desk.stranger("repair");
      assert.equal(repaired.code, 1, repaired.stderr);
      await desk.assertHealthy();
      assertSame(desk, made);

      hitAll(desk, random, survey, 1);
      const health = await desk.blockframe("health");
      assert.equal(health.code, 1, health.stderr + health.stdout);
      await desk.assertRestored();
      const again = await desk.stranger("repair");
      assert.equal(again.code, 0, again.stderr);
      assertSame(desk, made);
    },
  });
}

function assertSame(desk: Desk, made: ReadonlyMap<string, Uint8Array>): void {
  const now = desk.snapshot();
  assert.deepEqual([...now.keys()], [...made.keys()]);
  for (const [path, bytes] of made) {
    assert.ok(isEqual(now.get(path)!, bytes), path);
  }
}

for (const [seed, one] of beyond.entries()) {
  Deno.test({
    name: `restore() names what is lost beyond the bound: ${one.name}`,
    ignore,
    fn: async () => {
      const random = createRandom(100 + seed);
      using desk = new Desk();
      await desk.commit(one, random);
      const survey = desk.survey();
      const made = desk.snapshot();
      const lost: Range[] = [];
      const hit = new Set<string>();
      for (const [b, block] of survey.blocks.entries()) {
        if (b % 2 === 1) rotRows(desk, random, survey, block);
        else {for (const path of loseRow(desk, random, survey, block, lost)) {
            hit.add(path);
          }}
      }
      hitCopies(desk, random, survey);

      await assertLost(desk, lost);
      const repaired = await desk.stranger("repair");
      assert.equal(repaired.code, 4, repaired.stderr);
      await assertLost(desk, lost);
      for (const [path, bytes] of desk.snapshot()) {
        assert.equal(isEqual(bytes, made.get(path)!), !hit.has(path), path);
      }
      const check = await desk.blockframe("health", "--check");
      assert.equal(check.code, 4, check.stderr + check.stdout);
    },
  });
}

/**
 * Rots one leaf more of the block's last row that all its shards have than can be rebuilt, the last
 * segment's among them; adds what of the payload is lost, and returns the files.
 */
function loseRow(
  desk: Desk,
  random: Random,
  survey: Survey,
  block: readonly Shard[],
  lost: Range[],
): string[] {
  const { leafBytes, m } = survey;
  const last = block[block.length - m - 1]!;
  const r = Math.ceil(last.bytes / leafBytes) - 1;
  const others = pick(random, block.filter((one) => one !== last), m);
  for (const shard of [last, ...others]) {
    assert.ok(rotLeaf(desk, random, shard, r, leafBytes));
    if (shard.offset === undefined) continue;
    lost.push({
      offset: shard.offset + r * leafBytes,
      bytes: Math.min(leafBytes, shard.bytes - r * leafBytes),
    });
  }
  return [last, ...others].map((one) => one.path);
}

async function assertLost(desk: Desk, lost: readonly Range[]): Promise<void> {
  const joined: { offset: number; bytes: number }[] = [];
  for (const range of [...lost].sort((a, b) => a.offset - b.offset)) {
    const before = joined.at(-1);
    if (before !== undefined && before.offset + before.bytes === range.offset) {
      before.bytes += range.bytes;
    } else joined.push({ ...range });
  }
  const ended = await desk.stranger("restore");
  assert.equal(ended.code, 4, ended.stderr);
  assert.deepEqual(JSON.parse(ended.stdout), { lost: joined });
  assert.equal(desk.read("restored"), undefined);
  assert.equal(desk.read("restored.part"), undefined);
}

Deno.test({
  name:
    "restore() and repair() bring back a whole block, and lose no more than is lost: tier 4",
  ignore,
  fn: async () => {
    const random = createRandom(300);
    using desk = new Desk();
    // Five blocks, the last with fewer segments.
    const bytes = 4 * 30 * 1024 + 7 * 1024 + 300;
    await desk.commit({ name: "tier 4", bytes, settings: tier4 }, random);
    const survey = desk.survey();
    const made = desk.snapshot();
    assert.equal(survey.blocks.length, 5);
    assert.equal(
      [...made.keys()].filter((path) => path.startsWith("groups/")).length,
      30,
    );
    const hit = (lost: number) => {
      for (const [b, block] of survey.blocks.entries()) {
        if (b !== lost) hitShards(desk, random, survey, block);
        else for (const { path } of block) desk.damage(path, () => undefined);
      }
      hitCopies(desk, random, survey);
    };
    hit(2);
    await desk.assertRestored();
    const repaired = await desk.stranger("repair");
    assert.equal(repaired.code, 1, repaired.stderr);
    await desk.assertHealthy();
    assertSame(desk, made);

    hit(4);
    const health = await desk.blockframe("health");
    assert.equal(health.code, 1, health.stderr + health.stdout);
    await desk.assertRestored();
    assert.equal((await desk.stranger("repair")).code, 0);
    assertSame(desk, made);

    // Parity of the columns gone, too: what the lost block had is lost, but for nothing else.
    const [, gone] = survey.blocks;
    for (const { path } of gone!) desk.damage(path, () => undefined);
    for (const path of made.keys()) {
      if (/^groups.*_0[0-4]_parity/.test(path)) {
        desk.damage(path, () => undefined);
      }
    }
    // 25 columns bring back their segments: 5 segments and 3 parity shards are too many to lose.
    await assertLost(
      desk,
      gone!.slice(0, 5).map((one) => ({
        offset: one.offset!,
        bytes: one.bytes,
      })),
    );
    const left = await desk.blockframe("health", "--json");
    assert.equal(left.code, 4, left.stderr);
    const report = JSON.parse(left.stdout.split("\n")[0]!);
    assert.deepEqual(report.lostRanges, [{
      payloadOffset: gone![0]!.offset,
      bytes: 5 * gone![0]!.bytes,
    }]);
    await assertLost(
      desk,
      gone!.slice(0, 5).map((one) => ({
        offset: one.offset!,
        bytes: one.bytes,
      })),
    );
  },
});

Deno.test({
  name: "repair() computes a page of the outboard that no copy has right",
  ignore,
  fn: async () => {
    const random = createRandom(200);
    using desk = new Desk();
    await desk.commit(onePage, random);
    const made = desk.snapshot();
    for (const copy of ["", "hashes/", "hashes_1/", "hashes_2/"]) {
      desk.damage(`${copy}outboard.bin`, (bytes) => bytes.fill(0));
    }
    await desk.assertRestored();
    assert.equal((await desk.stranger("repair")).code, 1);
    assertSame(desk, made);
  },
});

Deno.test({
  name: "repair() makes the parity of the page's worked example",
  ignore,
  fn: async () => {
    const page = await Deno.readTextFile(
      new URL("../../docs/format.md", import.meta.url),
    );
    const manifest = /```json\n(\{\n {2}"format"[^]*?\n\}\n)```/.exec(
      page,
    )![1]!;
    const files = [...page.matchAll(
      /^(blocks\/\S+) +(\d+) +([0-9a-f]{16}) /gm,
    )];
    assert.equal(files.length, 5);
    const text = "BlockFrame keeps this line safe.\n".repeat(187);
    using desk = new Desk();
    desk.entry = "example";
    desk.payload = new TextEncoder().encode(text).subarray(0, 6000);
    desk.write(
      "example/hashes_2/manifest.json",
      new TextEncoder().encode(manifest),
    );
    const segments = files.filter((one) => one[1]!.includes("/segments/"));
    for (const [s, [, path]] of segments.entries()) {
      const bytes = desk.payload.subarray(s * 2048, (s + 1) * 2048);
      desk.write(`example/${path}`, bytes);
    }
    assert.equal((await desk.stranger("repair")).code, 1);
    await desk.assertRestored();
    for (const [, path, length, first] of files) {
      const bytes = desk.read(`example/${path}`)!;
      assert.equal(bytes.length, Number(length));
      assert.equal(bytes.subarray(0, 8).toHex(), first);
    }
    assert.equal(desk.snapshot().size, files.length + 4);
  },
});

const treeSettings = { settings: small, policy: "erasure:4+2" };

/** A desk with a tree of everything, committed, and what the tree looks like. */
async function deskWithTree(): Promise<{ desk: Desk; tree: unknown }> {
  const desk = new Desk();
  const made = await desk.python([treeProgram, "make", "tree"]);
  assert.equal(made.code, 0, made.stderr);
  await desk.store("tree", treeSettings);
  return { desk, tree: await lookAt(desk, "tree") };
}

const treeProgram = `${import.meta.dirname}/tree.py`;

async function lookAt(desk: Desk, path: string): Promise<unknown> {
  const seen = await desk.python([treeProgram, "look", path]);
  assert.equal(seen.code, 0, seen.stderr);
  return JSON.parse(seen.stdout);
}

async function assertTree(desk: Desk, tree: unknown): Promise<void> {
  const ended = await desk.stranger("restore");
  assert.equal(ended.code, 0, ended.stderr + ended.stdout);
  assert.deepEqual(await lookAt(desk, "restored"), tree);
  assert.equal(desk.read("restored.part"), undefined);
  await Deno.remove(`${desk.folder}/restored`, { recursive: true });
}

const page = 65536;

Deno.test({
  name: "restore() makes a tree again, and repair() mends its file table",
  ignore,
  fn: async () => {
    const random = createRandom(400);
    const { desk, tree } = await deskWithTree();
    using _ = desk;
    const seen = tree as Record<string, { names: string; hasHoles: boolean }>;
    assert.ok(Object.keys(seen).length > 2200);
    assert.ok(seen["sparse"]!.hasHoles && seen["void"]!.hasHoles);
    assert.equal(seen["and again"]!.names, seen["a/one"]!.names);
    const survey = desk.survey();
    const made = desk.snapshot();
    assert.ok(made.get("files.jsonl.gz")!.length > page);
    await assertTree(desk, tree);

    hitAll(desk, random, survey, 0);
    desk.damage("files.jsonl.gz", () => undefined);
    desk.damage("hashes/files.jsonl.gz", (bytes) => bytes.subarray(0, 99));
    desk.damage("hashes_1/files.jsonl.gz", (b) => flip(random, b, 0, page));
    desk.damage("hashes_2/files.jsonl.gz", (b) => flip(random, b, page));
    await assertTree(desk, tree);
    const repaired = await desk.stranger("repair");
    assert.equal(repaired.code, 1, repaired.stderr);
    await desk.assertHealthy();
    assertSame(desk, made);
  },
});

Deno.test({
  name: "restore() makes no tree where payload or file table is lost",
  ignore,
  fn: async () => {
    const random = createRandom(500);
    const { desk } = await deskWithTree();
    using _ = desk;
    const survey = desk.survey();
    const lost: Range[] = [];
    loseRow(desk, random, survey, survey.blocks[1]!, lost);
    await assertLost(desk, lost);
    for (const copy of ["", "hashes/", "hashes_1/", "hashes_2/"]) {
      desk.damage(`${copy}files.jsonl.gz`, (b) => flip(random, b, 0, page));
    }
    const ended = await desk.stranger("restore");
    assert.equal(ended.code, 2);
    assert.match(ended.stderr, /a page of the file table is lost/);
    assert.equal((await desk.stranger("repair")).code, 4);
    const left = await Array.fromAsync(Deno.readDir(desk.folder));
    const names = left.map(({ name }) => name).sort();
    assert.deepEqual(names, ["archive", "config.toml", "tree"]);
  },
});

const header = `{"format":"blockframe.files","version":1,"root":{}}`;
const file = `{"path":"a/f","kind":"file","bytes":9,"names":2,` +
  `"data":[[0,0,3],[0,4,5]]}`;
const good = [
  header,
  `{"path":"a","kind":"folder","mode":"0755"}`,
  file,
  `{"path":"a-b","kind":"link","target":"../../x"}`,
  `{"path":"b","kind":"hardlink","target":"a/f"}`,
];

/** Tables that break a rule of the page, by what is made of the good one. */
const badTables: readonly (readonly string[])[] = [
  [],
  good.slice(1),
  [header.replace("1", "2"), ...good.slice(1)],
  [header, file],
  [...good, good[4]!],
  [header, good[3]!, good[1]!],
  [...good, `{"path":"c","kind":"device"}`],
  [...good, `{"path":"c","kind":"hardlink","target":"d"}`],
  [...good, `{"path":"c","kind":"hardlink","target":"a"}`],
  [header, `{"path":"c","kind":"link","target":""}`],
  [header, `{"path":"c","kind":"link","target":"a\\u0000"}`],
  [header, `{"path":"c","kind":"link","target":"\\ud800"}`],
  [header, `{"path":"c","kind":"link"}`],
  [header, `{"path":"c","kind":"folder"`],
  [header, `["c"]`],
  ...["", ".", "..", "/c", "c/", "x//y", "\\u0000", "\\udc00"].map((path) => [
    header,
    `{"path":"x","kind":"folder"}`,
    `{"path":"${path}","kind":"folder"}`,
  ]),
  [header, `{"path":"${"n".repeat(256)}","kind":"folder"}`],
  // A link is no folder.
  [
    header,
    `{"path":"c","kind":"link","target":"/"}`,
    `{"path":"c/d","kind":"folder"}`,
  ],
  ...["[[0,0,0]]", "[[0,0,10]]", "[[2,0,8],[0,7,1]]", "[[95,0,6]]", "[[0,0]]"]
    .concat("[[0.5,0,1]]", "[[-1,0,1]]", "{}", "[[0,8,2]]", "[[0,true,1]]")
    .map((data) => [
      header,
      `{"path":"c","kind":"file","bytes":9,"data":${data}}`,
    ]),
  ...[`"bytes":-1`, `"bytes":"9"`, `"bytes":9,"names":0`]
    .concat(`"bytes":9,"blake3":"00"`, `"bytes":9,"mode":"0o644"`)
    .concat(`"bytes":9,"mode":420`, `"bytes":9,"modified":"yesterday"`)
    .concat(`"bytes":9,"modified":"2026-01-01T00:00:00+01:00"`)
    .concat(`"bytes":9,"uid":4294967296`, `"bytes":9,"xattrs":{"user.a":"-"}`)
    .concat(`"bytes":9,"xattrs":{"":"AA=="}`, `"bytes":9,"xattrs":[1]`)
    .map((rest) => [header, `{"path":"c","kind":"file",${rest}}`]),
];

Deno.test({
  name: "stranger.py and BlockFrame refuse the same file tables",
  ignore,
  fn: async () => {
    using desk = new Desk();
    const textOf = (lines: readonly string[]) =>
      lines.map((line) => `${line}\n`).join("");
    const tables = [good, [header], ...badTables].map(textOf);
    tables.push(textOf(good).slice(0, -1));
    desk.write("tables", new TextEncoder().encode(JSON.stringify(tables)));
    const judged = await desk.python([treeProgram, "judge", "tables", "100"]);
    assert.equal(judged.code, 0, judged.stderr);
    const problems = JSON.parse(judged.stdout);
    assert.equal(problems.length, tables.length);
    for (const [index, table] of tables.entries()) {
      const { kind } = decodeFileTable(new TextEncoder().encode(table), 100);
      assert.equal(kind, index < 2 ? "valid" : "invalid", table);
      assert.equal(problems[index] === null, index < 2, table);
    }
  },
});
