// The view of an archive: names, versions and trees as files and folders, with numbers that stay.

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { FileTable, LiveEntry } from "../../src/archive/archive.ts";
import { cacheBytesMin } from "../../src/archive/leaf_cache.ts";
import { type Bytes, encodeUtf8, joinBytes } from "../../src/base/bytes.ts";
import { Failure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import type { FileRow } from "../../src/format/file_row.ts";
import {
  decodeFileTable,
  encodeHeader,
  encodeRow,
} from "../../src/format/file_table.ts";
import { ArchiveView, type EntrySource } from "../../src/view/archive_view.ts";
import { type NodeId, rootId, type View } from "../../src/view/view.ts";
import { Bench, kib } from "../archive/harness.ts";

async function namesIn(view: View, folder: NodeId): Promise<string[]> {
  const open = await view.openFolder(folder);
  return [...open.rows(0)].map(({ name }) => name);
}

/** The node at a path. */
async function at(view: View, path: string): Promise<NodeId> {
  let id = rootId;
  for (const name of path.split("/")) {
    const node = await view.lookup(id, name);
    ok(node !== undefined, `${name} of ${path} is there`);
    id = node.id;
  }
  return id;
}

async function contentOf(view: View, path: string): Promise<Bytes> {
  using file = await view.openFile(await at(view, path));
  const read = await file.read(0, 1024 * kib);
  ok(read.kind === "bytes");
  using bytes = read.bytes;
  return joinBytes(bytes.parts);
}

const isNotFound = (error: unknown) =>
  error instanceof Failure && error.code === "not-found";

Deno.test("files have one name in the root and one for each version", async () => {
  const bench = new Bench();
  const old = new Prng(1).bytes(3000), young = new Prng(2).bytes(4000);
  const first = await bench.commit("a.txt", old);
  const second = await bench.commit("a.txt", young);
  await bench.commit("ä b", new Prng(3).bytes(10));
  await using reader = await bench.engine.openReader({
    cacheBytes: cacheBytesMin,
    repair: false,
  });
  const view = new ArchiveView(reader);
  deepEqual(await namesIn(view, rootId), [".versions", "a.txt", "ä b"]);
  const versions = await at(view, ".versions");
  deepEqual(await namesIn(view, versions), ["a.txt", "ä b"]);
  deepEqual(await namesIn(view, await at(view, ".versions/a.txt")), [
    second.id,
    first.id,
  ]);
  deepEqual(await contentOf(view, "a.txt"), young);
  deepEqual(await contentOf(view, `.versions/a.txt/${first.id}`), old);
  equal(
    await at(view, "a.txt"),
    await at(view, `.versions/a.txt/${second.id}`),
  );
  equal(await view.lookup(rootId, "b"), undefined);
  await rejects(() => Promise.resolve(view.node(123_456_789n)), isNotFound);
  const { bytes, fileCount } = await view.statistics();
  deepEqual([bytes, fileCount], [7010, 3]);
});

Deno.test("numbers are the same for another reader of the same archive", async () => {
  const bench = new Bench();
  for (const name of ["a", "b", "c"]) {
    await bench.commit(name, encodeUtf8(name));
  }
  const numbers: NodeId[][] = [];
  for (let round = 0; round < 2; round++) {
    await using reader = await bench.engine.openReader({
      cacheBytes: cacheBytesMin,
      repair: false,
    });
    const view = new ArchiveView(reader);
    const paths = ["a", "b", "c", ".versions", ".versions/b"];
    numbers.push(await Promise.all(paths.map((path) => at(view, path))));
  }
  deepEqual(numbers[0], numbers[1]);
  equal(new Set(numbers[0]).size, 5);
});

Deno.test("a name may change wherever a version can come or go", async () => {
  const bench = new Bench();
  const { id } = await bench.commit("a", new Prng(1).bytes(30));
  await using reader = await bench.engine.openReader({
    cacheBytes: cacheBytesMin,
    repair: false,
  });
  const view = new ArchiveView(reader);
  for (const path of ["a", ".versions", ".versions/a", `.versions/a/${id}`]) {
    const { nameChanges } = await view.node(await at(view, path));
    equal(nameChanges, true, path);
  }
});

Deno.test("an entry called .versions is found below the folder of that name", async () => {
  const bench = new Bench();
  const { id } = await bench.commit(".versions", encodeUtf8("me"));
  await using reader = await bench.engine.openReader({
    cacheBytes: cacheBytesMin,
    repair: false,
  });
  const view = new ArchiveView(reader);
  deepEqual(await namesIn(view, rootId), [".versions"]);
  deepEqual(
    await contentOf(view, `.versions/.versions/${id}`),
    encodeUtf8("me"),
  );
});

const file = (
  path: string,
  parts: Partial<Extract<FileRow, { kind: "file" }>>,
) =>
  ({ kind: "file", path, bytes: 0, data: [], nameCount: 1, ...parts }) as const;

const rows: readonly FileRow[] = [
  file("a", { bytes: 5, data: [range(0, 0, 5)], nameCount: 2, mode: 0o600 }),
  file("a-b", { bytes: 0 }),
  { kind: "folder", path: "d", mode: 0o700, uid: 3, gid: 4 },
  { kind: "folder", path: "d/empty" },
  { kind: "hardlink", path: "d/other", target: "a" },
  file("d/sparse", {
    bytes: 20,
    data: [range(5, 4, 3), range(8, 10, 2)],
    xattrs: [{ name: "user.note", value: encodeUtf8("hi") }, {
      name: "trusted.no",
      value: encodeUtf8("no"),
    }],
  }),
  { kind: "link", path: "z", target: "../out" },
];

function range(payloadOffset: number, fileOffset: number, bytes: number) {
  return { payloadOffset, fileOffset, bytes };
}

/** A source with one tree whose payload is 0, 1, 2, … */
async function treeSource(): Promise<EntrySource> {
  const bench = new Bench();
  const payload = Uint8Array.from({ length: 10 }, (_, index) => index);
  await bench.commit("tree", payload);
  const reader = await bench.engine.openReader({
    cacheBytes: cacheBytesMin,
    repair: false,
  });
  const header = encodeHeader({ root: { mode: 0o711 } });
  const bytes = joinBytes([header, ...rows.map(encodeRow)]);
  const decoded = decodeFileTable(bytes, payload.length);
  ok(decoded.kind === "valid", JSON.stringify(decoded));
  const table: FileTable = decoded.table;
  const [entry] = await reader.entries();
  const tree: LiveEntry = {
    ...entry!,
    manifest: {
      ...entry!.manifest,
      files: {
        counts: table.counts,
        tableBytes: bytes.length,
        tableRoot: new Uint8Array(32),
        compressed: { bytes: 1, pageDigests: new Uint8Array(32) },
      },
    },
  };
  const entries = [tree];
  return {
    entries: () => entries,
    open: (each) => reader.open(each),
    table: () => Promise.resolve(table),
    healthOf: () => "intact",
    freeBytes: () => undefined,
  };
}

Deno.test("a tree is a folder with what its table says", async () => {
  const view = new ArchiveView(await treeSource());
  deepEqual(await namesIn(view, await at(view, "tree")), [
    "a",
    "a-b",
    "d",
    "z",
  ]);
  deepEqual(await namesIn(view, await at(view, "tree/d")), [
    "empty",
    "other",
    "sparse",
  ]);
  deepEqual(await namesIn(view, await at(view, "tree/d/empty")), []);
  deepEqual(await contentOf(view, "tree/a"), Uint8Array.of(0, 1, 2, 3, 4));
  deepEqual(await contentOf(view, "tree/a-b"), new Uint8Array(0));
  deepEqual(
    await contentOf(view, "tree/d/sparse"),
    Uint8Array.of(0, 0, 0, 0, 5, 6, 7, 0, 0, 0, 8, 9, 0, 0, 0, 0, 0, 0, 0, 0),
  );
  equal(await view.readLink(await at(view, "tree/z")), "../out");
  equal(await at(view, "tree/d/other"), await at(view, "tree/a"));
  const node = await view.node(await at(view, "tree/a"));
  deepEqual([node.linkCount, node.mode, node.bytes], [2, 0o600, 5]);
  equal(node.nameChanges, false, "nothing comes or goes in a tree");
  const root = await view.node(await at(view, "tree"));
  deepEqual(
    [root.kind, root.mode, root.nameChanges],
    ["folder", 0o711, true],
  );
  const folder = await view.node(await at(view, "tree/d"));
  deepEqual([folder.mode, folder.uid, folder.gid], [0o700, 3, 4]);
  equal(await view.lookup(await at(view, "tree"), "no"), undefined);
  equal(await view.lookup(await at(view, "tree"), "d/empty"), undefined);
});

Deno.test("a folder of a tree can be listed from any row on", async () => {
  const view = new ArchiveView(await treeSource());
  const folder = await view.openFolder(await at(view, "tree"));
  equal(folder.isFixed, true);
  equal((await view.openFolder(rootId)).isFixed, false);
  const all = [...folder.rows(0)];
  for (const [index, { next }] of all.entries()) {
    const rest = [...folder.rows(next)].map(({ name }) => name);
    deepEqual(rest, all.slice(index + 1).map(({ name }) => name));
  }
});

Deno.test("a folder of a tree lists its own names, whatever place somebody makes up", async () => {
  const view = new ArchiveView(await treeSource());
  for (const path of ["tree", "tree/d"]) {
    const folder = await view.openFolder(await at(view, path));
    const own = new Set([...folder.rows(0)].map(({ name }) => name));
    for (let from = 0; from < rows.length + 3; from++) {
      for (const { name } of folder.rows(from)) {
        ok(own.has(name), `"${name}" is in ${path}, asked from ${from} on`);
      }
    }
  }
});

Deno.test("labels are ours and what the tree has stored for users", async () => {
  const view = new ArchiveView(await treeSource());
  const id = await at(view, "tree/d/sparse");
  deepEqual([...await view.labels(id)].sort(), [
    "user.blockframe.health",
    "user.blockframe.id",
    "user.blockframe.policy",
    "user.blockframe.root",
    "user.note",
  ]);
  deepEqual(await view.label(id, "user.note"), encodeUtf8("hi"));
  equal(await view.label(id, "trusted.no"), undefined);
  deepEqual(await view.labels(rootId), []);
  deepEqual(await view.labels(await at(view, "tree/z")), []);
});

Deno.test("what is asked of the wrong kind of node is refused", async () => {
  const view = new ArchiveView(await treeSource());
  const isWrong = (error: unknown) =>
    error instanceof Failure && error.code === "wrong-kind";
  const ids = {
    file: await at(view, "tree/a"),
    folder: await at(view, "tree/d"),
    link: await at(view, "tree/z"),
    tree: await at(view, "tree"),
  };
  const calls = [
    () => view.openFile(ids.folder),
    () => view.openFile(ids.link),
    () => view.openFile(ids.tree),
    () => view.openFile(rootId),
    () => view.openFolder(ids.file),
    () => view.lookup(ids.file, "x"),
    () => view.readLink(ids.file),
  ];
  for (const call of calls) {
    await rejects(async () => await call(), isWrong, `${call}`);
  }
  await rejects(async () => await view.node(ids.tree + 1000n), isNotFound);
});
