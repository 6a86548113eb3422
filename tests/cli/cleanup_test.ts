import assert from "node:assert/strict";
import type { CleanupItem } from "../../src/archive/report.ts";
import { Failure } from "../../src/base/errors.ts";
import {
  documentsOf,
  entryOf,
  type FakeWorld,
  newWorld,
  run,
} from "./fakes.ts";

const old: CleanupItem = {
  leftover: {
    folder: ".staging_00000000000000aa",
    bytes: 2048,
    fileCount: 3,
    modified: "2025-06-01T12:30:00.000Z",
  },
  verdict: "remove",
};
const young: CleanupItem = {
  leftover: { folder: ".staging_00000000000000bb", bytes: 0, fileCount: 1 },
  verdict: "unknown",
};
const described =
  ".staging_00000000000000aa (2.00 KiB in 3 files, last written 2025-06-01 12:30:00 UTC)";

function world(parts: Partial<FakeWorld> = {}): FakeWorld {
  const made = newWorld(parts);
  made.archive.cleanupItems = [old, young];
  return made;
}

Deno.test("cleanup --yes removes what is old and says what it frees", async () => {
  const silent = world();
  assert.equal(await run(silent, "cleanup", "--yes"), 0);
  assert.deepEqual(silent.archive.removed, [old.leftover.folder]);
  assert.equal(
    silent.stdout,
    `✓ Removed ${described}\n1 folder removed, 2.00 KiB freed\n`,
  );
  assert.match(silent.stderr, /^Left \.staging_0*bb .*nobody knows how old/);
});

Deno.test("cleanup --dry-run changes nothing", async () => {
  const dry = world();
  assert.equal(await run(dry, "cleanup", "-n"), 0);
  assert.deepEqual(dry.archive.removed, []);
  assert.equal(
    dry.stdout,
    `Would remove ${described}\nWould free 2.00 KiB\n`,
  );
});

Deno.test("cleanup asks, and without a terminal needs --yes", async () => {
  const silent = world();
  assert.equal(await run(silent, "cleanup"), 16);
  for (const [answer, count] of [["y", 1], ["", 0]] as const) {
    const asked = world({
      isTerminal: true,
      stdinIsTerminal: true,
      variables: { NO_COLOR: "1" },
      answer,
    });
    assert.equal(await run(asked, "cleanup"), 0);
    assert.equal(asked.archive.removed.length, count);
    assert.ok(asked.stderr.includes(described));
    assert.match(asked.stderr, /Remove 1 folder \(2\.00 KiB\)\?/);
  }
});

for (const args of [["cleanup"], ["cleanup", "--yes"], ["cleanup", "--json"]]) {
  Deno.test(`${args.join(" ")} without a terminal ends well where nothing is to be removed`, async () => {
    for (const items of [[], [young]]) {
      const idle = newWorld();
      idle.archive.cleanupItems = items;
      assert.equal(await run(idle, ...args), 0);
      if (args.includes("--json")) {
        assert.deepEqual(documentsOf(idle)[0]!["removed"], []);
      } else assert.equal(idle.stdout, "There is nothing to remove\n");
      assert.deepEqual(idle.archive.removed, []);
    }
  });
}

Deno.test("cleanup says before its refusal what it leaves, and not what it would remove", async () => {
  const refused = world();
  assert.equal(await run(refused, "cleanup"), 16);
  assert.match(
    refused.stderr,
    /^Left \.staging_0*bb .*\n.*--yes removes without asking/,
  );
  assert.ok(!refused.stderr.includes(described));
  assert.deepEqual(refused.archive.removed, []);
});

for (const age of ["1", "soon", "2x", ""]) {
  Deno.test(`cleanup refuses --older-than=${age}`, async () => {
    const refused = world();
    const args = ["cleanup", `--older-than=${age}`, "--yes"];
    assert.equal(await run(refused, ...args), 16);
    assert.deepEqual(refused.opened, []);
  });
}

Deno.test("cleanup --json prints what went, what stays and what failed", async () => {
  const json = world();
  json.archive.failingRemovals.set(
    old.leftover.folder,
    new Failure("io", "The disk fails"),
  );
  assert.equal(await run(json, "cleanup", "--yes", "--json"), 8);
  assert.deepEqual(documentsOf(json), [{
    type: "cleanup",
    schema: 1,
    archive: "archive_directory",
    kept: [{ ...young.leftover, reason: "unknown" }],
    outcome: "cleaned",
    removed: [],
    freedBytes: 0,
    errors: [{
      folder: old.leftover.folder,
      code: "io",
      message: "The disk fails",
    }],
    exitCode: 8,
  }]);
  const dry = world();
  assert.equal(await run(dry, "cleanup", "-n", "--json"), 0);
  assert.equal(documentsOf(dry)[0]!["freedBytes"], 2048);
});

Deno.test("list --all shows versions and what was left; list the newest and their count", async () => {
  const all = world();
  const { entries } = all.archive;
  entries.push(entryOf(), entryOf({ id: "ffff000000000000" }));
  assert.equal(await run(all, "list", "--all"), 0);
  assert.match(all.stdout, /00112233445566ff[^]*ffff000000000000/);
  assert.ok(all.stdout.includes(`left over or in use: ${described}\n`));
  const few = newWorld({ archive: all.archive });
  assert.equal(await run(few, "list"), 0);
  assert.match(few.stdout, / ID {16}NOTE\n/);
  assert.match(few.stdout, /00112233445566ff {2}newest of 2 versions$/m);
  assert.doesNotMatch(few.stdout, /ffff000000000000|staging/);
  const json = newWorld({ archive: all.archive });
  assert.equal(await run(json, "list", "--all", "--json"), 0);
  const [document] = documentsOf(json);
  assert.deepEqual(document!["leftovers"], [old.leftover, young.leftover]);
  assert.equal((document!["entries"] as unknown[]).length, 2);
});

Deno.test("find shows the newest version, or the one whose id was given, or all", async () => {
  const one = world();
  one.archive.entries = [entryOf(), entryOf({ id: "ffff000000000000" })];
  assert.equal(await run(one, "find", "video"), 0);
  assert.doesNotMatch(one.stdout, /ffff000000000000/);
  const byId = newWorld({ archive: one.archive });
  assert.equal(await run(byId, "find", "ffff"), 0);
  assert.match(byId.stdout, /ffff000000000000 {2}version 1 of 2$/m);
  const all = newWorld({ archive: one.archive });
  assert.equal(await run(all, "find", "video", "--all"), 0);
  assert.match(all.stdout, /00112233445566ff\n.*ffff000000000000\n/);
});
