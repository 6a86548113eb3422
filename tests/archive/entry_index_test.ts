// The index: whatever it says, is, or does, a listing is the one that there is without it.

import {
  deepStrictEqual,
  notDeepStrictEqual,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { type Bytes, equalBytes } from "../../src/base/bytes.ts";
import { Failure, isFailure } from "../../src/base/errors.ts";
import { indexPageEntriesMax } from "../../src/base/limits.ts";
import { Prng } from "../../src/base/prng.ts";
import {
  decodeIndexPage,
  encodeIndexPage,
  type IndexedEntry,
} from "../../src/archive/index_page.ts";
import { Codec } from "../../src/codec/mod.ts";
import { entryFolder } from "../../src/format/entry_path.ts";
import { decodeManifest, encodeManifest } from "../../src/format/manifest.ts";
import { FaultyStore } from "../../src/store/faulty_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import type { PageFile, PageFiles } from "../../src/store/page_file.ts";
import type { Store } from "../../src/store/store.ts";
import { Bench, readFile, rotBytes, writeFile } from "./harness.ts";

const codec = Codec.open();
const digest = (bytes: Bytes): Bytes => codec.digest(bytes);

/** Pages in memory, which a test can spoil. */
class MemoryPages implements PageFiles {
  pages = new Map<number, Bytes>();
  writable = true;
  /** What every call fails with, if set. */
  failure: Failure | undefined;
  writeCount = 0;
  pageWriteCount = 0;
  discardCount = 0;

  open(): PageFile | undefined {
    this.#fail();
    return {
      writable: this.writable,
      read: () => {
        this.#fail();
        return new Map(this.pages);
      },
      write: (changes) => {
        this.#fail();
        this.writeCount++;
        for (const [page, content] of changes) {
          this.pageWriteCount++;
          if (content === undefined) this.pages.delete(page);
          else this.pages.set(page, content);
        }
      },
      [Symbol.dispose]: () => {},
    };
  }

  discard(): void {
    this.discardCount++;
    this.pages.clear();
  }

  #fail(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}

/** An archive of many entries of one manifest, each with another id and name. */
async function makeMany(count: number): Promise<MemoryStore> {
  const store = new MemoryStore();
  const bench = new Bench({ archive: store });
  const { folder } = await bench.commit("seed", new Uint8Array(100));
  const decoded = decodeManifest(
    readFile(store, `${folder}/manifest.json`),
    digest,
  );
  if (decoded.kind !== "valid") throw new Error("the manifest reads back");
  for (let index = 1; index < count; index++) {
    plant(store, decoded.manifest, index);
  }
  return store;
}

function plant(
  store: MemoryStore,
  manifest: Parameters<typeof encodeManifest>[0],
  index: number,
): string {
  const id = (index * 7919).toString(16).padStart(16, "0");
  const name = `name-${index % 50}`;
  const folder = entryFolder(name, id);
  const created = new Date(1_700_000_000_000 + index * 1000).toISOString();
  const bytes = encodeManifest({ ...manifest, id, name, created }, digest);
  store.plantFile(`${folder}/manifest.json`, bytes);
  return folder;
}

function benchOf(
  archive: Store,
  files: PageFiles | undefined,
  seed = 1,
): Bench {
  return new Bench({
    archive,
    seed,
    ...(files === undefined ? {} : { index: { files, entriesMin: 5 } }),
  });
}

/** Reads of manifests that a listing makes. */
function countReads(archive: Store, files: PageFiles): number {
  const counting = new FaultyStore(archive);
  benchOf(counting, files).engine.list();
  return counting.callCount("openFile");
}

Deno.test("list() reads each manifest once, and then none", async () => {
  const store = await makeMany(700);
  const files = new MemoryPages();
  const plain = benchOf(store, undefined).engine.list();
  strictEqual(plain.entries.length, 700);
  strictEqual(countReads(store, files), 700);
  deepStrictEqual(benchOf(store, files).engine.list(), plain);
  strictEqual(countReads(store, files), 0);
  strictEqual(files.writeCount, 1);
  strictEqual(files.pages.size, Math.ceil(700 / indexPageEntriesMax));
});

Deno.test("list() reads what is new, forgets what is gone, and writes their pages only", async () => {
  const store = await makeMany(1500);
  const files = new MemoryPages();
  const bench = benchOf(store, files);
  const { entries } = bench.engine.list();
  const { folder } = await bench.commit("new", new Uint8Array(100));
  strictEqual(countReads(store, files), 1);
  strictEqual(files.pageWriteCount, 3 + 1);
  deepStrictEqual(bench.engine.list(), benchOf(store, undefined).engine.list());
  store.removeTree(folder);
  for (const { folder } of entries.slice(0, 5)) store.removeTree(folder);
  strictEqual(countReads(store, files), 0);
  deepStrictEqual(bench.engine.list(), benchOf(store, undefined).engine.list());
  for (const { folder } of entries.slice(5)) store.removeTree(folder);
  for (let index = 0; index < 6; index++) {
    await bench.commit(`x${index}`, new Uint8Array(1));
  }
  strictEqual(bench.engine.list().entries.length, 6);
  strictEqual(files.pages.size, 1);
});

Deno.test("a small archive has no index", async () => {
  const store = await makeMany(4);
  const files = new MemoryPages();
  benchOf(store, files).engine.list();
  strictEqual(files.writeCount, 0);
});

Deno.test("what is changed, renamed, damaged or not ours is listed as without an index", async () => {
  const store = await makeMany(60);
  const files = new MemoryPages();
  const before = benchOf(store, files).engine.list();
  const at = (index: number) => before.entries[index]!.folder;
  const manifest = (index: number) =>
    readFile(store, `${at(index)}/manifest.json`);
  const foreign = manifest(1);
  store.removeFile(`${at(2)}/manifest.json`);
  store.plantFile(`${at(3)}/manifest.json`, foreign);
  store.plantFile(`${at(4)}/manifest.json`, manifest(4).subarray(0, 200));
  store.rename(at(5), "renamed");
  store.removeTree(at(6));
  store.plantOther(at(7).replace(/.$/, "g"));
  const gone = at(8);
  store.removeTree(gone);
  store.plantOther(gone);
  store.plantFile("notes.txt", new Uint8Array(3));
  store.plantFolder("empty");
  for (let run = 0; run < 3; run++) {
    const listing = benchOf(store, files).engine.list();
    deepStrictEqual(listing, benchOf(store, undefined).engine.list());
    notDeepStrictEqual(listing, before);
    ok(listing.problems.length >= 3);
  }
});

Deno.test("an index that rotted, was cut or mixed up is forgotten and made anew", async () => {
  const store = await makeMany(600);
  const plain = benchOf(store, undefined).engine.list();
  const pristine = new MemoryPages();
  benchOf(store, pristine).engine.list();
  const chance = new Prng(3);
  for (let round = 0; round < 150; round++) {
    const files = new MemoryPages();
    files.pages = new Map(
      [...pristine.pages].map(([page, each]) => [page, each.slice()]),
    );
    const page = chance.below(2);
    const content = files.pages.get(page)!;
    if (round % 3 === 0) {
      files.pages.set(page, content.subarray(0, chance.below(content.length)));
    } else if (round % 3 === 1) {
      content[chance.below(content.length)]! ^= 1 << chance.below(8);
    } else files.pages.set(page, chance.bytes(chance.below(100)));
    const bench = benchOf(store, files);
    deepStrictEqual(bench.engine.list(), plain, `round ${round}`);
    ok(
      bench.events.some((event) =>
        event.kind === "note" && /damaged/.test(event.message)
      ),
    );
    strictEqual(countReads(store, files), 0, "it is whole again");
  }
});

Deno.test("pages twice, swapped or missing change nothing", async () => {
  const store = await makeMany(1200);
  const plain = benchOf(store, undefined).engine.list();
  const pristine = new MemoryPages();
  benchOf(store, pristine).engine.list();
  const [first, second, third] = [...pristine.pages.values()];
  for (
    const pages of [
      [first, first, second, third],
      [third, second, first],
      [second, third],
      [first, third, third],
      [],
    ]
  ) {
    const files = new MemoryPages();
    pages.forEach((page, index) => files.pages.set(index * 3, page!));
    deepStrictEqual(benchOf(store, files).engine.list(), plain);
    deepStrictEqual(benchOf(store, files).engine.list(), plain);
  }
});

Deno.test("an index that cannot be opened, read or written costs only time", async () => {
  const store = await makeMany(20);
  const plain = benchOf(store, undefined).engine.list();
  const files = new MemoryPages();
  benchOf(store, files).engine.list();
  files.failure = new Failure("io", "The disk image is malformed");
  const bench = benchOf(store, files);
  deepStrictEqual(bench.engine.list(), plain);
  ok(files.discardCount > 0);
  ok(bench.events.every((event) => event.kind === "note"));
  files.failure = new Failure("io", "The database is locked");
  files.discardCount = 0;
  deepStrictEqual(benchOf(store, files).engine.list(), plain);
  strictEqual(files.discardCount, 0, "what another process uses is left");
  files.failure = undefined;
  files.writable = false;
  files.writeCount = 0;
  deepStrictEqual(benchOf(store, files).engine.list(), plain);
  strictEqual(files.writeCount, 0);
});

Deno.test("nothing acts on what the index says: the manifest is read", async () => {
  const store = await makeMany(20);
  const files = new MemoryPages();
  const bench = benchOf(store, files, 9);
  const payload = new Prng(5).bytes(3000);
  const { id, folder } = await bench.commit("mine", payload);
  bench.engine.list();
  // The index of an archive in which this entry had another name and the newest of the name is gone.
  const entries = decodeIndexPage(files.pages.get(0)!, digest)!;
  const lie = (change: Partial<IndexedEntry["summary"]>) =>
    files.pages.set(
      0,
      encodeIndexPage(
        entries.map((entry) =>
          entry.summary.id === id
            ? { ...entry, summary: { ...entry.summary, ...change } }
            : entry
        ),
        digest,
      ),
    );
  lie({ name: "other" });
  strictEqual(
    bench.engine.list().entries.some(({ name }) => name === "other"),
    true,
  );
  strictEqual(bench.engine.show("mine").id, id);
  deepStrictEqual((await bench.restore("mine")).bytes, payload);
  lie({ id: "00000000000000aa" });
  strictEqual(bench.engine.show("mine").id, id);
  await rejects(
    bench.engine.remove("00000000000000aa"),
    (error) => isFailure(error, "not-found"),
  );
  lie({ payloadBytes: 1, root: "" });
  strictEqual(bench.engine.show("mine").payloadBytes, 3000);
  deepStrictEqual((await bench.restore("mine")).bytes, payload);
  const plan = bench.engine.planPrune({ rules: { last: 1 } });
  ok(
    plan.names.some(({ name, versions }) =>
      name === "mine" && versions[0]!.entry.payloadBytes === 3000
    ),
  );
  // A row whose manifests have rotted since, without a trace outside.
  for (const copy of ["", "hashes/", "hashes_1/", "hashes_2/"]) {
    const path = `${folder}/${copy}manifest.json`;
    const stat = store.stat(path)!;
    rotBytes(store, path, 10, 5);
    if (stat.modifiedMs !== undefined) {
      store.setAttributes(path, { modifiedMs: stat.modifiedMs });
    }
  }
  await rejects(
    bench.restore("mine"),
    (error) =>
      isFailure(error, "not-found") &&
      /none of its 4 manifest copies/.test(error.message),
  );
});

Deno.test("decodeIndexPage() takes back what was encoded, and nothing that is a bit different", () => {
  const entries: IndexedEntry[] = Array.from({ length: 9 }, (_, index) => ({
    summary: {
      id: `${index}`.repeat(16),
      name: index % 2 === 0 ? "same" : `näme\n${index}`,
      folder: `folder-${index}`,
      created: "2026-01-01T00:00:00.000Z",
      tier: index % 3,
      policy: "erasure:1+3",
      payloadBytes: 2 ** 53 - 1 - index,
      storedBytes: 5,
      root: "00",
      segmentCount: 1,
      segmentBytes: 2,
      blockCount: 3,
      dataShards: 4,
      parityShards: 5,
      ...(index < 8 ? {} : { crossBlock: { groups: 1, parity: 2 } }),
      leafBytes: 1024,
      ...(index % 2 === 0 ? {} : { modified: "yesterday" }),
      ...(index < 4 ? {} : { mode: "0644" }),
    },
    manifestBytes: 1000 + index,
    manifestMs: index === 0 ? -1 : 1.5 * index,
  }));
  const page = encodeIndexPage(entries, digest);
  deepStrictEqual(decodeIndexPage(page, digest), entries);
  const text = JSON.stringify(entries.map(({ summary }) => summary));
  strictEqual(
    JSON.stringify(decodeIndexPage(page, digest)!.map((each) => each.summary)),
    text,
    "in the same order, too",
  );
  deepStrictEqual(
    decodeIndexPage(encodeIndexPage(entries.slice(8), digest), digest),
    entries.slice(8),
  );
  for (let bit = 0; bit < page.length * 8; bit += 5) {
    const other = page.slice();
    other[bit >> 3]! ^= 1 << (bit & 7);
    ok(!equalBytes(other, page));
    strictEqual(decodeIndexPage(other, digest), undefined, `bit ${bit}`);
  }
});

Deno.test("decodeIndexPage() believes no page of another shape, whatever its digest", () => {
  const store = new MemoryStore();
  writeFile(store, "x", new Uint8Array(1));
  const good: IndexedEntry = {
    summary: {
      id: "0",
      name: "n",
      folder: "f",
      created: "c",
      tier: 1,
      policy: "p",
      payloadBytes: 1,
      storedBytes: 1,
      root: "r",
      segmentCount: 1,
      segmentBytes: 1,
      blockCount: 1,
      dataShards: 1,
      parityShards: 1,
      leafBytes: 1,
    },
    manifestBytes: 1,
    manifestMs: 1,
  };
  ok(decodeIndexPage(encodeIndexPage([good], digest), digest));
  const bad: unknown[] = [
    { ...good, manifestBytes: -1 },
    { ...good, manifestMs: "1" },
    ...Object.entries({
      id: 7,
      name: null,
      folder: { f: 1 },
      payloadBytes: 1.5,
      tier: "1",
      leafBytes: -1,
      storedBytes: 2 ** 60,
      modified: 5,
      crossBlock: { groups: "1" },
    }).map(([name, value]) => ({
      ...good,
      summary: { ...good.summary, [name]: value },
    })),
  ];
  for (const each of bad) {
    for (const others of [[], [good]]) {
      const page = encodeIndexPage([each as IndexedEntry, ...others], digest);
      strictEqual(
        decodeIndexPage(page, digest),
        undefined,
        JSON.stringify(each),
      );
    }
  }
  const many = Array.from({ length: indexPageEntriesMax + 1 }, () => good);
  strictEqual(
    decodeIndexPage(encodeIndexPage(many, digest), digest),
    undefined,
  );
  strictEqual(decodeIndexPage(new Uint8Array(0), digest), undefined);
});
