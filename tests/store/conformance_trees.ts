// Conformance of stores that hold trees: links, second names, exact times, attributes, holes. What a
// store says it cannot do (`capabilities`) it must still answer, in the way the interface says.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { TreeStore } from "../../src/store/tree_store.ts";
import {
  countingBytes,
  readFile,
  throwsFailure,
  writeFile,
} from "./fixture.ts";

/** An empty store; disposing removes all traces. */
export interface TreeFixture extends Disposable {
  readonly store: TreeStore;
}

type Test = (
  name: string,
  body: (store: TreeStore) => void | Promise<void>,
) => void;

/** Registers the suite's tests for the stores that `open` makes. */
export function registerTreeConformance(
  storeName: string,
  open: () => TreeFixture,
): void {
  const test: Test = (name, body) =>
    Deno.test(`${storeName}: ${name}`, async () => {
      using fixture = open();
      await body(fixture.store);
    });
  testLinks(test);
  testSecondNames(test);
  testMoves(test);
  testTimes(test);
  testExtended(test);
  testHoles(test);
}

function testLinks(test: Test): void {
  test("makeLink() stores the target as it is, and nothing follows it", (store) => {
    store.makeFolder("f");
    writeFile(store, "f/a", countingBytes(3));
    const targets = [
      "f",
      "f/a",
      "../..",
      "/etc/passwd",
      "not there",
      "ä\u{1f600}",
    ];
    for (const [index, target] of targets.entries()) {
      const path = `l${index}`;
      store.makeLink(path, target);
      strictEqual(store.readLink(path), target);
      const stat = store.statExactly(path);
      strictEqual(stat?.kind, "link");
      strictEqual(stat?.bytes, 0);
      strictEqual(store.stat(path)?.kind, "other");
      throwsFailure("unsafe-path", () => store.openFile(path, "ensure"));
      throwsFailure("unsafe-path", () => store.statExactly(`${path}/a`));
      throwsFailure("unsafe-path", () => store.makeLink(`${path}/new`, "x"));
      throwsFailure("unsafe-path", () => store.linkFile("f/a", `${path}/new`));
      throwsFailure("unsafe-path", () => store.linkFile(path, "new"));
      throwsFailure("unsafe-path", () => store.listExactly(path));
      throwsFailure(
        "unsafe-path",
        () => store.setExtended(path, "user.a", countingBytes(1)),
      );
      throwsFailure("unsafe-path", () => store.readDataRanges(path));
      deepStrictEqual(store.readExtended(path), {
        values: new Map(),
        skipped: [],
      });
    }
    deepStrictEqual(store.listExactly("").slice(0, 2), [
      { name: "f", kind: "folder" },
      { name: "l0", kind: "link" },
    ]);
    deepStrictEqual(readFile(store, "f/a"), countingBytes(3));
    store.removeFile("l0");
    strictEqual(store.statExactly("l0"), undefined);
    strictEqual(store.statExactly("f")?.kind, "folder");
  });

  test("links are refused where something is, and with targets that are none", (store) => {
    writeFile(store, "a", countingBytes(1));
    throwsFailure("exists", () => store.makeLink("a", "b"));
    throwsFailure("not-found", () => store.makeLink("no/l", "b"));
    throwsFailure("invalid-name", () => store.makeLink("l", ""));
    throwsFailure("invalid-name", () => store.makeLink("l", "a\0b"));
    throwsFailure("invalid-name", () => store.makeLink("l", "\ud800"));
    throwsFailure("unsafe-path", () => store.makeLink("../l", "a"));
    throwsFailure("wrong-kind", () => store.readLink("a"));
    throwsFailure("wrong-kind", () => store.readLink(""));
    throwsFailure("not-found", () => store.readLink("b"));
  });
}

function testSecondNames(test: Test): void {
  test("linkFile() gives a file a second name, which statExactly() tells", (store) => {
    store.makeFolder("f");
    writeFile(store, "a", countingBytes(3));
    writeFile(store, "c", countingBytes(3));
    store.linkFile("a", "f/b");
    const first = store.statExactly("a")!;
    strictEqual(first.linkCount, 2);
    ok(first.identity !== undefined);
    strictEqual(store.statExactly("f/b")?.identity, first.identity);
    ok(store.statExactly("c")?.identity !== first.identity);
    strictEqual(store.statExactly("f")?.device, first.device);
    {
      using file = store.openFile("f/b", "update");
      file.writeFrom(Uint8Array.of(9), 0);
    }
    deepStrictEqual(readFile(store, "a"), Uint8Array.of(9, 2, 3));
    store.removeFile("a");
    strictEqual(store.statExactly("f/b")?.linkCount, 1);
    throwsFailure("exists", () => store.linkFile("c", "f/b"));
    throwsFailure("not-found", () => store.linkFile("a", "d"));
    throwsFailure("wrong-kind", () => store.linkFile("f", "d"));
    throwsFailure("unsafe-path", () => store.linkFile("c", "../d"));
  });
}

function testMoves(test: Test): void {
  test("moveName() moves links, and over links, but never a folder over anything", (store) => {
    store.makeFolder("f");
    store.makeFolder("g");
    writeFile(store, "a", countingBytes(3));
    store.makeLink("l", "f");
    store.makeLink("m", "a");
    store.moveName("l", "f/l");
    strictEqual(store.readLink("f/l"), "f");
    strictEqual(store.statExactly("l"), undefined);
    store.moveName("a", "m");
    deepStrictEqual(readFile(store, "m"), countingBytes(3));
    store.moveName("f/l", "m");
    strictEqual(store.readLink("m"), "f");
    throwsFailure("exists", () => store.moveName("g", "m"));
    throwsFailure("wrong-kind", () => store.moveName("m", "g"));
    throwsFailure("not-found", () => store.moveName("no", "m"));
    throwsFailure("unsafe-path", () => store.moveName("g", "m/g"));
    throwsFailure("unsafe-path", () => store.moveName("m", "../m"));
    throwsFailure("unsafe-path", () => store.rename("m", "n"));
    store.moveName("g", "f/g");
    strictEqual(store.statExactly("f/g")?.kind, "folder");
  });
}

