import { deepEqual, equal, match, ok } from "node:assert/strict";
import { remove } from "./damage.ts";
import { type Ending, kill, pause, waitFor } from "./program.ts";
import { describe, listTree, readTree } from "./tree.ts";
import { kib, manyLeaves, Workplace } from "./workplace.ts";

/** Long enough to be met at work, also by threads. */
const bigBytes = 200 * kib * kib;

for (
  const { signal, code, workers } of [
    { signal: "SIGINT", code: 130, workers: "2" },
    { signal: "SIGINT", code: 130, workers: "0" },
    { signal: "SIGTERM", code: 143, workers: "2" },
  ] as const
) {
  Deno.test(`${signal} stops a commit with ${code}, and nothing of it stays (${workers} workers)`, async () => {
    using work = new Workplace({ config: undefined });
    const early = await work.commit("early", 1000);
    await makeBig(work);
    const before = readTree(work.archive);
    for (const delayMs of [0, 20, 60, 100]) {
      const args = [
        "commit",
        "big",
        "early",
        "--policy",
        "erasure:10+2",
        "--workers",
        workers,
      ];
      using running = work.start(args);
      await waitFor(running, () => stagingIn(work).length > 0);
      await pause(delayMs);
      kill(running.child, signal);
      const ending = await running.ending;
      equal(ending.code, code, ending.stdout + ending.stderr);
      equal(ending.stdout, "", "it was met at work");
      equal(
        dropKept(work, ending.stderr),
        "blockframe: warning: Stopping; once more stops at once\n" +
          "blockframe: error: Interrupted\n",
      );
      deepEqual(readTree(work.archive), before);
    }
    await work.expectRestore(0, "early", early.content);
    await work.commit("late", 1000);
    equal((await work.health()).code, 0);
  });
}

Deno.test("SIGINT between files keeps those that are done, and says so", async () => {
  using work = new Workplace({ config: undefined });
  const first = work.fill("first", 1000);
  await makeBig(work);
  const args = ["commit", "first", "big", "first", "--json"];
  using running = work.start(args);
  await waitFor(running, () => entriesIn(work).length === 1);
  await waitFor(running, () => stagingIn(work).length > 0);
  kill(running.child, "SIGINT");
  const { code, stdout, stderr } = await running.ending;
  dropKept(work, stderr);
  equal(code, 130);
  const report = JSON.parse(stdout);
  equal(report.exitCode, 130);
  deepEqual(namesOf(report.entries), ["first"]);
  deepEqual(codesOf(report.errors), [["big", "interrupted"]]);
  await work.expectRestore(0, "first", first);
  equal(listTree(work.archive).filter((path) => !path.includes("/")).length, 1);
});

Deno.test("the second SIGINT ends the process at once; what is left is invisible and in nobody's way", async () => {
  using work = new Workplace({ config: undefined });
  const early = await work.commit("early", 1000);
  await makeBig(work);
  using running = work.start(["commit", "big"]);
  await waitFor(running, () => stagingIn(work).length > 0);
  kill(running.child, "SIGINT");
  kill(running.child, "SIGINT");
  await pause(5);
  kill(running.child, "SIGINT");
  const { code } = await running.ending;
  equal(code, 130);
  equal(entriesIn(work).length, 1);
  await work.expectRestore(0, "early", early.content);
  equal((await work.health()).code, 0);
});

Deno.test("SIGINT during a restore leaves no file, and the next one works", async () => {
  using work = new Workplace({ config: undefined });
  const digest = await makeBig(work);
  await work.expect(0, ["commit", "big", "--policy", "erasure:10+2"]);
  work.makeFolder("out");
  const args = ["restore", "big", "-o", "out/"];
  using running = work.start(args);
  await waitFor(running, () => listTree(work.at("out")).length > 0);
  kill(running.child, "SIGINT");
  const { code, stdout } = await running.ending;
  deepEqual([code, stdout], [130, ""]);
  deepEqual(listTree(work.at("out")), []);
  await work.expect(0, args);
  equal(describe(work.at("out/big")), digest);
});

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  Deno.test(`a repair that ${signal} stopped does no harm and is finished by the next`, async () => {
    using work = new Workplace({ seed: 7 });
    const { content, folder } = await work.commit("file", manyLeaves);
    const before = readTree(work.archive);
    let interrupted = 0;
    for (let time = 0; time < 10; time++) {
      const lost = loseShards(folder, work);
      using running = work.start(["health"]);
      await waitFor(running, () => lost.some((path) => isFile(path)));
      await pause(work.chance.below(80));
      kill(running.child, signal);
      if (isStopped(await running.ending, signal)) interrupted++;
      const restored = await work.run([
        "restore",
        "file",
        "--overwrite",
        "-o",
        "out",
      ]);
      ok(restored.code === 0 || restored.code === 1, restored.stderr);
      deepEqual(work.read("out"), content);
      const finished = await work.health();
      ok(finished.code === 0 || finished.code === 1, JSON.stringify(finished));
      deepEqual(readTree(work.archive), before);
    }
    ok(interrupted > 0, "at least one repair was met at work");
    equal((await work.health(["--check"])).code, 0);
  });
}

