// Conformance, second part: names, folders, renames and removals.

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { encodeUtf8, formatHex } from "../../src/base/bytes.ts";
import {
  type ConformanceTest as Test,
  countingBytes,
  readFile,
  throwsFailure,
  writeFile,
} from "./fixture.ts";

/** stat, list, makeFolder and attributes. */
export function testFolders(test: Test): void {
  test("stat() tells files, folders and nothing apart", (store) => {
    store.makeFolder("f");
    writeFile(store, "f/a", countingBytes(9));
    strictEqual(store.stat("")?.kind, "folder");
    strictEqual(store.stat("f")?.kind, "folder");
    strictEqual(store.stat("f")?.bytes, 0);
    const { kind, bytes, linkCount } = store.stat("f/a")!;
    deepStrictEqual({ kind, bytes, linkCount }, {
      kind: "file",
      bytes: 9,
      linkCount: 1,
    });
    strictEqual(store.stat("b"), undefined);
    strictEqual(store.stat("no/b"), undefined);
    strictEqual(store.stat("f/a/b"), undefined);
  });

  test("makeFolder() is content with a folder that is there", (store) => {
    store.makeFolder("f");
    writeFile(store, "f/a", countingBytes(2));
    store.makeFolder("f");
    store.makeFolder("");
    deepStrictEqual(store.list("f"), [{ name: "a", kind: "file" }]);
  });

  test("makeFolder() needs the parent, and no file in the way", (store) => {
    throwsFailure("not-found", () => store.makeFolder("no/f"));
    writeFile(store, "a", countingBytes(1));
    throwsFailure("wrong-kind", () => store.makeFolder("a"));
    throwsFailure("wrong-kind", () => store.makeFolder("a/f"));
  });

  test("list() gives each name with its kind, of that folder alone", (store) => {
    store.makeFolder("f");
    store.makeFolder("f/inner");
    writeFile(store, "f/a", countingBytes(1));
    writeFile(store, "f/inner/b", countingBytes(1));
    deepStrictEqual(store.list("f"), [
      { name: "a", kind: "file" },
      { name: "inner", kind: "folder" },
    ]);
    deepStrictEqual(store.list(""), [{ name: "f", kind: "folder" }]);
    deepStrictEqual(store.list("f/inner"), [{ name: "b", kind: "file" }]);
  });

  test("list() of nothing is not-found, of a file wrong-kind", (store) => {
    writeFile(store, "a", countingBytes(1));
    throwsFailure("not-found", () => store.list("no"));
    throwsFailure("wrong-kind", () => store.list("a"));
  });

  test("setAttributes() is seen by stat()", (store) => {
    writeFile(store, "a", countingBytes(4));
    store.setAttributes("a", { modifiedMs: 1_234_567_890_000, mode: 0o640 });
    const stat = store.stat("a");
    strictEqual(stat?.modifiedMs, 1_234_567_890_000);
    if (Deno.build.os !== "windows") strictEqual(stat?.mode, 0o640);
    deepStrictEqual(readFile(store, "a"), countingBytes(4));
    throwsFailure("not-found", () => store.setAttributes("b", { mode: 0o600 }));
    throwsFailure("wrong-kind", () => store.setAttributes("", { mode: 0o600 }));
  });
}

// What users' files are called, and what tests of other programs forgot.
const awkwardNames = [
  " ",
  " a",
  "a b",
  "-rf",
  "--",
  ".hidden",
  "..a",
  "a..",
  "...",
  "~",
  "$HOME",
  "%2e%2e",
  "caf\u00e9",
  "cafe\u0301",
  "日本語",
  "\u{1f4be}",
  "\u{10ffff}",
  "\uffff",
  "\ufffd",
  "\ue000",
  "#",
  "'",
  "x".repeat(255),
  "é".repeat(127),
  "\u{1f4be}".repeat(63),
  ...(Deno.build.os === "windows" ? [] : [
    "new\nline",
    "tab\t",
    "a\\b",
    "C:",
    "a:b",
    '"',
    "*",
    "nul",
    "\x01",
    "\x7f",
  ]),
];

/** Names that other programs choke on. */
export function testNames(test: Test): void {
  test("list() gives awkward names back, in byte order of their UTF-8", (store) => {
    for (const name of awkwardNames) writeFile(store, name, countingBytes(1));
    const expected = awkwardNames
      .map((name) => ({ name, hex: formatHex(encodeUtf8(name)) }))
      .sort((left, right) => left.hex < right.hex ? -1 : 1)
      .map(({ name }) => ({ name, kind: "file" }));
    deepStrictEqual(store.list(""), expected);
  });

  test("a folder and a file may have any awkward name", (store) => {
    for (const name of awkwardNames) {
      store.makeFolder(name);
      writeFile(store, `${name}/${name}`, countingBytes(5));
      deepStrictEqual(readFile(store, `${name}/${name}`), countingBytes(5));
      store.rename(`${name}/${name}`, `${name}/moved`);
      store.removeFile(`${name}/moved`);
      store.removeTree(name);
    }
    deepStrictEqual(store.list(""), []);
  });

  test("a name of more than 255 bytes is invalid-name", (store) => {
    for (
      const name of ["x".repeat(256), "é".repeat(128), "\u{1f4be}".repeat(64)]
    ) {
      throwsFailure("invalid-name", () => store.openFile(name, "ensure"));
      throwsFailure("invalid-name", () => store.makeFolder(name));
    }
  });

  test("a folder may hold many names", (store) => {
    const names = Array.from(
      { length: 500 },
      (_, index) => `n${String(index).padStart(3, "0")}`,
    );
    for (const name of names.toReversed()) {
      writeFile(store, name, countingBytes(0));
    }
    deepStrictEqual(store.list("").map(({ name }) => name), names);
  });
}