function testTimes(test: Test): void {
  test("setExactly() sets times and modes of files, folders and links", (store) => {
    store.makeFolder("f");
    writeFile(store, "f/a", countingBytes(4));
    store.makeLink("f/l", "a");
    for (
      const ns of [
        1_700_000_000_123_456_789n,
        0n,
        1n,
        -1n,
        -1_000_000_001n,
        4_102_444_800_000_000_001n,
      ]
    ) {
      for (const path of ["f/l", "f/a", "f", ""]) {
        const isLink = path === "f/l";
        store.setExactly(path, { modifiedNs: ns, mode: isLink ? 0o1 : 0o751 });
        const stat = store.statExactly(path)!;
        if (Deno.build.os !== "windows" && !isLink) {
          strictEqual(stat.mode, 0o751);
        }
        if (isLink && !store.capabilities.nanoseconds) continue;
        const step = store.capabilities.nanoseconds ? 1n : 1_000_000n;
        const rest = ((ns % step) + step) % step;
        strictEqual(stat.modifiedNs, ns - rest, path);
      }
    }
    deepStrictEqual(readFile(store, "f/a"), countingBytes(4));
    throwsFailure("not-found", () => store.setExactly("b", { mode: 0o600 }));
    throwsFailure("unsafe-path", () => store.setExactly("f/l/x", {}));
  });

  test("setAttributes() and setExactly() set the same", (store) => {
    writeFile(store, "a", countingBytes(4));
    store.setAttributes("a", { modifiedMs: 1_234_567_890_123, mode: 0o640 });
    const stat = store.statExactly("a");
    strictEqual(stat?.modifiedNs, 1_234_567_890_123_000_000n);
    store.setExactly("a", { modifiedNs: 5_000_999_999n });
    strictEqual(store.stat("a")?.modifiedMs, 5000);
    if (Deno.build.os !== "windows") strictEqual(store.stat("a")?.mode, 0o640);
  });
}

function testExtended(test: Test): void {
  test("extended attributes are kept, or said to be none", (store) => {
    store.makeFolder("f");
    writeFile(store, "a", countingBytes(4));
    const none = { values: new Map(), skipped: [] };
    deepStrictEqual(store.readExtended("a"), none);
    if (!store.capabilities.extendedAttributes) {
      throwsFailure(
        "invalid-argument",
        () => store.setExtended("a", "user.x", countingBytes(1)),
      );
      return;
    }
    for (const path of ["a", "f"]) {
      store.setExtended(path, "user.b", countingBytes(200));
      store.setExtended(path, "user.a", new Uint8Array());
      store.setExtended(path, "user.b", countingBytes(3));
      store.setExtended(path, "user.ä", countingBytes(1, 255));
      deepStrictEqual([...store.readExtended(path).values], [
        ["user.a", new Uint8Array()],
        ["user.b", countingBytes(3)],
        ["user.ä", countingBytes(1, 255)],
      ]);
    }
    throwsFailure(
      "invalid-argument",
      () => store.setExtended("a", "security.x", countingBytes(1)),
    );
    throwsFailure(
      "not-found",
      () => store.setExtended("b", "user.x", countingBytes(1)),
    );
    throwsFailure("not-found", () => store.readExtended("b"));
    deepStrictEqual(readFile(store, "a"), countingBytes(4));
  });
}

function testHoles(test: Test): void {
  test("readDataRanges() never calls data a hole, and finds a large hole", (store) => {
    const mib = 1 << 20;
    {
      using file = store.openFile("a", "create");
      file.writeFrom(countingBytes(10), 0);
      file.writeFrom(countingBytes(10), 4 * mib);
      file.truncate(8 * mib);
    }
    writeFile(store, "empty", new Uint8Array());
    deepStrictEqual(store.readDataRanges("empty"), []);
    const ranges = store.readDataRanges("a");
    const covers = (offset: number) =>
      ranges.some((each) =>
        each.offset <= offset && offset < each.offset + each.bytes
      );
    ok(covers(0) && covers(9) && covers(4 * mib) && covers(4 * mib + 9));
    for (const { offset, bytes } of ranges) {
      ok(offset >= 0 && bytes > 0 && offset + bytes <= 8 * mib);
    }
    if (store.capabilities.holes) {
      ok(!covers(2 * mib) && !covers(6 * mib));
      ok(store.statExactly("a")!.allocatedBytes! < mib);
    }
    {
      using file = store.openFile("hole", "create");
      file.truncate(mib);
    }
    if (store.capabilities.holes) {
      deepStrictEqual(store.readDataRanges("hole"), []);
    }
    throwsFailure("wrong-kind", () => store.readDataRanges(""));
    throwsFailure("not-found", () => store.readDataRanges("b"));
  });

  test("syncTree() takes any folder, and nothing else", async (store) => {
    store.makeFolder("f");
    writeFile(store, "f/a", countingBytes(4));
    store.makeLink("f/l", "nowhere");
    await store.syncTree("f");
    await store.syncTree("");
    let code = "";
    await store.syncTree("f/a").catch((error) => code = error.code);
    strictEqual(code, "wrong-kind");
  });
}
