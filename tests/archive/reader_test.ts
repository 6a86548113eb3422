// The verified reader: the right bytes whatever the range, the shape and the damage; what cannot be
// rebuilt is lost and nothing else; what was rebuilt is written back; nothing stays pinned.

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Failure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { shardPath } from "../../src/format/entry_path.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import type { StoreName } from "../../src/store/store.ts";
import { cacheBytesMin } from "../../src/archive/leaf_cache.ts";
import { ArchiveReader } from "../../src/archive/reader.ts";
import { ReadOnlyStore } from "../../src/store/read_only_store.ts";
import { makeShaped } from "./cross_block_entry.ts";
import { Bench, cutFile, kib, removeFile, rotBytes } from "./harness.ts";
import { bigLeaves, open, openWide, readOf, until } from "./readers.ts";

const shapes = [
  { name: "tier 1", bytes: 5 * kib + 77 },
  { name: "tier 2, two segments and a bit", bytes: 33 * kib + 1 },
  { name: "tier 3, leaves shorter than a piece", bytes: 900 * kib + 13 },
  { name: "one byte", bytes: 1 },
  { name: "nothing", bytes: 0 },
];

for (const shape of shapes) {
  Deno.test(`read() gives the right bytes: ${shape.name}`, async () => {
    const bench = new Bench();
    const content = new Prng(3).bytes(shape.bytes);
    await bench.commit("it", content);
    await using reader = await open(bench);
    const [entry] = await reader.entries();
    using file = reader.open(entry!);
    const chance = new Prng(11);
    for (let count = 0; count < 60; count++) {
      const offset = chance.below(shape.bytes + 2);
      const bytes = chance.below(200 * kib);
      const expected = content.subarray(offset, offset + bytes);
      deepEqual(await readOf(file, offset, bytes), expected.slice());
    }
    equal(reader.counters.rebuiltLeafCount, 0);
    equal(reader.pinnedCount, 0);
  });
}

Deno.test("read() from front to back hits what was read before", async () => {
  const bench = new Bench();
  const content = new Prng(4).bytes(700 * kib);
  await bench.commit("it", content);
  await using reader = await open(bench);
  using file = reader.open((await reader.entries())[0]!);
  for (let round = 0; round < 2; round++) {
    for (let offset = 0; offset < content.length; offset += 100 * kib) {
      const expected = content.slice(offset, offset + 100 * kib);
      deepEqual(await readOf(file, offset, 100 * kib), expected);
    }
  }
  ok(reader.counters.hitCount > reader.counters.missCount);
});

Deno.test("damage up to the parity is rebuilt, returned and written back", async () => {
  const bench = new Bench();
  const content = new Prng(5).bytes(300 * kib);
  const { folder } = await bench.commit("it", content);
  const segment = (index: string) =>
    `${folder}/blocks/block_0/segments/segment_${index}.dat`;
  rotBytes(bench.archive, segment("00"), 1000, 300);
  cutFile(bench.archive, segment("03"), 2 * kib);
  removeFile(bench.archive, segment("05"));
  await using reader = await open(bench);
  using file = reader.open((await reader.entries())[0]!);
  deepEqual(await readOf(file, 0, content.length), content);
  ok(reader.counters.rebuiltLeafCount > 0);
  await reader.settle();
  equal(reader.healthOf((await reader.entries())[0]!), "repaired");
  equal((await bench.healthOfOne(false)).state, "healthy");
});

Deno.test("damage is rebuilt but not written back where nobody wants that", async () => {
  const bench = new Bench();
  const content = new Prng(6).bytes(20 * kib);
  const { folder } = await bench.commit("it", content);
  rotBytes(bench.archive, `${folder}/segments/segment_0.dat`, 5, 5);
  await using reader = await open(bench, { repair: false });
  using file = reader.open((await reader.entries())[0]!);
  deepEqual(await readOf(file, 0, content.length), content);
  await reader.settle();
  equal(reader.healthOf((await reader.entries())[0]!), "repairable");
  equal((await bench.healthOfOne(false)).state, "repairable");
});

/** What was said that matches. */
function warningsOf(bench: Bench, pattern: RegExp): string[] {
  return bench.events.flatMap((event) =>
    event.kind === "warning" && pattern.test(event.message)
      ? [event.message]
      : []
  );
}

