// The verified reader after something failed: a disk that was away for a moment, a listing, a repair
// that was cut short. What failed once is tried again, and nothing else suffers from it.

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { Failure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { cacheBytesMin } from "../../src/archive/leaf_cache.ts";
import type { LockSettings } from "../../src/archive/context.ts";
import { ArchiveReader } from "../../src/archive/reader.ts";
import { lockPath } from "../../src/format/lock_record.ts";
import { shardPath } from "../../src/format/entry_path.ts";
import { FaultyStore } from "../../src/store/faulty_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import type {
  OpenMode,
  StoreFile,
  StoreName,
  StoreStat,
} from "../../src/store/store.ts";
import {
  Bench,
  kib,
  readFile,
  readTree,
  removeFile,
  rotBytes,
  writeFile,
} from "./harness.ts";
import { bigLeaves, open, openWide, readOf, until } from "./readers.ts";

/** A store whose folder has a time of change, as those of disks have, and that can be pulled out. */
class DatedStore extends MemoryStore {
  isPulled = false;
  #names = "";
  #modifiedMs = 0;

  override list(path: string): StoreName[] {
    return this.isPulled ? [] : super.list(path);
  }

  override stat(path: string): StoreStat | undefined {
    if (this.isPulled && path !== "") {
      throw new Failure("offline", "the disk is not there any more");
    }
    const found = super.stat(path);
    if (path !== "" || found === undefined) return found;
    const names = this.list("").map(({ name }) => name).join("/");
    if (names !== this.#names) this.#modifiedMs++;
    this.#names = names;
    return { ...found, modifiedMs: this.#modifiedMs };
  }
}

Deno.test("entries() that failed, or met what it could not read, looks again", async () => {
  const inner = new DatedStore();
  const store = new FaultyStore(inner);
  const bench = new Bench({ archive: store });
  const first = await bench.commit("a", encodeUtf8("first"));
  await using reader = await open(bench);
  const look = async () => {
    // The clock goes on by a millisecond a look: long enough for whatever is done anew.
    for (let count = 0; count < 20_000; count++) {
      bench.context.clock.monotonicMs();
    }
    return (await reader.entries()).map(({ folder }) => folder);
  };
  deepEqual(await look(), [first.folder]);
  // The folder cannot be listed once, just when something came and something went.
  const second = await bench.commit("b", encodeUtf8("second"));
  await bench.engine.remove(first.id);
  store.plan({ kind: "fail", call: "list", path: "" });
  await rejects(look, Failure);
  deepEqual(await look(), [second.folder]);
  // One entry that came cannot be read for a moment.
  const third = await bench.commit("c", encodeUtf8("third"));
  store.plan({
    kind: "fail",
    call: "openFile",
    path: /^c_.*manifest/,
    times: 6,
  });
  deepEqual(await look(), [second.folder]);
  deepEqual(await look(), [second.folder, third.folder]);
  // One is copied in, and its folder comes long before its files do.
  const other = new Bench({ seed: 2 });
  const { folder } = await other.commit("d", encodeUtf8("fourth"));
  inner.makeFolder(folder);
  deepEqual(await look(), [second.folder, third.folder]);
  for (const [path, bytes] of readTree(other.archive, folder)) {
    const above = path.split("/").slice(0, -1);
    above.forEach((_, index) =>
      inner.makeFolder(above.slice(0, index + 1).join("/"))
    );
    writeFile(inner, path, bytes);
  }
  deepEqual(await look(), [second.folder, third.folder, folder]);
  deepEqual(store.unfired(), []);
  // The stick is pulled, and what it was mounted at is an empty folder.
  inner.isPulled = true;
  await rejects(look, /the disk is not there/);
  inner.isPulled = false;
  deepEqual(await look(), [second.folder, third.folder, folder]);
});

Deno.test("digests that could not be had for a moment are had afterwards", async () => {
  let isBroken = false;
  const archive = new class extends MemoryStore {
    override openFile(path: string, mode: OpenMode): StoreFile {
      if (isBroken) throw new Failure("io", `${path} cannot be read`);
      return super.openFile(path, mode);
    }
  }();
  const bench = new Bench({ archive });
  const content = new Prng(13).bytes(5000 * kib);
  await bench.commit("it", content);
  await using reader = await open(bench, { repair: false });
  using it = reader.open((await reader.entries())[0]!);
  deepEqual(await readOf(it, 0, 5 * kib), content.slice(0, 5 * kib));
  const far = 4000 * kib;
  isBroken = true;
  deepEqual(await readOf(it, far, 5 * kib), { lost: far });
  isBroken = false;
  deepEqual(await readOf(it, far, 5 * kib), content.slice(far, far + 5 * kib));
});

Deno.test("what could not be read ahead is tried again by whoever comes to it", async () => {
  const bench = new Bench({ settings: bigLeaves });
  const content = new Prng(22).bytes(4 * 1024 * kib);
  const { folder } = await bench.commit("it", content, "erasure:4+1");
  // Lost in two shards of one row, which is more than can be rebuilt: until somebody brings it back.
  const row = 640 * kib;
  const { geometry } = bench.engine.select("it").manifest;
  const paths = [0, 1].map((shard) =>
    `${folder}/${shardPath(geometry, 0, shard)}`
  );
  const intact = paths.map((path) => readFile(bench.archive, path));
  for (const path of paths) rotBytes(bench.archive, path, row, 100);
  let isUnplugged = true;
  await using reader = openWide(bench, () => {
    if (!isUnplugged) return Promise.resolve();
    throw new Failure("offline", "the disk is not there");
  });
  using file = reader.open((await reader.entries())[0]!);
  const readRight = async (offset: number) =>
    deepEqual(
      await readOf(file, offset, 128 * kib),
      content.slice(offset, offset + 128 * kib),
      `at ${offset}`,
    );
  await readRight(0);
  await readRight(128 * kib);
  const first = reader.counters.readAheadCount;
  ok(first > 0);
  await until(() => reader.pinnedCount === 0);
  isUnplugged = false;
  for (let offset = 256 * kib; offset < row; offset += 128 * kib) {
    await readRight(offset);
  }
  ok(reader.counters.readAheadCount > first, "it was read ahead again");
  await until(() => reader.counters.lostLeafCount > 0);
  deepEqual(await readOf(file, row, 128 * kib), { lost: row });
  paths.forEach((path, index) =>
    writeFile(bench.archive, path, intact[index]!)
  );
  await readRight(row);
});

Deno.test("a repair that was cut short is done when the damage is met again", async () => {
  const store = new FaultyStore(new MemoryStore());
  const bench = new Bench({
    archive: store,
    settings: { segmentBytes: 256 * kib },
  });
  const content = new Prng(23).bytes(900 * kib);
  const { folder } = await bench.commit("it", content, "erasure:4+1");
  await using reader = await open(bench);
  const [entry] = await reader.entries();
  const { geometry } = entry!.manifest;
  removeFile(store, `${folder}/${shardPath(geometry, 0, 1)}`);
  using file = reader.open(entry!);
  const offset = geometry.segmentBytes;
  store.plan({ kind: "fail", call: "openLockFile", code: "offline" });
  for (const at of [offset, offset + 64 * kib]) {
    deepEqual(await readOf(file, at, 1), content.slice(at, at + 1));
    await reader.settle();
  }
  deepEqual(store.unfired(), []);
  equal((await bench.healthOfOne(false)).state, "healthy");
});

Deno.test("a mistake in a repair ends the repairs and no read", async () => {
  const bench = new Bench();
  const content = new Prng(24).bytes(300 * kib);
  const { folder } = await bench.commit("it", content);
  const path = `${folder}/blocks/block_0/segments/segment_03.dat`;
  rotBytes(bench.archive, path, 1000, 300);
  await using reader = openWide(bench, (job) => {
    if (job.kind !== "scan" || !job.repair) return Promise.resolve();
    throw new TypeError("a mistake of ours");
  });
  using file = reader.open((await reader.entries())[0]!);
  deepEqual(await readOf(file, 0, content.length), content);
  await reader.settle();
  const warnings = bench.events.filter((event) =>
    event.kind === "warning" && event.message.includes("not written back")
  );
  match(JSON.stringify(warnings), /not written back: a mistake of ours/);
  equal(warnings.length, 1);
  deepEqual(await readOf(file, 0, content.length), content);
});

Deno.test("who ends a reader does not wait for another who repairs", async () => {
  const bench = new Bench();
  const content = new Prng(25).bytes(300 * kib);
  const { folder } = await bench.commit("it", content);
  const { geometry } = bench.engine.select("it").manifest;
  rotBytes(bench.archive, `${folder}/${shardPath(geometry, 0, 3)}`, 1000, 300);
  const others = bench.archive.openLockFile(lockPath("repair"));
  ok(others.kind === "held");
  using _held = others.file;
  const waited = Promise.withResolvers<void>();
  const locking: LockSettings = {
    pid: 1,
    instance: "this",
    host: "here",
    waitMs: 60_000,
    // As long as nobody is told to stop.
    pause: (_, signal) => {
      waited.resolve();
      return new Promise((resolve) =>
        signal?.addEventListener("abort", () => resolve())
      );
    },
  };
  const context = { ...bench.context, locking };
  const options = { cacheBytes: cacheBytesMin, repair: true };
  await using reader = new ArchiveReader(context, options);
  using file = reader.open((await reader.entries())[0]!);
  deepEqual(await readOf(file, 0, content.length), content);
  await waited.promise;
});
