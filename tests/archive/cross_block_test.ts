// Parity across blocks: what it recovers, alone and in turns with the parity of the blocks, judged
// by damage_model.ts, which knows nothing of how the engine goes about it.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { equalBytes } from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import { shardPath } from "../../src/format/entry_path.ts";
import {
  blockCountOf,
  blockDataShards,
  blockShardCount,
  columnCountOf,
  parityBytesOf,
} from "../../src/format/geometry.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import type { OpenMode } from "../../src/store/store.ts";
import { makeShaped, type Shape } from "./cross_block_entry.ts";
import { expect, shardFiles } from "./damage_model.ts";
import { Collector, streamOf } from "./byte_streams.ts";
import { Bench, kib, readTree, removeFile, rotBytes } from "./harness.ts";
import { judge, judgeHarm, type Sample } from "./judge.ts";

const square: Shape = {
  dataShards: 4,
  parityShards: 1,
  groups: 1,
  parity: 1,
  segmentLeaves: 2,
  payloadBytes: 32 * kib,
};

const shapes: readonly [string, Shape][] = [
  ["4 blocks of 4+1, one group with 1", square],
  ["7 blocks of 3+1, two groups with 2, a short end", {
    dataShards: 3,
    parityShards: 1,
    groups: 2,
    parity: 2,
    segmentLeaves: 3,
    payloadBytes: 58 * kib + 77,
  }],
  ["5 blocks of 2+2, five groups of one", {
    dataShards: 2,
    parityShards: 2,
    groups: 5,
    parity: 2,
    segmentLeaves: 2,
    payloadBytes: 18 * kib + 1,
  }],
  ["6 blocks of 3+0, one group with 2", {
    dataShards: 3,
    parityShards: 0,
    groups: 1,
    parity: 2,
    segmentLeaves: 4,
    payloadBytes: 70 * kib + 300,
  }],
  ["one block of 5+1", {
    dataShards: 5,
    parityShards: 1,
    groups: 1,
    parity: 1,
    segmentLeaves: 3,
    payloadBytes: 11 * kib + 1,
  }],
];

const casesPerShape = Number(Deno.env.get("BLOCKFRAME_DAMAGE_CASES") ?? 250);

for (const [label, shape] of shapes) {
  Deno.test(`random damage to ${label}: recovered exactly as far as rows and columns allow`, async () => {
    const sample = await makeShaped(shape);
    const paths = shardFiles(sample.folder, sample.geometry);
    for (let seed = 1; seed <= casesPerShape; seed++) {
      const harmsMax = Math.ceil(paths.length / 2);
      const prng = new Prng(seed);
      await judgeHarm(sample, paths, prng, harmsMax, `${label}, seed ${seed}`);
    }
  });
}

/** Loses one leaf row, row 0, of these shards, given as [block, shard]. */
function loseLeaves(
  sample: Sample,
  archive: MemoryStore,
  leaves: readonly (readonly [number, number])[],
): void {
  const { folder, geometry } = sample;
  for (const [block, shard] of leaves) {
    const path = `${folder}/${shardPath(geometry, block, shard)}`;
    rotBytes(archive, path, 10, 900);
  }
}

Deno.test("rows and columns take turns where neither can do it alone", async () => {
  const sample = await makeShaped(square);
  const archive = sample.archive.clone();
  // A staircase: only the last block has lost no more than one leaf. Each turn frees the next.
  const stairs: [number, number][] = [];
  for (let step = 0; step < 3; step++) {
    stairs.push([step, step], [step, step + 1]);
  }
  stairs.push([3, 0], [3, 3]);
  // One column of the staircase keeps a single lost leaf.
  const leaves = stairs.filter(([block, shard]) => block !== 3 || shard !== 0);
  loseLeaves(sample, archive, leaves);
  const rows = new Map<number, number>(), columns = new Map<number, number>();
  for (const [block, shard] of leaves) {
    rows.set(block, (rows.get(block) ?? 0) + 1);
    columns.set(shard, (columns.get(shard) ?? 0) + 1);
  }
  deepStrictEqual([...rows.values()].filter((count) => count === 1).length, 1);
  deepStrictEqual(
    [...columns.values()].filter((count) => count === 1).length,
    1,
  );
  const { geometry, folder, pristine } = sample;
  const expected = expect(archive, folder, geometry, pristine);
  deepStrictEqual(expected.lostRanges, []);
  strictEqual(expected.damagedLeafCount, 7);
  await judge(sample, archive, "staircase");
});

