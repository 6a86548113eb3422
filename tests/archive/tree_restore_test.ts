// Restore of trees: everything that a table can hold comes back; what is damaged, or no name here, is
// met as promised; and nothing is ever written where it should not be.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { parseTimeNs } from "../../src/base/calendar.ts";
import { Failure } from "../../src/base/errors.ts";
import type { FileRow, PlainFileRow } from "../../src/format/file_row.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import type { OpenMode, StoreFile, StoreStat } from "../../src/store/store.ts";
import type { TreeAttributes } from "../../src/store/tree_store.ts";
import { Bench, kib, listFiles, readFile, rotBytes } from "./harness.ts";
import {
  everything,
  expectedOf,
  pictureOf,
  prng,
  refuses,
  restore,
  small,
  text,
} from "./tree_desk.ts";
import { TreeWriter } from "./tree_writer.ts";

const policies = [undefined, "erasure:1+3", "erasure:4+2", "erasure:30+3"];

Deno.test("restoreTree() gives back everything: bytes, names, modes, times, links, attributes", async () => {
  for (const policy of policies) {
    const bench = new Bench();
    const writer = everything();
    await writer.commit(bench, "t", policy);
    const report = await restore(bench);
    const store = bench.outputs as MemoryStore;
    deepStrictEqual(pictureOf(store, "out"), expectedOf(writer), policy);
    for (
      const row of [
        { path: "", kind: "folder", ...writer.root } as const,
        ...writer.rows,
      ]
    ) {
      if (row.kind === "hardlink") continue;
      const at = row.path === "" ? "out" : `out/${row.path}`;
      const stat = store.statExactly(at)!;
      if (row.modified !== undefined) {
        strictEqual(stat.modifiedNs, parseTimeNs(row.modified), row.path);
      }
      if (row.mode !== undefined && row.kind !== "link") {
        const mask = row.kind === "folder" ? 0o1777 : 0o777;
        strictEqual(stat.mode, row.mode & mask, row.path);
      }
    }
    deepStrictEqual([...store.readExtended("out/big").values.keys()], [
      "user.a",
    ]);
    const { identity, linkCount } = store.statExactly("out/big")!;
    strictEqual(linkCount, 3);
    strictEqual(store.statExactly("out/z/third")!.identity, identity);
    deepStrictEqual(report.tree, {
      fileCount: 45,
      folderCount: 4,
      linkCount: 3,
      hardLinkCount: 2,
      contentBytes: report.tree!.contentBytes,
      skippedCount: 0,
      lostFiles: [],
      problems: [],
      attributeProblems: [],
    });
    ok(report.complete && report.damage.length === 0);
    deepStrictEqual(store.list("").map(({ name }) => name), ["out"]);
  }
});

Deno.test("restoreTree() gives back the parts that paths and globs name, with the folders above them", async () => {
  const bench = new Bench();
  const writer = everything();
  await writer.commit(bench, "t", "erasure:4+2");
  const cases: [string[], (path: string) => boolean][] = [
    [["a/f7"], (path) => ["a", "a/f7"].includes(path)],
    [["./a/"], (path) => /^a(\/|$)/.test(path)],
    [["."], () => true],
    [["z/second"], (path) => ["z", "z/second"].includes(path)],
    [["z/third", "big"], (path) => ["z", "z/third", "big"].includes(path)],
    [["/b*"], (path) => path === "big"],
    [["a/f1*"], (path) => path === "a" || /^a\/f1/.test(path)],
    [["**/f3", "sparse"], (path) => ["a", "a/f3", "sparse"].includes(path)],
    [
      ["f1?", "{lock,dang}*"],
      (path) => path === "a" || /^(a\/f1.|locked|dangling)/.test(path),
    ],
  ];
  for (const [patterns, isWanted] of cases) {
    await restore(bench, { patterns });
    const picture = pictureOf(bench.outputs as MemoryStore, "out");
    deepStrictEqual(
      picture,
      expectedOf(writer, ({ path }) => isWanted(path)),
      patterns.join(),
    );
    bench.outputs.removeTree("out");
  }
  await restore(bench, {
    isExcluded: (path, isFolder) => isFolder ? path === "a" : path === "big",
  });
  const left = pictureOf(bench.outputs as MemoryStore, "out");
  deepStrictEqual(
    left,
    expectedOf(writer, ({ path }) => !/^(a(\/|$)|big$)/.test(path)),
  );
  bench.outputs.removeTree("out");
  for (const pattern of ["b", "a/f", "q*", "/f1*", "big/x"]) {
    await refuses("not-found", restore(bench, { patterns: ["a", pattern] }));
  }
  for (const pattern of ["..", "../t"]) {
    const part = restore(bench, { patterns: ["a", pattern] });
    await refuses("invalid-argument", part);
  }
  deepStrictEqual(bench.outputs.list(""), []);
});

