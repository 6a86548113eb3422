import { deepStrictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import picomatch from "picomatch";
import { selectRows } from "../../src/archive/tree_rows.ts";
import { TreeSelection } from "../../src/archive/tree_select.ts";
import { joinBytes } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import {
  decodeFileTable,
  encodeHeader,
  encodeRow,
  type FileTable,
} from "../../src/format/file_table.ts";
import { comparePaths } from "../../src/format/tree_path.ts";

/** The table of a tree of these files, with the folders they need. */
function tableOf(files: readonly string[]): FileTable {
  const folders = new Set(files.flatMap(foldersAbove));
  const paths = [...new Set([...files, ...folders])].toSorted(comparePaths);
  const rows = paths.map((path) =>
    encodeRow(
      folders.has(path)
        ? { kind: "folder", path }
        : { kind: "file", path, bytes: 0, data: [], nameCount: 1 },
    )
  );
  const decoded = decodeFileTable(
    joinBytes([encodeHeader({ root: {} }), ...rows]),
    0,
  );
  if (decoded.kind === "invalid") throw new Error(decoded.problem);
  return decoded.table;
}

function foldersAbove(path: string): string[] {
  const names = path.split("/");
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join("/"));
}

/** What a listing shows. */
function listed(table: FileTable, patterns: readonly string[]): string[] {
  const selection = new TreeSelection(patterns);
  const paths = [...table.rows()].map(({ path }) => path)
    .filter((path) => selection.has(path));
  selection.assertAllFound("t");
  return paths;
}

/** What a restore gives back. */
function restored(table: FileTable, patterns: readonly string[]): string[] {
  return selectRows(table, { patterns }, "t").map(({ path }) => path);
}

function withFolders(paths: readonly string[]): string[] {
  const all = new Set([...paths, ...paths.flatMap(foldersAbove)]);
  return [...all].toSorted(comparePaths);
}

const table = tableOf([
  "*.jpg",
  "a.jpg",
  "album/*.jpg",
  "album/b.jpg",
  "album[1]/c.jpg",
  "album1/d.jpg",
  "[x",
  "{x,y}",
  "x",
  "back\\slash",
]);

const cases: readonly (readonly [string[], string[]])[] = [
  // What could be a glob is both.
  [["*.jpg"], [
    "*.jpg",
    "a.jpg",
    "album/*.jpg",
    "album/b.jpg",
    "album1/d.jpg",
    "album[1]/c.jpg",
  ]],
  [["album/*.jpg"], ["album/*.jpg", "album/b.jpg"]],
  [["album[1]"], ["album1", "album1/d.jpg", "album[1]", "album[1]/c.jpg"]],
  [["{x,y}"], ["x", "{x,y}"]],
  // With a backslash it is that one.
  [["/\\*.jpg"], ["*.jpg"]],
  [["\\*.jpg"], ["*.jpg", "album/*.jpg"]],
  [["album\\[1]"], ["album[1]", "album[1]/c.jpg"]],
  [["back\\slash"], ["back\\slash"]],
  // A bracket that nothing closes is a name.
  [["[x"], ["[x"]],
  [["x", "album/b.jpg"], ["album/b.jpg", "x"]],
  [["album", "album/b.jpg", "./album//"], [
    "album",
    "album/*.jpg",
    "album/b.jpg",
  ]],
  [["album", "/?"], ["album", "album/*.jpg", "album/b.jpg", "x"]],
];

for (const [patterns, expected] of cases) {
  Deno.test(`${patterns.join(" ")} means the same for a listing and for a restore`, () => {
    deepStrictEqual(listed(table, patterns), expected);
    deepStrictEqual(restored(table, patterns), withFolders(expected));
  });
}

Deno.test("no pattern means all, and so does the root", () => {
  const all = [...table.rows()].map(({ path }) => path);
  for (const patterns of [[], ["."], ["/"], ["./", "x"], ["*"]]) {
    deepStrictEqual(listed(table, patterns), all);
    deepStrictEqual(restored(table, patterns), all);
  }
  deepStrictEqual(listed(tableOf([]), ["."]), []);
  deepStrictEqual(restored(tableOf([]), ["."]), []);
});

Deno.test("a pattern that names nothing, or can name nothing, is a mistake", () => {
  for (
    const [code, patterns] of [
      ["not-found", ["nope"]],
      ["not-found", ["x/below"]],
      ["not-found", ["album", "album/nope"]],
      ["not-found", [".", "nope"]],
      ["not-found", ["*", "*.png"]],
      ["not-found", ["/b*"].concat("x", "q?")],
      ["invalid-argument", [".."]],
      ["invalid-argument", ["album/../x"]],
      ["invalid-argument", ["*".repeat(4097)]],
    ] as const
  ) {
    const isRight = (error: unknown) => isFailure(error, code);
    throws(() => listed(table, patterns), isRight, patterns.join(" "));
    throws(() => restored(table, patterns), isRight, patterns.join(" "));
  }
});

Deno.test("selections of made-up trees are what path by path would be chosen", () => {
  const name = fc.constantFrom("a", "b", "*", "a*", "[ab]", "ab", "a-b");
  const path = fc.array(name, { minLength: 1, maxLength: 3 })
    .map((names) => names.join("/"));
  const pattern = fc.tuple(fc.constantFrom("", "/", "./"), path)
    .map(([start, rest]) => start + rest);
  const means = (pattern: string, path: string) => {
    const plain = pattern.replace(/^\.?\//, "");
    const glob = pattern.includes("/") ? plain : `**/${plain}`;
    const isMatch = picomatch(glob, { dot: true });
    return [...foldersAbove(path), path].some((each) =>
      each === plain || /[*[]/.test(plain) && isMatch(each)
    );
  };
  const files = fc.uniqueArray(path, { maxLength: 8 }).filter((all) =>
    !all.some((file) => foldersAbove(file).some((each) => all.includes(each)))
  );
  fc.assert(
    fc.property(
      files,
      fc.array(pattern, { minLength: 1, maxLength: 3 }),
      (files, patterns) => {
        const tree = tableOf(files);
        const paths = [...tree.rows()].map(({ path }) => path);
        const hasAll = patterns.every((each) =>
          paths.some((path) => means(each, path))
        );
        if (!hasAll) {
          throws(() => listed(tree, patterns));
          throws(() => restored(tree, patterns));
          return;
        }
        const meant = paths.filter((path) =>
          patterns.some((each) => means(each, path))
        );
        deepStrictEqual(listed(tree, patterns), meant);
        deepStrictEqual(restored(tree, patterns), withFolders(meant));
      },
    ),
    { numRuns: 500 },
  );
});
