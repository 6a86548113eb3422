// Archive targets: small archives that were harmed, on a store in memory and on a real folder. Every
// command ends in what is documented; nothing outside is touched; what looks writes nothing; a
// restore that succeeds gives the bytes that were committed; a repair makes nothing worse.

import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, equalBytes, formatHex } from "../../src/base/bytes.ts";
import { Failure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { Codec } from "../../src/codec/mod.ts";
import type { HealthReport } from "../../src/archive/report.ts";
import { DirTreeStore } from "../../src/store/dir_tree_store.ts";
import { DirStore } from "../../src/store/dir_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import type { Store } from "../../src/store/store.ts";
import { TreeWriter } from "../archive/tree_writer.ts";
import { Bench, kib, readFile, writeFile } from "../archive/harness.ts";
import {
  applyHarm,
  type Harm,
  harms,
  hasForgery,
  type Planting,
  precious,
  type Site,
  walk,
} from "./archive_harm.ts";
import { openLaw, type OpenTarget, type Target } from "./target.ts";

/** A whole archive and what is in it, by the hash of the content. */
interface Sample {
  readonly store: MemoryStore;
  readonly contents: ReadonlyMap<string, Bytes>;
  /** What the files of its tree hold, by path. */
  readonly treeContents: ReadonlyMap<string, Bytes>;
}

/** The target in memory. */
export const archiveTarget: Target = {
  name: "archive",
  weight: 6,
  cases: 100,
  open: async () => {
    const sample = await makeSample();
    return openLaw(
      fc.asyncProperty(harms, async (list) => {
        const store = sample.store.clone();
        const site: Site = {
          store,
          plant: (path) => store.plantOther(path),
          stretch: () => {}, // zeros take room here
        };
        for (const harm of list) applyHarm(harm, site);
        await judge(store, new MemoryStore(), sample, list);
      }),
    );
  },
};

/** The target on the local file system. */
export const folderTarget: Target = {
  name: "folder",
  weight: 2,
  cases: 30,
  open: async (): Promise<OpenTarget> => {
    const sample = await makeSample();
    const root = await makeRoot();
    const law = openLaw(
      fc.asyncProperty(harms, (list) => judgeFolder(root, sample, list)),
    );
    return {
      ...law,
      [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
    };
  },
};

async function makeSample(): Promise<Sample> {
  const store = new MemoryStore();
  const bench = new Bench({ archive: store });
  const contents = new Map<string, Bytes>();
  const plan: readonly (readonly [string, number, string?])[] = [
    ["a", 5 * kib],
    ["a", 5 * kib + 7],
    ["b", 90 * kib + 1],
    ["c", 600 * kib, "erasure:2+1"],
    ["d", 3 * kib, "replicate:3"],
    ["e", 0],
  ];
  for (const [seed, [name, bytes, policy]] of plan.entries()) {
    const content = new Prng(seed).bytes(bytes);
    await bench.commit(name, content, policy);
    contents.set(digestOf(content), content);
  }
  // Tier 4: parity across blocks.
  const tiers = { tier1Max: kib, tier2Max: 2 * kib, tier3Max: 3 * kib };
  const large = new Bench({
    archive: store,
    settings: { tiers, segmentBytes: 2 * kib },
    seed: 7,
  });
  const content = new Prng(7).bytes(130 * kib);
  await large.commit("f", content);
  contents.set(digestOf(content), content);
  const tree = new TreeWriter().folder("in")
    .file("in/a", new Prng(8).bytes(9 * kib))
    .file("in/b", new Prng(9).bytes(50))
    .hardlink("c", "in/b")
    .link("d", "../../outside/file");
  await tree.commit(bench, "t");
  return { store, contents, treeContents: tree.contents };
}

function digestOf(bytes: Bytes): string {
  return formatHex(Codec.open().digest(bytes));
}

/** A folder in memory where the system has such: it is the syncs that take the time. */
function makeRoot(): Promise<string> {
  const options = { prefix: "blockframe-fuzz-" };
  return Deno.makeTempDir({ ...options, dir: "/dev/shm" })
    .catch(() => Deno.makeTempDir(options));
}

/** Each case in folders of its own, beside things that must stay as they are. */
async function judgeFolder(
  root: string,
  sample: Sample,
  list: readonly Harm[],
): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: root });
  const outside = makeOutside(folder);
  for (const name of ["archive", "outputs"]) {
    await Deno.mkdir(`${folder}/${name}`);
  }
  const store = new DirStore(`${folder}/archive`);
  copyTo(store, sample.store);
  const site: Site = {
    store,
    plant: (path, what) => plant(`${folder}/archive/${path}`, what, folder),
    stretch: (path, bytes) =>
      Deno.truncateSync(`${folder}/archive/${path}`, bytes),
  };
  for (const harm of list) applyHarm(harm, site);
  await judge(store, new DirTreeStore(`${folder}/outputs`), sample, list);
  outside.assertSame();
  await Deno.remove(folder, { recursive: true });
}

