import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { blake3 } from "hash-wasm";
import { type Bytes, encodeUtf8, joinBytes } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { boundRanges } from "../../src/archive/tree_walk.ts";
import type { SkippedPath } from "../../src/archive/report.ts";
import { FaultyTreeStore } from "../../src/store/faulty_tree_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { Bench, kib, readTree } from "./harness.ts";
import {
  BusyStore,
  commitTree,
  plantTree,
  readContents,
  readEntry,
  readRows,
  sourceTimeNs,
} from "./trees.ts";

const text = (bytes: Bytes | undefined) =>
  bytes && new TextDecoder().decode(bytes);

function skippedOf(skipped: readonly SkippedPath[] | undefined) {
  return skipped?.map(({ path, reason }) => [path, reason]);
}

Deno.test("commitTree() stores files, folders, links, hard links and what is known of them", async () => {
  const sources = new MemoryStore();
  plantTree(sources, {
    "a.txt": "first",
    "sub/deep/b.bin": new Prng(1).bytes(5 * kib),
    "sub-2/c": "",
    "empty": undefined,
    "odd \n\u202e 𝄞/\\": "odd",
  });
  sources.plantHardLink("sub/again", "a.txt");
  sources.plantOther("sub/link", "../../etc/passwd");
  sources.setExtended("a.txt", "user.colour", encodeUtf8("blue"));
  sources.setExactly("sub", { mode: 0o2750, modifiedNs: -1n });
  const bench = new Bench({ sources });
  const report = await commitTree(bench);
  deepStrictEqual(report.tree, {
    fileCount: 4,
    folderCount: 5,
    linkCount: 1,
    hardLinkCount: 1,
    contentBytes: 5 + 5 * kib + 3,
  });
  const rows = await readRows(bench, report);
  deepStrictEqual([...rows.keys()], [
    "a.txt",
    "empty",
    "odd \n\u202e 𝄞",
    "odd \n\u202e 𝄞/\\",
    "sub",
    "sub/again",
    "sub/deep",
    "sub/deep/b.bin",
    "sub/link",
    "sub-2",
    "sub-2/c",
  ]);
  deepStrictEqual(rows.get("a.txt"), {
    kind: "file",
    path: "a.txt",
    bytes: 5,
    data: [{ payloadOffset: 0, fileOffset: 0, bytes: 5 }],
    nameCount: 2,
    blake3: await blake3("first"),
    mode: 0o644,
    modified: "2023-11-14T22:13:20.123456789Z",
    xattrs: [{ name: "user.colour", value: encodeUtf8("blue") }],
  });
  deepStrictEqual(rows.get("sub"), {
    kind: "folder",
    path: "sub",
    mode: 0o2750,
    modified: "1969-12-31T23:59:59.999999999Z",
  });
  deepStrictEqual(rows.get("sub/again"), {
    kind: "hardlink",
    path: "sub/again",
    target: "a.txt",
  });
  deepStrictEqual(rows.get("sub/link"), {
    kind: "link",
    path: "sub/link",
    target: "../../etc/passwd",
  });
  const contents = await readContents(bench, report);
  strictEqual(text(contents.get("sub/again")), "first");
  deepStrictEqual(contents.get("sub/deep/b.bin"), new Prng(1).bytes(5 * kib));
  strictEqual((await bench.healthOfOne(false)).state, "healthy");
});

Deno.test("commitTree() gives every file the BLAKE3 of its content, however it is cut", async () => {
  const sources = new MemoryStore();
  const prng = new Prng(7);
  const sizes = [0, 1, 1023, 1024, 1025, 65_536, 65_537, 131_072, 300_001];
  plantTree(
    sources,
    Object.fromEntries(sizes.map((size) => [`f${size}`, prng.bytes(size)])),
  );
  for (const policy of ["erasure:1+3", "erasure:5+2", "replicate:2"]) {
    const bench = new Bench({ sources });
    const report = await commitTree(bench, { policy });
    const { table } = await readEntry(bench, report.folder);
    for (const row of table.rows()) {
      ok(row.kind === "file");
      const content = sources.contentOf(row.path);
      strictEqual(row.blake3, await blake3(content), `${policy} ${row.path}`);
    }
    for (const [path, content] of await readContents(bench, report)) {
      deepStrictEqual(content, sources.contentOf(path), `${policy} ${path}`);
    }
    strictEqual((await bench.healthOfOne(false)).state, "healthy", policy);
  }
});

