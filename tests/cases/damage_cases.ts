// Damage cases: random harm to the shard files of one entry, up to the bound of its rows and beyond,
// judged by a model that asks the engine nothing.

import { assert } from "../../src/base/assert.ts";
import { Prng } from "../../src/base/prng.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { shardFiles } from "../archive/damage_model.ts";
import { Bench, readTree } from "../archive/harness.ts";
import { judgeHarm, type Sample } from "../archive/judge.ts";
import { type CaseName, formatCase, type Job } from "./case_id.ts";
import { type Shape, shapes } from "./shapes.ts";
import { tryCase } from "./stage.ts";
import type { Tally } from "./tally.ts";

/** Patterns of harm to each entry of a shape with stride 1. */
const patternCount = 60;

/** Many patterns of damage to one entry of the job's shape. */
export async function runDamage(
  job: Job,
  tally: Tally,
  only: CaseName | undefined,
): Promise<void> {
  const draw = shapes[job.shape];
  assert(draw !== undefined, `there is a shape "${job.shape}"`);
  const prng = new Prng(job.seed);
  const shape = draw(prng);
  const sample = await makeSample(shape, prng);
  const { folder, geometry } = sample;
  const paths = shardFiles(folder, geometry);
  const harmsMax = 2 * (geometry.parityShards + 1);
  for (let nth = 1; nth <= patternCount; nth += shape.stride) {
    const name = { kind: "pattern", nth, variant: "any" };
    await tryCase({ job, tally, only }, name, async () => {
      const own = new Prng(job.seed * 1000 + nth);
      const label = formatCase(job, name);
      return await judgeHarm(sample, paths, own, harmsMax, label);
    });
  }
}

async function makeSample(shape: Shape, prng: Prng): Promise<Sample> {
  const { settings, policy, payloadBytes } = shape;
  const archive = new MemoryStore();
  const bench = new Bench({ archive, settings });
  const payload = prng.bytes(1 + payloadBytes());
  const { folder } = await bench.commit("sample.bin", payload, policy);
  const { geometry } = bench.engine.select("sample.bin").manifest;
  return {
    archive,
    folder,
    geometry,
    payload,
    pristine: readTree(archive, ""),
  };
}