function copyTo(store: Store, source: MemoryStore): void {
  for (const { path, kind } of walk(source)) {
    if (kind === "folder") store.makeFolder(path);
    else writeFile(store, path, source.contentOf(path));
  }
}

function makeOutside(folder: string): { assertSame(): void } {
  const path = `${folder}/outside`;
  Deno.mkdirSync(`${path}/inner`, { recursive: true });
  Deno.writeFileSync(`${path}/file`, precious);
  Deno.writeFileSync(`${path}/inner/file`, precious);
  const look = () => {
    const store = new DirStore(path);
    return walk(store).map((each) => ({
      ...each,
      modified: store.stat(each.path)?.modifiedMs,
      content: each.kind === "file" ? readFile(store, each.path) : undefined,
    }));
  };
  const before = look();
  return { assertSame: () => deepStrictEqual(look(), before) };
}

function plant(path: string, what: Planting, folder: string): void {
  switch (what) {
    case "link to a file outside":
      return Deno.symlinkSync(`${folder}/outside/file`, path);
    case "link to a folder outside":
      return Deno.symlinkSync(`${folder}/outside`, path);
    case "link to nowhere":
      return Deno.symlinkSync("/nowhere/at/all", path);
    case "link to itself":
      return Deno.symlinkSync(path, path);
    case "hard link to a file outside":
      return Deno.linkSync(`${folder}/outside/inner/file`, path);
    case "pipe": {
      const { success } = new Deno.Command("mkfifo", { args: [path] })
        .outputSync();
      return ok(success, "mkfifo works");
    }
  }
}

async function judge(
  store: Store,
  outputs: Store,
  sample: Sample,
  list: readonly Harm[],
): Promise<void> {
  const bench = new Bench({ archive: store, outputs });
  const isForged = hasForgery(list);
  const before = snapshot(store);
  const restorable = await lookAtAll(bench, sample, isForged);
  const seen = await healthOf(bench, false);
  deepStrictEqual(snapshot(store), before, "what looks writes nothing");

  const mended = await healthOf(bench, true);
  const after = await healthOf(bench, false);
  for (const [folder, state] of seen) {
    if (state === "healthy") {
      deepStrictEqual(mended.get(folder), "healthy", folder);
    }
  }
  for (const [folder, state] of mended) {
    if (state !== "healthy" && state !== "repaired") continue;
    deepStrictEqual(after.get(folder), "healthy", folder);
  }
  const still = await lookAtAll(bench, sample, isForged);
  for (const [folder, root] of restorable) {
    ok(still.get(folder) === root, `the repair lost ${folder}`);
  }
  await removeOne(bench, store);
}

