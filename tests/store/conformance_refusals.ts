// Conformance, third part: what every call refuses, and the sync calls.

import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { isFailure } from "../../src/base/errors.ts";
import type { Store } from "../../src/store/store.ts";
import {
  type ConformanceTest as Test,
  countingBytes,
  readFile,
  throwsFailure,
  writeFile,
} from "./fixture.ts";

const unsafePaths = [
  "..",
  ".",
  "/",
  "//",
  "/a",
  "/etc/passwd",
  "a/",
  "a//b",
  "f//a",
  "a/..",
  "f/../a",
  "../outside",
  "f/../../outside",
  "./a",
  "f/.",
  "f/./a",
  "a\0",
  "\0",
  "f/\0/a",
  "a\ud800",
  "\udc00a",
];

function everyCall(store: Store, path: string): [string, () => unknown][] {
  return [
    ["stat()", () => store.stat(path)],
    ["list()", () => store.list(path)],
    ["openFile() read", () => store.openFile(path, "read")],
    ["openFile() create", () => store.openFile(path, "create")],
    ["openFile() update", () => store.openFile(path, "update")],
    ["openFile() ensure", () => store.openFile(path, "ensure")],
    ["makeFolder()", () => store.makeFolder(path)],
    ["rename() source", () => store.rename(path, "new")],
    ["rename() target", () => store.rename("a", path)],
    ["removeFile()", () => store.removeFile(path)],
    ["removeTree()", () => store.removeTree(path)],
    ["syncFolder()", () => store.syncFolder(path)],
    ["setAttributes()", () => store.setAttributes(path, { mode: 0o600 })],
  ];
}

async function rejectsUnsafe(store: Store, path: string): Promise<void> {
  let caught: unknown;
  await store.syncFiles([path]).catch((error) => caught = error);
  strictEqual(isFailure(caught, "unsafe-path"), true);
}

/** Paths and links that every call refuses. */
export function testRefusals(test: Test): void {
  test("every call refuses a path that is not a plain relative one", async (store) => {
    store.makeFolder("f");
    writeFile(store, "a", countingBytes(2));
    writeFile(store, "f/a", countingBytes(2));
    for (const path of unsafePaths) {
      for (const [, call] of everyCall(store, path)) {
        throwsFailure("unsafe-path", call);
      }
      await rejectsUnsafe(store, path);
    }
    deepStrictEqual(store.list("").map(({ name }) => name), ["a", "f"]);
    deepStrictEqual(readFile(store, "a"), countingBytes(2));
  });

  test("every call refuses a link on the way", async (store, fixture) => {
    writeFile(store, "a", countingBytes(2));
    store.makeFolder("f");
    fixture.plantLink("f/link");
    for (const path of ["f/link/x", "f/link/x/y", "f/link/.hidden"]) {
      for (const [, call] of everyCall(store, path)) {
        throwsFailure("unsafe-path", call);
      }
      await rejectsUnsafe(store, path);
    }
    deepStrictEqual(store.list("f"), [{ name: "link", kind: "other" }]);
  });

  test(
    "every call but stat() and the removals refuses a link at the end",
    async (store, fixture) => {
      writeFile(store, "a", countingBytes(2));
      fixture.plantLink("link");
      for (const [name, call] of everyCall(store, "link")) {
        if (name === "stat()" || name.startsWith("remove")) continue;
        const code = name === "openFile() create"
          ? ["unsafe-path", "exists"]
          : ["unsafe-path"];
        throws(
          call,
          (error) => isFailure(error) && code.includes(error.code),
          name,
        );
      }
      await rejectsUnsafe(store, "link");
      deepStrictEqual(store.list(""), [
        { name: "a", kind: "file" },
        { name: "link", kind: "other" },
      ]);
    },
  );
}

/** What may be done with a link itself. */
export function testLinks(test: Test): void {
  test(
    "stat() says that a link is other, and follows none",
    (store, fixture) => {
      fixture.plantLink("link");
      strictEqual(store.stat("link")?.kind, "other");
      strictEqual(store.stat("link")?.bytes, 0);
    },
  );

  test(
    "removeFile() and removeTree() remove a link itself",
    (store, fixture) => {
      fixture.plantLink("one");
      fixture.plantLink("two");
      store.removeFile("one");
      store.removeTree("two");
      store.makeFolder("f");
      fixture.plantLink("f/three");
      store.removeTree("f");
      deepStrictEqual(store.list(""), []);
    },
  );
}

/** The sync calls, as far as they can be seen without a crash. */
export function testDurability(test: Test): void {
  test("sync(), syncFolder() and syncFiles() succeed and change nothing", async (store) => {
    store.makeFolder("f");
    const paths: string[] = [];
    for (let index = 0; index < 30; index++) {
      const path = `f/${index}`;
      writeFile(store, path, countingBytes(index + 1));
      paths.push(path);
    }
    await store.syncFiles(paths);
    await store.syncFiles([]);
    using file = store.openFile("f/3", "update");
    file.writeFrom(Uint8Array.of(9), 0);
    file.sync();
    store.syncFolder("f");
    store.syncFolder("");
    strictEqual(store.list("f").length, 30);
    deepStrictEqual(readFile(store, "f/3"), Uint8Array.of(9, 2, 3, 4));
  });

  test("syncFolder() and syncFiles() say what is missing or of another kind", async (store) => {
    writeFile(store, "a", countingBytes(1));
    throwsFailure("not-found", () => store.syncFolder("no"));
    throwsFailure("wrong-kind", () => store.syncFolder("a"));
    for (
      const [path, code] of [["no", "not-found"], ["", "wrong-kind"]] as const
    ) {
      let caught: unknown;
      await store.syncFiles(["a", path]).catch((error) => caught = error);
      strictEqual(isFailure(caught, code), true);
    }
  });

  test("freeBytes() is a plausible number or unknown", (store) => {
    const bytes = store.freeBytes();
    strictEqual(
      bytes === undefined || (Number.isInteger(bytes) && bytes >= 0),
      true,
    );
  });
}
