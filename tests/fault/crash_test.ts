// Crashes: every operation that writes is stopped at every step, on a disk that loses or keeps what
// was not synced as its fate will have it. Whatever the step: entries committed before are whole,
// the one in the making is whole or invisible, and the archive works on.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Bytes, equalBytes } from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import { SimulatedDisk } from "../../src/store/simulated_disk.ts";
import {
  Bench,
  kib,
  listFiles,
  readTree,
  removeFile,
  rotBytes,
} from "../archive/harness.ts";
import { crashEverywhere } from "./crash_everywhere.ts";

const oldPayload: Bytes = new Prng(1).bytes(5 * kib + 3);
const newPayload: Bytes = new Prng(2).bytes(70 * kib + 9);

async function makeArchive(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  await new Bench({ archive: disk }).commit("old", oldPayload);
  return new SimulatedDisk({}, disk.crash("losing").copyRoot());
}

async function payloadOf(
  bench: Bench,
  name: string,
): Promise<Bytes | undefined> {
  return (await bench.restore(name)).bytes;
}

Deno.test("commit() stopped at any step leaves the old entries whole and the new one whole or unseen", async () => {
  const pristine = await makeArchive();
  let seen = 0, unseen = 0;
  const cases = await crashEverywhere(
    pristine,
    async (disk) => {
      await new Bench({ archive: disk, seed: 9 }).commit("new", newPayload);
    },
    async (disk, label) => {
      const bench = new Bench({ archive: disk, seed: 77 });
      const listing = bench.engine.list();
      deepStrictEqual(listing.problems, [], label);
      deepStrictEqual(await payloadOf(bench, "old"), oldPayload, label);
      if (listing.entries.length === 2) {
        seen++;
        const bytes = await payloadOf(bench, "new");
        ok(bytes !== undefined && equalBytes(bytes, newPayload), label);
      } else unseen++;
      for (const report of await bench.health(false)) {
        strictEqual(report.state, "healthy", `${label}: ${report.name}`);
      }
      await bench.commit("later", oldPayload);
      deepStrictEqual(await payloadOf(bench, "later"), oldPayload, label);
    },
  );
  ok(seen > 0 && unseen > 100, `${seen} seen, ${unseen} unseen, of ${cases}`);
});

Deno.test("commit() that returned survives any power loss", async () => {
  const disk = new SimulatedDisk();
  await new Bench({ archive: disk }).commit("new", newPayload);
  for (let seed = 1; seed <= 200; seed++) {
    const found = disk.crash(seed === 1 ? "losing" : new Prng(seed));
    const bench = new Bench({ archive: found });
    strictEqual(
      (await bench.healthOfOne(false)).state,
      "healthy",
      `seed ${seed}`,
    );
    deepStrictEqual(await payloadOf(bench, "new"), newPayload, `seed ${seed}`);
  }
});

Deno.test("repair stopped at any step loses nothing and is finished by the next one", async () => {
  for (const policy of ["erasure:4+2", "replicate:3"]) {
    const disk = new SimulatedDisk();
    const bench = new Bench({ archive: disk });
    const { folder } = await bench.commit("x", newPayload, policy);
    const whole = readTree(disk, "");
    const shards = listFiles(disk, folder).filter((path) =>
      path.endsWith(".dat")
    );
    // Two leaves of a row, a whole shard of another block, a manifest copy and an outboard's worth.
    removeFile(disk, shards[0]!);
    rotBytes(disk, shards[1]!, 100, 3000);
    removeFile(disk, `${folder}/hashes/manifest.json`);
    rotBytes(disk, `${folder}/manifest.json`, 10, 5);
    const damaged = new SimulatedDisk({}, disk.copyRoot());
    const cases = await crashEverywhere(
      damaged,
      async (each) => {
        await new Bench({ archive: each }).health(true);
      },
      async (each, label) => {
        const after = new Bench({ archive: each });
        deepStrictEqual(
          await payloadOf(after, "x"),
          newPayload,
          `${policy}, ${label}`,
        );
        const report = await after.healthOfOne(true);
        ok(
          ["healthy", "repaired"].includes(report.state),
          `${policy}, ${label}`,
        );
        deepStrictEqual(readTree(each, ""), whole, `${policy}, ${label}`);
      },
    );
    ok(cases > 50, `${policy}: ${cases} cases`);
  }
});

Deno.test("remove() stopped at any step takes the entry whole or not at all", async () => {
  const disk = new SimulatedDisk();
  const first = new Bench({ archive: disk });
  await first.commit("old", oldPayload);
  await first.commit("gone", newPayload);
  const pristine = new SimulatedDisk({}, disk.copyRoot());
  let kept = 0, taken = 0;
  await crashEverywhere(
    pristine,
    async (each) => {
      await new Bench({ archive: each }).engine.remove("gone");
    },
    async (each, label) => {
      const bench = new Bench({ archive: each });
      const { entries, problems } = bench.engine.list();
      deepStrictEqual(problems, [], label);
      if (entries.length === 2) {
        kept++;
        deepStrictEqual(await payloadOf(bench, "gone"), newPayload, label);
      } else taken++;
      deepStrictEqual(await payloadOf(bench, "old"), oldPayload, label);
    },
  );
  ok(kept > 0 && taken > 0, `${kept} kept, ${taken} taken`);
});

Deno.test("restore() stopped at any step leaves no file under the output's name, or the right one", async () => {
  const outputs = new SimulatedDisk();
  const archive = await makeArchive();
  let none = 0, right = 0;
  await crashEverywhere(
    outputs,
    async (disk) => {
      const bench = new Bench({ archive, outputs: disk });
      await bench.restore("old");
    },
    (disk, label) => {
      const found = readTree(disk, "").get("out");
      if (found === undefined) none++;
      else {
        right++;
        deepStrictEqual(found, oldPayload, label);
      }
      return Promise.resolve();
    },
  );
  ok(none > 0 && right > 0, `${none} without, ${right} with the file`);
});
