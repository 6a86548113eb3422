// Judge: every promise about a damaged entry, checked against damage_model.ts: what a health run
// says, what a restore gives back, and what a repair makes of it.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Bytes, equalBytes } from "../../src/base/bytes.ts";
import type { Prng } from "../../src/base/prng.ts";
import type { Geometry } from "../../src/format/geometry.ts";
import type { MemoryStore } from "../../src/store/memory_store.ts";
import { expect, type Expectation, harmShard } from "./damage_model.ts";
import { Bench, readTree } from "./harness.ts";

/** An entry "sample.bin", and what it was before any damage. */
export interface Sample {
  readonly archive: MemoryStore;
  readonly folder: string;
  readonly geometry: Geometry;
  readonly payload: Bytes;
  readonly pristine: ReadonlyMap<string, Bytes>;
}

/** Whether something cannot be rebuilt. */
function isBeyond(expected: Expectation): boolean {
  return expected.lostRanges.length > 0 || expected.lostParityLeafCount > 0;
}

/** Checks every promise on a damaged copy of the sample. */
export async function judge(
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

/** Does some harm at random, and judges what is left; false where it undid itself. */
export async function judgeHarm(
  sample: Sample,
  paths: readonly string[],
  prng: Prng,
  harmsMax: number,
  label: string,
): Promise<boolean> {
  const archive = sample.archive.clone();
  const harms = 1 + prng.below(harmsMax);
  for (let harm = 0; harm < harms; harm++) harmShard(archive, paths, prng);
  // Rot twice in one place undoes itself: such a case has no damage to judge.
  const { folder, geometry, pristine } = sample;
  const { damagedFiles } = expect(archive, folder, geometry, pristine);
  if (damagedFiles.length === 0) return false;
  await judge(sample, archive, label);
  return true;
}
