// Kill: the real program on a real disk is ended by SIGKILL at random moments of its work, 200 times.
// Whatever the moment: what was committed is whole, the rest is whole or unseen, and the next run
// finishes. Each test measures first how long the work takes, and draws its moments from that; it
// fails if too few of them were in the middle.

import { deepEqual, equal, ok } from "node:assert/strict";
import { type Archive, openArchive } from "../../src/archive/archive.ts";
import { equalBytes } from "../../src/base/bytes.ts";
import type { Prng } from "../../src/base/prng.ts";
import { idOfStaging } from "../../src/format/entry_path.ts";
import { remove } from "../e2e/damage.ts";
import { kill, pause, waitFor } from "../e2e/program.ts";
import { listTree, readTree } from "../e2e/tree.ts";
import { kib, manyLeaves, Workplace } from "../e2e/workplace.ts";

const seed = Number(Deno.env.get("BLOCKFRAME_KILL_SEED") ?? 1);
/** Kills that must meet the work half done, of a hundred. */
const shareMin = 25;

const killCounts = { commit: 80, repair: 60, prune: 60 };

/** Tier 3 of some blocks, with an outboard of its own: the work takes some tenths of a second. */
const payloadBytes = { commit: manyLeaves, repair: 3000 * kib - 7 };

Deno.test(`a commit that is killed is whole or unseen (${killCounts.commit} times, seed ${seed})`, async () => {
  using work = new Workplace({ seed });
  const early = await work.commit("early", 100 * kib);
  const content = work.fill("file", payloadBytes.commit);
  const before = readTree(early.folder);
  const args = ["commit", "file"];
  const isBegun = () => namesIn(work).length > 1 + lockCount(work);
  const workMs = await measure(
    work,
    args,
    isBegun,
    () => clear(work, early.folder),
  );
  clear(work, early.folder);
  let halfDone = 0;
  for (let time = 0; time < killCounts.commit; time++) {
    await killAtWork(work, args, isBegun, workMs);
    await using archive = await openArchive({ path: work.archive, workers: 0 });
    const { entries, problems } = archive.list();
    deepEqual(problems, []);
    const found = entries.filter(({ name }) => name === "file");
    if (found.length === 0) halfDone++;
    else await expectRestore(archive, work, "file", content);
    deepEqual(readTree(early.folder), before);
    await expectHealthy(archive);
    expectOnlyEntries(work, entries.map(({ folder }) => folder));
    if (time % 10 === 9) {
      await work.expect(0, args);
      await expectRestore(archive, work, "file", content);
    }
    clear(work, early.folder);
  }
  expectShare(halfDone, killCounts.commit);
});

Deno.test(`a repair that is killed does no harm, and the next one finishes (${killCounts.repair} times, seed ${seed})`, async () => {
  using work = new Workplace({ seed });
  const { content, folder } = await work.commit("file", payloadBytes.repair);
  const whole = readTree(folder);
  const args = ["health"];
  let lost: string[] = [];
  const isBegun = () => lost.some(isThere);
  const workMs = await measure(work, args, isBegun, () => {
    lost = loseShards(folder, work.chance);
  });
  let halfDone = 0;
  for (let time = 0; time < killCounts.repair; time++) {
    lost = loseShards(folder, work.chance);
    await killAtWork(work, args, isBegun, workMs);
    await using archive = await openArchive({ path: work.archive, workers: 0 });
    if (!lost.every(isThere)) halfDone++;
    await expectRestore(archive, work, "file", content);
    if (time % 10 === 9) {
      ok([0, 1].includes((await work.health()).code));
    } else {
      for await (const { state } of archive.health({ repair: true })) {
        ok(state === "repaired" || state === "healthy", state);
      }
    }
    deepEqual(readTree(folder), whole);
  }
  expectShare(halfDone, killCounts.repair);
});