Deno.test("restoreTree() brings back the files of a whole lost block from the others", async () => {
  const tiers = { tier1Max: 1, tier2Max: 2, tier3Max: 3 };
  const bench = new Bench({ settings: { tiers, segmentBytes: 1 * kib } });
  const writer = everything();
  const folder = await writer.commit(bench, "t");
  const blocks = bench.archive.list(`${folder}/blocks`);
  ok(blocks.length >= 4 && bench.archive.stat(`${folder}/groups`));
  for (const { name } of blocks) {
    const inner = `${folder}/blocks/${name}`;
    bench.archive.rename(inner, "aside");
    const whole = await restore(bench);
    const store = bench.outputs as MemoryStore;
    deepStrictEqual(pictureOf(store, "out"), expectedOf(writer), name);
    ok(whole.complete && whole.rebuiltLeafCount > 0, name);
    store.removeTree("out");
    await restore(bench, { patterns: ["big"] });
    deepStrictEqual(
      pictureOf(store, "out"),
      expectedOf(writer, ({ path }) => path === "big"),
      name,
    );
    store.removeTree("out");
    bench.archive.rename("aside", inner);
  }
});

Deno.test("restoreTree() of a part reads no more rows than the part takes", async () => {
  const bench = new Bench();
  const writer = everything();
  const folder = await writer.commit(bench, "t", "erasure:1+3");
  const big = writer.rows.find(({ path }) => path === "big") as PlainFileRow;
  // Damage before and after it is not met.
  const segment = listFiles(bench.archive, folder).filter((path) =>
    path.includes("segments/")
  )[0]!;
  ok(big.data[0]!.payloadOffset > 4 * kib);
  rotBytes(bench.archive, segment, 0, 100);
  const part = await restore(bench, { patterns: ["big"] });
  deepStrictEqual(part.damage, []);
  bench.outputs.removeTree("out");
  ok((await restore(bench)).rebuiltLeafCount > 0);
});

Deno.test("restoreTree() rebuilds what is damaged, and leaves out files of which bytes are lost", async () => {
  for (const policy of ["erasure:4+2", "erasure:1+3"]) {
    const bench = new Bench();
    const writer = everything();
    const folder = await writer.commit(bench, "t", policy);
    const shards = listFiles(bench.archive, folder).filter((path) =>
      /\/(block_0+\/.*|segment_0+(_parity_.)?)\.dat$/.test(path) ||
      /\/block_0+\//.test(path)
    );
    const segment = shards.find((path) => path.includes("segments/"))!;
    rotBytes(bench.archive, segment, 0, 5 * kib);
    const rebuilt = await restore(bench);
    ok(rebuilt.complete && rebuilt.rebuiltLeafCount === 5, policy);
    deepStrictEqual(
      pictureOf(bench.outputs as MemoryStore, "out"),
      expectedOf(writer),
    );
    bench.outputs.removeTree("out");
    // The same row of all other shards of the first block: more than can be rebuilt.
    for (const path of shards) {
      if (path !== segment) rotBytes(bench.archive, path, 2 * kib, kib);
    }
    const strict = await restore(bench);
    ok(!strict.complete && strict.tree!.lostFiles.length > 0, policy);
    const lost = new Set(strict.tree!.lostFiles.map(({ path }) => path));
    const store = bench.outputs as MemoryStore;
    const isLost = (row: FileRow) =>
      lost.has(row.kind === "hardlink" ? row.target : row.path);
    deepStrictEqual(
      pictureOf(store, "out"),
      expectedOf(writer, (row) => !isLost(row)),
      policy,
    );
    store.removeTree("out");
    const partial = await restore(bench, { partial: true });
    deepStrictEqual(partial.tree!.lostFiles, strict.tree!.lostFiles);
    for (const [path, found] of pictureOf(store, "out")) {
      if (!(found instanceof Uint8Array)) continue;
      const expected = writer.contents.get(path)!.slice();
      const file = lost.has(path) ? path : "big";
      const ranges = lost.has(file) && (file === path || /^z\//.test(path))
        ? partial.tree!.lostFiles.find((each) => each.path === file)!.ranges
        : [];
      for (const { fileOffset, bytes } of ranges) {
        expected.fill(0, fileOffset, fileOffset + bytes);
      }
      deepStrictEqual(found, expected, `${policy} ${path}`);
    }
    store.removeTree("out");
  }
});

/** Outputs that take letters of either case for the same, and know no name with a colon. */
class PickyStore extends MemoryStore {
  override openFile(path: string, mode: OpenMode): StoreFile {
    this.#refuse(path);
    return super.openFile(path.toLowerCase(), mode);
  }
  override stat(path: string): StoreStat | undefined {
    return super.stat(path.toLowerCase());
  }
  override makeFolder(path: string): void {
    this.#refuse(path);
    super.makeFolder(path.toLowerCase());
  }
  override makeLink(path: string, _target: string): void {
    throw new Failure("permission-denied", `no link ${path}`);
  }
  override linkFile(_existing: string, path: string): void {
    throw new Failure("invalid-argument", `no second name ${path}`);
  }
  override setExactly(path: string, attributes: TreeAttributes): void {
    if (attributes.mode === 0o123) {
      throw new Failure("permission-denied", "no mode");
    }
    super.setExactly(path.toLowerCase(), attributes);
  }
  override setExtended(): void {
    throw new Failure("invalid-argument", "no attributes");
  }
  override removeFile(path: string): void {
    super.removeFile(path.toLowerCase());
  }
  #refuse(path: string): void {
    if (path.includes(":")) {
      throw new Failure("invalid-name", `no name ${path}`);
    }
  }
}