Deno.test("an archive that refuses writes is read all the same, and says so once", async () => {
  const writable = new Bench();
  const content = new Prng(6).bytes(40 * kib);
  const { folder } = await writable.commit("it", content);
  for (const index of [0, 1, 2]) {
    const path = `${folder}/segments/segment_${index}.dat`;
    rotBytes(writable.archive, path, 5, 5);
  }
  const bench = new Bench({ archive: new ReadOnlyStore(writable.archive) });
  await using reader = await open(bench);
  using file = reader.open((await reader.entries())[0]!);
  deepEqual(await readOf(file, 0, content.length), content);
  await reader.settle();
  equal(warningsOf(bench, /is damaged: what is read of it/).length, 1);
  const warnings = warningsOf(bench, /(?:not written back|lock)/);
  ok(warnings.length >= 1 && warnings.length <= 2, warnings.join("\n"));
  equal(reader.counters.repairedLeafCount, 0);
});

Deno.test("more damage than parity is lost for exactly those leaves", async () => {
  const bench = new Bench();
  const content = new Prng(8).bytes(300 * kib);
  const { folder } = await bench.commit("it", content);
  // Row 2 of four shards: one more than can be rebuilt. Leaves have 1 KiB here.
  const shards = ["00", "01", "02", "03"];
  for (const index of shards) {
    const path = `${folder}/blocks/block_0/segments/segment_${index}.dat`;
    rotBytes(bench.archive, path, 2 * kib, kib);
  }
  await using reader = await open(bench);
  const entry = (await reader.entries())[0]!;
  const { segmentBytes } = entry.manifest.geometry;
  using file = reader.open(entry);
  for (let offset = 0; offset < content.length; offset += kib) {
    const place = offset % segmentBytes;
    const segment = Math.floor(offset / segmentBytes);
    const expected = segment < shards.length && place === 2 * kib
      ? { lost: offset }
      : content.slice(offset, offset + kib);
    deepEqual(await readOf(file, offset, kib), expected, `at ${offset}`);
  }
  equal(reader.healthOf(entry), "lost");
  equal(warningsOf(bench, /has bytes that are lost/).length, 1);
  // What is across the lost leaf says which one it is.
  deepEqual(await readOf(file, kib, 3 * kib), { lost: 2 * kib });
  equal(reader.pinnedCount, 0);
});

Deno.test("an entry that is removed while it is read is not found, not lost", async () => {
  const bench = new Bench();
  const content = new Prng(9).bytes(100 * kib);
  const { folder } = await bench.commit("it", content);
  await using reader = await open(bench);
  using file = reader.open((await reader.entries())[0]!);
  deepEqual(await readOf(file, 0, kib), content.slice(0, kib));
  bench.archive.removeTree(folder);
  await rejects(
    async () => await readOf(file, 90 * kib, kib),
    (error) => error instanceof Failure && error.code === "not-found",
  );
  equal(reader.pinnedCount, 0);
});

Deno.test("many reads at once, more than the cache holds, all get theirs", async () => {
  const bench = new Bench({
    settings: { leafBytesMax: 64 * kib, segmentBytes: 1024 * kib },
  });
  const content = new Prng(10).bytes(22 * 1024 * kib);
  await bench.commit("it", content, "erasure:4+1");
  await using reader = await open(bench);
  using file = reader.open((await reader.entries())[0]!);
  const chance = new Prng(12);
  const reads = Array.from({ length: 60 }, async () => {
    const offset = chance.below(content.length);
    const bytes = 1024 * kib - chance.below(1000);
    const found = await readOf(file, offset, bytes);
    ok(found instanceof Uint8Array);
    const expected = content.subarray(offset, offset + bytes);
    equal(Buffer.compare(found, expected), 0);
  });
  await Promise.all(reads);
  equal(reader.pinnedCount, 0);
});

