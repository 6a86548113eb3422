import assert from "node:assert/strict";
import { Failure } from "../../src/base/errors.ts";
import {
  documentsOf,
  entryOf,
  type FakeWorld,
  newWorld,
  run,
} from "./fakes.ts";

const ids = ["cccc000000000000", "bbbb000000000000", "aaaa000000000000"];
const atTerminal = {
  isTerminal: true,
  stdinIsTerminal: true,
  variables: { NO_COLOR: "1" },
};

/** Three versions of which the newest stays. */
function world(parts: Partial<FakeWorld> = {}): FakeWorld {
  const made = newWorld(parts);
  made.archive.entries = ids.map((id, index) =>
    entryOf({ id, created: `2025-06-0${3 - index}T12:30:00.000Z` })
  );
  made.archive.pruneReasons.set(ids[0]!, ["last", "oldest-daily"]);
  return made;
}

Deno.test("prune --yes removes what no rule keeps, the oldest first", async () => {
  const silent = world();
  assert.equal(await run(silent, "prune", "--keep-last", "1", "--yes"), 0);
  assert.deepEqual(silent.archive.removed, [ids[2], ids[1]]);
  assert.deepEqual(silent.archive.pruneRequests, [{ rules: { last: 1 } }]);
  assert.equal(
    silent.stdout,
    "✓ Removed video.mp4 (19.1 MiB, committed 2025-06-01 12:30:00 UTC, id aaaa000000000000)\n" +
      "✓ Removed video.mp4 (19.1 MiB, committed 2025-06-02 12:30:00 UTC, id bbbb000000000000)\n" +
      "2 versions removed, 153 MiB freed\n",
  );
});

Deno.test("prune hands names and all rules on", async () => {
  const silent = world();
  const args = "a b --keep-last 1 --keep-hourly 2 --keep-daily 3 " +
    "--keep-weekly=4 --keep-monthly unlimited --keep-yearly 0 --keep-within 1y2m3w4d5h";
  assert.equal(await run(silent, "prune", ...args.split(" "), "--yes"), 0);
  assert.deepEqual(silent.archive.pruneRequests, [{
    names: ["a", "b"],
    rules: {
      last: 1,
      hourly: 2,
      daily: 3,
      weekly: 4,
      monthly: Infinity,
      yearly: 0,
      within: { years: 1, months: 2, days: 25, hours: 5 },
    },
  }]);
});

for (
  const [args, problem] of [
    [[], /Nothing says what to keep/],
    [["--keep-last", "0"], /Nothing says what to keep/],
    [["--keep-last", "-1"], /--keep-last|Expected a number/],
    [["--keep-daily", "x"], /Expected a number or unlimited, got "x"/],
    [["--keep-within", "30"], /Expected a duration such as .*, got "30"/],
    [["--keep-last"], /--keep-last: Expected a number/],
  ] as const
) {
  Deno.test(`prune refuses: ${args.join(" ") || "(no rule)"}`, async () => {
    const refused = world();
    assert.equal(await run(refused, "prune", ...args, "--yes"), 16);
    assert.match(refused.stderr, problem);
    assert.deepEqual(refused.archive.removed, []);
    assert.deepEqual(refused.opened, []);
  });
}

Deno.test("prune --dry-run shows what goes and why the rest stays", async () => {
  const dry = world();
  assert.equal(await run(dry, "prune", "--keep-last", "1", "-n"), 0);
  assert.deepEqual(dry.archive.removed, []);
  assert.equal(
    dry.stdout,
    `video.mp4: 1 of 3 versions stay
  keep    2025-06-03 12:30:00  76.4 MiB  cccc000000000000  last, oldest-daily
  remove  2025-06-02 12:30:00  76.4 MiB  bbbb000000000000
  remove  2025-06-01 12:30:00  76.4 MiB  aaaa000000000000
Would remove 2 versions (153 MiB), keeping 1 of 1 name
`,
  );
  assert.equal(dry.stderr, "");
});

