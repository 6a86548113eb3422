// Crashes of a commit of a tree: whatever the step, what was there before is whole, and the tree is
// there with all its files, or not at all.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { SimulatedDisk } from "../../src/store/simulated_disk.ts";
import {
  Bench,
  kib,
  readTree,
  removeFile,
  rotBytes,
} from "../archive/harness.ts";
import { commitTree, plantTree, readContents } from "../archive/trees.ts";
import { crashEverywhere } from "./crash_everywhere.ts";

const oldPayload = new Prng(1).bytes(3 * kib);

function makeSources(): MemoryStore {
  const sources = new MemoryStore();
  plantTree(sources, {
    "a": new Prng(2).bytes(9 * kib),
    "b/c": "text",
    "b/d": new Prng(3).bytes(20 * kib + 7),
    "empty": undefined,
  });
  sources.plantHardLink("e", "a");
  return sources;
}

Deno.test("commitTree() stopped at any step leaves the old entries whole and the tree whole or unseen", async () => {
  const sources = makeSources();
  const first = new SimulatedDisk();
  await new Bench({ archive: first }).commit("old", oldPayload);
  const pristine = new SimulatedDisk({}, first.crash("losing").copyRoot());
  let seen = 0, unseen = 0;
  await crashEverywhere(
    pristine,
    async (disk) => {
      await commitTree(new Bench({ archive: disk, sources, seed: 9 }));
    },
    async (disk, label) => {
      const bench = new Bench({ archive: disk, sources, seed: 77 });
      const { entries, problems } = bench.engine.list();
      deepStrictEqual(problems, [], label);
      deepStrictEqual((await bench.restore("old")).bytes, oldPayload, label);
      const tree = entries.find(({ name }) => name === "tree");
      if (tree === undefined) unseen++;
      else {
        seen++;
        const contents = await readContents(bench, tree);
        deepStrictEqual([...contents.keys()], ["a", "b/c", "b/d", "e"], label);
        for (const [path, bytes] of contents) {
          deepStrictEqual(bytes, sources.contentOf(path), `${label}: ${path}`);
        }
      }
      for (const report of await bench.health(false)) {
        strictEqual(report.state, "healthy", `${label}: ${report.name}`);
      }
    },
  );
  ok(seen > 0 && unseen > 100, `${seen} seen, ${unseen} unseen`);
});

Deno.test("repair of a file table stopped at any step loses nothing and is finished by the next one", async () => {
  const sources = makeSources();
  const disk = new SimulatedDisk();
  const { folder } = await commitTree(new Bench({ archive: disk, sources }));
  const whole = readTree(disk, "");
  rotBytes(disk, `${folder}/files.jsonl.gz`, 20, 5);
  removeFile(disk, `${folder}/hashes/files.jsonl.gz`);
  rotBytes(disk, `${folder}/hashes_2/files.jsonl.gz`, 0, 3);
  const damaged = new SimulatedDisk({}, disk.copyRoot());
  const cases = await crashEverywhere(
    damaged,
    async (each) => {
      await new Bench({ archive: each }).health(true);
    },
    async (each, label) => {
      const bench = new Bench({ archive: each });
      const [tree] = bench.engine.list().entries;
      ok(tree !== undefined, label);
      strictEqual((await readContents(bench, tree)).size, 4, label);
      const { state } = await bench.healthOfOne(true);
      ok(["healthy", "repaired"].includes(state), `${label}: ${state}`);
      deepStrictEqual(readTree(each, ""), whole, label);
    },
  );
  ok(cases > 20, `${cases} cases`);
});
