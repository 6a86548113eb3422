// Conformance, first part: the bytes of files.

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { FailureCode } from "../../src/base/errors.ts";
import type { OpenMode } from "../../src/store/store.ts";
import {
  type ConformanceTest as Test,
  countingBytes,
  readFile,
  throwsFailure,
  writeFile,
} from "./fixture.ts";

/** Reading at offsets. */
export function testReads(test: Test): void {
  test("readInto() gives what was written, at any offset", (store) => {
    writeFile(store, "a", countingBytes(100));
    using file = store.openFile("a", "read");
    for (
      const [offset, length] of [[0, 100], [0, 10], [10, 10], [50, 7], [
        3,
        1,
      ]] as const
    ) {
      const target = new Uint8Array(length);
      strictEqual(file.readInto(target, offset), length);
      deepStrictEqual(target, countingBytes(length, 1 + offset));
    }
  });

  test("readInto() stops at the end of the file and leaves the rest alone", (store) => {
    writeFile(store, "a", countingBytes(10));
    using file = store.openFile("a", "read");
    const target = new Uint8Array(8).fill(0xee);
    strictEqual(file.readInto(target, 6), 4);
    deepStrictEqual(target, Uint8Array.of(7, 8, 9, 10, 0xee, 0xee, 0xee, 0xee));
    strictEqual(file.readInto(target, 10), 0);
    strictEqual(file.readInto(target, 1_000_000), 0);
    strictEqual(file.readInto(target, 2 ** 40), 0);
    strictEqual(file.readInto(new Uint8Array(0), 0), 0);
  });

  test("readInto() fills a view of WASM memory and nothing beside it", (store) => {
    writeFile(store, "a", countingBytes(64));
    const memory = new WebAssembly.Memory({ initial: 1 });
    using file = store.openFile("a", "read");
    strictEqual(file.readInto(new Uint8Array(memory.buffer, 128, 64), 0), 64);
    const all = new Uint8Array(memory.buffer, 0, 256);
    deepStrictEqual(all.slice(128, 192), countingBytes(64));
    strictEqual(all.slice(0, 128).every((byte) => byte === 0), true);
    strictEqual(all.slice(192).every((byte) => byte === 0), true);
  });

  test("openFile() gives files that read independently of each other", (store) => {
    writeFile(store, "a", countingBytes(20));
    using first = store.openFile("a", "read");
    using second = store.openFile("a", "read");
    const target = new Uint8Array(5);
    first.readInto(target, 0);
    second.readInto(target, 10);
    first.readInto(target, 5);
    deepStrictEqual(target, countingBytes(5, 6));
    second.readInto(target, 15);
    deepStrictEqual(target, countingBytes(5, 16));
  });
}

/** Writing, cutting and extending. */
export function testWrites(test: Test): void {
  test("writeFrom() extends with zeros where it starts past the end", (store) => {
    using file = store.openFile("a", "create");
    file.writeFrom(Uint8Array.of(1), 0);
    file.writeFrom(Uint8Array.of(2), 5);
    strictEqual(file.size(), 6);
    deepStrictEqual(readFile(store, "a"), Uint8Array.of(1, 0, 0, 0, 0, 2));
  });

  test("writeFrom() replaces what is there and keeps the rest", (store) => {
    writeFile(store, "a", countingBytes(10));
    using file = store.openFile("a", "update");
    file.writeFrom(Uint8Array.of(99, 98), 4);
    file.writeFrom(new Uint8Array(0), 100);
    file.writeFrom(Uint8Array.of(97), 0);
    deepStrictEqual(
      readFile(store, "a"),
      Uint8Array.of(97, 2, 3, 4, 99, 98, 7, 8, 9, 10),
    );
  });

  test("writeFrom() stores bytes from WASM memory", (store) => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const source = new Uint8Array(memory.buffer, 1000, 300).fill(7);
    writeFile(store, "a", source);
    deepStrictEqual(readFile(store, "a"), new Uint8Array(300).fill(7));
  });

  test("writeFrom() and readInto() alternate on one file", (store) => {
    using file = store.openFile("a", "create");
    const target = new Uint8Array(4);
    file.writeFrom(countingBytes(8), 0);
    strictEqual(file.readInto(target, 2), 4);
    file.writeFrom(Uint8Array.of(50), 6);
    strictEqual(file.readInto(target, 6), 2);
    deepStrictEqual(target, Uint8Array.of(50, 8, 5, 6));
  });

  test("truncate() cuts, and extends with zeros, also what was cut", (store) => {
    writeFile(store, "a", countingBytes(10));
    using file = store.openFile("a", "update");
    file.truncate(4);
    strictEqual(file.size(), 4);
    file.truncate(8);
    strictEqual(file.size(), 8);
    deepStrictEqual(
      readFile(store, "a"),
      Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 0),
    );
    file.truncate(0);
    strictEqual(store.stat("a")?.bytes, 0);
  });

  test("size() and stat() see a write before it is synced", (store) => {
    using file = store.openFile("a", "create");
    file.writeFrom(countingBytes(70_000 % 251), 0);
    strictEqual(file.size(), 70_000 % 251);
    strictEqual(store.stat("a")?.bytes, 70_000 % 251);
  });
}

/** What openFile makes of what is there. */
export function testModes(test: Test): void {
  const present: readonly (readonly [OpenMode, FailureCode | undefined])[] = [
    ["read", undefined],
    ["create", "exists"],
    ["update", undefined],
    ["ensure", undefined],
  ];
  for (const [mode, code] of present) {
    test(`openFile() "${mode}" of a file that is there: ${code ?? "keeps its bytes"}`, (store) => {
      writeFile(store, "a", countingBytes(3));
      if (code !== undefined) {
        throwsFailure(code, () => store.openFile("a", mode));
      } else store.openFile("a", mode)[Symbol.dispose]();
      deepStrictEqual(readFile(store, "a"), countingBytes(3));
    });
  }

  const absent: readonly (readonly [OpenMode, FailureCode | undefined])[] = [
    ["read", "not-found"],
    ["create", undefined],
    ["update", "not-found"],
    ["ensure", undefined],
  ];
  for (const [mode, code] of absent) {
    test(`openFile() "${mode}" where nothing is: ${code ?? "makes an empty file"}`, (store) => {
      if (code !== undefined) {
        throwsFailure(code, () => store.openFile("a", mode));
      } else store.openFile("a", mode)[Symbol.dispose]();
      strictEqual(store.stat("a")?.bytes, code === undefined ? 0 : undefined);
    });
  }

  for (const mode of ["read", "create", "update", "ensure"] as const) {
    test(`openFile() "${mode}" below a folder that is not there is not-found`, (store) => {
      throwsFailure("not-found", () => store.openFile("no/a", mode));
    });
    test(`openFile() "${mode}" below a file is wrong-kind`, (store) => {
      writeFile(store, "a", countingBytes(1));
      throwsFailure("wrong-kind", () => store.openFile("a/b", mode));
    });
  }

  for (const mode of ["read", "update", "ensure"] as const) {
    test(`openFile() "${mode}" of a folder is wrong-kind`, (store) => {
      store.makeFolder("f");
      throwsFailure("wrong-kind", () => store.openFile("f", mode));
      throwsFailure("wrong-kind", () => store.openFile("", mode));
    });
  }
  test('openFile() "create" of a folder is exists', (store) => {
    store.makeFolder("f");
    throwsFailure("exists", () => store.openFile("f", "create"));
  });
}
