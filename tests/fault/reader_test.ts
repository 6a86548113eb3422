// The reader over failing media: bad sectors cost what the parity cannot give and nothing else; any
// single call that fails costs one read at most, never a wrong byte, and leaves nothing pinned.

import { Buffer } from "node:buffer";
import { equal, ok } from "node:assert/strict";
import { cacheBytesMin } from "../../src/archive/leaf_cache.ts";
import { isFailure } from "../../src/base/errors.ts";
import { joinBytes } from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import { FaultyStore } from "../../src/store/faulty_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { Bench, kib } from "../archive/harness.ts";

const content = new Prng(21).bytes(150 * kib);

async function committed(): Promise<{ archive: MemoryStore; folder: string }> {
  const archive = new MemoryStore();
  const { folder } = await new Bench({ archive }).commit("it", content);
  return { archive, folder };
}

/** Reads all in parts; gives how many parts failed. A part that is given is right. */
async function readAll(bench: Bench): Promise<number> {
  let failed = 0;
  const reader = await bench.engine.openReader({
    cacheBytes: cacheBytesMin,
    repair: true,
  });
  try {
    const [entry] = await reader.entries();
    if (entry === undefined) return Infinity;
    using file = reader.open(entry);
    for (let offset = 0; offset < content.length; offset += 20 * kib) {
      try {
        const read = await file.read(offset, 20 * kib);
        if (read.kind === "lost") {
          failed++;
          continue;
        }
        using bytes = read.bytes;
        const expected = content.subarray(offset, offset + 20 * kib);
        equal(
          Buffer.compare(joinBytes(bytes.parts), expected),
          0,
          `right bytes at ${offset}`,
        );
      } catch (error) {
        if (!isFailure(error)) throw error;
        failed++;
      }
    }
    await reader.settle();
    equal(reader.pinnedCount, 0);
  } catch (error) {
    if (!isFailure(error)) throw error;
    return Infinity;
  } finally {
    await reader[Symbol.asyncDispose]();
  }
  return failed;
}

Deno.test("bad sectors are read around and rebuilt", async () => {
  const { archive, folder } = await committed();
  const store = new FaultyStore(
    archive,
    [0, 1, 2].map((segment) => ({
      kind: "unreadable" as const,
      path: new RegExp(`^${folder}/.*segment_0${segment}\\.dat$`),
      from: 1100,
      to: 1200,
    })),
  );
  equal(await readAll(new Bench({ archive: store })), 0);
});

Deno.test("whichever call fails, no byte is wrong and the rest reads", async () => {
  const { archive } = await committed();
  let fired = 0;
  for (let nth = 1; nth < 1000; nth += nth < 100 ? 1 : 13) {
    const store = new FaultyStore(new MemoryStore({}, archive.copyRoot()), [{
      kind: "fail",
      nth,
    }]);
    const failed = await readAll(new Bench({ archive: store }));
    const isListing = failed === Infinity;
    ok(isListing || failed <= 1, `${failed} parts failed at call ${nth}`);
    if (store.unfired().length > 0) break;
    fired++;
  }
  ok(fired > 40, `${fired} calls were made to fail`);
});

Deno.test("a medium that is gone in the middle fails every read after that, cleanly", async () => {
  const { archive } = await committed();
  for (const nth of [20, 40, 60]) {
    const store = new FaultyStore(new MemoryStore({}, archive.copyRoot()), [
      { kind: "fail", nth, times: Infinity, code: "offline" },
    ]);
    ok(await readAll(new Bench({ archive: store })) > 0);
  }
});
