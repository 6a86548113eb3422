import assert from "node:assert/strict";
import { formatSurvival } from "../../src/cli/show.ts";
import { formatTime } from "../../src/cli/list.ts";
import { documentsOf, entryOf, newWorld, run } from "./fakes.ts";

const small = entryOf({
  id: "aaaa000000000001",
  name: "日本.txt",
  tier: 0,
  policy: "replicate:3",
  payloadBytes: 12,
});

Deno.test("list prints a table that lines up", async () => {
  const world = newWorld();
  world.archive.entries = [entryOf(), small];
  assert.equal(await run(world, "list"), 0);
  assert.equal(
    world.stdout,
    `NAME           SIZE  TIER  POLICY       CREATED (UTC)        ID
video.mp4  19.1 MiB     2  erasure:1+3  2025-06-01 12:30:00  00112233445566ff
日本.txt       12 B     -  replicate:3  2025-06-01 12:30:00  aaaa000000000001
`,
  );
});

Deno.test("list escapes names for people and gives programs the true ones", async () => {
  const name = "evil\x1b]0;title\x07\nname";
  const world = newWorld();
  world.archive.entries = [entryOf({ name })];
  await run(world, "list");
  assert.match(world.stdout, /^evil\\x1b\]0;title\\x07\\nname /m);
  assert.ok(!world.stdout.includes("\x1b") && !world.stdout.includes("\x07"));
  const json = newWorld({ archive: world.archive });
  await run(json, "list", "--json");
  const [document] = documentsOf(json);
  assert.equal((document!["entries"] as { name: string }[])[0]!.name, name);
});

Deno.test("list shows the others and ends with 4 beside an unreadable folder", async () => {
  const world = newWorld();
  world.archive.entries = [entryOf()];
  world.archive.problems = [
    { folder: "x_1", code: "no-manifest", problem: "it has no manifest" },
  ];
  assert.equal(await run(world, "list"), 4);
  assert.match(world.stdout, /video\.mp4/);
  assert.equal(
    world.stderr,
    "blockframe: error: Cannot read x_1 as an entry: it has no manifest\n",
  );
  const newer = newWorld();
  newer.archive.problems = [
    { folder: "x_1", code: "unsupported-format", problem: "format 9" },
  ];
  assert.equal(await run(newer, "list"), 8);
});

Deno.test("list and find say that there is nothing, and end with 0", async () => {
  const world = newWorld();
  assert.equal(await run(world, "list"), 0);
  assert.equal(await run(world, "find", "*.mp4"), 0);
  assert.equal(world.stdout, "");
  assert.equal(
    world.stderr,
    "No entries in archive_directory\n" +
      "No entry in archive_directory matches *.mp4\n",
  );
});

Deno.test("find that finds nothing points into a tree, where there is one", async () => {
  const world = newWorld();
  const tree = {
    fileCount: 1,
    folderCount: 1,
    linkCount: 0,
    hardLinkCount: 0,
    contentBytes: 1,
  };
  world.archive.entries = [entryOf({ name: "photos", tree })];
  await run(world, "find", "a.jpg");
  assert.match(
    world.stderr,
    /^hint: `blockframe show photos --files '\*\.jpg'`/m,
  );
});

Deno.test("a very long name does not widen the lines of the others", async () => {
  const world = newWorld();
  world.archive.entries = [entryOf({ name: "x".repeat(61) }), entryOf()];
  await run(world, "list");
  const [head, long, short] = world.stdout.split("\n");
  assert.ok(head!.startsWith("NAME           SIZE"), head);
  assert.ok(long!.startsWith(`${"x".repeat(61)}  19.1 MiB`), long);
  assert.ok(short!.startsWith("video.mp4  19.1 MiB"), short);
});

Deno.test("find lists what matches", async () => {
  const world = newWorld();
  world.archive.entries = [entryOf(), small];
  assert.equal(await run(world, "find", "video"), 0);
  assert.match(world.stdout, /video\.mp4/);
  assert.doesNotMatch(world.stdout, /日本/);
});

Deno.test("list and find --json print one document each", async () => {
  const world = newWorld();
  world.archive.entries = [small];
  await run(world, "list", "--json");
  await run(world, "find", "日", "--json");
  assert.deepEqual(documentsOf(world), [
    {
      type: "list",
      schema: 1,
      archive: "archive_directory",
      all: false,
      entries: [{ ...small, versionIndex: 0, versionCount: 1 }],
      problems: [],
      exitCode: 0,
    },
    {
      type: "find",
      schema: 1,
      archive: "archive_directory",
      pattern: "日",
      all: false,
      entries: [{ ...small, versionIndex: 0, versionCount: 1 }],
      problems: [],
      exitCode: 0,
    },
  ]);
});