/** rename. */
export function testRenames(test: Test): void {
  test("rename() moves a file, and a folder with all that is in it", (store) => {
    store.makeFolder("f");
    store.makeFolder("f/inner");
    writeFile(store, "f/inner/a", countingBytes(3));
    store.makeFolder("g");
    store.rename("f", "g/h");
    strictEqual(store.stat("f"), undefined);
    deepStrictEqual(readFile(store, "g/h/inner/a"), countingBytes(3));
    store.rename("g/h/inner/a", "b");
    strictEqual(store.stat("g/h/inner/a"), undefined);
    deepStrictEqual(readFile(store, "b"), countingBytes(3));
  });

  test("rename() of a file replaces a file, in one step for those who have it open", (store) => {
    writeFile(store, "old", countingBytes(3));
    writeFile(store, "new", countingBytes(4, 50));
    using open = store.openFile("old", "read");
    store.rename("new", "old");
    const target = new Uint8Array(3);
    open.readInto(target, 0);
    deepStrictEqual(target, countingBytes(3));
    deepStrictEqual(readFile(store, "old"), countingBytes(4, 50));
    strictEqual(store.stat("new"), undefined);
  });

  test("rename() of a folder replaces nothing, not even an empty folder", (store) => {
    store.makeFolder("f");
    store.makeFolder("empty");
    writeFile(store, "a", countingBytes(1));
    throwsFailure("exists", () => store.rename("f", "empty"));
    throwsFailure("exists", () => store.rename("f", "a"));
    deepStrictEqual(store.list("").map(({ name }) => name), [
      "a",
      "empty",
      "f",
    ]);
  });

  test("rename() of a file does not replace a folder", (store) => {
    store.makeFolder("empty");
    writeFile(store, "a", countingBytes(1));
    throwsFailure("wrong-kind", () => store.rename("a", "empty"));
  });

  test("rename() needs a source, a parent for the target, and no root", (store) => {
    writeFile(store, "a", countingBytes(1));
    store.makeFolder("f");
    throwsFailure("not-found", () => store.rename("no", "b"));
    throwsFailure("not-found", () => store.rename("a", "no/b"));
    throwsFailure("wrong-kind", () => store.rename("a", "a/b"));
    throwsFailure("invalid-argument", () => store.rename("f", "f/inner"));
    throwsFailure("invalid-argument", () => store.rename("", "b"));
    throwsFailure("invalid-argument", () => store.rename("a", ""));
    deepStrictEqual(readFile(store, "a"), countingBytes(1));
  });

  test("rename() to the same name changes nothing", (store) => {
    writeFile(store, "a", countingBytes(1));
    store.makeFolder("f");
    store.rename("a", "a");
    store.rename("f", "f");
    deepStrictEqual(store.list("").map(({ name }) => name), ["a", "f"]);
  });
}

/** removeFile and removeTree. */
export function testRemovals(test: Test): void {
  test("removeFile() removes a file, and nothing else", (store) => {
    writeFile(store, "a", countingBytes(1));
    writeFile(store, "b", countingBytes(1));
    store.makeFolder("f");
    store.removeFile("a");
    throwsFailure("not-found", () => store.removeFile("a"));
    throwsFailure("not-found", () => store.removeFile("no/a"));
    throwsFailure("wrong-kind", () => store.removeFile("f"));
    throwsFailure("wrong-kind", () => store.removeFile(""));
    throwsFailure("wrong-kind", () => store.removeFile("b/c"));
    deepStrictEqual(store.list("").map(({ name }) => name), ["b", "f"]);
  });

  test("removeFile() leaves an open file readable", (store) => {
    writeFile(store, "a", countingBytes(6));
    using file = store.openFile("a", "read");
    store.removeFile("a");
    const target = new Uint8Array(6);
    strictEqual(file.readInto(target, 0), 6);
    deepStrictEqual(target, countingBytes(6));
  });

  test("removeTree() removes a folder with all that is in it", (store) => {
    for (const path of ["f", "f/g", "f/g/h", "empty"]) store.makeFolder(path);
    for (const path of ["f/a", "f/g/b", "f/g/h/c", "kept"]) {
      writeFile(store, path, countingBytes(1));
    }
    store.removeTree("f");
    store.removeTree("empty");
    deepStrictEqual(store.list(""), [{ name: "kept", kind: "file" }]);
  });

  test("removeTree() refuses nothing, files and the root", (store) => {
    writeFile(store, "a", countingBytes(1));
    throwsFailure("not-found", () => store.removeTree("no"));
    throwsFailure("wrong-kind", () => store.removeTree("a"));
    throwsFailure("invalid-argument", () => store.removeTree(""));
    deepStrictEqual(readFile(store, "a"), countingBytes(1));
  });
}
