// File table target: tables with rows that somebody made up, in order and out of it.

import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, encodeUtf8 } from "../../src/base/bytes.ts";
import {
  decodeFileTable,
  encodeHeader,
  encodeRow,
  type FileTable,
} from "../../src/format/file_table.ts";
import { comparePaths, treePathProblem } from "../../src/format/tree_path.ts";
import { byteMutations, mutateBytes } from "./byte_mutation.ts";
import { readCorpus } from "./corpus.ts";
import { jsonMutations, mutateJson, oddValue } from "./json_mutation.ts";
import { openLaw, type Target } from "./target.ts";

const payloadBytes = 1000;
const samples = readCorpus("file_table", ".jsonl");
const tables = samples.map((bytes) =>
  new TextDecoder().decode(bytes).trimEnd().split("\n")
    .map((line) => JSON.parse(line))
);
const index = fc.nat(samples.length - 1);
const component = fc.oneof(
  fc.constantFrom("a", "b", "a-b", "a.b", "..", ".", "", "\0", "x".repeat(255)),
  fc.string({ maxLength: 3, unit: "binary" }),
);
const treePath = fc.array(component, { minLength: 1, maxLength: 4 })
  .map((names) => names.join("/"));
const size = fc.oneof(
  fc.nat(payloadBytes + 5),
  fc.constantFrom(2 ** 53 - 1, 2 ** 53),
);
const row = fc.record({
  path: treePath,
  kind: fc.constantFrom("file", "folder", "folder", "link", "hardlink", "x"),
  bytes: size,
  target: treePath,
  names: fc.constantFrom(1, 1, 2, 0),
  mode: fc.constantFrom("0644", "7777", "8", ""),
  data: fc.array(fc.tuple(size, size, size), { maxLength: 3 }),
  xattrs: fc.oneof(fc.constant({}), oddValue),
}, { requiredKeys: ["path", "kind"] });

const tableBytes: fc.Arbitrary<Bytes> = fc.oneof(
  fc.tuple(index, jsonMutations).map(([which, mutations]) =>
    formatLines(mutateJson(tables[which], mutations))
  ),
  fc.tuple(index, byteMutations).map(([which, mutations]) =>
    mutateBytes(samples[which]!, mutations)
  ),
  fc.tuple(fc.array(row, { maxLength: 8 }), fc.boolean())
    .map(([rows, isSorted]) => {
      const sorted = isSorted
        ? rows.toSorted((a, b) => comparePaths(a.path, b.path))
        : rows;
      return formatLines([tables[0]![0], ...sorted]);
    }),
);

/** The target. */
export const fileTableTarget: Target = {
  name: "file table",
  weight: 20,
  cases: 3000,
  open: () => Promise.resolve(openLaw(fc.property(tableBytes, judge))),
};

function formatLines(lines: unknown): Bytes {
  const list = Array.isArray(lines) ? lines : [lines];
  return encodeUtf8(list.map((line) => `${JSON.stringify(line)}\n`).join(""));
}

function judge(bytes: Bytes): void {
  const decoded = decodeFileTable(bytes, payloadBytes);
  if (decoded.kind === "invalid") {
    // It quotes paths of up to 4 KiB, of which JSON makes up to six times as much.
    ok(decoded.problem.length < 100_000);
    return;
  }
  judgeTable(decoded.table);
}

function judgeTable(table: FileTable): void {
  const rows = [...table.rows()];
  ok(rows.length === table.rowCount);
  const kinds = new Map(rows.map((row) => [row.path, row.kind]));
  ok(kinds.size === rows.length, "no path comes twice");
  for (const row of rows) {
    ok(treePathProblem(row.path) === undefined, row.path);
    const slash = row.path.lastIndexOf("/");
    const parent = slash < 0 ? undefined : kinds.get(row.path.slice(0, slash));
    ok(slash < 0 || parent === "folder", "every row is in a folder");
    deepStrictEqual(table.find(row.path), row);
    if (row.kind === "hardlink") ok(kinds.get(row.target) === "file");
    if (row.kind !== "file") continue;
    for (const { payloadOffset, fileOffset, bytes } of row.data) {
      ok(bytes > 0 && payloadOffset + bytes <= payloadBytes);
      ok(fileOffset + bytes <= row.bytes);
    }
  }
  const again = [encodeHeader(table.header), ...rows.map(encodeRow)];
  const text = again.map((line) => new TextDecoder().decode(line)).join("");
  const decoded = decodeFileTable(encodeUtf8(text), payloadBytes);
  ok(decoded.kind === "valid", JSON.stringify(decoded));
  deepStrictEqual([...decoded.table.rows()], rows);
}
