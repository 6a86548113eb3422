import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { isFailure } from "../../src/base/errors.ts";
import type { Fault } from "../../src/store/fault_plan.ts";
import { FaultyStore } from "../../src/store/faulty_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { registerConformance } from "./conformance.ts";
import {
  countingBytes,
  readFile,
  throwsFailure,
  writeFile,
} from "./fixture.ts";

registerConformance("FaultyStore without faults", () => {
  const inner = new MemoryStore();
  return {
    store: new FaultyStore(inner),
    plantLink: (path) => inner.plantOther(path),
    [Symbol.dispose]: () => {},
  };
});

function openStore(...faults: Fault[]): {
  store: FaultyStore;
  inner: MemoryStore;
} {
  const inner = new MemoryStore();
  inner.plantFile("a", countingBytes(100));
  inner.plantFile("f/b", countingBytes(100));
  return { store: new FaultyStore(inner, faults), inner };
}

Deno.test("FaultyStore fails the nth call of a kind on a path, and says so", () => {
  const fault: Fault = {
    kind: "fail",
    call: "openFile",
    path: /^f\//,
    nth: 2,
    code: "permission-denied",
  };
  const { store } = openStore(fault);
  readFile(store, "a");
  readFile(store, "f/b");
  deepStrictEqual(store.unfired(), [fault]);
  readFile(store, "a");
  throwsFailure("permission-denied", () => store.openFile("f/b", "read"));
  deepStrictEqual(store.unfired(), []);
  strictEqual(store.firedCount(fault), 1);
  readFile(store, "f/b");
  strictEqual(store.callCount("openFile"), 5);
  strictEqual(store.callCount("readInto"), 4);
});

Deno.test("FaultyStore fails every call from the nth on, for a broken disk", () => {
  const { store } = openStore({
    kind: "fail",
    nth: 3,
    times: Infinity,
    code: "offline",
  });
  store.stat("a");
  store.list("");
  throwsFailure("offline", () => store.stat("a"));
  throwsFailure("offline", () => store.openFile("a", "read"));
  throwsFailure("offline", () => store.makeFolder("g"));
});

Deno.test("FaultyStore does nothing of a failed call, or all of a late one", () => {
  const { store, inner } = openStore(
    { kind: "fail", call: "rename", path: "a", nth: 1 },
    { kind: "fail", call: "rename", path: "moved", nth: 2, late: true },
    { kind: "fail", call: "openFile", path: "new", late: true },
  );
  throwsFailure("io", () => store.rename("a", "moved"));
  strictEqual(inner.stat("a")?.kind, "file");
  throwsFailure("io", () => store.rename("a", "moved"));
  strictEqual(inner.stat("a"), undefined);
  strictEqual(inner.stat("moved")?.kind, "file");
  throwsFailure("io", () => store.openFile("new", "create"));
  strictEqual(inner.stat("new")?.kind, "file");
  deepStrictEqual(store.unfired(), []);
});

Deno.test("FaultyStore fails syncFiles() by any of its paths", async () => {
  const { store } = openStore({ kind: "fail", call: "syncFiles", path: "f/b" });
  await store.syncFiles(["a"]);
  let caught: unknown;
  await store.syncFiles(["a", "f/b"]).catch((error) => caught = error);
  strictEqual(isFailure(caught, "io"), true);
  deepStrictEqual(store.unfired(), []);
});

Deno.test("FaultyStore cannot read bad sectors, until a disk with spares is written", () => {
  for (const heals of [false, true]) {
    const { store } = openStore({
      kind: "unreadable",
      path: "a",
      from: 10,
      to: 20,
      heals,
    });
    using file = store.openFile("a", "update");
    const target = new Uint8Array(10);
    strictEqual(file.readInto(target, 0), 10);
    strictEqual(file.readInto(target, 20), 10);
    for (const offset of [1, 10, 19]) {
      throwsFailure("io", () => file.readInto(target, offset));
    }
    file.writeFrom(countingBytes(5), 12);
    throwsFailure("io", () => file.readInto(target, 10));
    file.writeFrom(countingBytes(12, 50), 9);
    if (heals) strictEqual(file.readInto(target, 10), 10);
    else throwsFailure("io", () => file.readInto(target, 10));
    deepStrictEqual(store.unfired(), []);
  }
});