Deno.test("four leaves in a rectangle are lost where rows and columns have one parity each", async () => {
  const sample = await makeShaped(square);
  const archive = sample.archive.clone();
  loseLeaves(sample, archive, [[0, 1], [0, 2], [3, 1], [3, 2]]);
  const { geometry, folder, pristine } = sample;
  const expected = expect(archive, folder, geometry, pristine);
  strictEqual(expected.lostRanges.length, 4);
  await judge(sample, archive, "rectangle");
});

Deno.test("every set of lost leaves in one row of a small entry is judged right", async () => {
  const sample = await makeShaped({
    dataShards: 2,
    parityShards: 1,
    groups: 1,
    parity: 1,
    segmentLeaves: 1,
    payloadBytes: 6 * kib,
  });
  const paths = shardFiles(sample.folder, sample.geometry);
  strictEqual(paths.length, 11);
  let lostCases = 0;
  for (let pattern = 1; pattern < 1 << paths.length; pattern++) {
    const archive = sample.archive.clone();
    paths.forEach((path, index) => {
      if ((pattern >> index & 1) === 1) removeFile(archive, path);
    });
    const { folder, geometry, pristine } = sample;
    const { lostRanges } = expect(archive, folder, geometry, pristine);
    if (lostRanges.length > 0) lostCases++;
    const bench = new Bench({ archive });
    const report = await bench.healthOfOne(true);
    deepStrictEqual(report.lostRanges, lostRanges, pattern.toString(2));
    if (report.state !== "lost") {
      deepStrictEqual(readTree(archive, ""), pristine, pattern.toString(2));
    }
  }
  ok(lostCases > 100, `${lostCases} lost`);
});

async function commitTier4(blocks: number): Promise<Sample> {
  const archive = new MemoryStore();
  const tiers = { tier1Max: 1 * kib, tier2Max: 2 * kib, tier3Max: 3 * kib };
  const settings = { tiers, segmentBytes: 1 * kib, runBytesMax: 300 * kib };
  const bench = new Bench({ archive, settings });
  const payload = new Prng(blocks).bytes(blocks * 30 * kib - 700);
  const report = await bench.commit("sample.bin", payload);
  strictEqual(report.tier, 4);
  const { geometry } = bench.engine.select("sample.bin").manifest;
  strictEqual(blockCountOf(geometry), blocks);
  const pristine = readTree(archive, "");
  return { archive, folder: report.folder, geometry, payload, pristine };
}

async function assertStreamed(
  sample: Sample,
  archive: MemoryStore,
): Promise<void> {
  const { engine } = new Bench({ archive });
  const writer = new Collector();
  const output = { writer, label: "standard output", partial: false };
  await engine.restoreToStream(engine.select("sample.bin"), output);
  ok(equalBytes(writer.bytes(), sample.payload));
}

/** Takes away whole blocks, and three shards of each of the others. */
function loseBlocks(
  sample: Sample,
  archive: MemoryStore,
  lost: ReadonlySet<number>,
  prng: Prng,
): void {
  const { folder, geometry } = sample;
  for (let block = 0; block < blockCountOf(geometry); block++) {
    const path = (shard: number) =>
      `${folder}/${shardPath(geometry, block, shard)}`;
    if (lost.has(block)) {
      const segments = path(0).split("/").slice(0, -2).join("/");
      archive.removeTree(segments);
      continue;
    }
    const shards = new Set<number>();
    while (shards.size < 3) {
      shards.add(prng.below(blockShardCount(geometry, block)));
    }
    for (const shard of shards) removeFile(archive, path(shard));
  }
}

