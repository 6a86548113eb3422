import assert from "node:assert/strict";
import { Failure } from "../../src/base/errors.ts";
import {
  documentsOf,
  entryOf,
  type FakeWorld,
  newWorld,
  run,
} from "./fakes.ts";

function world(parts: Partial<FakeWorld> = {}): FakeWorld {
  const made = newWorld(parts);
  made.archive.entries = [entryOf()];
  return made;
}

const atTerminal = { isTerminal: true, stdinIsTerminal: true };
const variables = { NO_COLOR: "1" };

Deno.test("remove --yes removes by id, without asking", async () => {
  const silent = world();
  assert.equal(await run(silent, "remove", "video.mp4", "--yes"), 0);
  assert.deepEqual(silent.archive.removed, ["00112233445566ff"]);
  assert.equal(
    silent.stdout,
    "✓ Removed video.mp4 (19.1 MiB, committed 2025-06-01 12:30:00 UTC, " +
      "id 00112233445566ff)\n",
  );
});

Deno.test("remove without --yes and without a terminal is a usage error", async () => {
  for (
    const parts of [{}, { stdinIsTerminal: true }, { isTerminal: true }]
  ) {
    const silent = world(parts);
    assert.equal(await run(silent, "remove", "video.mp4"), 16);
    assert.deepEqual(silent.archive.removed, []);
    assert.match(silent.stderr, /--yes removes without asking/);
  }
  const json = world(atTerminal);
  assert.equal(await run(json, "remove", "video.mp4", "--json"), 16);
});

for (
  const [answer, count] of [
    ["y", 1],
    ["YES", 1],
    [" y ", 1],
    ["", 0],
    ["n", 0],
    ["yeah", 0],
    [undefined, 0],
  ] as const
) {
  Deno.test(`remove asked and answered ${JSON.stringify(answer)} removes ${count}`, async () => {
    const asked = world({ ...atTerminal, answer, variables });
    assert.equal(await run(asked, "remove", "video.mp4"), 0);
    assert.equal(asked.archive.removed.length, count);
    assert.match(asked.stderr, /^Remove video\.mp4 \(.*\)\? .*\[y\/N\] /);
    if (count === 0) assert.match(asked.stderr, /Nothing was removed\n$/);
  });
}

Deno.test("remove --dry-run changes nothing", async () => {
  const dry = world();
  assert.equal(await run(dry, "remove", "video.mp4", "-n"), 0);
  assert.deepEqual(dry.archive.removed, []);
  assert.match(dry.stdout, /^Would remove video\.mp4 /);
  const json = world();
  assert.equal(await run(json, "remove", "video.mp4", "-n", "--json"), 0);
  assert.equal(documentsOf(json)[0]!["outcome"], "dry-run");
});

Deno.test("remove refuses to choose among versions, before it asks", async () => {
  const versions = world({ ...atTerminal, answer: "y" });
  versions.archive.entries.push(entryOf({ id: "ffff000000000000" }));
  assert.equal(await run(versions, "remove", "video.mp4"), 8);
  assert.deepEqual(versions.archive.removed, []);
  assert.match(versions.stderr, /2 entries have this name/);
  assert.match(versions.stderr, /00112233445566ff.*ffff000000000000/);
  assert.equal(await run(versions, "remove", "ffff", "--yes"), 0);
  assert.deepEqual(versions.archive.removed, ["ffff000000000000"]);
});

Deno.test("remove --json says what was removed", async () => {
  const json = world();
  assert.equal(await run(json, "remove", "video.mp4", "--yes", "--json"), 0);
  assert.deepEqual(documentsOf(json), [
    { type: "remove", schema: 1, outcome: "removed", entry: entryOf() },
  ]);
});

Deno.test("remove of what is not there ends with 8", async () => {
  const empty = world();
  assert.equal(await run(empty, "remove", "gone", "--yes"), 8);
  assert.match(empty.stderr, /`blockframe list` shows/);
});

Deno.test("remove that is interrupted at the question removes nothing", async () => {
  const asked = world({ ...atTerminal, variables, answer: "y" });
  asked.answering = () => {
    asked.signal("SIGINT");
    return new Promise(() => {});
  };
  assert.equal(await run(asked, "remove", "video.mp4"), 130);
  assert.deepEqual(asked.archive.removed, []);
});

/** Two versions. */
function twoVersions(parts: Partial<FakeWorld> = {}): FakeWorld {
  const made = world(parts);
  made.archive.entries.push(
    entryOf({ id: "ffff000000000000", created: "2025-05-01T00:00:00.000Z" }),
  );
  return made;
}

Deno.test("remove NAME --version ID removes that version of the name", async () => {
  const silent = twoVersions();
  const args = ["remove", "video.mp4", "--yes", "--version"];
  assert.equal(await run(silent, ...args, "FFFF"), 0);
  assert.deepEqual(silent.archive.removed, ["ffff000000000000"]);
  assert.equal(await run(silent, ...args, "abcd"), 8);
  assert.match(silent.stderr, /no version of "video\.mp4" whose id is "abcd"/);
  assert.equal(await run(silent, ...args, "fff"), 16);
  assert.equal(
    await run(silent, "remove", "gone", "--yes", "--version", "ffff"),
    8,
  );
  assert.equal(silent.archive.removed.length, 1);
});

Deno.test("remove NAME --all-versions removes them, the oldest first", async () => {
  const silent = twoVersions();
  const args = ["remove", "video.mp4", "--all-versions"];
  assert.equal(await run(silent, ...args, "-n"), 0);
  assert.equal(silent.stdout.match(/^Would remove/gm)?.length, 2);
  assert.equal(await run(silent, ...args), 16);
  assert.deepEqual(silent.archive.removed, []);
  assert.equal(await run(silent, ...args, "--yes"), 0);
  assert.deepEqual(silent.archive.removed, [
    "ffff000000000000",
    "00112233445566ff",
  ]);
  const asked = twoVersions({ ...atTerminal, variables, answer: "n" });
  assert.equal(await run(asked, ...args), 0);
  assert.match(asked.stderr, /Remove all 2 versions of video\.mp4 \(153 MiB/);
  assert.deepEqual(asked.archive.removed, []);
  assert.equal(await run(silent, ...args, "--version", "ffff"), 16);
  assert.equal(
    await run(silent, "remove", "gone", "--all-versions", "--yes"),
    8,
  );
});

Deno.test("remove --all-versions --json says what went and what did not", async () => {
  const json = twoVersions();
  json.archive.failingRemovals.set(
    "ffff000000000000",
    new Failure("read-only", "The disk is read-only"),
  );
  const args = ["remove", "video.mp4", "--all-versions", "--yes", "--json"];
  assert.equal(await run(json, ...args), 8);
  assert.deepEqual(documentsOf(json), [{
    type: "remove",
    schema: 1,
    name: "video.mp4",
    outcome: "removed",
    entries: [json.archive.list().entries[0]],
    errors: [{
      id: "ffff000000000000",
      name: "video.mp4",
      code: "read-only",
      message: "The disk is read-only",
    }],
    exitCode: 8,
  }]);
});

Deno.test("remove of one entry that fails ends with the failure's code", async () => {
  const failing = world();
  failing.archive.failingRemovals.set(
    "00112233445566ff",
    new Failure("permission-denied", "Cannot rename it"),
  );
  const args = ["remove", "video.mp4", "--yes", "--json"];
  assert.equal(await run(failing, ...args), 8);
  assert.equal(documentsOf(failing)[0]!["code"], "permission-denied");
});
