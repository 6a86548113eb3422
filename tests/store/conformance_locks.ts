// Conformance, fourth part: lock files.

import {
  deepStrictEqual,
  notStrictEqual,
  strictEqual,
} from "node:assert/strict";
import type { LockAttempt, Store } from "../../src/store/store.ts";
import {
  type ConformanceTest as Test,
  countingBytes,
  readFile,
  throwsFailure,
  writeFile,
} from "./fixture.ts";

/** openLockFile and what ends a lock. */
export function testLocks(test: Test): void {
  test("openLockFile() makes the file, and gives its lock to one at a time", (store) => {
    const first = take(store, "lock");
    deepStrictEqual([first.created, first.writable], [true, true]);
    strictEqual(store.openLockFile("lock").kind, "busy");
    strictEqual(store.openLockFile("lock").kind, "busy");
    first.file[Symbol.dispose]();
    const second = take(store, "lock");
    deepStrictEqual([second.created, second.writable], [false, true]);
    first.file[Symbol.dispose]();
    strictEqual(store.openLockFile("lock").kind, "busy");
    second.file[Symbol.dispose]();
  });

  test("openLockFile() gives a file that can be written and read", (store) => {
    const lock = take(store, "lock");
    lock.file.writeFrom(countingBytes(9), 0);
    const target = new Uint8Array(9);
    strictEqual(lock.file.readInto(target, 0), 9);
    deepStrictEqual(target, countingBytes(9));
    lock.file[Symbol.dispose]();
    deepStrictEqual(readFile(store, "lock"), countingBytes(9));
  });

  test("openLockFile() of two files gives two locks", (store) => {
    store.makeFolder("f");
    const locks = [take(store, "a"), take(store, "b"), take(store, "f/a")];
    for (const { file } of locks) file[Symbol.dispose]();
  });

  test("openLockFile() never gives the lock of a file that was removed", (store) => {
    const first = take(store, "lock");
    store.removeFile("lock");
    const second = take(store, "lock");
    strictEqual(second.created, true);
    first.file[Symbol.dispose]();
    strictEqual(store.openLockFile("lock").kind, "busy");
    second.file[Symbol.dispose]();
    notStrictEqual(store.stat("lock"), undefined);
  });

  test(
    "openLockFile() refuses folders, links and bad paths",
    (store, fixture) => {
      store.makeFolder("f");
      throwsFailure("wrong-kind", () => store.openLockFile("f"));
      writeFile(store, "a", countingBytes(1));
      throwsFailure("wrong-kind", () => store.openLockFile("a/b"));
      throwsFailure("not-found", () => store.openLockFile("no/lock"));
      throwsFailure("unsafe-path", () => store.openLockFile("../lock"));
      fixture.plantLink("link");
      throwsFailure("unsafe-path", () => store.openLockFile("link"));
      throwsFailure("unsafe-path", () => store.openLockFile("link/lock"));
    },
  );
}

function take(
  store: Store,
  path: string,
): Exclude<LockAttempt, { kind: "busy" }> {
  const tried = store.openLockFile(path);
  if (tried.kind !== "held") throw new Error(`"${path}" is ${tried.kind}`);
  return tried;
}
