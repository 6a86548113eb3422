import assert from "node:assert/strict";
import { Failure } from "../../src/base/errors.ts";
import {
  damageOf,
  documentsOf,
  newWorld,
  restoreOf,
  run,
  treeOf,
} from "./fakes.ts";

Deno.test("restore says where the file is and passes its options on", async () => {
  const world = newWorld();
  const args = [
    "restore",
    "video.mp4",
    "-o",
    "dir/",
    "--partial",
    "--overwrite",
  ];
  assert.equal(await run(world, ...args), 0);
  assert.equal(
    world.stdout,
    "✓ video.mp4: restored to ./video.mp4 (19.1 MiB)\n",
  );
  assert.deepEqual(world.archive.restores, [{
    selector: "video.mp4",
    output: "dir/",
    partial: true,
    overwrite: true,
    skipExisting: false,
    patterns: [],
    excludes: [],
  }]);
  assert.equal(world.opened[0]?.create, false);
});

Deno.test("restore warns of damage met on the way, hints at health, and ends with 1", async () => {
  const world = newWorld();
  world.archive.restored = restoreOf({
    damage: [damageOf({ repaired: false })],
    rebuiltLeafCount: 3,
  });
  assert.equal(await run(world, "restore", "video.mp4"), 1);
  assert.match(world.stdout, /^✓ video\.mp4: restored/);
  assert.equal(
    world.stderr,
    "blockframe: warning: The archive has damage in video.mp4: " +
      "1 corrupt segment; 3 leaves rebuilt\n" +
      "hint: `blockframe health video.mp4` repairs what can be repaired\n",
  );
});

Deno.test("restore with holes lists them and ends with 4", async () => {
  const world = newWorld();
  world.archive.restored = restoreOf({
    complete: false,
    damage: [damageOf({ repaired: false, rebuiltLeafCount: 0 })],
    holes: [{ payloadOffset: 0, bytes: 65_536 }],
  });
  assert.equal(await run(world, "restore", "--partial", "video.mp4"), 4);
  assert.match(
    world.stdout,
    /^✗ video\.mp4: restored in part to \.\/video\.mp4/,
  );
  assert.match(
    world.stdout,
    /Lost for good: 64\.0 KiB in 1 range, zeros in the file/,
  );
  assert.match(world.stdout, /bytes 0-65535 \(64\.0 KiB\)/);
});

Deno.test("restore that was refused ends with 4 and hints at --partial", async () => {
  const thrown = newWorld();
  thrown.archive.restored = new Failure(
    "damaged",
    `Cannot restore "video.mp4": 64.0 KiB are lost`,
  );
  assert.equal(await run(thrown, "restore", "video.mp4"), 4);
  assert.match(thrown.stderr, /--partial writes what can be recovered/);

  const reported = newWorld();
  const { output: _output, ...rest } = restoreOf({
    complete: false,
    damage: [damageOf({ repaired: false, rebuiltLeafCount: 0 })],
    holes: [{ payloadOffset: 0, bytes: 65_536 }],
  });
  reported.archive.restored = rest;
  assert.equal(await run(reported, "restore", "video.mp4"), 4);
  assert.match(reported.stdout, /nothing was written/);
  assert.match(reported.stderr, /`blockframe restore video\.mp4 --partial`/);
});

Deno.test("restore hints at --overwrite where a file is in the way", async () => {
  const world = newWorld();
  world.archive.restored = new Failure("exists", `"video.mp4" exists already`);
  assert.equal(await run(world, "restore", "video.mp4"), 8);
  assert.match(world.stderr, /hint: --overwrite replaces it/);
});

Deno.test("restore --json prints one document", async () => {
  const world = newWorld();
  world.archive.restored = restoreOf({ damage: [damageOf()] });
  assert.equal(await run(world, "restore", "video.mp4", "--json"), 1);
  const [document, ...rest] = documentsOf(world);
  assert.deepEqual(rest, []);
  assert.equal(document!["type"], "restore");
  assert.equal(document!["schema"], 1);
  assert.equal(document!["complete"], true);
  assert.equal(document!["exitCode"], 1);
});