Deno.test("commitTree() stores no hole, and hashes it as the zeros that it is", async () => {
  const sources = new MemoryStore();
  const sparse = joinBytes([
    new Uint8Array(40 * kib),
    new Prng(3).bytes(4 * kib),
    new Uint8Array(100 * kib),
    new Prng(4).bytes(8 * kib),
    new Uint8Array(20 * kib + 5),
  ]);
  plantTree(sources, { sparse, zeros: new Uint8Array(200 * kib) });
  const bench = new Bench({ sources });
  const report = await commitTree(bench);
  strictEqual(report.payloadBytes, 12 * kib);
  const rows = await readRows(bench, report);
  const row = rows.get("sparse");
  ok(row?.kind === "file");
  deepStrictEqual(row.data, [
    { payloadOffset: 0, fileOffset: 40 * kib, bytes: 4 * kib },
    { payloadOffset: 4 * kib, fileOffset: 144 * kib, bytes: 8 * kib },
  ]);
  strictEqual(row.blake3, await blake3(sparse));
  const contents = await readContents(bench, report);
  deepStrictEqual(contents.get("sparse"), sparse);
  deepStrictEqual(contents.get("zeros"), new Uint8Array(200 * kib));
});

Deno.test("commitTree() says what a system cannot keep, and stores the rest", async () => {
  const sources = new MemoryStore();
  sources.capabilities = {
    nanoseconds: false,
    extendedAttributes: false,
    holes: false,
  };
  plantTree(sources, { sparse: new Uint8Array(10 * kib) });
  const bench = new Bench({ sources });
  const report = await commitTree(bench);
  deepStrictEqual(report.notKept, [
    "nanoseconds",
    "extended-attributes",
    "holes",
  ]);
  strictEqual(report.payloadBytes, 10 * kib);
});

Deno.test("boundRanges() gives up the smallest holes until a row can hold the rest", () => {
  const ranges = [0, 10, 12, 30, 34].map((offset) => ({ offset, bytes: 1 }));
  deepStrictEqual(boundRanges(ranges, 100, 5), ranges);
  deepStrictEqual(boundRanges(ranges, 100, 4), [
    { offset: 0, bytes: 1 },
    { offset: 10, bytes: 3 },
    { offset: 30, bytes: 1 },
    { offset: 34, bytes: 1 },
  ]);
  deepStrictEqual(boundRanges(ranges, 100, 1), [{ offset: 0, bytes: 35 }]);
  // A file that shrank since: what lies behind its end is nobody's.
  deepStrictEqual(boundRanges(ranges, 11, 5), [
    { offset: 0, bytes: 1 },
    { offset: 10, bytes: 1 },
  ]);
});

Deno.test("commitTree() stores a tree without a byte, and one without anything", async () => {
  for (const tree of [{}, { "a/b": undefined, "c": "" }]) {
    const sources = new MemoryStore();
    plantTree(sources, tree);
    const bench = new Bench({ sources });
    const report = await commitTree(bench);
    strictEqual(report.payloadBytes, 0);
    strictEqual(report.outcome, "committed");
    const rows = await readRows(bench, report);
    strictEqual(rows.size, "c" in tree ? 3 : 0);
    strictEqual((await bench.healthOfOne(false)).state, "healthy");
    strictEqual((await commitTree(bench)).outcome, "unchanged");
  }
});

Deno.test("commitTree() packs 10,000 files into the segments of one payload", async () => {
  const sources = new MemoryStore();
  const prng = new Prng(5);
  for (let index = 0; index < 10_000; index++) {
    const path = `d${index % 10}/e${index % 100}/file_${index}`;
    sources.plantFile(path, prng.bytes(20 + index % 31));
  }
  const bench = new Bench({ sources });
  const report = await commitTree(bench);
  strictEqual(report.tree?.fileCount, 10_000);
  const contents = await readContents(bench, report);
  for (const path of ["d0/e0/file_0", "d7/e77/file_77", "d9/e99/file_9999"]) {
    deepStrictEqual(contents.get(path), sources.contentOf(path), path);
  }
  ok(readTree(bench.archive, report.folder).size < 200);
});

Deno.test("commitTree() goes down as deep as a path may be long", async () => {
  const sources = new MemoryStore();
  const path = Array.from({ length: 1500 }, () => "d").join("/");
  plantTree(sources, { [path]: "deep" });
  const bench = new Bench({ sources });
  const report = await commitTree(bench);
  strictEqual(text((await readContents(bench, report)).get(path)), "deep");
});

Deno.test("commitTree() finds a tree unchanged, and stores anew what differs in anything", async () => {
  const sources = new MemoryStore();
  plantTree(sources, { "a": "one", "b/c": "two" });
  const bench = new Bench({ sources });
  strictEqual((await commitTree(bench)).outcome, "committed");
  strictEqual((await commitTree(bench)).outcome, "unchanged");
  strictEqual(
    (await commitTree(bench, { force: true })).outcome,
    "committed",
  );
  const changes: (() => void)[] = [
    () => sources.setExactly("a", { mode: 0o600 }),
    () => sources.setExactly("a", { modifiedNs: sourceTimeNs + 1n }),
    () => sources.plantFolder("new"),
    () => sources.rename("b", "B"),
    () => sources.setExtended("a", "user.x", encodeUtf8("y")),
  ];
  for (const [index, change] of changes.entries()) {
    change();
    const { outcome, root } = await commitTree(bench);
    strictEqual(outcome, "committed", `change ${index}`);
    ok(root.length === 64);
    strictEqual((await commitTree(bench)).outcome, "unchanged");
  }
});

