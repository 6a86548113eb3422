// I/O failures: the nth call of every operation fails, for every n; sectors that cannot be read;
// writes that tear or store something else.

import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import type { Bytes } from "../../src/base/bytes.ts";
import { type FailureCode, isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import type { Fault } from "../../src/store/fault_plan.ts";
import { FaultyStore } from "../../src/store/faulty_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import {
  Bench,
  kib,
  listFiles,
  readTree,
  removeFile,
  rotBytes,
} from "../archive/harness.ts";

const payload: Bytes = new Prng(2).bytes(70 * kib + 9);

async function makeArchive(
  policy?: string,
): Promise<{ store: MemoryStore; folder: string }> {
  const store = new MemoryStore();
  const { folder } = await new Bench({ archive: store }).commit(
    "x",
    payload,
    policy,
  );
  return { store, folder };
}

Deno.test("commit() whose nth call fails leaves the archive as it was, for every n", async () => {
  const codes: FailureCode[] = [
    "io",
    "no-space",
    "read-only",
    "permission-denied",
  ];
  let failed = 0;
  for (const code of codes) {
    for (let nth = 1;; nth++) {
      const { store } = await makeArchive();
      const before = readTree(store, "");
      const faulty = new FaultyStore(store, [{ kind: "fail", nth, code }]);
      const bench = new Bench({ archive: faulty, seed: 5 });
      let error: unknown;
      try {
        await bench.commit("new", payload.subarray(0, 9000));
      } catch (thrown) {
        error = thrown;
      }
      if (faulty.unfired().length > 0) break;
      if (error !== undefined) {
        ok(isFailure(error), `${code}, call ${nth}: ${error}`);
        failed++;
      }
      const after = new Bench({ archive: store });
      const names = after.engine.list().entries.map((entry) => entry.name);
      // Only the sync of the archive's folder can fail after the entry has become visible.
      if (error !== undefined && names.length === 1) {
        const visible = [...readTree(store, "")].filter(([path]) =>
          !path.startsWith(".")
        );
        deepStrictEqual(new Map(visible), before, `${code}, call ${nth}`);
      }
      for (const report of await after.health(false)) {
        strictEqual(
          report.state,
          "healthy",
          `${code}, call ${nth}: ${report.name}`,
        );
      }
    }
  }
  ok(failed > 100, `${failed} failed`);
});

Deno.test("health() whose nth call fails never makes anything worse, for every n", async () => {
  let cases = 0;
  for (let nth = 1;; nth++) {
    const { store, folder } = await makeArchive("erasure:4+2");
    const shards = listFiles(store, folder).filter((path) =>
      path.endsWith(".dat")
    );
    removeFile(store, shards[0]!);
    rotBytes(store, shards[2]!, 5, 2000);
    removeFile(store, `${folder}/hashes_1/manifest.json`);
    const faulty = new FaultyStore(store, [{ kind: "fail", nth }]);
    const bench = new Bench({ archive: faulty });
    try {
      await bench.health(true);
    } catch (error) {
      ok(
        isFailure(error),
        `call ${nth}: ${error instanceof Error ? error.stack : error}`,
      );
    }
    if (faulty.unfired().length > 0) break;
    const after = new Bench({ archive: store });
    deepStrictEqual((await after.restore("x")).bytes, payload, `call ${nth}`);
    const report = await after.healthOfOne(true);
    ok(
      ["healthy", "repaired"].includes(report.state),
      `call ${nth}: ${report.state}`,
    );
    strictEqual(
      (await after.healthOfOne(false)).state,
      "healthy",
      `call ${nth}`,
    );
    cases++;
  }
  ok(cases > 100, `${cases} cases`);
});

Deno.test("restore() gives the right bytes or none when the nth read fails, for every n", async () => {
  const { store } = await makeArchive("erasure:4+2");
  let right = 0;
  for (let nth = 1;; nth++) {
    const faulty = new FaultyStore(store, [{ kind: "fail", nth }]);
    const bench = new Bench({ archive: faulty });
    try {
      deepStrictEqual((await bench.restore("x")).bytes, payload, `call ${nth}`);
      right++;
    } catch (error) {
      ok(isFailure(error), `call ${nth}: ${error}`);
      deepStrictEqual(bench.outputs.list(""), [], `call ${nth}`);
    }
    if (faulty.unfired().length > 0) break;
  }
  ok(right > 20, `${right} restored all the same`);
});

