import assert from "node:assert/strict";
import type { CommitReport, FileRow } from "../../src/archive/report.ts";
import { Failure } from "../../src/base/errors.ts";
import { documentsOf, entryOf, newWorld, run } from "./fakes.ts";

const counts = {
  fileCount: 2,
  folderCount: 1,
  linkCount: 0,
  hardLinkCount: 1,
  contentBytes: 2048,
};

Deno.test("commit hands on what is asked of a folder", async () => {
  const world = newWorld();
  await run(
    world,
    ...["commit", "photos", "--exclude", "*.tmp", "--exclude", "!a.tmp"],
    ...["--exclude-from", "list", "-x", "--skip-changed", "--skip-unreadable"],
  );
  assert.deepEqual(world.archive.commits, [{
    source: "photos",
    tree: {
      excludes: ["*.tmp", "!a.tmp"],
      excludeFiles: ["list"],
      oneFileSystem: true,
      skipChanged: true,
      skipUnreadable: true,
    },
  }]);
});

/** A tree whose commit came to this. */
function treeOf(parts: Partial<CommitReport>): Partial<CommitReport> {
  return { tree: counts, skipped: [], excludedCount: 0, notKept: [], ...parts };
}

Deno.test("commit says what of a folder is in the entry, and what is not", async () => {
  const world = newWorld();
  world.archive.commitParts = treeOf({
    excludedCount: 12,
    notKept: ["nanoseconds", "attribute:security.x"],
    skipped: [
      { path: "p", reason: "special" },
      { path: "q", reason: "special" },
      { path: "archive", reason: "archive" },
    ],
  });
  assert.equal(await run(world, "commit", "photos"), 0);
  assert.equal(
    world.stdout,
    "✓ photos: committed (2 files, 19.1 MiB, tier 2, erasure:1+3, id 00112233445566ff)\n" +
      "    left out: 12 excluded, 2 devices, pipes or sockets, 1 the archive itself\n" +
      "    not kept: times below a millisecond (on Linux, --allow-ffi keeps them), security.x\n",
  );
});

Deno.test("commit says how to go on without what cannot be read", async () => {
  const world = newWorld();
  world.archive.failingSources.set(
    "photos",
    new Failure(
      "source-unreadable",
      'Cannot commit "photos": "a" cannot be read',
    ),
  );
  assert.equal(await run(world, "commit", "photos"), 8);
  assert.match(world.stderr, /^hint: --skip-unreadable leaves out/m);
});

for (const reason of ["changed", "vanished", "unreadable"] as const) {
  Deno.test(`commit that left out what is ${reason} ends with 2, and 10 where a source failed`, async () => {
    const world = newWorld();
    world.archive.commitParts = treeOf({ skipped: [{ path: "p", reason }] });
    assert.equal(await run(world, "commit", "photos", "--json"), 2);
    const [document] = documentsOf(world);
    assert.equal(document?.["exitCode"], 2);
    world.archive.failingSources.set("b", new Failure("not-found", "no b"));
    assert.equal(await run(world, "commit", "photos", "b"), 10);
  });
}

const rows: FileRow[] = [
  {
    kind: "folder",
    path: "sub",
    mode: 0o755,
    modified: "2026-11-21T10:00:00.123456789Z",
  },
  {
    kind: "file",
    path: "sub/a\n\x1b[2J",
    bytes: 2048,
    mode: 0o640,
    uid: 5,
    nameCount: 2,
    blake3: "ab".repeat(32),
    data: [],
  },
  { kind: "hardlink", path: "sub/b", target: "sub/a\n\x1b[2J" },
  { kind: "link", path: "sub/c", target: "../x" },
];

Deno.test("show --files lists a tree, a line each, and controls no terminal", async () => {
  const world = newWorld();
  world.archive.entries = [entryOf({ tree: counts })];
  world.archive.fileRows = rows;
  assert.equal(await run(world, "show", "video.mp4", "--files", "sub"), 0);
  assert.deepEqual(world.archive.filePatterns, [["sub"]]);
  assert.deepEqual(world.stdout.split("\n"), [
    "drwxr-xr-x              2026-11-21 10:00:00  sub",
    "-rw-r-----    2.00 KiB                       sub/a\\n\\x1b[2J",
    "h                                            sub/b = sub/a\\n\\x1b[2J",
    "l                                            sub/c -> ../x",
    "",
  ]);
});

Deno.test("show --files --json prints a document for each, and the entry last", async () => {
  const world = newWorld();
  world.archive.entries = [entryOf({ tree: counts })];
  world.archive.fileRows = rows;
  assert.equal(await run(world, "show", "video.mp4", "--files", "--json"), 0);
  const documents = documentsOf(world);
  assert.deepEqual(documents.map(({ type }) => type), [
    "file",
    "file",
    "file",
    "file",
    "show",
  ]);
  assert.deepEqual(documents[1], {
    type: "file",
    path: "sub/a\n\x1b[2J",
    kind: "file",
    bytes: 2048,
    mode: "0640",
    uid: 5,
    blake3: "ab".repeat(32),
  });
  assert.deepEqual(documents[2], {
    type: "file",
    path: "sub/b",
    kind: "hardlink",
    target: "sub/a\n\x1b[2J",
  });
});

Deno.test("show wants --files with paths, and not with hashes", async () => {
  assert.equal(await run(newWorld(), "show", "a", "b"), 16);
  assert.equal(await run(newWorld(), "show", "a", "--files", "--hashes"), 16);
  assert.equal(await run(newWorld(), "show", "a", "--files", "--shards"), 16);
});

Deno.test("show and list say what a tree holds", async () => {
  const world = newWorld();
  world.archive.entries = [entryOf({ tree: counts })];
  await run(world, "show", "video.mp4");
  await run(world, "list");
  assert.match(
    world.stdout,
    /files: +2 files, 1 folder, 1 hard link, 2\.00 KiB\n/,
  );
  assert.match(world.stdout, /00112233445566ff {2}2 files\n/);
});
