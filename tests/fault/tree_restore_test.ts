// Restores of trees that are stopped at every step, or of which any one call fails: what has its own
// name in the output is whole and right, what was there is untouched, and the archive never changes.

import { deepStrictEqual, ok } from "node:assert/strict";
import { equalBytes } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { FaultyTreeStore } from "../../src/store/faulty_tree_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { SimulatedDisk } from "../../src/store/simulated_disk.ts";
import type { TreeStore } from "../../src/store/tree_store.ts";
import { Bench, kib, readFile, readTree } from "../archive/harness.ts";
import { TreeWriter } from "../archive/tree_writer.ts";
import { crashEverywhere } from "./crash_everywhere.ts";

const prng = new Prng(3);

function makeTree(): TreeWriter {
  return new TreeWriter()
    .folder("f").folder("f/empty").folder("g")
    .file("a", prng.bytes(5 * kib))
    .file("f/b", prng.bytes(300))
    .file("f/c", prng.bytes(13 * kib))
    .file("g/d", prng.bytes(900))
    .hardlink("g/e", "a")
    .link("f/l", "../a");
}

/** Restores into a store that has the folder "out", or has not. */
async function restore(
  archive: MemoryStore,
  outputs: TreeStore,
  existing: "refuse" | "overwrite" = "refuse",
): Promise<void> {
  const bench = new Bench({
    archive,
    outputs,
    settings: { runBytesMax: 12 * kib },
  });
  await bench.engine.restoreTree(bench.engine.select("t"), {
    root: "outputs",
    path: "out",
    label: "out",
    existing,
    partial: false,
    patterns: [],
  });
}

/** What is found of a tree in "out" is right; gives how much of it that is. */
function judge(found: TreeStore, tree: TreeWriter, label: string): number {
  let count = 0;
  const walk = (folder: string) => {
    for (const { name, kind } of found.listExactly(folder)) {
      if (name.endsWith(".blockframe-part")) continue;
      const path = `${folder}/${name}`;
      const inner = path.slice("out/".length);
      const row = tree.rows.find((each) => each.path === inner);
      if (kind === "folder") walk(path);
      if (row === undefined) continue;
      count++;
      const expected = tree.contents.get(inner);
      if (expected === undefined) continue;
      ok(equalBytes(readFile(found, path), expected), `${label}: ${path}`);
    }
  };
  if (found.statExactly("out") !== undefined) walk("out");
  return count;
}

Deno.test("restoreTree() stopped at any step leaves no tree under its name, or all of it", async () => {
  const archive = new MemoryStore();
  const tree = makeTree();
  await tree.commit(new Bench({ archive }), "t", "erasure:4+2");
  const before = readTree(archive, "");
  let none = 0, all = 0;
  const cases = await crashEverywhere(
    new SimulatedDisk(),
    (disk) => restore(archive, disk),
    async (disk, label) => {
      const count = judge(disk, tree, label);
      ok(count === 0 || count === tree.rows.length, `${label}: ${count}`);
      if (count === 0) none++;
      else all++;
      if (count > 0 || !/losing|killed/.test(label)) return;
      await restore(archive, disk);
      deepStrictEqual(judge(disk, tree, label), tree.rows.length, label);
      deepStrictEqual(disk.list("").length, 1, label);
    },
  );
  ok(none > 50 && all > 0, `${none} none, ${all} all of ${cases}`);
  deepStrictEqual(readTree(archive, ""), before);
});

Deno.test("restoreTree() into a folder, stopped at any step, leaves whole files only, and what was there", async () => {
  const archive = new MemoryStore();
  const tree = makeTree();
  await tree.commit(new Bench({ archive }), "t", "erasure:4+2");
  const own = prng.bytes(100);
  const pristine = new SimulatedDisk();
  pristine.plantFile("out/f/own", own);
  let some = 0;
  await crashEverywhere(
    pristine,
    (disk) => restore(archive, disk),
    async (disk, label) => {
      const count = judge(disk, tree, label);
      if (count > 1 && count < tree.rows.length) some++;
      deepStrictEqual(readFile(disk, "out/f/own"), own, label);
      if (!/losing|killed/.test(label)) return;
      await restore(archive, disk, "overwrite");
      deepStrictEqual(judge(disk, tree, label), tree.rows.length, label);
      deepStrictEqual(readFile(disk, "out/f/own"), own, label);
      ok(disk.list("out").every(({ name }) => !name.startsWith(".")), label);
    },
  );
  ok(some > 0);
});

Deno.test("restoreTree() with any one call of the output failing leaves whole files only", async () => {
  const archive = new MemoryStore();
  const tree = makeTree();
  await tree.commit(new Bench({ archive }), "t", "erasure:4+2");
  for (const isMerge of [false, true]) {
    for (
      const code of ["io", "exists"] as const
    ) {
      for (let nth = 1;; nth++) {
        const inner = new MemoryStore();
        if (isMerge) inner.plantFolder("out");
        const fault = { kind: "fail", nth, code } as const;
        const outputs = new FaultyTreeStore(inner, [fault]);
        const label = `${isMerge ? "merge, " : ""}${code} ${nth}`;
        try {
          await restore(archive, outputs);
        } catch (error) {
          ok(isFailure(error), `${label}: ${error}`);
        }
        if (outputs.firedCount(fault) === 0) {
          deepStrictEqual(judge(inner, tree, label), tree.rows.length);
          break;
        }
        judge(inner, tree, label);
      }
    }
  }
});
