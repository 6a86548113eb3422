import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { entryBytesOf, refuseTooLarge } from "../../src/archive/room.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { streamOf } from "./byte_streams.ts";
import { Bench, kib, readTree } from "./harness.ts";

const settings = { preflightBytesMin: 10 * kib };

for (const policy of ["replicate:4", "erasure:4+2", "erasure:30+3"]) {
  Deno.test(`entryBytesOf() is near what an entry takes (${policy})`, async () => {
    for (const size of [100, 5000, 70_001, 900 * kib]) {
      const store = new MemoryStore();
      const bench = new Bench({ archive: store, settings });
      const payload = new Prng(size).bytes(size);
      const report = await bench.commit("x", payload, policy);
      const { geometry } = bench.engine.select("x").manifest;
      const estimate = entryBytesOf(geometry);
      const error = Math.abs(estimate - report.storedBytes);
      ok(
        error < 4096 + report.storedBytes / 100,
        `${size}: ${estimate} for ${report.storedBytes}`,
      );
    }
  });
}

Deno.test("commit() refuses what cannot fit before it writes anything", async () => {
  const payload = new Prng(1).bytes(100 * kib);
  let refused = 0, failed = 0, done = 0;
  for (let room = 0; room < 600 * kib; room += 7 * kib) {
    const store = new MemoryStore();
    const bench = new Bench({ archive: store, settings });
    await bench.commit("old", new Uint8Array(10));
    const before = readTree(store, "");
    store.capacityBytes = store.usedBytes + room;
    try {
      await bench.commit("x", payload, "replicate:4");
      done++;
    } catch (error) {
      ok(isFailure(error, "no-space"), String(error));
      deepStrictEqual(readTree(store, ""), before);
      if (
        /^Cannot commit "source": it needs \d+ KiB on the archive's disk, of which [\d.]+ K?i?B are free: [\d.]+ K?i?B are missing\. Nothing was written$/
          .test(error.message)
      ) {
        refused++;
      } else failed++;
    }
  }
  ok(refused > 40 && done > 5, `${refused} refused, ${done} done`);
  ok(failed <= 2, "what is let through fits, or nearly");
});

Deno.test("refuseTooLarge() counts neither holes nor what is there, and asks only for large entries", () => {
  const store = new MemoryStore({ capacityBytes: 200 * kib });
  const { context } = new Bench({ archive: store, settings });
  const geometry = {
    payloadBytes: 100 * kib,
    leafBytes: 1024,
    segmentBytes: 16 * kib,
    dataShards: 1,
    parityShards: 3,
  };
  const request = { label: "x", geometry, shareDone: 0, bytesThere: 0 };
  const isRefused = (change: Partial<Parameters<typeof refuseTooLarge>[0]>) => {
    try {
      refuseTooLarge({ ...request, ...change }, context);
      return false;
    } catch (error) {
      ok(isFailure(error, "no-space"));
      return true;
    }
  };
  strictEqual(isRefused({}), true);
  strictEqual(isRefused({ shareDone: 0.4 }), true);
  strictEqual(isRefused({ shareDone: 0.7 }), false);
  strictEqual(isRefused({ allocatedBytes: 30 * kib }), false);
  strictEqual(isRefused({ allocatedBytes: 400 * kib }), true);
  strictEqual(isRefused({ bytesThere: 100 * kib }), true);
  strictEqual(isRefused({ bytesThere: 320 * kib }), false);
  const small = { ...geometry, payloadBytes: 9 * kib };
  store.capacityBytes = 1;
  strictEqual(isRefused({ geometry: small }), false);
  store.capacityBytes = undefined;
  strictEqual(isRefused({}), false, "nobody knows how much is free");
});

Deno.test("commitStream() that ends and does not fit says what it needs", async () => {
  const store = new MemoryStore({ capacityBytes: 150 * kib });
  const bench = new Bench({ archive: store, settings });
  await rejects(
    bench.engine.commitStream({
      reader: streamOf(new Prng(1).bytes(100 * kib)),
      label: "-",
      name: "x",
      policy: "replicate:4",
    }),
    (error) =>
      isFailure(error, "no-space") &&
      /^Cannot commit "-": it needs 4\d\d KiB on the archive's disk/.test(
        error.message,
      ),
  );
  deepStrictEqual(store.list(""), []);
});

Deno.test("with no byte free everything but a commit works, and a commit changes nothing", async () => {
  const store = new MemoryStore();
  const bench = new Bench({ archive: store });
  const payload = new Prng(1).bytes(50 * kib);
  const first = await bench.commit("x", payload, "erasure:4+2");
  await bench.commit("gone", payload, "erasure:4+2");
  store.capacityBytes = store.usedBytes;
  const before = readTree(store, "");
  await rejects(
    bench.commit("new", payload),
    (error) => isFailure(error, "no-space"),
  );
  deepStrictEqual(readTree(store, ""), before);
  const segment = `${first.folder}/blocks/block_0/segments/segment_0.dat`;
  using file = store.openFile(segment, "update");
  file.writeFrom(new Uint8Array(50), 100);
  const [, report] = await bench.health(true);
  strictEqual(report?.state, "repaired");
  deepStrictEqual(readTree(store, ""), before);
  deepStrictEqual((await bench.restore("x")).bytes, payload);
  await bench.engine.remove("gone");
  deepStrictEqual(bench.engine.list().entries.map(({ name }) => name), ["x"]);
  ok(store.usedBytes < store.capacityBytes, "there is room again");
});