/** Reads by all ways; gives the root of every entry, by folder, that comes back whole. */
async function lookAtAll(
  bench: Bench,
  sample: Sample,
  isForged: boolean,
): Promise<Map<string, string>> {
  const { engine } = bench;
  const restorable = new Map<string, string>();
  const { entries } = engine.list();
  engine.leftovers();
  ok(engine.find("*").entries.length === entries.length);
  for (const { folder } of entries) {
    try {
      const entry = engine.select(folder);
      if (entry.folder !== folder) continue; // its name is another one's folder
      const root = formatHex(entry.manifest.root);
      await hashAll(bench, folder);
      if (entry.manifest.files !== undefined) {
        const isWhole = await restoreTree(bench, entry, sample, isForged);
        if (isWhole) restorable.set(folder, root);
        continue;
      }
      const report = await engine.restore(entry, {
        target: { root: "outputs", path: "out" },
        label: "out",
        overwrite: true,
        partial: true,
      });
      const bytes = readFile(bench.outputs, "out");
      if (!report.complete) continue;
      restorable.set(folder, root);
      const known = sample.contents.get(root);
      ok(digestOf(bytes) === root, `${folder} has other bytes than its root`);
      ok(known === undefined || equalBytes(bytes, known));
      ok(isForged || known !== undefined, "only what was committed comes back");
    } catch (error) {
      requireFailure(error);
    }
  }
  return restorable;
}

/** Whether the tree came back whole, and then as it was. */
async function restoreTree(
  bench: Bench,
  entry: ReturnType<Bench["engine"]["select"]>,
  { treeContents }: Sample,
  isForged: boolean,
): Promise<boolean> {
  const { complete } = await bench.engine.restoreTree(entry, {
    root: "outputs",
    path: "tree",
    label: "tree",
    existing: "overwrite",
    partial: false,
    patterns: [],
  });
  const found = bench.outputs.stat("tree");
  ok(found === undefined || found.kind === "folder");
  if (complete && !isForged) {
    for (const [path, content] of treeContents) {
      ok(equalBytes(readFile(bench.outputs, `tree/${path}`), content), path);
    }
  }
  if (found !== undefined) bench.outputs.removeTree("tree");
  const left = bench.outputs.list("").map(({ name }) => name);
  deepStrictEqual(left.filter((name) => name !== "out"), []);
  return complete;
}

/** No hash of a stored file is that of other bytes than the right ones, unless the file is bad. */
async function hashAll(bench: Bench, folder: string): Promise<void> {
  const entry = bench.engine.select(folder).summary;
  for await (const { file } of bench.engine.hashes(entry, "stored")) {
    ok(!file.startsWith("/") && !file.split("/").includes(".."), file);
  }
}

async function healthOf(
  bench: Bench,
  repair: boolean,
): Promise<Map<string, HealthReport["state"]>> {
  const reports = await bench.health(repair);
  for (const report of reports) {
    ok(
      ["healthy", "repaired", "repairable", "lost"].includes(report.state),
      report.state,
    );
  }
  return new Map(reports.map((report) => [report.folder, report.state]));
}

/** Removing one entry changes nothing of the others. */
async function removeOne(bench: Bench, store: Store): Promise<void> {
  const [entry] = bench.engine.list().entries;
  if (entry === undefined) return;
  const before = snapshot(store);
  try {
    await bench.engine.remove(entry.folder);
  } catch (error) {
    return requireFailure(error);
  }
  const kept = [...before].filter(([path]) =>
    path !== entry.folder && !path.startsWith(`${entry.folder}/`)
  );
  deepStrictEqual(snapshot(store), new Map(kept), "the others stay");
}

function requireFailure(error: unknown): void {
  if (!(error instanceof Failure)) throw error;
}

/** What lies where, without opening anything that is no plain file. */
function snapshot(store: Store): Map<string, string> {
  return new Map(
    walk(store).map(({ path, kind }) => {
      if (kind !== "file") return [path, kind];
      const { bytes } = store.stat(path)!;
      // Stretched files are holes that nobody wants to read.
      if (bytes > 1024 * kib) return [path, `${bytes} bytes`];
      return [path, digestOf(readFile(store, path))];
    }),
  );
}