Deno.test("restoreTree() lists the names that the output cannot hold, and restores the rest", async () => {
  const writer = new TreeWriter()
    .folder("A").folder("a").folder("x:").folder("ok", { mode: 0o123 })
    .file("A/1", prng.bytes(10)).file("a/1", prng.bytes(11)).file(
      "a/2",
      prng.bytes(11),
    )
    .file("ok/File", prng.bytes(20)).file("ok/file", prng.bytes(21))
    .file("ok/c:d", prng.bytes(30)).file("x:/y", prng.bytes(40))
    .file("ok/BIG", prng.bytes(50 * kib)).file("ok/big", prng.bytes(50 * kib))
    .file("ok/attr", prng.bytes(5), {
      xattrs: [{ name: "user.a", value: prng.bytes(1) }],
    })
    .hardlink("ok/second", "ok/attr").link("ok/link", "x");
  const outputs = new PickyStore();
  const bench = new Bench({ outputs });
  await writer.commit(bench, "t", "erasure:1+1");
  const { tree, complete } = await restore(bench);
  ok(complete);
  deepStrictEqual(
    tree!.problems.map(({ path, code }) => `${path} ${code}`).sort(),
    [
      "a exists",
      "ok/big exists",
      "ok/c:d invalid-name",
      "ok/file exists",
      "ok/link permission-denied",
      "ok/second invalid-argument",
      "x: invalid-name",
    ],
  );
  deepStrictEqual(tree!.attributeProblems.map(({ path }) => path), [
    "ok/attr",
    "ok",
  ]);
  deepStrictEqual([...pictureOf(outputs, "out").keys()], [
    "a",
    "a/1",
    "ok",
    "ok/attr",
    "ok/big",
    "ok/file",
  ]);
  deepStrictEqual(
    readFile(outputs, "out/ok/file"),
    writer.contents.get("ok/File"),
  );
  deepStrictEqual(
    readFile(outputs, "out/ok/big"),
    writer.contents.get("ok/BIG"),
  );
  deepStrictEqual(readFile(outputs, "out/a/1"), writer.contents.get("A/1"));
  strictEqual(tree!.fileCount, 4);
});

Deno.test("restoreTree() goes through parity across blocks, also for files that were made already", async () => {
  const bench = new Bench({
    settings: {
      tiers: { tier1Max: 1, tier2Max: 2, tier3Max: 3 },
      segmentBytes: 2 * kib,
    },
  });
  const writer = everything();
  for (let index = 0; index < 12; index++) {
    writer.file(`z/more${index}`, prng.bytes(20 * kib), {
      modified: "2003-03-03T03:03:03.000000003Z",
    });
  }
  const folder = await writer.commit(bench, "t");
  const shards = listFiles(bench.archive, folder).filter((path) =>
    /\/blocks\/block_0+\//.test(path)
  );
  ok(shards.length > 3, shards.join());
  for (const path of shards) bench.archive.removeFile(path);
  const report = await restore(bench);
  ok(report.complete && report.rebuiltLeafCount > 0);
  const store = bench.outputs as MemoryStore;
  deepStrictEqual(pictureOf(store, "out"), expectedOf(writer));
  for (let index = 0; index < 12; index++) {
    strictEqual(
      store.statExactly(`out/z/more${index}`)!.modifiedNs,
      parseTimeNs("2003-03-03T03:03:03.000000003Z"),
    );
  }
});

