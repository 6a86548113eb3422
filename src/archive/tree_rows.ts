// Tree rows: which rows of a file table a restore is to give back: those that its paths and globs
// name, with all that is below them and the folders above them, less what a pattern leaves out.

import type { FileRow } from "../format/file_row.ts";
import type { FileTable } from "../format/file_table.ts";
import { comparePaths } from "../format/tree_path.ts";
import { TreeSelection } from "./tree_select.ts";

/** Which part of a tree is wanted. */
export interface RowSelection {
  /** Paths or globs from the tree's root; none: all of it. */
  readonly patterns: readonly string[];
  /** Whether something is left out, with all below it. */
  isExcluded?(path: string, isFolder: boolean): boolean;
}

/**
 * The rows that are wanted, in their order, each with its folders before it.
 * @throws {Failure} `not-found` if a pattern names nothing, `invalid-argument` if it is none
 */
export function selectRows(
  table: FileTable,
  selection: RowSelection,
  treeName: string,
): FileRow[] {
  const selected = new TreeSelection(selection.patterns);
  const candidates = selected.paths === undefined
    ? table.rows()
    : rowsAround(table, selected.paths);
  const rows: FileRow[] = [];
  let above: FileRow[] = [];
  for (const row of candidates) {
    above = above.filter(({ path }) => row.path.startsWith(`${path}/`));
    if (selected.has(row.path)) {
      rows.push(...above, withoutDigest(row));
      above = [];
    } else if (row.kind === "folder") above.push(row);
  }
  selected.assertAllFound(treeName);
  return dropExcluded(rows, selection);
}

/** What lies at these paths, below and above them: the rest of a large table need not be read. */
function rowsAround(
  table: FileTable,
  paths: readonly string[],
): Iterable<FileRow> {
  const found = new Map<string, FileRow>();
  for (const path of paths.toSorted(comparePaths)) {
    // It is below one that came before.
    if (found.has(path)) continue;
    for (const folder of foldersAbove(path)) {
      const row = table.find(folder);
      if (row !== undefined) found.set(folder, row);
    }
    for (const row of table.subtree(path)) found.set(row.path, row);
  }
  return found.values();
}

function dropExcluded(
  rows: FileRow[],
  selection: RowSelection,
): FileRow[] {
  if (selection.isExcluded === undefined) return rows;
  let outside: string | undefined;
  return rows.filter((row) => {
    if (outside !== undefined && row.path.startsWith(`${outside}/`)) {
      return false;
    }
    const isFolder = row.kind === "folder";
    const isOut = selection.isExcluded?.(row.path, isFolder) ?? false;
    if (isOut && isFolder) outside = row.path;
    return !isOut;
  });
}

/** What is held of a hundred thousand rows should not hold what nobody asks for. */
function withoutDigest(row: FileRow): FileRow {
  if (row.kind !== "file") return row;
  const { blake3: _blake3, uid: _uid, gid: _gid, ...rest } = row;
  return rest;
}

function* foldersAbove(path: string): Generator<string> {
  for (
    let slash = path.indexOf("/");
    slash >= 0;
    slash = path.indexOf("/", slash + 1)
  ) yield path.slice(0, slash);
}