Deno.test("entries() sees what is committed and what is removed", async () => {
  const bench = new Bench();
  await using reader = await open(bench);
  const settle = () => {
    // The clock of these tests goes on by a millisecond a look.
    for (let count = 0; count < 300; count++) {
      bench.context.clock.monotonicMs();
    }
  };
  deepEqual(await reader.entries(), []);
  const first = await bench.commit("a", new Uint8Array(10));
  settle();
  deepEqual((await reader.entries()).map(({ folder }) => folder), [
    first.folder,
  ]);
  const same = await reader.entries();
  settle();
  equal(await reader.entries(), same, "nothing changed");
  const second = await bench.commit("a", new Uint8Array(11));
  settle();
  deepEqual(
    (await reader.entries()).map((
      { folder, versionIndex },
    ) => [folder, versionIndex]),
    [[second.folder, 0], [first.folder, 1]],
  );
  await bench.engine.remove(second.id);
  settle();
  equal((await reader.entries()).length, 1);
});

Deno.test("entries() of an archive that is long to list are not listed all the time", async () => {
  let nowMs = 1_000_000, listCount = 0;
  const archive = new class extends MemoryStore {
    override list(path: string): StoreName[] {
      if (path === "") {
        listCount++;
        nowMs += 100;
      }
      return super.list(path);
    }
  }();
  const bench = new Bench({ archive });
  await bench.commit("it", new Uint8Array(10));
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const options = { cacheBytes: cacheBytesMin, repair: false };
  await using reader = new ArchiveReader({ ...bench.context, clock }, options);
  listCount = 0;
  const endMs = nowMs + 10_000;
  while (nowMs < endMs) {
    nowMs += 10;
    equal((await reader.entries()).length, 1);
  }
  ok(listCount >= 5 && listCount <= 11, `${listCount} lists in ten seconds`);
});

const smallShape = {
  dataShards: 4,
  parityShards: 1,
  groups: 1,
  parity: 1,
  segmentLeaves: 2,
  payloadBytes: 32 * kib,
};

Deno.test("what no single block can rebuild comes from the parity across blocks", async () => {
  const { archive, folder, geometry, payload } = await makeShaped(smallShape);
  for (const shard of [0, 1, 2, 3, 4]) {
    removeFile(archive, `${folder}/${shardPath(geometry, 1, shard)}`);
  }
  const bench = new Bench({ archive });
  await using reader = await open(bench);
  using file = reader.open((await reader.entries())[0]!);
  deepEqual(await readOf(file, 9 * kib, 2000), payload.slice(9 * kib, 11_216));
  deepEqual(await readOf(file, 0, payload.length), payload);
  await reader.settle();
  equal((await bench.healthOfOne(true)).state === "lost", false);
});

Deno.test("a single leaf is rebuilt from its row at once, across blocks by the threads", async () => {
  const { archive, folder, geometry, payload } = await makeShaped(smallShape);
  const bench = new Bench({ archive });
  for (const [shards, expected] of [[[0], []], [[0, 1], ["slab"]]] as const) {
    for (const shard of shards) {
      const path = `${folder}/${shardPath(geometry, 1, shard)}`;
      if (archive.stat(path) !== undefined) removeFile(archive, path);
    }
    const kinds: string[] = [];
    await using reader = openWide(bench, (job) => {
      kinds.push(job.kind);
      return Promise.resolve();
    }, { repair: false });
    using file = reader.open((await reader.entries())[0]!);
    deepEqual(await readOf(file, 8 * kib, 10), payload.slice(8 * kib, 8202));
    deepEqual([...new Set(kinds)], expected);
  }
});

Deno.test("rows in the middle of a piece come from the parity across blocks, too", async () => {
  const { archive, folder, geometry, payload } = await makeShaped({
    ...smallShape,
    segmentLeaves: 16,
    payloadBytes: 256 * kib,
  });
  // Two shards of block 1: more than its parity. Rows 3 and 4, and 9, of the piece that a segment is.
  for (const row of [3, 4, 9]) {
    for (const shard of [1, 2]) {
      const path = `${folder}/${shardPath(geometry, 1, shard)}`;
      rotBytes(archive, path, row * kib + 100, 50);
    }
  }
  const bench = new Bench({ archive });
  await using reader = await open(bench, { repair: false });
  using file = reader.open((await reader.entries())[0]!);
  for (let offset = 0; offset < payload.length; offset += 64 * kib) {
    const expected = payload.slice(offset, offset + 64 * kib);
    const found = await readOf(file, offset, 64 * kib);
    ok(found instanceof Uint8Array, `lost at ${offset}`);
    equal(Buffer.compare(found, expected), 0, `right bytes at ${offset}`);
  }
  ok(reader.counters.rebuiltLeafCount >= 6);
});

