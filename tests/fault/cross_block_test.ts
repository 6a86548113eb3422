// Parity across blocks on disks that crash, fail and lie: commit and repair stopped at every step,
// the nth call of health and restore failing, writes that store something else.

import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { type Bytes, equalBytes } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { shardPath } from "../../src/format/entry_path.ts";
import { FaultyStore } from "../../src/store/faulty_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { SimulatedDisk } from "../../src/store/simulated_disk.ts";
import type { Store } from "../../src/store/store.ts";
import {
  geometryOf,
  type Shape,
  writeShaped,
} from "../archive/cross_block_entry.ts";
import { Bench, kib, readTree, rotBytes } from "../archive/harness.ts";
import { crashEverywhere } from "./crash_everywhere.ts";

const shape: Shape = {
  dataShards: 2,
  parityShards: 1,
  groups: 1,
  parity: 1,
  segmentLeaves: 2,
  payloadBytes: 9 * kib + 5,
};
const payload: Bytes = new Prng(4).bytes(shape.payloadBytes);
const tier4 = {
  settings: { tiers: { tier1Max: 1, tier2Max: 2, tier3Max: 3 } },
};

/** A whole block gone, and in another more than its own parity could mend. */
function damage(store: Store, folder: string): void {
  const geometry = geometryOf(shape);
  const path = (block: number, shard: number) =>
    `${folder}/${shardPath(geometry, block, shard)}`;
  store.removeTree(`${folder}/blocks/block_1`);
  rotBytes(store, path(0, 0), 100, 1500);
  rotBytes(store, path(3, 0), 10, 20);
}

Deno.test("commit() of tier 4 stopped at any step is whole or unseen", async () => {
  let seen = 0, unseen = 0;
  await crashEverywhere(
    new SimulatedDisk(),
    async (disk) => {
      const bench = new Bench({ archive: disk, ...tier4 });
      strictEqual((await bench.commit("new", payload)).tier, 4);
    },
    async (disk, label) => {
      const bench = new Bench({ archive: disk });
      if (bench.engine.list().entries.length === 0) {
        unseen++;
        return;
      }
      seen++;
      deepStrictEqual((await bench.restore("new")).bytes, payload, label);
      strictEqual((await bench.healthOfOne(false)).state, "healthy", label);
    },
  );
  ok(seen > 0 && unseen > 100, `${seen} seen, ${unseen} unseen`);
});

Deno.test("a repair across blocks stopped at any step loses nothing and is finished by the next one", async () => {
  const disk = new SimulatedDisk();
  const folder = await writeShaped(disk, shape, payload);
  const whole = readTree(disk, "");
  damage(disk, folder);
  const cases = await crashEverywhere(
    new SimulatedDisk({}, disk.copyRoot()),
    async (each) => {
      await new Bench({ archive: each }).health(true);
    },
    async (each, label) => {
      const bench = new Bench({ archive: each });
      const { bytes } = await bench.restore("sample.bin");
      ok(bytes !== undefined && equalBytes(bytes, payload), label);
      const { state } = await bench.healthOfOne(true);
      ok(["healthy", "repaired"].includes(state), `${label}: ${state}`);
      deepStrictEqual(readTree(each, ""), whole, label);
    },
  );
  ok(cases > 100, `${cases} cases`);
});

async function damagedStore(): Promise<MemoryStore> {
  const store = new MemoryStore();
  damage(store, await writeShaped(store, shape, payload));
  return store;
}

Deno.test("a repair across blocks whose nth call fails never makes anything worse, for every n", async () => {
  const pristine = await damagedStore();
  for (let nth = 1;; nth++) {
    const store = pristine.clone();
    const faulty = new FaultyStore(store, [{ kind: "fail", nth }]);
    try {
      await new Bench({ archive: faulty }).health(true);
    } catch (error) {
      ok(isFailure(error), `call ${nth}: ${error}`);
    }
    if (faulty.unfired().length > 0) {
      ok(nth > 150, `${nth} calls`);
      break;
    }
    const after = new Bench({ archive: store });
    const { bytes } = await after.restore("sample.bin");
    ok(bytes !== undefined && equalBytes(bytes, payload), `call ${nth}`);
    const { state } = await after.healthOfOne(true);
    ok(["healthy", "repaired"].includes(state), `call ${nth}: ${state}`);
  }
});

Deno.test("a restore across blocks whose nth read fails gives right bytes or none, for every n", async () => {
  const pristine = await damagedStore();
  let whole = 0;
  for (let nth = 1;; nth++) {
    const faulty = new FaultyStore(pristine.clone(), [
      { kind: "fail", call: "readInto", nth },
    ]);
    const bench = new Bench({ archive: faulty });
    const { report, bytes } = await bench.restore("sample.bin");
    if (faulty.unfired().length > 0) break;
    // A read that fails once is one more lost leaf; with the rest that may be one too many.
    strictEqual(report.complete, bytes !== undefined, `call ${nth}`);
    if (bytes === undefined) continue;
    ok(equalBytes(bytes, payload), `call ${nth}`);
    whole++;
  }
  ok(whole > 15, `${whole} whole`);
});

Deno.test("commit() of tier 4 refuses a disk that stores other bytes than it was given", async () => {
  const store = new MemoryStore();
  const faulty = new FaultyStore(store, [{
    kind: "flipped-write",
    path: /segment_3\.dat$/,
    index: 7,
    mask: 1,
  }]);
  const bench = new Bench({ archive: faulty, ...tier4 });
  await rejects(
    bench.commit("new", payload),
    (error) => isFailure(error, "io") && /not read back/.test(error.message),
  );
  deepStrictEqual(faulty.unfired(), []);
  deepStrictEqual([...readTree(store, "")], []);
});