Deno.test("restore --quiet keeps the warning and its hint to itself, not the exit code", async () => {
  const world = newWorld();
  world.archive.restored = restoreOf({ damage: [damageOf()] });
  assert.equal(await run(world, "restore", "-q", "video.mp4"), 1);
  assert.equal(world.stdout + world.stderr, "");
});

Deno.test("restore --verbose names the damaged files", async () => {
  const world = newWorld();
  world.archive.restored = restoreOf({
    damage: [damageOf({ repaired: false })],
  });
  assert.equal(await run(world, "restore", "-v", "video.mp4"), 1);
  assert.match(world.stderr, /^ {4}segments\/segment_0\.dat: corrupt, 1 leaf/m);
});

Deno.test("restore -o - prints the payload and nothing else on standard output", async () => {
  for (
    const [report, code, stderr] of [
      [restoreOf({ output: "standard output" }), 0, /^$/],
      [
        restoreOf({ output: "standard output", damage: [damageOf()] }),
        1,
        /^blockframe: warning: The archive has damage in video\.mp4/,
      ],
      [
        restoreOf({
          output: "standard output",
          complete: false,
          holes: [{ payloadOffset: 5, bytes: 7 }],
        }),
        4,
        /^✗ video\.mp4: restored in part to standard output .*\n {2}→ Lost for good/,
      ],
    ] as const
  ) {
    const world = newWorld();
    world.archive.restored = report;
    const args = ["restore", "video.mp4", "-o", "-", "--partial"];
    assert.equal(await run(world, ...args), code);
    assert.equal(world.stdout, "payload");
    assert.match(world.stderr, stderr);
    assert.equal(world.archive.restores[0]?.output, "standard output");
  }
});

Deno.test("restore -o - says what is lost, and how to get the rest", async () => {
  const world = newWorld();
  world.archive.restored = new Failure("damaged", "7 bytes are lost");
  assert.equal(await run(world, "restore", "video.mp4", "-o", "-"), 4);
  assert.equal(world.stdout, "payload");
  assert.match(world.stderr, /error: 7 bytes are lost\nhint: --partial writes/);
});

Deno.test("restore of a tree passes its parts on, and counts what is there now", async () => {
  const world = newWorld();
  world.archive.restored = restoreOf({ tree: treeOf({ skippedCount: 2 }) });
  const args = [
    "restore",
    "photos",
    "2024",
    "**/*.raw",
    "--skip-existing",
    "--exclude",
    "*.tmp",
  ];
  assert.equal(await run(world, ...args), 0);
  assert.equal(
    world.stdout,
    "✓ video.mp4: restored to ./video.mp4 (3 files, 1 folder, 1 link, 1 hard link, 9.77 KiB, 2 names skipped)\n",
  );
  assert.deepEqual(world.archive.restores, [{
    selector: "photos",
    partial: false,
    overwrite: false,
    skipExisting: true,
    patterns: ["2024", "**/*.raw"],
    excludes: ["*.tmp"],
  }]);
});

Deno.test("restore of a tree lists lost files and names that could not be made, and ends with 4 and 8", async () => {
  const world = newWorld();
  const problem = (path: string) => ({
    path,
    code: "invalid-name" as const,
    message: "no such name here",
  });
  const lostFiles = [{
    path: "a/\x1bb",
    ranges: [{ fileOffset: 0, bytes: 5 }],
  }];
  const problems = Array.from(
    { length: 12 },
    (_, index) => problem(`p${index}`),
  );
  for (
    const [parts, code] of [
      [{ lostFiles }, 4],
      [{ problems }, 8],
      [{ lostFiles, problems }, 12],
      [{ attributeProblems: problems }, 0],
    ] as const
  ) {
    world.archive.restored = restoreOf({
      tree: treeOf(parts),
      complete: !("lostFiles" in parts),
    });
    world.stdout = "";
    assert.equal(await run(world, "restore", "photos"), code);
    if ("lostFiles" in parts) {
      assert.match(
        world.stdout,
        /1 file lost bytes for good:\n {6}a\/\\x1bb: 5 B\n/,
      );
    }
    if ("problems" in parts) {
      assert.match(
        world.stdout,
        /12 names could not be made:\n.*p0: no such name here\n[^]*and 2 more\n/,
      );
    }
  }
  assert.match(
    world.stderr,
    /12 attributes could not be set: no such name here/,
  );
});