Deno.test("digests come page by page, from any copy that has them right", async () => {
  const bench = new Bench();
  // With leaves of 1 KiB an outboard of three pages.
  const content = new Prng(13).bytes(5000 * kib);
  const { folder } = await bench.commit("it", content);
  const outboards = ["", "hashes/", "hashes_1/", "hashes_2/"]
    .map((copy) => `${folder}/${copy}outboard.bin`);
  using file = bench.archive.openFile(outboards[0]!, "read");
  ok(file.size() > 2 * 64 * kib, "the outboard has several pages");
  // Page 0 is good in the last copy only; page 1 in none, but most of its slots agree.
  for (const path of outboards.slice(0, 3)) {
    rotBytes(bench.archive, path, 100, 10);
  }
  outboards.forEach((path, index) =>
    rotBytes(bench.archive, path, 64 * kib + 32 * index, 32)
  );
  await using reader = await open(bench, { repair: false });
  using it = reader.open((await reader.entries())[0]!);
  for (let offset = 0; offset < content.length; offset += 1000 * kib) {
    const expected = content.slice(offset, offset + 1000 * kib);
    deepEqual(await readOf(it, offset, 1000 * kib), expected);
  }
  equal(reader.counters.rebuiltLeafCount, 0, "no leaf was ever wrong");
});

Deno.test("entries() of very many lets others have their turn", async () => {
  const bench = new Bench({ settings: { durable: false } });
  for (let count = 0; count < 120; count++) {
    await bench.commit(`f${count}`, new Uint8Array([count]));
  }
  await using reader = await open(bench);
  const entries = reader.entries();
  ok(entries instanceof Promise);
  equal(reader.entries(), entries, "one reading for all who ask");
  equal((await entries).length, 120);
  equal((await reader.entries()).length, 120);
});

Deno.test("who reads from front to back is read ahead for, and gives it all back", async () => {
  const bench = new Bench({ settings: bigLeaves });
  const content = new Prng(14).bytes(12 * 1024 * kib + 5);
  const { folder } = await bench.commit("it", content, "erasure:4+1");
  rotBytes(
    bench.archive,
    `${folder}/blocks/block_1/segments/segment_05.dat`,
    300_000,
    10,
  );
  for (const end of [content.length, 3 * 1024 * kib]) {
    await using reader = openWide(bench);
    {
      using file = reader.open((await reader.entries())[0]!);
      for (let offset = 0; offset < end; offset += 128 * kib) {
        const found = await readOf(file, offset, 128 * kib);
        ok(found instanceof Uint8Array);
        const expected = content.subarray(offset, offset + 128 * kib);
        equal(Buffer.compare(found, expected), 0, `at ${offset}`);
      }
      if (end < content.length) ok(reader.pinnedCount > 0, "more is at hand");
    }
    const { readAheadCount, missCount } = reader.counters;
    ok(readAheadCount > 0.9 * missCount, `${readAheadCount} of ${missCount}`);
    ok(reader.counters.rebuiltLeafCount > 0 === end > 3 * 1024 * kib);
    await reader.settle();
    // What was on its way is let go as it comes.
    await until(() => reader.pinnedCount === 0);
  }
  equal((await bench.healthOfOne(false)).state, "healthy");
});

Deno.test("who jumps about is not read ahead for", async () => {
  const bench = new Bench({ settings: bigLeaves });
  const content = new Prng(15).bytes(12 * 1024 * kib);
  await bench.commit("it", content, "erasure:4+1");
  await using reader = openWide(bench);
  using file = reader.open((await reader.entries())[0]!);
  for (let count = 0; count < 20; count++) {
    const offset = (count * 5 % 12) * 1024 * kib;
    await readOf(file, offset, 4 * kib);
  }
  equal(reader.counters.readAheadCount, 0);
});

Deno.test("segments of a few leaves make no read too long", async () => {
  const bench = new Bench({ settings: { segmentBytes: 4 * kib } });
  const content = new Prng(16).bytes(3000 * kib);
  await bench.commit("it", content, "erasure:30+3");
  await using reader = openWide(bench);
  using file = reader.open((await reader.entries())[0]!);
  const reads = Array.from({ length: 12 }, async (_, index) => {
    const offset = index * 173 * kib + 5;
    const found = await readOf(file, offset, 1024 * kib);
    ok(found instanceof Uint8Array);
    const expected = content.subarray(offset, offset + 1024 * kib);
    equal(Buffer.compare(found, expected), 0, `at ${offset}`);
  });
  await Promise.all(reads);
  for (let offset = 0; offset < content.length; offset += 700 * kib) {
    const expected = content.slice(offset, offset + 700 * kib);
    deepEqual(await readOf(file, offset, 700 * kib), expected);
  }
});

