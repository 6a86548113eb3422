// Tree rows: which rows of a file table a restore is to give back: those that its paths and globs
// name, with all that is below them and the folders above them, less what a pattern leaves out.

import picomatch from "picomatch";
import { Failure } from "../base/errors.ts";
import type { FileRow } from "../format/file_row.ts";
import type { FileTable } from "../format/file_table.ts";
import { comparePaths } from "../format/tree_path.ts";
import { globOptions, rootedGlob } from "./tree_select.ts";

const patternLengthMax = 4096;

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
  const patterns = selection.patterns.map(readPattern);
  const isAll = patterns.length === 0 ||
    patterns.some(({ path }) => path === "");
  const rows = isAll
    ? Array.from(table.rows(), withoutDigest)
    : patterns.some(({ path }) => isGlob(table, path))
    ? selectByGlob(table, patterns, treeName)
    : selectByPath(table, patterns.map(({ path }) => path), treeName);
  return dropExcluded(rows, selection);
}

interface Pattern {
  readonly path: string;
  /** Whether a glob without a slash means a name in the tree's root only. */
  readonly isRooted: boolean;
}

/** "./a/b/" means the same as "a/b", and "." the root. @throws {Failure} `invalid-argument` */
function readPattern(pattern: string): Pattern {
  if (pattern.length > patternLengthMax) {
    throw new Failure(
      "invalid-argument",
      `A path or pattern has at most ${patternLengthMax} characters`,
    );
  }
  const path = pattern.replace(/^(\.?\/)+/, "").replace(/\/+$/, "")
    .replace(/^\.$/, "");
  return { path, isRooted: pattern.startsWith("/") };
}

/** A path that is there is meant as it stands, whatever is in it. */
function isGlob(table: FileTable, path: string): boolean {
  return /[*?[\]{}]/.test(path) && table.find(path) === undefined;
}

function selectByPath(
  table: FileTable,
  paths: readonly string[],
  treeName: string,
): FileRow[] {
  const found = new Map<string, FileRow>();
  for (const path of paths.toSorted(comparePaths)) {
    if (found.has(path) && found.get(path)!.kind !== "folder") continue;
    if (table.find(path) === undefined) throw missing(path, treeName);
    for (const folder of foldersAbove(path)) {
      const row = table.find(folder);
      if (row !== undefined) found.set(folder, row);
    }
    for (const row of table.subtree(path)) found.set(row.path, row);
  }
  return [...found.values()];
}

function selectByGlob(
  table: FileTable,
  patterns: readonly Pattern[],
  treeName: string,
): FileRow[] {
  const matchers = patterns.map((pattern) => matcherOf(table, pattern));
  const hits = new Set<number>();
  const rows: FileRow[] = [];
  let above: FileRow[] = [];
  let within: string | undefined;
  for (const row of table.rows()) {
    above = above.filter(({ path }) => row.path.startsWith(`${path}/`));
    if (within !== undefined && !row.path.startsWith(`${within}/`)) {
      within = undefined;
    }
    // All are asked, so that each knows whether it names anything.
    let isHit = within !== undefined;
    matchers.forEach((matches, index) => {
      if (!matches(row.path)) return;
      hits.add(index);
      isHit = true;
    });
    if (isHit) {
      rows.push(...above, row);
      above = [];
      if (row.kind === "folder") within ??= row.path;
    } else if (row.kind === "folder") above.push(row);
  }
  const missed = patterns.find((_, index) => !hits.has(index));
  if (missed !== undefined) throw missing(missed.path, treeName);
  return rows;
}

function matcherOf(
  table: FileTable,
  { path, isRooted }: Pattern,
): (path: string) => boolean {
  if (!isGlob(table, path)) return (other) => other === path;
  return picomatch(rootedGlob(path, isRooted), globOptions);
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

function missing(pattern: string, treeName: string): Failure {
  return new Failure(
    "not-found",
    `${JSON.stringify(pattern)} is not in "${treeName}"`,
  );
}