for (const [blocks, groups, parity] of [[36, 1, 1], [100, 1, 3], [250, 2, 4]]) {
  Deno.test(`tier 4 with ${blocks} blocks: ${parity} whole blocks a group and 3 shards of every other`, async () => {
    const sample = await commitTier4(blocks!);
    const { geometry, folder } = sample;
    deepStrictEqual(geometry.crossBlock, { groups, parity });
    const prng = new Prng(blocks!);
    const lost = new Set<number>();
    for (let group = 0; group < groups!; group++) {
      const before = lost.size;
      while (lost.size < before + parity!) {
        const members = Math.ceil((blocks! - group) / groups!);
        lost.add(group + groups! * prng.below(members));
      }
    }
    // The last block is short of a segment's end; it goes with the rest.
    const archive = sample.archive.clone();
    loseBlocks(sample, archive, lost, prng);

    const restored = await new Bench({ archive }).restore("sample.bin");
    ok(restored.report.complete && restored.bytes !== undefined);
    ok(equalBytes(restored.bytes, sample.payload));
    if (blocks === 36) await assertStreamed(sample, archive);
    const repaired = await new Bench({ archive }).healthOfOne(true);
    strictEqual(repaired.state, "repaired");
    deepStrictEqual(readTree(archive, ""), sample.pristine);

    // One block more than that in one group, whole: its bytes are lost, and no others.
    const beyond = sample.archive.clone();
    for (const block of lost) if (block % groups! !== 0) lost.delete(block);
    for (let block = 0; lost.size === parity!; block += groups!) {
      lost.add(block);
    }
    for (const block of lost) {
      for (let shard = 0; shard < blockShardCount(geometry, block); shard++) {
        removeFile(beyond, `${folder}/${shardPath(geometry, block, shard)}`);
      }
    }
    const report = await new Bench({ archive: beyond }).healthOfOne(false);
    const expected = expect(beyond, folder, geometry, sample.pristine);
    deepStrictEqual(report.lostRanges, expected.lostRanges);
    strictEqual(report.lostParityLeafCount, expected.lostParityLeafCount);
    strictEqual(expected.lostRanges.length, lost.size);
  });
}

Deno.test("a stream of tier 4 has parity across blocks, too, over segments that it wrote itself", async () => {
  const tiers = { tier1Max: 1 * kib, tier2Max: 2 * kib, tier3Max: 3 * kib };
  const bench = new Bench({ settings: { tiers, segmentBytes: 2 * kib } });
  const payload = new Prng(8).bytes(5 * 60 * kib + 9 * kib + 1);
  const { tier, folder, crossBlock } = await bench.engine.commitStream({
    reader: streamOf(payload),
    label: "-",
    name: "sample.bin",
  });
  deepStrictEqual([tier, crossBlock], [4, { groups: 1, parity: 1 }]);
  const whole = readTree(bench.archive, "");
  for (const block of [0, 5]) {
    bench.archive.removeTree(`${folder}/blocks/block_${block}`);
    const { bytes } = await bench.restore("sample.bin");
    ok(bytes !== undefined && equalBytes(bytes, payload));
    strictEqual((await bench.healthOfOne(true)).state, "repaired");
    deepStrictEqual(readTree(bench.archive, ""), whole);
  }
});

Deno.test("parity across blocks is verified, and comes back from the segments", async () => {
  const sample = await commitTier4(12);
  const { geometry, folder } = sample;
  const archive = sample.archive.clone();
  archive.removeTree(`${folder}/groups`);
  const checked = await new Bench({ archive }).healthOfOne(false);
  strictEqual(checked.state, "repairable");
  strictEqual(checked.damage.length, columnCountOf(geometry));
  ok(checked.damage.every((each) => each.role === "group"));
  const repaired = await new Bench({ archive }).healthOfOne(true);
  strictEqual(repaired.state, "repaired");
  deepStrictEqual(readTree(archive, ""), sample.pristine);
  ok(parityBytesOf(geometry) > 0);
});

