// Restore of trees: everything that a table can hold comes back; what is in the way, damaged, or no
// name here is met as promised; and nothing is ever written where it should not be.

import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import type { Bytes } from "../../src/base/bytes.ts";
import { parseTimeNs } from "../../src/base/calendar.ts";
import { type FailureCode, isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import type { RestoreReport } from "../../src/archive/report.ts";
import type { TreeRequest } from "../../src/archive/tree_restore.ts";
import type { FileRow, PlainFileRow } from "../../src/format/file_row.ts";
import type { MemoryStore } from "../../src/store/memory_store.ts";
import type { TreeStore } from "../../src/store/tree_store.ts";
import { Bench, kib, listFiles, readFile, rotBytes } from "./harness.ts";
import { TreeWriter } from "./tree_writer.ts";

const prng = new Prng(7);

/** Restores the tree "t" to `path` of the outputs. */
async function restore(
  bench: Bench,
  wish: Partial<TreeRequest> = {},
): Promise<RestoreReport> {
  return await bench.engine.restoreTree(bench.engine.select("t"), {
    root: "outputs",
    path: "out",
    label: "out",
    existing: "refuse",
    partial: false,
    patterns: [],
    ...wish,
  });
}

async function refuses(
  code: FailureCode,
  work: Promise<unknown>,
): Promise<string> {
  let message = "";
  await rejects(work, (error) => {
    if (!isFailure(error, code)) return false;
    message = error.message;
    return true;
  });
  return message;
}

/** All that a store has below a folder, for comparing. */
function pictureOf(store: TreeStore, folder: string): Map<string, unknown> {
  const picture = new Map<string, unknown>();
  const prefix = folder === "" ? "" : `${folder}/`;
  const walk = (path: string) => {
    for (const { name, kind } of store.listExactly(path)) {
      const at = path === "" ? name : `${path}/${name}`;
      const inner = at.slice(prefix.length);
      if (kind === "link") picture.set(inner, `-> ${store.readLink(at)}`);
      else if (kind === "file") picture.set(inner, readFile(store, at));
      else picture.set(inner, kind);
      if (kind === "folder") walk(at);
    }
  };
  walk(folder);
  return picture;
}

/** What a writer's tree is to look like. */
function expectedOf(
  writer: TreeWriter,
  isWanted: (row: FileRow) => boolean = () => true,
): Map<string, unknown> {
  return new Map(
    writer.rows.filter(isWanted).map((row): [string, unknown] => {
      if (row.kind === "folder") return [row.path, "folder"];
      if (row.kind === "link") return [row.path, `-> ${row.target}`];
      return [row.path, writer.contents.get(row.path)!];
    }),
  );
}

function sparse(bytes: number, ...data: [number, number][]): Bytes {
  const content = new Uint8Array(bytes);
  for (const [offset, length] of data) content.set(prng.bytes(length), offset);
  return content;
}

/** One of everything. */
function everything(): TreeWriter {
  const big = prng.bytes(90 * kib + 17);
  const writer = new TreeWriter()
    .folder("a", { mode: 0o2755, modified: "2001-02-03T04:05:06.123456789Z" })
    .folder("a/empty", {
      mode: 0o700,
      modified: "1969-12-31T23:59:59.999999999Z",
    })
    .folder("locked", { mode: 0o555 })
    .folder("z");
  for (let index = 0; index < 40; index++) {
    writer.file(`a/f${index}`, prng.bytes(prng.below(3 * kib)), {
      mode: [0o644, 0o600, 0o755, 0o4711][index % 4]!,
      modified: `2026-01-01T00:00:00.${String(index).padStart(9, "0")}Z`,
    });
  }
  const ranges: [number, number][] = [[8 * kib, 5 * kib], [40 * kib, 100]];
  return writer
    .file("big", big, {
      mode: 0o440,
      xattrs: [{ name: "user.a", value: prng.bytes(9) }],
    })
    .file("locked/x", prng.bytes(10), { mode: 0o400 })
    .file("none", new Uint8Array(), { modified: "2020-01-01T00:00:00Z" })
    .file("sparse", sparse(60 * kib, ...ranges), {}, ranges)
    .file("allhole", new Uint8Array(30 * kib), {}, [])
    .hardlink("z/second", "big")
    .hardlink("z/third", "big")
    .link("a/link", "../big", { modified: "2011-11-11T11:11:11.000000001Z" })
    .link("z/out", "/etc/passwd")
    .link("dangling", "nowhere/at all");
}

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
    [["a/f1*"], (path) => path === "a" || /^a\/f1/.test(path)],
    [["**/f3", "sparse"], (path) => ["a", "a/f3", "sparse"].includes(path)],
    [["{lock,dang}*"], (path) => /^(locked|dangling)/.test(path)],
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
  for (const pattern of ["b", "a/f", "q*", "big/x", "..", "../t"]) {
    await refuses("not-found", restore(bench, { patterns: ["a", pattern] }));
  }
  deepStrictEqual(bench.outputs.list(""), []);
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
