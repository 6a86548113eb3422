import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { registerConformance } from "./conformance.ts";
import {
  countingBytes,
  readFile,
  throwsFailure,
  writeFile,
} from "./fixture.ts";

registerConformance("MemoryStore", () => {
  const store = new MemoryStore();
  return {
    store,
    plantLink: (path) => store.plantOther(path),
    [Symbol.dispose]: () => {},
  };
});

Deno.test("MemoryStore writeFrom() keeps what there is room for, as a full disk does", () => {
  const store = new MemoryStore({ capacityBytes: 10 });
  writeFile(store, "a", countingBytes(6));
  strictEqual(store.freeBytes(), 4);
  using file = store.openFile("b", "create");
  throwsFailure("no-space", () => file.writeFrom(countingBytes(6), 0));
  deepStrictEqual(readFile(store, "b"), countingBytes(4));
  strictEqual(store.freeBytes(), 0);
  file.writeFrom(Uint8Array.of(9), 3); // overwriting needs no room
  throwsFailure("no-space", () => file.writeFrom(Uint8Array.of(1), 4));
  throwsFailure("no-space", () => file.writeFrom(Uint8Array.of(1), 100));
  throwsFailure("no-space", () => file.truncate(5));
  strictEqual(file.size(), 4);
});

Deno.test("MemoryStore usedBytes() follows every way to gain or lose room", () => {
  const store = new MemoryStore({ capacityBytes: 100 });
  store.makeFolder("f");
  writeFile(store, "f/a", countingBytes(10));
  writeFile(store, "f/b", countingBytes(20));
  strictEqual(store.usedBytes, 30);
  store.rename("f/a", "f/b");
  strictEqual(store.usedBytes, 10);
  store.plantHardLink("f/c", "f/b");
  strictEqual(store.usedBytes, 10);
  strictEqual(store.stat("f/c")?.linkCount, 2);
  store.removeFile("f/b");
  strictEqual(store.usedBytes, 10);
  strictEqual(store.stat("f/c")?.linkCount, 1);
  store.plantFile("f/c", countingBytes(7));
  strictEqual(store.usedBytes, 7);
  using open = store.openFile("f/c", "update");
  open.truncate(50);
  strictEqual(store.usedBytes, 50);
  store.removeTree("f");
  strictEqual(store.usedBytes, 0);
  open.writeFrom(countingBytes(60), 0);
  strictEqual(store.usedBytes, 0);
});

Deno.test("MemoryStore readOnly refuses every change and nothing else", () => {
  const store = new MemoryStore();
  writeFile(store, "a", countingBytes(2));
  using open = store.openFile("a", "update");
  store.readOnly = true;
  for (
    const call of [
      () => open.writeFrom(Uint8Array.of(1), 0),
      () => open.truncate(0),
      () => store.openFile("a", "update"),
      () => store.openFile("a", "ensure"),
      () => store.openFile("b", "create"),
      () => store.makeFolder("f"),
      () => store.rename("a", "b"),
      () => store.removeFile("a"),
      () => store.setAttributes("a", { mode: 0o600 }),
    ]
  ) throwsFailure("read-only", call);
  deepStrictEqual(readFile(store, "a"), countingBytes(2));
  store.readOnly = false;
  store.removeFile("a");
});

Deno.test("MemoryStore clone() shares nothing with its origin", () => {
  const store = new MemoryStore({ location: "here", capacityBytes: 1000 });
  store.plantFile("f/a", countingBytes(3));
  store.plantHardLink("f/b", "f/a");
  store.plantOther("f/link");
  store.plantFolder("g/empty");
  const copy = store.clone();
  using file = store.openFile("f/a", "update");
  file.writeFrom(Uint8Array.of(77), 0);
  store.removeTree("g");
  deepStrictEqual(copy.filePaths(), ["f/a", "f/b", "f/link"]);
  deepStrictEqual(copy.contentOf("f/a"), countingBytes(3));
  strictEqual(copy.stat("g/empty")?.kind, "folder");
  strictEqual(copy.stat("f/b")?.linkCount, 2);
  strictEqual(copy.stat("f/link")?.kind, "other");
  strictEqual(copy.location, "here");
  strictEqual(copy.capacityBytes, 1000);
});

Deno.test("MemoryStore messages name the call, the path and the store", () => {
  const store = new MemoryStore({ location: "/pool/disk1" });
  let message = "";
  try {
    store.openFile("a\nb", "read");
  } catch (error) {
    message = (error as Error).message;
  }
  strictEqual(message, 'Cannot open "a\\nb" of /pool/disk1: nothing is there');
});