Deno.test("FaultyStore shows rot where it is, until the byte is written again", () => {
  const { store, inner } = openStore({
    kind: "rotten",
    path: "a",
    offset: 50,
    mask: 0x80,
  });
  using file = store.openFile("a", "update");
  const target = new Uint8Array(50);
  file.readInto(target, 0);
  deepStrictEqual(target, countingBytes(50));
  strictEqual(store.unfired().length, 1);
  file.readInto(target, 50);
  strictEqual(target[0], 51 ^ 0x80);
  deepStrictEqual(target.slice(1), countingBytes(49, 52));
  file.readInto(target, 10);
  strictEqual(target[40], 51 ^ 0x80);
  deepStrictEqual(store.unfired(), []);
  deepStrictEqual(inner.contentOf("a"), countingBytes(100));
  file.writeFrom(Uint8Array.of(51), 50);
  deepStrictEqual(readFile(store, "a"), countingBytes(100));
});

Deno.test("FaultyStore forgets rot on a file that another one replaces", () => {
  const rot: Fault = { kind: "rotten", path: "a", offset: 0, mask: 1 };
  const replaced = openStore(rot).store;
  strictEqual(readFile(replaced, "a")[0], 0);
  replaced.rename("f/b", "a");
  deepStrictEqual(readFile(replaced, "a"), countingBytes(100));

  const removed = openStore(rot).store;
  removed.removeFile("a");
  writeFile(removed, "a", countingBytes(3));
  deepStrictEqual(readFile(removed, "a"), countingBytes(3));
});

Deno.test("FaultyStore cuts one read short", () => {
  const { store } = openStore({
    kind: "short-read",
    path: "a",
    nth: 2,
    bytes: 7,
  });
  using file = store.openFile("a", "read");
  const target = new Uint8Array(20);
  strictEqual(file.readInto(target, 0), 20);
  strictEqual(file.readInto(target, 95), 5); // too short to be cut: not the one
  strictEqual(store.unfired().length, 1);
  target.fill(0);
  strictEqual(file.readInto(target, 0), 7);
  deepStrictEqual(target.slice(0, 7), countingBytes(7));
  deepStrictEqual(target.slice(7), new Uint8Array(13));
  deepStrictEqual(store.unfired(), []);
  strictEqual(file.readInto(target, 0), 20);
});

Deno.test("FaultyStore tears one write and reports it", () => {
  const { store, inner } = openStore({
    kind: "torn-write",
    path: "a",
    bytes: 4,
    code: "no-space",
  });
  using file = store.openFile("a", "update");
  file.writeFrom(Uint8Array.of(1, 1), 98); // too short to be torn
  throwsFailure("no-space", () => file.writeFrom(new Uint8Array(9), 10));
  deepStrictEqual(
    inner.contentOf("a").slice(8, 20),
    Uint8Array.of(9, 10, 0, 0, 0, 0, 15, 16, 17, 18, 19, 20),
  );
  deepStrictEqual(store.unfired(), []);
});

Deno.test("FaultyStore flips a bit of one write and says nothing", () => {
  const { store, inner } = openStore({
    kind: "flipped-write",
    nth: 2,
    index: 3,
    mask: 0x10,
  });
  const source = countingBytes(6);
  using file = store.openFile("new", "create");
  file.writeFrom(source, 0);
  file.writeFrom(source, 6);
  file.writeFrom(source, 12);
  deepStrictEqual(source, countingBytes(6)); // the caller's bytes are its own
  const content = inner.contentOf("new");
  deepStrictEqual(content.slice(0, 6), source);
  deepStrictEqual(content.slice(6, 12), Uint8Array.of(1, 2, 3, 4 ^ 0x10, 5, 6));
  deepStrictEqual(content.slice(12), source);
  deepStrictEqual(store.unfired(), []);
});

Deno.test("FaultyStore callCount() lets a test fail every call in turn", () => {
  const work = (store: FaultyStore) => {
    store.makeFolder("g");
    writeFile(store, "g/new", countingBytes(9));
    using file = store.openFile("g/new", "read");
    file.sync();
    store.rename("g/new", "g/done");
    store.syncFolder("g");
  };
  const counting = openStore().store;
  work(counting);
  const callCount = counting.callCount();
  strictEqual(callCount, 7);
  for (let nth = 1; nth <= callCount; nth++) {
    const { store } = openStore({ kind: "fail", nth });
    throwsFailure("io", () => work(store));
    deepStrictEqual(store.unfired(), []);
  }
});
