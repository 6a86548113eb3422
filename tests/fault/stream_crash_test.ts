// A commit of a stream stopped at every step, and with every call failing once: its pieces change
// their folder on the way, and a name may come undone on either side.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Bytes, equalBytes } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { FaultyStore } from "../../src/store/faulty_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { SimulatedDisk } from "../../src/store/simulated_disk.ts";
import { streamOf } from "../archive/byte_streams.ts";
import { Bench, kib, readTree } from "../archive/harness.ts";
import { crashEverywhere } from "./crash_everywhere.ts";

const oldPayload: Bytes = new Prng(1).bytes(3 * kib + 3);
const newPayload: Bytes = new Prng(2).bytes(40 * kib + 9);

/** Pieces that become segments, and pieces that are read again. */
const policies = ["replicate:3", "erasure:4+2"];

function commitNew(bench: Bench, policy: string) {
  return bench.engine.commitStream({
    reader: streamOf(newPayload, 30_000),
    label: "-",
    name: "new",
    policy,
  });
}

for (const policy of policies) {
  Deno.test(`commitStream() stopped at any step leaves the old entries whole and the new one whole or unseen (${policy})`, async () => {
    const disk = new SimulatedDisk();
    await new Bench({ archive: disk }).commit("old", oldPayload);
    const pristine = new SimulatedDisk({}, disk.crash("losing").copyRoot());
    let seen = 0, unseen = 0;
    await crashEverywhere(
      pristine,
      async (each) => {
        await commitNew(new Bench({ archive: each, seed: 9 }), policy);
      },
      async (each, label) => {
        const bench = new Bench({ archive: each, seed: 77 });
        const { entries, problems } = bench.engine.list();
        deepStrictEqual(problems, [], label);
        deepStrictEqual((await bench.restore("old")).bytes, oldPayload, label);
        if (entries.length === 2) {
          seen++;
          const { bytes } = await bench.restore("new");
          ok(bytes !== undefined && equalBytes(bytes, newPayload), label);
        } else unseen++;
        for (const report of await bench.health(false)) {
          strictEqual(report.state, "healthy", `${label}: ${report.name}`);
          deepStrictEqual(report.strangers, [], label);
        }
        await commitNew(bench, policy);
        deepStrictEqual((await bench.restore("new")).bytes, newPayload, label);
      },
    );
    ok(seen > 0 && unseen > 100, `${seen} seen, ${unseen} unseen`);
  });

  Deno.test(`commitStream() whose nth call fails leaves the archive as it was, for every n (${policy})`, async () => {
    const store = new MemoryStore();
    await new Bench({ archive: store }).commit("old", oldPayload);
    const before = readTree(store, "");
    let failed = 0;
    for (let nth = 1;; nth++) {
      const copy = new MemoryStore({}, store.copyRoot());
      const faulty = new FaultyStore(copy, [{ kind: "fail", nth }]);
      let error: unknown;
      try {
        await commitNew(new Bench({ archive: faulty, seed: 5 }), policy);
      } catch (thrown) {
        error = thrown;
      }
      if (faulty.unfired().length > 0) break;
      const after = new Bench({ archive: copy });
      for (const { state } of await after.health(false)) {
        strictEqual(state, "healthy", `call ${nth}`);
      }
      if (error === undefined) continue;
      ok(isFailure(error), `call ${nth}: ${error}`);
      failed++;
      if (after.engine.list().entries.length > 1) continue; // the last sync
      const visible = [...readTree(copy, "")]
        .filter(([path]) => !path.startsWith("."));
      deepStrictEqual(new Map(visible), before, `call ${nth}`);
    }
    ok(failed > 50, `${failed} failed`);
  });
}
