// Commits that can be gone on with, stopped at every step, and gone on with; and the going on, stopped
// at every step in its turn. Whatever the step: the next commit of the same source makes the entry
// whole, from what is left or from nothing.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Bytes } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { FaultyStore } from "../../src/store/faulty_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { SimulatedDisk } from "../../src/store/simulated_disk.ts";
import type { Store } from "../../src/store/store.ts";
import { Bench, kib, writeFile } from "../archive/harness.ts";
import { crashEverywhere } from "./crash_everywhere.ts";

const oldPayload: Bytes = new Prng(1).bytes(3 * kib + 3);
const newPayload: Bytes = new Prng(2).bytes(100 * kib + 9);

function makeSource(): MemoryStore {
  const sources = new MemoryStore();
  writeFile(sources, "source", newPayload);
  sources.setAttributes("source", { modifiedMs: 1_700_000_000_000 });
  return sources;
}

function openBench(archive: Store, seed: number, sources: Store): Bench {
  const settings = { resumeBytesMin: 10 * kib };
  return new Bench({ archive, seed, sources, settings });
}

function commitNew(bench: Bench) {
  return bench.engine.commit({
    source: { root: "sources", path: "source" },
    sourceLabel: "source",
    name: "new",
    policy: "erasure:4+2",
  });
}

async function makeArchive(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  await new Bench({ archive: disk }).commit("old", oldPayload);
  return new SimulatedDisk({}, disk.crash("losing").copyRoot());
}

/** Commits again on a disk that a crash left; gives what was kept. */
async function goOn(disk: SimulatedDisk, label: string): Promise<number> {
  const bench = openBench(disk, 77, makeSource());
  deepStrictEqual(bench.engine.list().problems, [], label);
  deepStrictEqual((await bench.restore("old")).bytes, oldPayload, label);
  const report = await commitNew(bench);
  deepStrictEqual((await bench.restore("new")).bytes, newPayload, label);
  for (const { state, strangers, name } of await bench.health(false)) {
    deepStrictEqual([state, strangers], ["healthy", []], `${label}: ${name}`);
  }
  // What was committed now survives the next power loss, too.
  const after = openBench(disk.crash("losing"), 78, makeSource());
  deepStrictEqual((await after.restore("new")).bytes, newPayload, label);
  return report.resumedBytes ?? 0;
}

Deno.test("a commit stopped at any step is finished by the next one, which keeps what it can", async () => {
  let resumed = 0, anew = 0, sooner = 0;
  await crashEverywhere(
    await makeArchive(),
    async (disk) => {
      await commitNew(openBench(disk, 9, makeSource()));
    },
    async (disk, label) => {
      const kept = await goOn(disk, label);
      if (kept > 0) resumed++;
      else anew++;
      if (kept > 0 && label.endsWith("losing")) sooner++;
    },
  );
  ok(resumed > 100 && anew > 100, `${resumed} resumed, ${anew} anew`);
  ok(sooner > 0, "also where everything unsynced is lost");
});

Deno.test("a resumed commit stopped at any step is resumed again", async () => {
  const disk = await makeArchive();
  const faulty = new FaultyStore(makeSource(), [{
    kind: "fail",
    call: "readInto",
    nth: 18,
    times: Infinity,
  }]);
  try {
    await commitNew(openBench(disk, 9, faulty));
  } catch (error) {
    ok(isFailure(error, "io"), String(error));
  }
  const pristine = new SimulatedDisk({}, disk.crash("keeping").copyRoot());
  const least = await goOn(
    new SimulatedDisk({}, pristine.copyRoot()),
    "at once",
  );
  ok(least > 0);
  let resumed = 0;
  const cases = await crashEverywhere(
    pristine,
    async (each) => {
      await commitNew(openBench(each, 10, makeSource()));
    },
    async (each, label) => {
      if (await goOn(each, label) >= least) resumed++;
    },
  );
  ok(resumed > cases / 2, `${resumed} of ${cases}`);
  strictEqual(cases > 300, true, `${cases} cases`);
});