Deno.test("a sector that cannot be read costs its leaf and no more, and is written anew", async () => {
  const { store, folder } = await makeArchive("erasure:4+2");
  const [segment] = listFiles(store, folder).filter((path) =>
    path.includes("/segments/")
  );
  const fault: Fault = {
    kind: "unreadable",
    path: segment!,
    from: 2000,
    to: 2100,
    heals: true,
  };
  const faulty = new FaultyStore(store, [fault]);
  const bench = new Bench({ archive: faulty });
  deepStrictEqual((await bench.restore("x")).bytes, payload);
  const report = await bench.healthOfOne(true);
  // Bytes 2000 to 2100 lie in two leaves of 1 KiB.
  deepStrictEqual(
    report.damage.map((each) => [each.cause, each.leafCount, each.repaired]),
    [["unreadable", 2, true]],
  );
  strictEqual(report.state, "repaired");
  deepStrictEqual(faulty.unfired(), []);
  strictEqual((await bench.healthOfOne(false)).state, "healthy");
});

Deno.test("a shard that cannot be written in place is replaced by a new file", async () => {
  const { store, folder } = await makeArchive("erasure:4+2");
  const before = readTree(store, "");
  const [segment] = listFiles(store, folder).filter((path) =>
    path.includes("/segments/")
  );
  rotBytes(store, segment!, 0, 100);
  const fault: Fault = {
    kind: "fail",
    call: "writeFrom",
    path: segment!,
    times: Infinity,
  };
  const faulty = new FaultyStore(store, [fault]);
  const report = await new Bench({ archive: faulty }).healthOfOne(true);
  deepStrictEqual(faulty.unfired(), []);
  strictEqual(report.state, "repaired");
  deepStrictEqual(readTree(store, ""), before);
});

Deno.test("a repair whose write stores other bytes is not called repaired", async () => {
  const { store, folder } = await makeArchive("erasure:4+2");
  const [segment] = listFiles(store, folder).filter((path) =>
    path.includes("/segments/")
  );
  rotBytes(store, segment!, 0, 100);
  const fault: Fault = {
    kind: "flipped-write",
    path: segment!,
    index: 7,
    mask: 1,
  };
  const faulty = new FaultyStore(store, [fault]);
  const report = await new Bench({ archive: faulty }).healthOfOne(true);
  deepStrictEqual(faulty.unfired(), []);
  strictEqual(report.state, "repairable");
  strictEqual(report.damage[0]!.repaired, false);
});

for (const file of ["manifest.json", "outboard.bin"]) {
  Deno.test(`a copy of ${file} whose write stores other bytes is not called repaired`, async () => {
    const store = new MemoryStore();
    const content = new Prng(3).bytes(600 * kib);
    await new Bench({ archive: store }).commit("file", content, "erasure:2+1");
    const [path] = listFiles(store, "").filter((each) =>
      each.endsWith(`/hashes_1/${file}`)
    );
    rotBytes(store, path!, 0, 10);
    const fault: Fault = {
      kind: "flipped-write",
      path: path!,
      index: 7,
      mask: 1,
    };
    const faulty = new FaultyStore(store, [fault]);
    const report = await new Bench({ archive: faulty }).healthOfOne(true);
    deepStrictEqual(faulty.unfired(), []);
    strictEqual(report.state, "repairable");
    const [damage, ...more] = report.damage;
    deepStrictEqual(more, []);
    strictEqual(damage!.repaired, false);
    strictEqual(damage!.obstacleCode, "io");
    strictEqual(
      (await new Bench({ archive: store }).healthOfOne(true)).state,
      "repaired",
    );
  });
}

Deno.test("a disk that is gone is offline, not damaged", async () => {
  const { store } = await makeArchive();
  for (let nth = 1; nth < 60; nth += 7) {
    const fault: Fault = {
      kind: "fail",
      nth,
      times: Infinity,
      code: "offline",
    };
    const faulty = new FaultyStore(store, [fault]);
    const bench = new Bench({ archive: faulty });
    await rejects(
      bench.health(true),
      (error) => isFailure(error, "offline"),
      `call ${nth}`,
    );
    deepStrictEqual(faulty.unfired(), []);
  }
});
