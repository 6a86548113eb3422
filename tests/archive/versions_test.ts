import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import type { Bytes } from "../../src/base/bytes.ts";
import { Failure, isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import type {
  CommitReport,
  EntrySummary,
  RemovalOutcome,
} from "../../src/archive/report.ts";
import {
  Bench,
  kib,
  listFiles,
  readTree,
  removeFile,
  rotBytes,
  writeFile,
} from "./harness.ts";

const payload: Bytes = new Prng(1).bytes(70 * kib + 9);

/** A bench whose clock a test sets; it goes on by a millisecond at every look. */
function benchAt(...options: ConstructorParameters<typeof Bench>) {
  const bench = new Bench(...options);
  let ms = 0;
  const clock = { nowMs: () => ms++, monotonicMs: () => ms++ };
  Object.assign(bench.context, { clock });
  const commitAt = (time: string, name: string, bytes: Bytes) => {
    ms = Date.parse(time);
    return bench.commit(name, bytes);
  };
  return { bench, commitAt };
}

function commitAgain(
  bench: Bench,
  name: string,
  options: { policy?: string; force?: boolean } = {},
): Promise<CommitReport> {
  return bench.engine.commit({
    source: { root: "sources", path: "source" },
    sourceLabel: "source",
    name,
    ...options,
  });
}

function warningsOf(bench: Bench): string[] {
  return bench.events.flatMap((event) =>
    event.kind === "warning" ? [event.message] : []
  );
}

Deno.test("commit() of what the newest version holds stores nothing and gives its id", async () => {
  for (const bytes of [payload, payload.subarray(0, 3), new Uint8Array(0)]) {
    const bench = new Bench();
    const first = await bench.commit("x", bytes);
    strictEqual(first.outcome, "committed");
    const before = readTree(bench.archive, "");
    const second = await bench.commit("x", bytes);
    strictEqual(second.outcome, "unchanged");
    strictEqual(second.id, first.id);
    strictEqual(second.folder, first.folder);
    deepStrictEqual(readTree(bench.archive, ""), before);
    deepStrictEqual(
      bench.archive.list("").map(({ name }) => name),
      [first.folder],
      "no staging folder is left",
    );
    deepStrictEqual(warningsOf(bench), []);
  }
});

Deno.test("commit() believes the content, never the time of the source", async () => {
  const bench = new Bench();
  await bench.commit("x", payload);
  bench.sources.setAttributes("source", { modifiedMs: 1 });
  strictEqual((await commitAgain(bench, "x")).outcome, "unchanged");
  // The same size and the same time, one bit apart.
  const other = payload.slice();
  other[40_000]! ^= 1;
  strictEqual((await bench.commit("x", other)).outcome, "committed");
  strictEqual(bench.engine.list().entries.length, 2);
});

Deno.test("commit() compares with the newest version of that very name", async () => {
  const bench = new Bench();
  const other = new Prng(2).bytes(70 * kib + 9);
  await bench.commit("x", payload);
  strictEqual((await bench.commit("y", payload)).outcome, "committed");
  strictEqual((await bench.commit("x", other)).outcome, "committed");
  strictEqual((await bench.commit("x", payload)).outcome, "committed");
  // ":" and "?" are both "_" in a folder's name.
  strictEqual((await bench.commit("a:b", payload)).outcome, "committed");
  strictEqual((await bench.commit("a?b", payload)).outcome, "committed");
  strictEqual((await bench.commit("a:b", payload)).outcome, "unchanged");
});

Deno.test("commit() stores the same anew by force, or under another policy that was asked for", async () => {
  const bench = new Bench();
  await bench.commit("x", payload, "erasure:4+2");
  const options = { policy: "erasure:4+2" };
  strictEqual((await commitAgain(bench, "x", options)).outcome, "unchanged");
  strictEqual((await commitAgain(bench, "x")).outcome, "unchanged");
  const more = await commitAgain(bench, "x", { policy: "erasure:4+3" });
  strictEqual(more.outcome, "committed");
  strictEqual(more.policy, "erasure:4+3");
  const forced = await commitAgain(bench, "x", { force: true });
  strictEqual(forced.outcome, "committed");
  strictEqual(bench.engine.list().entries.length, 3);
});

Deno.test("commit() takes a damaged version for the same only if it can be repaired", async () => {
  const bench = new Bench();
  const first = await bench.commit("x", payload, "erasure:4+2");
  const shards = listFiles(bench.archive, first.folder)
    .filter((path) => path.includes("/segments/"));
  rotBytes(bench.archive, shards[0]!, 10, 5);
  strictEqual((await commitAgain(bench, "x")).outcome, "unchanged");
  strictEqual(warningsOf(bench).length, 1);
  ok(warningsOf(bench)[0]!.includes("run health"));
  for (const path of shards.slice(0, 3)) removeFile(bench.archive, path);
  const second = await commitAgain(bench, "x");
  strictEqual(second.outcome, "committed");
  ok(warningsOf(bench)[1]!.includes("stored anew"));
  deepStrictEqual((await bench.restore("x")).bytes, payload);
});

Deno.test("commit() stores anew where the other version has no manifest to read", async () => {
  const bench = new Bench();
  const { folder } = await bench.commit("x", payload);
  for (const path of listFiles(bench.archive, folder)) {
    if (path.endsWith("manifest.json")) removeFile(bench.archive, path);
  }
  strictEqual((await commitAgain(bench, "x")).outcome, "committed");
});

Deno.test("list() and find() place each entry among the versions of its name", async () => {
  const { bench, commitAt } = benchAt();
  await commitAt("2026-01-01T00:00:00Z", "x", new Uint8Array([1]));
  await commitAt("2026-01-03T00:00:00Z", "x", new Uint8Array([3]));
  await commitAt("2026-01-02T00:00:00Z", "x", new Uint8Array([2]));
  await commitAt("2026-01-01T00:00:00Z", "y", new Uint8Array([1]));
  const places = (entries = bench.engine.list().entries) =>
    entries.map((entry) =>
      `${entry.name} ${
        entry.created.slice(0, 10)
      } ${entry.versionIndex}/${entry.versionCount}`
    );
  deepStrictEqual(places(), [
    "x 2026-01-03 0/3",
    "x 2026-01-02 1/3",
    "x 2026-01-01 2/3",
    "y 2026-01-01 0/1",
  ]);
  const oldest = bench.engine.list().entries[2]!;
  deepStrictEqual(places(bench.engine.find(oldest.id).entries), [
    "x 2026-01-01 2/3",
  ]);
});

Deno.test("planPrune() judges each name by itself, and removeEach() removes what has no reason", async () => {
  const { bench, commitAt } = benchAt();
  for (let day = 1; day <= 4; day++) {
    const time = `2026-01-0${day}T10:00:00Z`;
    await commitAt(time, "x", new Uint8Array([day]));
    if (day <= 2) await commitAt(time, "y", new Uint8Array([day]));
  }
  const plan = bench.engine.planPrune({ rules: { last: 2 } });
  deepStrictEqual(
    plan.names.map(({ name, versions }) => [
      name,
      ...versions.map(({ reasons }) => reasons.join()),
    ]),
    [["x", "last", "last", "", ""], ["y", "last", "last"]],
  );
  const narrow = bench.engine.planPrune({ names: ["y"], rules: { last: 1 } });
  deepStrictEqual(narrow.names.map(({ name }) => name), ["y"]);
  throws(
    () => bench.engine.planPrune({ names: ["y", "z"], rules: { last: 1 } }),
    (error) => isFailure(error, "not-found"),
  );
  const doomed = plan.names[0]!.versions.slice(2).map(({ entry }) => entry);
  const outcomes = await collect(bench.engine.removeEach(doomed));
  deepStrictEqual(outcomes.map(({ kind }) => kind), ["removed", "removed"]);
  deepStrictEqual(
    bench.engine.list().entries.map((entry) => entry.created.slice(0, 10)),
    ["2026-01-04", "2026-01-03", "2026-01-02", "2026-01-01"],
  );
  strictEqual(bench.archive.list("").length, 4, "and nothing is left of them");
});

Deno.test("planPrune() names folders that it could not read", async () => {
  const bench = new Bench();
  const { folder } = await bench.commit("x", payload);
  for (const path of listFiles(bench.archive, folder)) {
    if (path.endsWith("manifest.json")) removeFile(bench.archive, path);
  }
  const plan = bench.engine.planPrune({ rules: { last: 1 } });
  deepStrictEqual(plan.names, []);
  deepStrictEqual(plan.problems.map((each) => each.folder), [folder]);
});

Deno.test("removeEach() removes only what is still there as it was asked for", async () => {
  const bench = new Bench();
  const first = await bench.commit("x", new Uint8Array([1]));
  const second = await bench.commit("y", new Uint8Array([2]));
  // A name that looks like another entry's id, which a selector would prefer.
  await bench.commit(second.id, new Uint8Array([3]));
  await bench.engine.remove(first.id);
  const outcomes = await collect(bench.engine.removeEach([first, second]));
  deepStrictEqual(outcomes.map(({ kind }) => kind), ["failed", "removed"]);
  const [failed] = outcomes;
  ok(failed?.kind === "failed" && isFailure(failed.failure, "not-found"));
  deepStrictEqual(bench.engine.list().entries.map(({ name }) => name), [
    second.id,
  ]);
});

Deno.test("removeEach() stops between two removals when it is told to", async () => {
  const stop = new AbortController();
  const bench = new Bench({ signal: stop.signal });
  const entries: EntrySummary[] = [];
  for (const name of ["a", "b", "c"]) {
    entries.push(await bench.commit(name, new Uint8Array([1])));
  }
  const done: string[] = [];
  let thrown: unknown;
  try {
    for await (const { item } of bench.engine.removeEach(entries)) {
      done.push(item.name);
      stop.abort(new Failure("interrupted", "Stop"));
    }
  } catch (error) {
    thrown = error;
  }
  ok(isFailure(thrown, "interrupted"));
  deepStrictEqual(done, ["a"]);
  strictEqual(bench.engine.list().entries.length, 2);
});

const start = Date.UTC(2026, 0, 1);
const day = { years: 0, months: 0, days: 1, hours: 0 };
const hour = 3_600_000;

/** A leftover whose files were last written `hours` before the bench's clock starts. */
function leave(bench: Bench, folder: string, hours: number | undefined): void {
  bench.archive.makeFolder(folder);
  bench.archive.makeFolder(`${folder}/segments`);
  for (const [path, age] of [["a", 0], ["segments/b", 5]] as const) {
    writeFile(bench.archive, `${folder}/${path}`, new Uint8Array(100));
    if (hours === undefined) continue;
    bench.archive.setAttributes(`${folder}/${path}`, {
      modifiedMs: start - (hours + age) * hour,
    });
  }
}

Deno.test("leftovers() measures what commits left, and planCleanup() goes by the newest file in it", async () => {
  const bench = new Bench();
  await bench.commit("x", payload);
  leave(bench, ".staging_00000000000000aa", 25);
  leave(bench, ".staging_00000000000000bb", 23);
  leave(bench, ".staging_00000000000000cc_removed", 25);
  leave(bench, ".staging_00000000000000dd", undefined);
  leave(bench, ".staging_00000000000000ee", -48);
  leave(bench, ".staging_mine", 99);
  writeFile(bench.archive, ".staging_00000000000000ff", new Uint8Array(3));
  deepStrictEqual(bench.engine.leftovers()[0], {
    folder: ".staging_00000000000000aa",
    bytes: 200,
    fileCount: 2,
    modified: new Date(start - 25 * hour).toISOString(),
  });
  const verdicts = bench.engine.planCleanup(day)
    .map(({ leftover, verdict }) => `${leftover.folder.slice(23)} ${verdict}`);
  deepStrictEqual(verdicts, [
    "aa remove",
    "bb young",
    "cc_removed remove",
    "dd unknown",
    "ee young",
  ]);
});

Deno.test("planCleanup() leaves an hour to a commit that runs, whatever the age", () => {
  const bench = new Bench();
  leave(bench, ".staging_00000000000000aa", 0.9);
  const none = { years: 0, months: 0, days: 0, hours: 0 };
  strictEqual(bench.engine.planCleanup(none)[0]!.verdict, "remove");
  const lock = bench.archive.openLockFile(".lock_writer");
  strictEqual(bench.engine.planCleanup(none)[0]!.verdict, "young");
  if (lock.kind === "held") lock.file[Symbol.dispose]();
  strictEqual(bench.engine.planCleanup(none)[0]!.verdict, "remove");
});

Deno.test("cleanUp() removes what is still old, and nothing else", async () => {
  const bench = new Bench();
  await bench.commit("x", payload);
  const entry = readTree(bench.archive, "");
  leave(bench, ".staging_00000000000000aa", 25);
  leave(bench, ".staging_00000000000000bb", 25);
  leave(bench, ".staging_00000000000000cc_removed", 25);
  leave(bench, ".staging_00000000000000dd", 25);
  const items = bench.engine.planCleanup(day);
  strictEqual(items.length, 4);
  // One goes by itself, and one is written to.
  bench.archive.removeTree(".staging_00000000000000bb");
  bench.archive.setAttributes(".staging_00000000000000dd/segments/b", {
    modifiedMs: start,
  });
  const leftovers = items.map(({ leftover }) => leftover);
  const outcomes = await collect(bench.engine.cleanUp(leftovers, day));
  deepStrictEqual(
    outcomes.map(({ kind, item }) => `${item.folder.slice(23)} ${kind}`),
    ["aa removed", "cc_removed removed"],
  );
  deepStrictEqual(bench.engine.leftovers().map(({ folder }) => folder), [
    ".staging_00000000000000dd",
  ]);
  bench.archive.removeTree(".staging_00000000000000dd");
  deepStrictEqual(readTree(bench.archive, ""), entry);
});

async function collect<T>(
  outcomes: AsyncIterable<RemovalOutcome<T>>,
): Promise<RemovalOutcome<T>[]> {
  return await Array.fromAsync(outcomes);
}