Deno.test("a tree and a file of one name and content are not the same", async () => {
  const sources = new MemoryStore();
  plantTree(sources, { source: "x" });
  const bench = new Bench({ sources });
  const tree = await commitTree(bench, { name: "n" });
  const file = await bench.commit("n", encodeUtf8("x"));
  strictEqual(tree.root, file.root);
  strictEqual(file.outcome, "committed");
  strictEqual(file.tree, undefined);
});

Deno.test("commitTree() leaves out what patterns say, as git does", async () => {
  const sources = new MemoryStore();
  plantTree(sources, {
    "a.log": "",
    "keep.log": "",
    "build/x": "",
    "src/build/y": "",
    "src/a.log": "",
    "src/.blockframeignore": "/secret\n!a.log\n# a comment\n\nlogs/\n",
    "src/secret": "",
    "src/deep/secret": "",
    "src/logs/z": "",
    "src/deep/logs": "a file, so logs/ does not mean it",
    "tmp/a/b": "",
  });
  const bench = new Bench({ sources });
  const report = await commitTree(bench, {
    excludes: ["*.log", "!keep.log", "/build/", "tmp/**/b"],
  });
  deepStrictEqual([...(await readRows(bench, report)).keys()], [
    "keep.log",
    "src",
    "src/.blockframeignore",
    "src/a.log",
    "src/build",
    "src/build/y",
    "src/deep",
    "src/deep/logs",
    "src/deep/secret",
    "tmp",
    "tmp/a",
  ]);
  strictEqual(report.excludedCount, 5);
});

Deno.test("commitTree() refuses to guess what a broken ignore file meant", async () => {
  const sources = new MemoryStore();
  plantTree(sources, { ".blockframeignore": new Uint8Array([0xff, 0xfe]) });
  const bench = new Bench({ sources });
  await rejects(
    commitTree(bench),
    (error) =>
      isFailure(error, "invalid-argument") && /not UTF-8/.test(error.message),
  );
  deepStrictEqual(
    bench.archive.list("").filter((each) => each.kind === "folder"),
    [],
  );
});

Deno.test("commitTree() leaves out pipes and devices, and the archive itself, and says so", async () => {
  const sources = new MemoryStore();
  plantTree(sources, {
    "a": "1",
    "backup/archive/x": "not this",
    "backup/y": "2",
  });
  sources.plantOther("pipe");
  const bench = new Bench({ sources });
  const report = await commitTree(bench, { omit: ["backup/archive"] });
  deepStrictEqual(skippedOf(report.skipped), [
    ["backup/archive", "archive"],
    ["pipe", "special"],
  ]);
  deepStrictEqual([...(await readRows(bench, report)).keys()], [
    "a",
    "backup",
    "backup/y",
  ]);
});

Deno.test("commitTree() fails before it stores anything where something cannot be read", async () => {
  const inner = new MemoryStore();
  plantTree(inner, { "a": "1", "dir/b": "2", "shut/c": "3" });
  inner.setExactly("dir/b", { mode: 0o600 });
  const plan = () =>
    new FaultyTreeStore(inner, [
      {
        kind: "fail",
        call: "openFile",
        path: "dir/b",
        times: Infinity,
        code: "permission-denied",
      },
      {
        kind: "fail",
        call: "listExactly",
        path: "shut",
        code: "permission-denied",
      },
    ]);
  const strict = plan();
  const bench = new Bench({ sources: strict });
  await rejects(commitTree(bench), (error) => {
    ok(isFailure(error, "source-unreadable"));
    match(error.message, /"dir\/b" cannot be read, and 1 more/);
    return true;
  });
  deepStrictEqual(strict.unfired(), []);
  strictEqual(strict.callCount("readInto"), 0);
  deepStrictEqual(bench.engine.list().entries, []);
  const said = bench.events.flatMap((event) =>
    event.kind === "skipped" ? [event.skipped.path] : []
  );
  deepStrictEqual(said, ["dir/b", "shut"]);

  const lenient = new Bench({ sources: plan() });
  const report = await commitTree(lenient, { skipUnreadable: true });
  deepStrictEqual(skippedOf(report.skipped), [
    ["dir/b", "unreadable"],
    ["shut", "unreadable"],
  ]);
  deepStrictEqual([...(await readRows(lenient, report)).keys()], ["a", "dir"]);
});

