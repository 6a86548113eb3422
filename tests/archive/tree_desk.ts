// Tree desk: what the tests of restored trees share: trees to restore, a way to restore them, and to
// see what is there then.

import { rejects } from "node:assert/strict";
import type { Bytes } from "../../src/base/bytes.ts";
import { type FailureCode, isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import type { RestoreReport } from "../../src/archive/report.ts";
import type { TreeRequest } from "../../src/archive/tree_restore.ts";
import type { FileRow } from "../../src/format/file_row.ts";
import type { TreeStore } from "../../src/store/tree_store.ts";
import { type Bench, kib, readFile } from "./harness.ts";
import { TreeWriter } from "./tree_writer.ts";

/** The same every time. */
export const prng: Prng = new Prng(7);

/** Restores the tree "t" to `path` of the outputs. */
export async function restore(
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

/** Asserts that the work fails with that code; gives the message. */
export async function refuses(
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
export function pictureOf(
  store: TreeStore,
  folder: string,
): Map<string, unknown> {
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
export function expectedOf(
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
export function everything(): TreeWriter {
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

/** A few things. */
export function small(): TreeWriter {
  return new TreeWriter()
    .folder("f", { mode: 0o750, modified: "2002-02-02T02:02:02Z" })
    .folder("g", { mode: 0o750 })
    .file("a", prng.bytes(3000))
    .file("f/b", prng.bytes(2000))
    .file("g/c", prng.bytes(100))
    .hardlink("g/d", "a")
    .link("f/l", "b");
}

/** Bytes of a text. */
export const text = (content: string): Bytes =>
  new TextEncoder().encode(content);