Deno.test("restoreTree() refuses tables that lead elsewhere, before it writes anything", async () => {
  const rows: FileRow[][] = [
    [{ kind: "link", path: "x", target: "/tmp" }, file("x/y")],
    [file("x"), file("x/y")],
    [file("../x")],
    [file("/x")],
    [file("a/../../x")],
    [file("x"), file("x")],
    [{ kind: "hardlink", path: "x", target: "/etc/passwd" }],
    [{ kind: "link", path: "a", target: "b" }, {
      kind: "hardlink",
      path: "x",
      target: "a",
    }],
    [file("x", [{ payloadOffset: 4, fileOffset: 0, bytes: 10 }])],
  ];
  for (const hostile of rows) {
    const bench = new Bench();
    const writer = new TreeWriter();
    writer.file("0", prng.bytes(5));
    writer.rows.push(...hostile);
    await writer.commit(bench, "t");
    await refuses("damaged", restore(bench));
    deepStrictEqual(bench.outputs.list(""), [], JSON.stringify(hostile));
  }
});

function file(path: string, data: PlainFileRow["data"] = []): FileRow {
  return { kind: "file", path, bytes: 20, data, nameCount: 1 };
}

Deno.test("restoreTree() gives files that share stored bytes each their own", async () => {
  const bench = new Bench();
  const writer = new TreeWriter();
  const whole = prng.bytes(50 * kib);
  writer.file("whole", whole);
  for (let index = 0; index < 20; index++) {
    const payloadOffset = prng.below(40 * kib), bytes = 1 + prng.below(9 * kib);
    writer.rows.push({
      kind: "file",
      path: `part${index}`,
      bytes,
      nameCount: 1,
      data: [{ payloadOffset, fileOffset: 0, bytes }],
    });
    writer.contents.set(
      `part${index}`,
      whole.subarray(payloadOffset, payloadOffset + bytes),
    );
  }
  await writer.commit(bench, "t", "erasure:4+2");
  await restore(bench);
  deepStrictEqual(
    pictureOf(bench.outputs as MemoryStore, "out"),
    expectedOf(writer),
  );
});

Deno.test("restoreTree() reads an archive that cannot be written", async () => {
  const bench = new Bench();
  const writer = everything();
  const folder = await writer.commit(bench, "t", "erasure:4+2");
  rotBytes(
    bench.archive,
    listFiles(bench.archive, folder).find((path) =>
      path.includes("segments/")
    )!,
    0,
    9,
  );
  (bench.archive as MemoryStore).readOnly = true;
  ok((await restore(bench)).complete);
  deepStrictEqual(
    pictureOf(bench.outputs as MemoryStore, "out"),
    expectedOf(writer),
  );
});

Deno.test("restoreTree() that is stopped, or meets a full disk, leaves nothing", async () => {
  const writer = everything();
  const full = new MemoryStore({ capacityBytes: 50 * kib });
  const bench = new Bench({ outputs: full });
  await writer.commit(bench, "t");
  const message = await refuses("no-space", restore(bench));
  ok(message.includes("out"), message);
  deepStrictEqual(full.list(""), []);
  const stop = new AbortController();
  const archive = bench.archive;
  const stopped = new Bench({ archive, signal: stop.signal });
  const work = restore(stopped);
  stop.abort();
  await refuses("interrupted", work);
  deepStrictEqual(stopped.outputs.list(""), []);
});

Deno.test("restoreTree() takes over what an interrupted one has left, whatever its modes", async () => {
  const bench = new Bench();
  const writer = small();
  await writer.commit(bench, "t");
  await restore(bench);
  const store = bench.outputs as MemoryStore;
  const left = store.clone();
  // The hidden name is the same every time: it is seen while the restore is stopped by a full disk.
  const names: string[] = [];
  const spied = new Proxy(left, {
    get(target, key) {
      const value = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (key === "makeFolder") names.push(String(args[0]));
        return value.apply(target, args);
      };
    },
  });
  left.removeTree("out");
  await restore(new Bench({ archive: bench.archive, outputs: spied }));
  const hidden = names.find((name) => name.endsWith(".blockframe-part"))!;
  left.removeTree("out");
  left.plantFile(`${hidden}/f/stale`, text("stale"));
  await restore(new Bench({ archive: bench.archive, outputs: left }));
  deepStrictEqual(
    pictureOf(left, ""),
    new Map<string, unknown>([
      ["out", "folder"],
      ...[...expectedOf(writer)].map(([path, found]) =>
        [`out/${path}`, found] as const
      ),
    ]),
  );
});
