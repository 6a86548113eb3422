// Random damage up to and beyond the bound, judged by damage_model.ts. Every case says its seed.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Failure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { shardPath } from "../../src/format/entry_path.ts";
import { blockCountOf, blockDataShards } from "../../src/format/geometry.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { expect, shardFiles } from "./damage_model.ts";
import {
  Bench,
  kib,
  readFile,
  readTree,
  removeFile,
  rotBytes,
} from "./harness.ts";
import { judge, judgeHarm, type Sample } from "./judge.ts";

async function makeSample(size: number, policy?: string): Promise<Sample> {
  const archive = new MemoryStore();
  const bench = new Bench({ archive });
  const payload = new Prng(size).bytes(size);
  const report = await bench.commit("sample.bin", payload, policy);
  return {
    archive,
    folder: report.folder,
    geometry: bench.engine.select("sample.bin").manifest.geometry,
    payload,
    pristine: readTree(archive, ""),
  };
}

const samples: [string, number, string | undefined][] = [
  ["tier 1 of one leaf", 700, undefined],
  ["tier 1", 5 * kib + 77, undefined],
  ["tier 2", 40 * kib + 1, undefined],
  ["tier 3 of one block", 90 * kib + 500, undefined],
  ["tier 3 of three blocks", 1000 * kib + 123, undefined],
  ["erasure:4+2", 50 * kib + 9, "erasure:4+2"],
  ["erasure:5+1", 30 * kib, "erasure:5+1"],
  ["erasure:3+5", 70 * kib + 3, "erasure:3+5"],
  ["erasure:4+0", 20 * kib, "erasure:4+0"],
  ["replicate:2", 33 * kib, "replicate:2"],
];

const casesPerSample = Number(Deno.env.get("BLOCKFRAME_DAMAGE_CASES") ?? 250);

for (const [label, size, policy] of samples) {
  Deno.test(`random damage to ${label}: recovered exactly as far as the rows allow`, async () => {
    const sample = await makeSample(size, policy);
    const paths = shardFiles(sample.folder, sample.geometry);
    for (let seed = 1; seed <= casesPerSample; seed++) {
      const prng = new Prng(seed);
      const harmsMax = 2 * (sample.geometry.parityShards + 1);
      await judgeHarm(sample, paths, prng, harmsMax, `${label}, seed ${seed}`);
    }
  });
}

Deno.test("every set of up to m lost shards of a block comes back, and no larger set", async () => {
  const rows: [string, number][] = [["erasure:1+3", 4], ["erasure:4+2", 6], [
    "erasure:3+3",
    6,
  ]];
  for (
    const [policy, shards] of [...rows, ["erasure:6+2", 8] as [string, number]]
  ) {
    const sample = await makeSample(10 * kib + 5, policy);
    strictEqual(
      blockDataShards(sample.geometry, 0) + sample.geometry.parityShards,
      shards,
      `${policy} fills its block`,
    );
    for (let pattern = 1; pattern < 1 << shards; pattern++) {
      const archive = sample.archive.clone();
      for (let shard = 0; shard < shards; shard++) {
        if ((pattern >> shard & 1) === 0) continue;
        removeFile(
          archive,
          `${sample.folder}/${shardPath(sample.geometry, 0, shard)}`,
        );
      }
      await judge(sample, archive, `${policy}, pattern ${pattern.toString(2)}`);
    }
  }
});

Deno.test("damage scattered over more than m shards is recovered where no row lost more than m", async () => {
  const sample = await makeSample(900 * kib);
  const { geometry, folder } = sample;
  ok(blockCountOf(geometry) >= 2);
  const archive = sample.archive.clone();
  const shards = blockDataShards(geometry, 0) + geometry.parityShards;
  for (let shard = 0; shard < shards; shard++) {
    // Row r loses the shards 3r, 3r+1 and 3r+2: all 33 shards are hit, every row within the bound.
    const row = Math.floor(shard / 3);
    const path = `${folder}/${shardPath(geometry, 0, shard)}`;
    rotBytes(archive, path, row * geometry.leafBytes, geometry.leafBytes);
  }
  const expected = expect(archive, folder, geometry, sample.pristine);
  strictEqual(expected.damagedFiles.length, shards);
  strictEqual(expected.lostRanges.length, 0);
  await judge(sample, archive, "scattered");
});

Deno.test("a flipped bit in any shard file is found and mended", async () => {
  const sample = await makeSample(70 * kib);
  const prng = new Prng(77);
  for (const path of shardFiles(sample.folder, sample.geometry)) {
    const archive = sample.archive.clone();
    const good = readFile(archive, path);
    const offset = prng.below(good.length);
    {
      using file = archive.openFile(path, "update");
      file.writeFrom(
        new Uint8Array([good[offset]! ^ (1 << prng.below(8))]),
        offset,
      );
    }
    await judge(sample, archive, path);
  }
});

/** Remembers which folders were synced. */
class WatchedStore extends MemoryStore {
  readonly synced: string[] = [];

  override syncFolder(path: string): void {
    this.synced.push(path);
    super.syncFolder(path);
  }
}

Deno.test("a repair syncs the folders of files that came back, and none for bytes in place", async () => {
  const archive = new WatchedStore();
  const bench = new Bench({ archive });
  const { folder } = await bench.commit(
    "it",
    new Prng(4).bytes(50 * kib),
    "erasure:4+2",
  );
  const [path] = shardFiles(
    folder,
    bench.engine.select("it").manifest.geometry,
  );
  rotBytes(archive, path!, 10, 10);
  archive.synced.length = 0;
  strictEqual((await bench.healthOfOne(true)).state, "repaired");
  strictEqual(archive.synced.join(), "");
  removeFile(archive, path!);
  strictEqual((await bench.healthOfOne(true)).state, "repaired");
  const inner = path!.slice(0, path!.lastIndexOf("/"));
  for (const each of [inner, folder]) ok(archive.synced.includes(each), each);
});

Deno.test("a shard whose folder cannot be made is left with that as the reason", async () => {
  const archive = new MemoryStore();
  const bench = new Bench({ archive });
  const { folder } = await bench.commit("it", new Prng(6).bytes(5 * kib));
  archive.removeTree(`${folder}/segments`);
  archive.makeFolder = () => {
    throw new Failure("permission-denied", "Nobody makes a folder here");
  };
  const { state, damage } = await bench.healthOfOne(true);
  strictEqual(state, "repairable");
  deepStrictEqual(
    damage.map(({ cause, obstacle }) => [cause, obstacle]),
    [["missing", "Nobody makes a folder here"]],
  );
});
