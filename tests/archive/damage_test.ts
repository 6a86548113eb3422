// Random damage up to and beyond the bound, judged by damage_model.ts. Every case says its seed.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Bytes, equalBytes } from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import { shardPath } from "../../src/format/entry_path.ts";
import {
  blockCountOf,
  blockDataShards,
  type Geometry,
} from "../../src/format/geometry.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import {
  expect,
  type Expectation,
  harmShard,
  shardFiles,
} from "./damage_model.ts";
import {
  Bench,
  kib,
  readFile,
  readTree,
  removeFile,
  rotBytes,
} from "./harness.ts";

interface Sample {
  readonly archive: MemoryStore;
  readonly folder: string;
  readonly geometry: Geometry;
  readonly payload: Bytes;
  readonly pristine: ReadonlyMap<string, Bytes>;
}

async function makeSample(size: number, policy?: string): Promise<Sample> {
  const archive = new MemoryStore();
  const bench = new Bench({ archive });
  const payload = new Prng(size).bytes(size);
  const report = await bench.commit("sample.bin", payload, policy);
  const { segmentBytes, leafBytes, dataShards, parityShards } = report;
  return {
    archive,
    folder: report.folder,
    geometry: {
      payloadBytes: size,
      segmentBytes,
      leafBytes,
      dataShards,
      parityShards,
    },
    payload,
    pristine: readTree(archive, ""),
  };
}

/** Whether something cannot be rebuilt. */
function isBeyond(expected: Expectation): boolean {
  return expected.lostRanges.length > 0 || expected.lostParityLeafCount > 0;
}

/** Checks every promise on a damaged copy of the sample. */
async function judge(
  sample: Sample,
  archive: MemoryStore,
  label: string,
): Promise<void> {
  const { folder, geometry, pristine } = sample;
  const expected = expect(archive, folder, geometry, pristine);
  ok(expected.damagedFiles.length > 0, `${label}: the damage happened`);
  const damaged = readTree(archive, "");
  const bench = new Bench({ archive });

  const checked = await bench.healthOfOne(false);
  deepStrictEqual(
    readTree(archive, ""),
    damaged,
    `${label}: a check writes nothing`,
  );
  deepStrictEqual(
    checked.lostRanges,
    expected.lostRanges,
    `${label}: lost ranges`,
  );
  strictEqual(
    checked.lostParityLeafCount,
    expected.lostParityLeafCount,
    `${label}: lost parity`,
  );
  deepStrictEqual(
    checked.damage.map((each) => each.file).sort(),
    expected.damagedFiles,
    `${label}: damaged files`,
  );
  const leaves = checked.damage.reduce((sum, each) => sum + each.leafCount, 0);
  strictEqual(leaves, expected.damagedLeafCount, `${label}: damaged leaves`);
  const isLost = isBeyond(expected);
  strictEqual(checked.state, isLost ? "lost" : "repairable", label);

  await judgeRestore(sample, bench, expected.lostRanges, label);
  deepStrictEqual(
    readTree(archive, ""),
    damaged,
    `${label}: a restore writes nothing`,
  );

  await judgeRepair(sample, archive, bench, expected, label);
}

/** A repair loses nothing, mends all that can be mended, and says what it could not. */
async function judgeRepair(
  sample: Sample,
  archive: MemoryStore,
  bench: Bench,
  expected: Expectation,
  label: string,
): Promise<void> {
  const { folder, geometry, pristine } = sample;
  const isLost = isBeyond(expected);
  const repaired = await bench.healthOfOne(true);
  deepStrictEqual(
    repaired.lostRanges,
    expected.lostRanges,
    `${label}: lost ranges of a repair`,
  );
  strictEqual(repaired.state, isLost ? "lost" : "repaired", label);
  if (!isLost) {
    deepStrictEqual(readTree(archive, ""), pristine, `${label}: repaired`);
  }
  const after = expect(archive, folder, geometry, pristine);
  deepStrictEqual(
    after.lostRanges,
    expected.lostRanges,
    `${label}: a repair loses nothing`,
  );
  const lostLeaves = expected.lostParityLeafCount +
    expected.lostRanges.reduce(
      (sum, each) => sum + Math.ceil(each.bytes / geometry.leafBytes),
      0,
    );
  strictEqual(
    after.damagedLeafCount,
    lostLeaves,
    `${label}: all that could be rebuilt was`,
  );
}

async function judgeRestore(
  sample: Sample,
  bench: Bench,
  lostRanges: readonly { payloadOffset: number; bytes: number }[],
  label: string,
): Promise<void> {
  const whole = await bench.restore("sample.bin");
  strictEqual(
    whole.report.complete,
    lostRanges.length === 0,
    `${label}: restore`,
  );
  if (lostRanges.length === 0) {
    ok(
      whole.bytes !== undefined && equalBytes(whole.bytes, sample.payload),
      `${label}: bytes`,
    );
    return;
  }
  strictEqual(
    whole.bytes,
    undefined,
    `${label}: no wrong file under the right name`,
  );
  deepStrictEqual(whole.report.holes, lostRanges, `${label}: holes`);
  const part = await bench.restore("sample.bin", { partial: true });
  const wanted = sample.payload.slice();
  for (const { payloadOffset, bytes } of lostRanges) {
    wanted.fill(0, payloadOffset, payloadOffset + bytes);
  }
  ok(
    part.bytes !== undefined && equalBytes(part.bytes, wanted),
    `${label}: partial bytes`,
  );
  bench.outputs.removeFile("out");
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
      const archive = sample.archive.clone();
      const harms = 1 + prng.below(2 * (sample.geometry.parityShards + 1));
      for (let harm = 0; harm < harms; harm++) harmShard(archive, paths, prng);
      // Rot twice in one place undoes itself: such a case has no damage to judge.
      const { damagedFiles } = expect(
        archive,
        sample.folder,
        sample.geometry,
        sample.pristine,
      );
      if (damagedFiles.length > 0) {
        await judge(sample, archive, `${label}, seed ${seed}`);
      }
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
