import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { ReadOnlyStore } from "../../src/store/read_only_store.ts";
import { countingBytes, readFile, throwsFailure } from "./fixture.ts";

Deno.test("ReadOnlyStore reads what the inner store has", async () => {
  const inner = new MemoryStore({ location: "/inner" });
  inner.plantFile("f/a", countingBytes(9));
  inner.plantOther("f/link");
  const store = new ReadOnlyStore(inner);
  strictEqual(store.location, "/inner");
  strictEqual(store.stat("f/a")?.bytes, 9);
  strictEqual(store.stat("no"), undefined);
  deepStrictEqual(store.list("f"), inner.list("f"));
  deepStrictEqual(readFile(store, "f/a"), countingBytes(9));
  throwsFailure("not-found", () => store.openFile("no", "read"));
  throwsFailure("unsafe-path", () => store.openFile("f/link", "read"));
  store.makeFolder("f");
  store.syncFolder("f");
  await store.syncFiles(["f/a"]);
  strictEqual(store.freeBytes(), 0);
});

Deno.test("ReadOnlyStore refuses every change, and the inner store stays as it was", () => {
  const inner = new MemoryStore();
  inner.plantFile("f/a", countingBytes(9));
  const store = new ReadOnlyStore(inner);
  using file = store.openFile("f/a", "read");
  for (
    const call of [
      () => file.writeFrom(Uint8Array.of(1), 0),
      () => file.truncate(0),
      () => store.openFile("f/a", "update"),
      () => store.openFile("f/a", "ensure"),
      () => store.openFile("f/b", "ensure"),
      () => store.openFile("f/b", "create"),
      () => store.makeFolder("g"),
      () => store.rename("f/a", "f/b"),
      () => store.removeFile("f/a"),
      () => store.removeTree("f"),
      () => store.setAttributes("f/a", { mode: 0o600 }),
    ]
  ) throwsFailure("read-only", call);
  deepStrictEqual(inner.filePaths(), ["f/a"]);
  deepStrictEqual(inner.contentOf("f/a"), countingBytes(9));
});

Deno.test("ReadOnlyStore still calls an unsafe path unsafe", () => {
  const store = new ReadOnlyStore(new MemoryStore());
  for (
    const call of [
      () => store.openFile("../a", "create"),
      () => store.makeFolder("../a"),
      () => store.rename("a", "../b"),
      () => store.rename("../a", "b"),
      () => store.removeFile("../a"),
      () => store.removeTree("../a"),
    ]
  ) throwsFailure("unsafe-path", call);
});
