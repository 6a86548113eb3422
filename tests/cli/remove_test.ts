import assert from "node:assert/strict";
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