Deno.test("a segment that shares its bytes with another name is replaced across blocks, too", async () => {
  const sample = await makeShaped(square);
  const { geometry, folder } = sample;
  const archive = sample.archive.clone();
  for (let shard = 0; shard < 5; shard++) {
    const path = `${folder}/${shardPath(geometry, 1, shard)}`;
    if (shard === 2) archive.plantHardLink("elsewhere", path);
    rotBytes(archive, path, 100, 900);
  }
  const rotten = readTree(archive, "").get("elsewhere");
  const report = await new Bench({ archive }).healthOfOne(true);
  strictEqual(report.state, "repaired");
  const after = readTree(archive, "");
  deepStrictEqual(after.get("elsewhere"), rotten);
  after.delete("elsewhere");
  deepStrictEqual(after, sample.pristine);
  ok(blockDataShards(geometry, 1) === 4);
});

Deno.test("nothing is believed of leaves whose digests nobody knows", async () => {
  const sample = await makeShaped({
    dataShards: 8,
    parityShards: 1,
    groups: 1,
    parity: 1,
    segmentLeaves: 20,
    payloadBytes: 500 * kib,
  });
  const { folder, geometry } = sample;
  const archive = sample.archive.clone();
  for (const copy of ["", "hashes/", "hashes_1/", "hashes_2/"]) {
    rotBytes(archive, `${folder}/${copy}outboard.bin`, 0, 3000);
  }
  // What the copies do not have cannot be had from the shards either.
  for (const shard of [0, 1, 2]) {
    rotBytes(archive, `${folder}/${shardPath(geometry, 0, shard)}`, 0, 900);
  }
  const damaged = readTree(archive, "");
  const report = await new Bench({ archive }).healthOfOne(true);
  strictEqual(report.state, "lost");
  ok(report.lostRanges.length > 0);
  for (const [path, bytes] of readTree(archive, "")) {
    const good = sample.pristine.get(path), before = damaged.get(path);
    ok(equalBytes(bytes, good!) || equalBytes(bytes, before!), path);
  }
});

Deno.test("zeros of a payload are not written, neither into shards nor into the output", async () => {
  const written = new Map<string, number>();
  const counting = (archive: MemoryStore) =>
    new Proxy(archive, {
      get(target, name) {
        if (name !== "openFile") {
          const member = Reflect.get(target, name);
          return typeof member === "function" ? member.bind(target) : member;
        }
        return (path: string, mode: OpenMode) => {
          const file = target.openFile(path, mode);
          const write = file.writeFrom.bind(file);
          file.writeFrom = (bytes, offset) => {
            written.set(path, (written.get(path) ?? 0) + bytes.length);
            write(bytes, offset);
          };
          return file;
        };
      },
    });
  const archive = counting(new MemoryStore());
  const outputs = counting(new MemoryStore());
  const tiers = { tier1Max: 1, tier2Max: 2, tier3Max: 3 };
  const bench = new Bench({ archive, outputs, settings: { tiers } });
  const payload = new Uint8Array(900 * kib);
  payload.set(new Prng(3).bytes(3 * kib), 400 * kib);
  await bench.commit("sample.bin", payload);
  const shards = [...written].filter(([path]) => path.endsWith(".dat"));
  // Three leaves of one segment, in three rows, with 3 parity leaves each and one across blocks.
  strictEqual(shards.reduce((sum, [, bytes]) => sum + bytes, 0), 15 * kib);
  written.clear();
  const { bytes } = await bench.restore("sample.bin");
  ok(bytes !== undefined && equalBytes(bytes, payload));
  strictEqual(
    [...written.values()].reduce((sum, each) => sum + each, 0),
    3 * kib,
  );
  strictEqual((await bench.healthOfOne(false)).state, "healthy");
});
