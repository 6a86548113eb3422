// Locks between real processes: who waits, who gives up, and what is said of the dead.

import { deepEqual, equal, match } from "node:assert/strict";
import { DirStore } from "../../src/store/dir_store.ts";
import { countNames, expectTakenOver, lock } from "./abandoned_lock.ts";
import { kill, type Running, waitFor } from "./program.ts";
import { describe } from "./tree.ts";
import { kib, Workplace } from "./workplace.ts";

/** Holds a lock of the archive from this process, as another command would. */
function hold(work: Workplace, name: string): Disposable {
  const tried = new DirStore(work.archive).openLockFile(name);
  if (tried.kind !== "held") throw new Error(`the lock is ${tried.kind}`);
  return {
    [Symbol.dispose]: () => {
      if (describe(`${work.archive}/${name}`) !== "nothing") {
        Deno.removeSync(`${work.archive}/${name}`);
      }
      tried.file[Symbol.dispose]();
    },
  };
}

Deno.test("what writes ends with 32 while another command writes; what reads does not care", async () => {
  using work = new Workplace();
  await work.commit("file", 10 * kib);
  const { content, entry } = await work.commit("file", 100 * kib);
  const now = ["--lock-wait", "0"];
  {
    using _held = hold(work, lock);
    for (
      const args of [
        ["commit", "file", "file"],
        ["remove", entry.id, "--yes"],
        ["prune", "--keep-last", "1", "--yes"],
      ]
    ) {
      const { stderr } = await work.expect(32, [...args, ...now]);
      match(stderr, /error: Cannot write to the archive: another command is /);
    }
    const failed = await work.expect(32, ["commit", "file", "--json", ...now]);
    equal(JSON.parse(failed.stdout).errors[0].code, "locked");
    const mixed = await work.expect(40, ["commit", "nothing", "file", ...now]);
    match(mixed.stderr, /no such file/);
    await work.expectRestore(0, "file", content);
    for (
      const args of [["list"], ["show", "file"], ["health", "--check"], [
        "health",
      ]]
    ) {
      equal((await work.expect(0, args)).stderr, "");
    }
  }
  {
    using _held = hold(work, ".lock_repair");
    const { stderr } = await work.expect(32, ["health", ...now]);
    match(stderr, /error: Cannot repair the archive: /);
    match(stderr, /hint: --lock-wait says /);
    await work.expect(0, ["health", "--check"]);
    await work.expect(0, ["commit", "--force", "file"]);
  }
  equal((await work.health()).code, 0);
});

const waiting = "Waiting for another command to finish\n";

/** Starts a commit that meets a held lock, its standard error in the file `said`, and sees it wait. */
async function startWaiting(work: Workplace, name: string): Promise<Running> {
  work.write("said", "");
  const running = work.start(["commit", name, "--lock-wait", "1h"], {
    prefix: ["sh", "-c", 'exec "$@" 2> said', "sh"],
  });
  await waitFor(running, () => said(work) !== "");
  equal(said(work), waiting);
  return running;
}

function said(work: Workplace): string {
  return new TextDecoder().decode(work.read("said"));
}

Deno.test("a commit waits for another command, says so, and goes on when that is done", async () => {
  using work = new Workplace();
  await work.commit("early", 1000);
  const content = work.fill("file", 1000);
  using held = hold(work, lock);
  using running = await startWaiting(work, "file");
  held[Symbol.dispose]();
  const { code } = await running.ending;
  deepEqual([code, said(work)], [0, waiting]);
  await work.expectRestore(0, "file", content);
  equal(describe(`${work.archive}/${lock}`), "nothing");
});

Deno.test("a commit that waits can be interrupted", async () => {
  using work = new Workplace();
  await work.commit("early", 1000);
  using _held = hold(work, lock);
  using running = await startWaiting(work, "early");
  kill(running.child, "SIGINT");
  const { code } = await running.ending;
  equal(code, 130);
  match(said(work), /Interrupted/);
});

Deno.test("the lock of a process that was killed is said and taken over at once", async () => {
  await expectTakenOver();
});

Deno.test("many commits at once come one after the other, each with its turn", async () => {
  using work = new Workplace();
  const names = ["a", "b", "c", "d", "e"];
  for (const name of names) work.fill(name, 20 * kib);
  await Promise.all(
    names.map((name) => work.expect(0, ["commit", name, name, "--force"])),
  );
  const health = await work.health();
  deepEqual([health.code, health.summary.healthyCount], [0, 10]);
  equal(countNames(work), 10);
});
