import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { FaultyStore } from "../../src/store/faulty_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { Bench } from "./harness.ts";

for (const code of ["invalid-argument", "invalid-name"] as const) {
  Deno.test(`commit() takes a plain folder where the name is refused (${code})`, async () => {
    const store = new MemoryStore();
    // As FAT32 does with characters that its character set has not.
    const archive = new FaultyStore(store, [
      { kind: "fail", call: "rename", path: /[^ -~]/, code, times: Infinity },
    ]);
    const bench = new Bench({ archive });
    const bytes = new Uint8Array(100);
    const { folder, id } = await bench.commit("日本語 🎉", bytes);
    strictEqual(folder, `___ __${id}`);
    deepStrictEqual((await bench.restore("日本語 🎉")).bytes, bytes);
    const again = await bench.commit("日本語 🎉", bytes);
    deepStrictEqual([again.outcome, again.id], ["unchanged", id]);
    ok(archive.unfired().length === 0);
  });
}

Deno.test("commit() of a name in ASCII that is refused fails, and leaves nothing", async () => {
  const store = new MemoryStore();
  const archive = new FaultyStore(store, [
    { kind: "fail", call: "rename", code: "invalid-argument" },
  ]);
  const error = await new Bench({ archive }).commit("name", new Uint8Array(100))
    .catch((error) => error);
  strictEqual(error.code, "invalid-argument");
  deepStrictEqual(new Bench({ archive: store }).engine.list().entries, []);
});
