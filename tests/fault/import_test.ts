import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { ImportReport } from "../../src/archive/report.ts";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { FaultyStore } from "../../src/store/faulty_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { Bench, readTree } from "../archive/harness.ts";
import { type Epoch, writeLegacy } from "../archive/legacy_writer.ts";

const payload = new Prng(3).bytes(4096 * 4 + 100);

function writeOld(epoch: Epoch): MemoryStore {
  const store = new MemoryStore();
  writeLegacy(store, { name: "x", tier: 3, epoch, payload });
  return store;
}

async function importAll(bench: Bench): Promise<ImportReport[]> {
  const reports: ImportReport[] = [];
  const request = { root: "sources", dryRun: false };
  for await (const report of bench.engine.import(request)) reports.push(report);
  return reports;
}

for (const epoch of ["2025-12-04", "2026-01"] as const) {
  Deno.test(`an import of ${epoch} survives any one failure of the old archive, or says it`, async () => {
    const old = writeOld(epoch);
    let imported = 0;
    for (let nth = 1;; nth++) {
      const sources = new FaultyStore(old, [{ kind: "fail", nth }]);
      const bench = new Bench({ sources });
      try {
        const [report] = await importAll(bench);
        if (report?.outcome === "imported") {
          deepStrictEqual((await bench.restore("x")).bytes, payload);
          imported++;
        } else strictEqual(bench.archive.list("").length, 0, `call ${nth}`);
      } catch (error) {
        ok(isFailure(error), `call ${nth}: ${error}`);
        strictEqual(bench.archive.list("").length, 0, `call ${nth}`);
      }
      if (sources.unfired().length > 0) break;
    }
    // Whatever failed was one shard at most, but for the list and the manifest.
    ok(imported > 15, `${imported}`);
  });

  Deno.test(`an import of ${epoch} into an archive that fails once leaves it as it was, or is whole`, async () => {
    const old = writeOld(epoch);
    const before = readTree(old, "");
    for (const code of ["io", "no-space"] as const) {
      for (let nth = 1;; nth++) {
        const store = new MemoryStore();
        const archive = new FaultyStore(store, [{ kind: "fail", nth, code }]);
        try {
          await importAll(new Bench({ archive, sources: old }));
        } catch (error) {
          ok(isFailure(error), `call ${nth}: ${error}`);
        }
        const after = new Bench({ archive: store, sources: old });
        const { entries, problems } = after.engine.list();
        deepStrictEqual(problems, [], `call ${nth}`);
        if (entries.length > 0) {
          deepStrictEqual((await after.restore("x")).bytes, payload);
        }
        const [again] = await importAll(after);
        strictEqual(
          again?.outcome,
          entries.length > 0 ? "present" : "imported",
          `call ${nth}`,
        );
        if (archive.unfired().length > 0) break;
      }
    }
    deepStrictEqual(readTree(old, ""), before);
  });
}