Deno.test("prune without --yes and without a terminal is a usage error", async () => {
  const silent = world();
  assert.equal(await run(silent, "prune", "--keep-last", "1"), 16);
  assert.match(silent.stderr, /--yes removes without asking/);
  const json = world(atTerminal);
  assert.equal(await run(json, "prune", "--keep-last", "1", "--json"), 16);
  assert.deepEqual([...silent.archive.removed, ...json.archive.removed], []);
});

for (const [answer, count] of [["y", 2], ["", 0], ["n", 0]] as const) {
  Deno.test(`prune shows the plan, asks, and answered "${answer}" removes ${count}`, async () => {
    const asked = world({ ...atTerminal, answer });
    assert.equal(await run(asked, "prune", "--keep-last", "1"), 0);
    assert.equal(asked.archive.removed.length, count);
    assert.match(asked.stderr, /remove {2}2025-06-01 12:30:00/);
    assert.match(asked.stderr, /Remove 2 versions \(.*\[y\/N\] /);
  });
}

Deno.test("prune asks nothing where nothing goes", async () => {
  const asked = world(atTerminal);
  for (const id of ids) asked.archive.pruneReasons.set(id, ["last"]);
  assert.equal(await run(asked, "prune", "--keep-last", "9"), 0);
  assert.doesNotMatch(asked.stderr, /\[y\/N\]/);
  assert.match(asked.stdout, /^0 versions removed/);
});

Deno.test("prune goes on after what cannot be removed and ends with 8", async () => {
  const failing = world();
  failing.archive.failingRemovals.set(
    ids[2]!,
    new Failure("permission-denied", "Cannot rename it"),
  );
  const args = ["prune", "--keep-last", "1", "--yes", "--json"];
  assert.equal(await run(failing, ...args), 8);
  const [document] = documentsOf(failing);
  const [kept, removed, doomed] = failing.archive.entries;
  assert.deepEqual(document, {
    type: "prune",
    schema: 1,
    archive: "archive_directory",
    kept: [{ entry: kept, reasons: ["last", "oldest-daily"] }],
    problems: [],
    outcome: "pruned",
    removed: [removed],
    freedBytes: removed!.storedBytes,
    errors: [{
      id: doomed!.id,
      name: doomed!.name,
      code: "permission-denied",
      message: "Cannot rename it",
    }],
    exitCode: 8,
  });
});

Deno.test("prune that is interrupted reports what is gone and ends with 130", async () => {
  const stopped = world();
  stopped.archive.beforeRemoval = (id) => {
    if (id === ids[1]) stopped.signal("SIGINT");
  };
  stopped.archive.failingRemovals.set(
    ids[1]!,
    new Failure("interrupted", "Stopped on request"),
  );
  const args = ["prune", "--keep-last", "1", "--yes", "--json"];
  assert.equal(await run(stopped, ...args), 130);
  const [document] = documentsOf(stopped);
  assert.equal((document!["removed"] as unknown[]).length, 1);
  assert.deepEqual(document!["errors"], [
    { code: "interrupted", message: "Stopped on request" },
  ]);
});

Deno.test("prune says which folders it could not read, and ends with 4", async () => {
  const beside = world();
  beside.archive.problems = [
    { folder: "x_1", code: "no-manifest", problem: "it has no manifest" },
  ];
  assert.equal(await run(beside, "prune", "--keep-last", "1", "--yes"), 4);
  assert.equal(beside.archive.removed.length, 2);
  assert.match(beside.stderr, /Cannot read x_1 as an entry/);
});

Deno.test("prune --dry-run --json has the whole plan", async () => {
  const dry = world();
  const args = ["prune", "--keep-last", "1", "--dry-run", "--json"];
  assert.equal(await run(dry, ...args), 0);
  const [document] = documentsOf(dry);
  assert.equal(document!["outcome"], "dry-run");
  assert.equal((document!["removed"] as unknown[]).length, 2);
  assert.equal(document!["freedBytes"], 160_200_000);
});
