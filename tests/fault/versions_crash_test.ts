// Crashes of what removes several things: whatever the step, what was to stay is whole, and each of
// the rest is whole or gone.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Bytes } from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import { idOfStaging } from "../../src/format/entry_path.ts";
import { SimulatedDisk } from "../../src/store/simulated_disk.ts";
import { Bench, kib, writeFile } from "../archive/harness.ts";
import { crashEverywhere } from "./crash_everywhere.ts";

const versionCount = 4;
const payloads: Bytes[] = Array.from(
  { length: versionCount },
  (_, index) => new Prng(index + 1).bytes((3 + index) * kib + 5),
);

/** An archive with versions of "x", the last payload newest, and their ids in that order. */
async function makeVersions(): Promise<{ disk: SimulatedDisk; ids: string[] }> {
  const disk = new SimulatedDisk();
  const bench = new Bench({ archive: disk });
  const ids: string[] = [];
  for (const payload of payloads) {
    ids.push((await bench.commit("x", payload)).id);
  }
  return { disk: new SimulatedDisk({}, disk.copyRoot()), ids };
}

/** Every entry in sight is healthy and gives back its own payload; gives their ids. */
async function expectWhole(
  bench: Bench,
  ids: readonly string[],
  label: string,
): Promise<Set<string>> {
  const { entries, problems } = bench.engine.list();
  deepStrictEqual(problems, [], label);
  for (const report of await bench.health(false)) {
    strictEqual(report.state, "healthy", `${label}: ${report.id}`);
  }
  for (const { id } of entries) {
    const { bytes } = await bench.restore(id);
    deepStrictEqual(bytes, payloads[ids.indexOf(id)], `${label}: ${id}`);
  }
  return new Set(entries.map(({ id }) => id));
}

async function prune(bench: Bench): Promise<void> {
  const { names } = bench.engine.planPrune({ rules: { last: 2 } });
  const doomed = names.flatMap(({ versions }) =>
    versions.filter(({ reasons }) => reasons.length === 0)
      .map(({ entry }) => entry).toReversed()
  );
  for await (const { kind } of bench.engine.removeEach(doomed)) {
    strictEqual(kind, "removed");
  }
}

Deno.test("prune stopped at any step keeps what was to stay and takes the rest whole, oldest first", async () => {
  const { disk, ids } = await makeVersions();
  const counts = new Map<number, number>();
  await crashEverywhere(
    disk,
    (each) => prune(new Bench({ archive: each })),
    async (each, label) => {
      const bench = new Bench({ archive: each, seed: 77 });
      const found = await expectWhole(bench, ids, label);
      ok(found.has(ids[2]!) && found.has(ids[3]!), `${label}: what stays`);
      ok(!found.has(ids[0]!) || found.has(ids[1]!), `${label}: oldest first`);
      counts.set(found.size, (counts.get(found.size) ?? 0) + 1);
      strictEqual(bench.engine.show("x").id, ids[3], label);
      await prune(bench);
      strictEqual(bench.engine.list().entries.length, 2, label);
      await expectWhole(bench, ids, label);
    },
  );
  deepStrictEqual([...counts.keys()].sort(), [2, 3, 4], "each state was seen");
});

Deno.test("commit() of the same content stopped at any step leaves the version whole and alone", async () => {
  const { disk, ids } = await makeVersions();
  const cases = await crashEverywhere(
    disk,
    async (each) => {
      const bench = new Bench({ archive: each, seed: 9 });
      const { outcome } = await bench.commit("x", payloads.at(-1)!);
      strictEqual(outcome, "unchanged");
    },
    async (each, label) => {
      const bench = new Bench({ archive: each, seed: 77 });
      const found = await expectWhole(bench, ids, label);
      deepStrictEqual(found, new Set(ids), label);
    },
  );
  ok(cases > 50, `${cases} cases`);
});

Deno.test("cleanup stopped at any step touches no entry, and the next one finishes", async () => {
  const { disk, ids } = await makeVersions();
  const old = Date.UTC(2025, 11, 1);
  const folders = [
    ".staging_00000000000000aa",
    ".staging_00000000000000bb_removed",
    ".staging_00000000000000cc",
  ];
  for (const folder of folders) {
    disk.makeFolder(folder);
    disk.makeFolder(`${folder}/segments`);
    for (const path of ["manifest.json", "segments/segment_0.dat"]) {
      writeFile(disk, `${folder}/${path}`, new Uint8Array(700));
      disk.setAttributes(`${folder}/${path}`, { modifiedMs: old });
    }
  }
  const young = ".staging_00000000000000dd";
  disk.makeFolder(young);
  writeFile(disk, `${young}/a`, new Uint8Array(5));
  disk.setAttributes(`${young}/a`, { modifiedMs: Date.UTC(2026, 0, 1) });
  const day = { years: 0, months: 0, days: 1, hours: 0 };
  const cleanUp = async (bench: Bench) => {
    const leftovers = bench.engine.planCleanup(day)
      .filter(({ verdict }) => verdict === "remove")
      .map(({ leftover }) => leftover);
    for await (const { kind } of bench.engine.cleanUp(leftovers, day)) {
      strictEqual(kind, "removed");
    }
    return leftovers.length;
  };
  let unfinished = 0;
  const cases = await crashEverywhere(
    new SimulatedDisk({}, disk.copyRoot()),
    async (each) => {
      await cleanUp(new Bench({ archive: each }));
    },
    async (each, label) => {
      const bench = new Bench({ archive: each, seed: 77 });
      deepStrictEqual(
        await expectWhole(bench, ids, label),
        new Set(ids),
        label,
      );
      const left = bench.engine.leftovers().map(({ folder }) => folder);
      ok(left.includes(young), label);
      ok(left.every((folder) => idOfStaging(folder) !== undefined), label);
      if (left.length > 1) unfinished++;
      await cleanUp(bench);
      // What lost its files has no time in this store, and stays where nobody knows its age.
      for (const { leftover, verdict } of bench.engine.planCleanup(day)) {
        if (leftover.folder === young) strictEqual(verdict, "young", label);
        else deepStrictEqual([leftover.fileCount, verdict], [0, "unknown"]);
      }
    },
  );
  ok(unfinished > 10 && cases > unfinished, `${unfinished} of ${cases}`);
});