const changes: [string, (store: BusyStore, path: string) => void][] = [
  ["grows", (store, path) => {
    using file = store.openFile(path, "update");
    file.writeFrom(encodeUtf8("more"), file.size());
  }],
  ["shrinks", (store, path) => {
    using file = store.openFile(path, "update");
    file.truncate(1);
  }],
  ["is written over in place", (store, path) => {
    using file = store.openFile(path, "update");
    file.writeFrom(encodeUtf8("X"), 0);
    store.setExactly(path, { modifiedNs: sourceTimeNs + 5_000_000n });
  }],
  ["vanishes", (store, path) => store.removeFile(path)],
  ["becomes a link", (store, path) => {
    store.removeFile(path);
    store.plantOther(path, "/etc/passwd");
  }],
  ["becomes a folder", (store, path) => {
    store.removeFile(path);
    store.plantFolder(path);
  }],
];

for (const [what, change] of changes) {
  for (const nth of [1, 3]) {
    Deno.test(`commitTree() never stores a mixture of a file that ${what} at its opening ${nth}`, async () => {
      const make = () => {
        const sources = new BusyStore();
        // Long enough to be read in many runs.
        plantTree(sources, {
          "a": "before",
          "big": new Prng(9).bytes(200 * kib),
          "z": "behind",
        });
        sources.plantHardLink("z2", "big");
        let count = 0;
        sources.onOpen = (path) => {
          if (path === "big" && ++count === nth) change(sources, "big");
        };
        return sources;
      };
      const bench = new Bench({ sources: make() });
      await rejects(commitTree(bench), (error) => {
        ok(isFailure(error, "source-changed"), String(error));
        match(error.message, /"big"/);
        return true;
      });
      deepStrictEqual(bench.engine.list().entries, []);
      deepStrictEqual(
        bench.archive.list("").filter((e) => e.kind === "folder"),
        [],
      );

      const lenient = new Bench({ sources: make() });
      const report = await commitTree(lenient, { skipChanged: true });
      const [[path, reason] = []] = skippedOf(report.skipped) ?? [];
      strictEqual(path, "big");
      ok(reason === "changed" || reason === "vanished");
      strictEqual(report.skipped?.length, 1);
      // Neither the file nor its other name; the others are whole.
      const contents = await readContents(lenient, report);
      deepStrictEqual([...contents].map(([p, bytes]) => [p, text(bytes)]), [
        ["a", "before"],
        ["z", "behind"],
      ]);
      strictEqual((await lenient.healthOfOne(false)).state, "healthy");
    });
  }
}

Deno.test("commitTree() sees a change within the millisecond in which it began", async () => {
  const nowNs = BigInt(Date.UTC(2026, 0, 1)) * 1_000_000n;
  const make = () => {
    const sources = new BusyStore();
    plantTree(sources, { "a": "one", "b": "two" });
    sources.setExactly("a", { modifiedNs: nowNs });
    sources.onOpen = (path) => {
      // After the file was read for good.
      if (path === "b") sources.setExactly("a", { modifiedNs: nowNs + 1n });
    };
    return sources;
  };
  await rejects(
    commitTree(new Bench({ sources: make() })),
    (error) => isFailure(error, "source-changed"),
  );
  const bench = new Bench({ sources: make() });
  const report = await commitTree(bench, { skipChanged: true });
  deepStrictEqual(skippedOf(report.skipped), [["a", "changed"]]);
  deepStrictEqual([...(await readRows(bench, report)).keys()], ["b"]);
});

Deno.test("commitTree() of a source whose reads fail stores nothing, or all the rest", async () => {
  const inner = new MemoryStore();
  plantTree(inner, { "a": "1", "bad": "22", "c": "333" });
  const plan = () =>
    new FaultyTreeStore(inner, [
      { kind: "unreadable", path: "bad", from: 0, to: 1 },
    ]);
  await rejects(
    commitTree(new Bench({ sources: plan() })),
    (error) => isFailure(error, "source-unreadable"),
  );
  const bench = new Bench({ sources: plan() });
  const report = await commitTree(bench, { skipUnreadable: true });
  deepStrictEqual(skippedOf(report.skipped), [["bad", "unreadable"]]);
  deepStrictEqual([...(await readRows(bench, report)).keys()], ["a", "c"]);
});

Deno.test("commitTree() tells files and bytes on its way", async () => {
  const sources = new MemoryStore();
  plantTree(sources, {
    "a": new Prng(1).bytes(50 * kib),
    "b": new Prng(2).bytes(50 * kib),
  });
  const bench = new Bench({ sources });
  await commitTree(bench);
  const start = bench.events.find((event) => event.kind === "start");
  ok(start?.kind === "start" && start.fileCount === 2);
  const done = bench.events.flatMap((event) =>
    event.kind === "progress" ? [event.filesDone] : []
  );
  strictEqual(done.at(-1), 2);
  ok(done.includes(0) || done.includes(1));
});
