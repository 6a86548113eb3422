// Trees: source folders in memory, what a commit makes of them, and reading that back without the
// code that restores: from the segments as they lie there.

import { ok } from "node:assert/strict";
import { assert } from "../../src/base/assert.ts";
import { type Bytes, encodeUtf8, joinBytes } from "../../src/base/bytes.ts";
import type { ResolvedTree } from "../../src/archive/commit_tree.ts";
import { openFileTable } from "../../src/archive/file_table_copies.ts";
import { readManifest } from "../../src/archive/manifest_copies.ts";
import type { CommitReport, EntrySummary } from "../../src/archive/report.ts";
import type { FileRow, PlainFileRow } from "../../src/format/file_row.ts";
import type { FileTable } from "../../src/format/file_table.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import type { OpenMode, StoreFile } from "../../src/store/store.ts";
import { type Bench, listFiles, readFile } from "./harness.ts";

/** When every file of these trees was last written to, unless a test says otherwise. */
export const sourceTimeNs = 1_700_000_000_123_456_789n;

/** A store of a source that somebody writes to while it is read. */
export class BusyStore extends MemoryStore {
  /** Called with the path of each file that is opened for reading, before it is. */
  onOpen: (path: string) => void = () => {};

  override openFile(path: string, mode: OpenMode): StoreFile {
    if (mode === "read") this.onOpen(path);
    return super.openFile(path, mode);
  }
}

/** Puts files there; texts are their content, `undefined` a folder. */
export function plantTree(
  store: MemoryStore,
  tree: Readonly<Record<string, string | Bytes | undefined>>,
): void {
  for (const [path, content] of Object.entries(tree)) {
    if (content === undefined) {
      store.plantFolder(path);
      continue;
    }
    const bytes = typeof content === "string" ? encodeUtf8(content) : content;
    store.plantFile(path, bytes);
    store.setExactly(path, { modifiedNs: sourceTimeNs, mode: 0o644 });
  }
}

/** Commits all that lies in the bench's sources. */
export function commitTree(
  bench: Bench,
  wish: Partial<ResolvedTree> = {},
): Promise<CommitReport> {
  return bench.engine.commitTree({
    root: "sources",
    label: "tree",
    name: "tree",
    excludes: [],
    oneFileSystem: false,
    omit: [],
    skipChanged: false,
    skipUnreadable: false,
    ...wish,
  });
}

/** The file table of an entry, and its payload. */
export async function readEntry(
  bench: Bench,
  folder: string,
): Promise<{ table: FileTable; payload: Bytes }> {
  const found = readManifest(folder, bench.context);
  assert(found.kind === "found", "the entry has a manifest");
  const { manifest } = found;
  const opened = await openFileTable(folder, manifest, bench.context);
  assert(opened !== undefined, "the entry is a tree");
  const segments = listFiles(bench.archive, folder)
    .filter((path) => /\/segments\/[^/]+$/.test(path)).sort();
  const payload = joinBytes(
    segments.map((path) => readFile(bench.archive, path)),
  );
  return { table: opened.table, payload };
}

/** The rows of an entry by path. */
export async function readRows(
  bench: Bench,
  report: EntrySummary,
): Promise<Map<string, FileRow>> {
  const { table } = await readEntry(bench, report.folder);
  return new Map([...table.rows()].map((row) => [row.path, row]));
}

/** The content of all files of an entry by path, also by their further names. */
export async function readContents(
  bench: Bench,
  report: EntrySummary,
): Promise<Map<string, Bytes>> {
  const { table, payload } = await readEntry(bench, report.folder);
  const contents = new Map<string, Bytes>();
  for (const row of table.rows()) {
    const file = table.findFile(row.path);
    if (file !== undefined) contents.set(row.path, contentOf(file, payload));
  }
  return contents;
}

/** The content of a file. */
export function contentOf(row: PlainFileRow, payload: Bytes): Bytes {
  const content = new Uint8Array(row.bytes);
  for (const { payloadOffset, fileOffset, bytes } of row.data) {
    const part = payload.subarray(payloadOffset, payloadOffset + bytes);
    ok(part.length === bytes, "a range lies in the payload");
    content.set(part, fileOffset);
  }
  return content;
}