Deno.test(`a prune that is killed keeps what was to stay, and takes the rest whole (${killCounts.prune} times, seed ${seed})`, async () => {
  using work = new Workplace({ seed });
  const contents = new Map<string, Uint8Array>();
  for (let version = 0; version < 8; version++) {
    const { content, entry } = await work.commit("file", 130 * kib + version);
    contents.set(entry.id, content);
  }
  const stored = work.at("stored");
  await Deno.rename(work.archive, stored);
  const [last, second] = [...contents.keys()].toReversed();
  const args = ["prune", "--keep-last", "2", "--yes"];
  const isBegun = () => removedCount(work) > 0;
  const workMs = await measure(work, args, isBegun, () => {
    Deno.mkdirSync(work.archive, { recursive: true });
    remove(work.archive);
    linkTree(stored, work.archive);
  });
  let halfDone = 0;
  for (let time = 0; time < killCounts.prune; time++) {
    remove(work.archive);
    linkTree(stored, work.archive);
    await killAtWork(work, args, isBegun, workMs);
    await using archive = await openArchive({ path: work.archive, workers: 0 });
    const { entries, problems } = archive.list();
    deepEqual(problems, []);
    const ids = entries.map(({ id }) => id);
    ok(ids.includes(last!) && ids.includes(second!), "the newest two stay");
    if (ids.length > 2 || namesIn(work).some(idOfStaging)) halfDone++;
    await expectHealthy(archive);
    expectOnlyEntries(work, entries.map(({ folder }) => folder));
    for (const id of [ids.at(-1)!, last!]) {
      await expectRestore(archive, work, id, contents.get(id)!);
    }
    if (time % 10 === 9) {
      await work.expect(0, args);
      equal(archive.list().entries.length, 2);
    }
  }
  expectShare(halfDone, killCounts.prune);
});

/**
 * How long the work takes from its first trace to the end of the process, in milliseconds: the
 * shortest of some times, since moments behind the end meet nothing. `prepare` makes it to be done.
 */
async function measure(
  work: Workplace,
  args: readonly string[],
  isBegun: () => boolean,
  prepare: () => void,
): Promise<number> {
  let shortestMs = Infinity;
  for (let time = 0; time < 3; time++) {
    prepare();
    using running = work.start(args);
    await waitFor(running, isBegun);
    const startMs = performance.now();
    const { code, stderr } = await running.ending;
    ok(code === 0 || code === 1, stderr);
    shortestMs = Math.min(shortestMs, performance.now() - startMs);
  }
  return shortestMs;
}

/** Kills the program at a random moment between the first trace of its work and its end. */
async function killAtWork(
  work: Workplace,
  args: readonly string[],
  isBegun: () => boolean,
  workMs: number,
): Promise<void> {
  using running = work.start(args);
  await waitFor(running, isBegun);
  // A little longer than the shortest run, so that some meet the end.
  await pause(work.chance.below(Math.ceil(workMs * 1.2)));
  kill(running.child, "SIGKILL");
  await running.ending;
}

function expectShare(halfDone: number, kills: number): void {
  console.log(`${halfDone} of ${kills} kills met the work half done`);
  ok(halfDone * 100 >= kills * shareMin, `only ${halfDone} of ${kills}`);
}

async function expectRestore(
  archive: Archive,
  work: Workplace,
  selector: string,
  content: Uint8Array,
): Promise<void> {
  const output = work.at("restored");
  await archive.restore({ selector, output, overwrite: true });
  ok(equalBytes(await Deno.readFile(output), content), `${selector} is whole`);
}

async function expectHealthy(archive: Archive): Promise<void> {
  for await (const report of archive.health({ repair: false })) {
    equal(report.state, "healthy", report.name);
  }
}

/** At the top lie entries, what was cut off, and what begins with a dot but is no entry. */
function expectOnlyEntries(work: Workplace, folders: readonly string[]): void {
  for (const name of namesIn(work)) {
    ok(name.startsWith(".") || folders.includes(name), name);
  }
}

/** Removes everything but one entry. */
function clear(work: Workplace, folder: string): void {
  for (const name of namesIn(work)) {
    const path = `${work.archive}/${name}`;
    if (path !== folder) Deno.removeSync(path, { recursive: true });
  }
}

/** Deletes three shards of every block, and gives their paths. */
function loseShards(folder: string, chance: Prng): string[] {
  const lost: string[] = [];
  for (const block of listTree(`${folder}/blocks`)) {
    if (block.includes("/")) continue;
    const shards = listTree(`${folder}/blocks/${block}`)
      .filter((path) => path.endsWith(".dat"));
    for (const index of chance.sample(3, shards.length)) {
      const path = `${folder}/blocks/${block}/${shards[index]}`;
      remove(path);
      lost.push(path);
    }
  }
  return lost;
}

function namesIn(work: Workplace): string[] {
  return [...Deno.readDirSync(work.archive)].map(({ name }) => name);
}

/** Files at the top: locks, a cache of the listing. */
function lockCount(work: Workplace): number {
  return [...Deno.readDirSync(work.archive)]
    .filter(({ isFile }) => isFile).length;
}

function removedCount(work: Workplace): number {
  return namesIn(work).filter((name) => name.endsWith("_removed")).length;
}

function isThere(path: string): boolean {
  try {
    return Deno.lstatSync(path).isFile;
  } catch {
    return false;
  }
}

/** The same files at another place; a prune writes into none of them. */
function linkTree(source: string, target: string): void {
  const { success } = new Deno.Command("cp", { args: ["-rl", source, target] })
    .outputSync();
  ok(success, "cp");
}