Deno.test("what is read ahead for a reader that has jumped away still counts", async () => {
  const bench = new Bench({ settings: { segmentBytes: 4 * kib } });
  const content = new Prng(18).bytes(6000 * kib);
  await bench.commit("it", content, "erasure:30+3");
  const gate = Promise.withResolvers<void>();
  await using reader = openWide(bench, () => gate.promise);
  using file = reader.open((await reader.entries())[0]!);
  for (let place = 0; place < 10; place++) {
    // Each is more than a megabyte from the one before.
    let offset = (place % 2 * 3000 + place * 250) * kib;
    for (let step = 0; step < 2; step++, offset += 4 * kib) {
      const expected = content.slice(offset, offset + 4 * kib);
      deepEqual(await readOf(file, offset, 4 * kib), expected);
    }
  }
  ok(reader.counters.readAheadCount > 0);
  gate.resolve();
});

Deno.test("a read that fails keeps its memory until all threads have written theirs", async () => {
  const bench = new Bench({ settings: bigLeaves });
  const content = new Prng(20).bytes(4 * 1024 * kib);
  await bench.commit("it", content, "erasure:4+1");
  const slow = Promise.withResolvers<void>();
  let jobCount = 0;
  const reader = openWide(bench, () => {
    if (jobCount++ > 0) return slow.promise;
    throw new Failure("io", "the first job fails");
  });
  using file = reader.open((await reader.entries())[0]!);
  // Two segments: two jobs.
  const read = readOf(file, 512 * kib, 1024 * kib);
  let isFailed = false;
  read.catch(() => isFailed = true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  ok(jobCount > 1);
  equal(isFailed, false, "its slots are still written to");
  slow.resolve();
  await rejects(read, /the first job fails/);
  equal(reader.pinnedCount, 0);
  await reader[Symbol.asyncDispose]();
});

Deno.test("a file that is gone is made whole by one read of it", async () => {
  const bench = new Bench();
  const content = new Prng(17).bytes(300 * kib);
  const { folder } = await bench.commit("it", content);
  const segments = `${folder}/blocks/block_0/segments`;
  removeFile(bench.archive, `${segments}/segment_03.dat`);
  cutFile(bench.archive, `${segments}/segment_04.dat`, kib);
  await using reader = await open(bench);
  const [entry] = await reader.entries();
  using file = reader.open(entry!);
  const offset = 3 * entry!.manifest.geometry.segmentBytes;
  deepEqual(await readOf(file, offset, 1), content.slice(offset, offset + 1));
  await reader.settle();
  equal((await bench.healthOfOne(false)).state, "healthy");
});

Deno.test("files that are open and not read keep nobody from being read ahead for", async () => {
  const bench = new Bench({ settings: bigLeaves });
  const content = new Prng(26).bytes(22 * 1024 * kib);
  await bench.commit("it", content, "erasure:4+1");
  await using reader = openWide(bench);
  const [entry] = await reader.entries();
  const files = [0, 1, 2, 3].map(() => reader.open(entry!));
  const readOne = async (index: number) => {
    const before = reader.counters.readAheadCount;
    const start = index * 5 * 1024 * kib;
    for (let offset = 0; offset < 1024 * kib; offset += 128 * kib) {
      const found = await readOf(files[index]!, start + offset, 128 * kib);
      ok(found instanceof Uint8Array);
    }
    return reader.counters.readAheadCount - before;
  };
  // A quarter of the cache's 256 places is for what is read ahead: two or three files take them.
  for (const index of [0, 1, 2]) await readOne(index);
  ok(await readOne(3) < 8, "they are taken");
  for (let count = 0; count < 6000; count++) bench.context.clock.monotonicMs();
  files.push(reader.open(entry!));
  ok(await readOne(4) >= 10, "they are somebody else's now");
  for (const file of files) file[Symbol.dispose]();
  await until(() => reader.pinnedCount === 0);
});