Deno.test("a commit that is killed at any moment leaves the archive sound", async () => {
  using work = new Workplace({ seed: 11 });
  const early = await work.commit("early", 100 * kib);
  const entry = readTree(early.folder);
  const content = work.fill("file", manyLeaves);
  let interrupted = 0;
  for (let time = 0; time < 15; time++) {
    const [entries, staging] = [entriesIn(work).length, stagingIn(work).length];
    using running = work.start(["commit", "file"]);
    await waitFor(
      running,
      () =>
        stagingIn(work).length > staging || entriesIn(work).length > entries,
    );
    await pause(work.chance.below(150));
    kill(running.child, "SIGKILL");
    await running.ending;
    const isVisible = entriesIn(work).length > entries;
    if (!isVisible) interrupted++;
    if (isVisible) await work.expectRestore(0, "file", content);
    else equal(stagingIn(work).length, staging + 1);
    const list = await work.expect(0, ["list", "--json"]);
    equal(JSON.parse(list.stdout).entries.length, entriesIn(work).length);
    deepEqual(readTree(early.folder), entry);
  }
  ok(interrupted > 0, "at least one commit was met at work");
  const health = await work.health();
  equal(health.code, 0, health.stderr);
  equal(
    health.stderr.trimEnd().split("\n").length,
    interrupted,
    "what was left is mentioned",
  );
  await work.expectRestore(0, "early", early.content);
  const late = await work.commit("late", 100 * kib);
  await work.expectRestore(0, "late", late.content);
});

Deno.test("a removal that is killed leaves the entry whole or gone", async () => {
  using work = new Workplace({ seed: 13 });
  const kept = await work.commit("kept", 100 * kib);
  for (let time = 0; time < 6; time++) {
    const { content, folder } = await work.commit("file", manyLeaves);
    using running = work.start(["remove", "file", "--yes"]);
    await waitFor(running, () => stagingIn(work).length > 0);
    await pause(work.chance.below(20));
    kill(running.child, "SIGKILL");
    await running.ending;
    if (describe(folder) !== "nothing") {
      await work.expectRestore(0, "file", content);
      await work.expect(0, ["remove", "file", "--yes"]);
    }
    for (const name of stagingIn(work)) remove(`${work.archive}/${name}`);
    const list = await work.expect(0, ["list", "--json"]);
    deepEqual(namesOf(JSON.parse(list.stdout).entries), ["kept"]);
  }
  equal((await work.health()).code, 0);
  await work.expectRestore(0, "kept", kept.content);
});

Deno.test("a restore that is killed leaves no output under its name, and the next one takes what it left away", async () => {
  using work = new Workplace({ config: undefined });
  const digest = await makeBig(work);
  await work.expect(0, ["commit", "big", "--policy", "erasure:10+2"]);
  work.makeFolder("out");
  const args = ["restore", "big", "-o", "out/"];
  using running = work.start(args);
  await waitFor(running, () => listTree(work.at("out")).length > 0);
  kill(running.child, "SIGKILL");
  await running.ending;
  deepEqual(
    listTree(work.at("out")).filter((path) => !path.startsWith(".")),
    [],
  );
  await work.expect(0, args);
  deepEqual(listTree(work.at("out")), ["big"]);
  equal(describe(work.at("out/big")), digest);
});

/** On a fast machine enough was written to be kept (resume_test.ts): takes it away, and its lines. */
function dropKept(work: Workplace, stderr: string): string {
  const line =
    /^blockframe: warning: What was written of .* is kept in (.*)\n/m;
  const folder = line.exec(stderr)?.[1];
  if (folder === undefined) return stderr;
  remove(`${work.archive}/${folder}`);
  return stderr.replace(line, "").replace(/^hint: the same commit .*\n/m, "");
}

/** Writes the file "big", which is not all the same; gives what it is in words. */
async function makeBig(work: Workplace): Promise<string> {
  const path = work.write("big", work.chance.bytes(1 * kib * kib));
  await Deno.truncate(path, bigBytes);
  return describe(path);
}

/** Deletes three shards of every block, and gives their paths. */
function loseShards(folder: string, work: Workplace): string[] {
  const lost: string[] = [];
  for (const block of listTree(`${folder}/blocks`)) {
    if (block.includes("/")) continue;
    const shards = listTree(`${folder}/blocks/${block}`)
      .filter((path) => path.endsWith(".dat"));
    for (let count = 0; count < 3; count++) {
      const [shard] = shards.splice(work.chance.below(shards.length), 1);
      const path = `${folder}/blocks/${block}/${shard}`;
      remove(path);
      lost.push(path);
    }
  }
  return lost;
}

/** Whether a run was met at work and not after it. */
function isStopped(ending: Ending, signal: "SIGINT" | "SIGKILL"): boolean {
  if (signal === "SIGKILL") return ending.signal === "SIGKILL";
  if (ending.code === 130) {
    match(ending.stderr, /blockframe: error: (Interrupted|Stopped)/);
    return true;
  }
  equal(ending.code, 1, ending.stdout + ending.stderr);
  return false;
}

function topOf(work: Workplace): string[] {
  try {
    return [...Deno.readDirSync(work.archive)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function stagingIn(work: Workplace): string[] {
  return topOf(work).filter((name) => name.startsWith(".staging_"));
}

function entriesIn(work: Workplace): string[] {
  return topOf(work).filter((name) => !name.startsWith("."));
}

function isFile(path: string): boolean {
  return describe(path) !== "nothing";
}

function namesOf(entries: readonly { name: string }[]): string[] {
  return entries.map(({ name }) => name);
}

function codesOf(errors: readonly { source: string; code: string }[]) {
  return errors.map(({ source, code }) => [source, code]);
}