Deno.test("show prints a line per fact", async () => {
  const world = newWorld();
  world.archive.entries = [
    entryOf({ modified: "2024-01-02T03:04:05Z", mode: "0644" }),
  ];
  assert.equal(await run(world, "show", "video.mp4"), 0);
  for (
    const line of [
      /^name: +video\.mp4$/m,
      /^id: +00112233445566ff$/m,
      /^created: +2025-06-01 12:30:00 UTC$/m,
      /^size: +19\.1 MiB \(20000000 bytes\)$/m,
      /^stored: +76\.4 MiB \(80100000 bytes\), 300\.5 % more$/m,
      /^policy: +erasure:1\+3$/m,
      /^survives: +the loss of any 3 of the 4 shards of each segment$/m,
      /^segments: +1 of at most 32\.0 MiB$/m,
      /^BLAKE3: +(?:ab){32}$/m,
      /^modified: +2024-01-02 03:04:05 UTC$/m,
      /^mode: +0644$/m,
    ]
  ) assert.match(world.stdout, line);
});

Deno.test("show --json prints the entry, and a failure as an error document", async () => {
  const world = newWorld();
  world.archive.entries = [small];
  assert.equal(await run(world, "show", "aaaa", "--json"), 0);
  assert.equal(await run(world, "show", "gone", "--json"), 8);
  assert.deepEqual(documentsOf(world), [
    { type: "show", schema: 1, entry: small },
    {
      type: "error",
      schema: 1,
      code: "not-found",
      message: `No entry answers to "gone"`,
      exitCode: 8,
    },
  ]);
  assert.match(world.stderr, /hint: `blockframe list` shows/);
});

Deno.test("show --hashes prints a line that other programs read, exactly", async () => {
  const world = newWorld();
  world.archive.entries = [entryOf({ name: "a\x1b\\b" })];
  assert.equal(await run(world, "show", "0011", "--hashes"), 0);
  assert.equal(world.stdout, `\\${"ab".repeat(32)}  a\x1b\\\\b\n`);
  const terminal = newWorld({ isTerminal: true });
  terminal.archive.entries = world.archive.entries;
  assert.equal(await run(terminal, "show", "0011", "--hashes"), 0);
  assert.match(terminal.stdout, / {2}a\\x1b/);
});

Deno.test("show --shards fails for a damaged file, so that b3sum -c does", async () => {
  const world = newWorld();
  world.archive.entries = [small];
  world.archive.storedHashes = [{ file: "good", blake3: "cd".repeat(32) }, {
    file: "bad",
  }];
  assert.equal(await run(world, "show", "aaaa", "--shards"), 4);
  assert.equal(
    world.stdout,
    `${"cd".repeat(32)}  good\n${"0".repeat(64)}  bad\n`,
  );
  assert.match(world.stderr, /error: 1 damaged file of .* hash of zeros/);
  assert.match(world.stderr, /hint: `blockframe health aaaa[0-9a-f]*` repairs/);
  world.stdout = "";
  assert.equal(await run(world, "show", "aaaa", "--shards", "--json"), 4);
  assert.deepEqual(documentsOf(world), [{
    type: "show",
    schema: 1,
    entry: small,
    hashes: world.archive.storedHashes,
    exitCode: 4,
  }]);
});

for (
  const [parts, text] of [
    [
      {
        dataShards: 30,
        parityShards: 3,
        policy: "erasure:30+3",
        segmentCount: 60,
        blockCount: 2,
      },
      "the loss of any 3 of the 33 shards of each block",
    ],
    [
      { dataShards: 30, parityShards: 3, segmentCount: 59, blockCount: 2 },
      "the loss of any 3 of the up to 33 shards of each block",
    ],
    [
      {
        dataShards: 30,
        parityShards: 3,
        segmentCount: 1080,
        blockCount: 36,
        crossBlock: { groups: 1, parity: 1 },
      },
      "the loss of any 3 of the 33 shards of each block, and besides of any 1 of the 36 blocks",
    ],
    [
      {
        dataShards: 30,
        parityShards: 3,
        segmentCount: 9000,
        blockCount: 300,
        crossBlock: { groups: 2, parity: 5 },
      },
      "the loss of any 3 of the 33 shards of each block, and besides of any 5 blocks of each " +
      "of the 2 groups",
    ],
    [
      { dataShards: 1, parityShards: 2, policy: "replicate:3" },
      "the loss of any 2 of the 3 copies of each segment",
    ],
    [
      { dataShards: 5, parityShards: 0, policy: "erasure:5+0" },
      "nothing: it has no parity",
    ],
    [{ blockCount: 0 }, "anything: it is empty"],
  ] as const
) {
  Deno.test(`formatSurvival() says: ${text}`, () => {
    assert.equal(formatSurvival(entryOf(parts)), text);
  });
}

Deno.test("formatTime() leaves alone what is no time", () => {
  assert.equal(formatTime("2025-06-01T12:30:00Z"), "2025-06-01 12:30:00");
  assert.equal(formatTime("yesterday"), "yesterday");
});
