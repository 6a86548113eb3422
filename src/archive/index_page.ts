// Index page: the summaries of some entries as bytes that check themselves. Columns, because most of
// them hold the same value throughout a page. Decoding believes nothing: a page is whole and of this
// shape, or it is no page.

import {
  type Bytes,
  decodeUtf8,
  encodeUtf8,
  equalBytes,
  joinBytes,
} from "../base/bytes.ts";
import { digestBytes, indexPageEntriesMax } from "../base/limits.ts";
import type { EntrySummary } from "./report.ts";

/** An entry as the index knows it, and what its manifest looked like from outside. */
export interface IndexedEntry {
  readonly summary: EntrySummary;
  /** Bytes of manifest.json. */
  readonly manifestBytes: number;
  /** When it was last changed, milliseconds; -1 if the file system does not say. */
  readonly manifestMs: number;
}

/** Digest of bytes. */
export type Digest = (bytes: Bytes) => Bytes;

// What a summary is made of: the compiler asks for a row when a member is added.
const summaryColumns = {
  id: "text",
  name: "text",
  folder: "text",
  created: "text",
  tier: "count",
  policy: "text",
  payloadBytes: "count",
  storedBytes: "count",
  root: "text",
  segmentCount: "count",
  segmentBytes: "count",
  blockCount: "count",
  dataShards: "count",
  parityShards: "count",
  crossBlock: "counts?",
  leafBytes: "count",
  modified: "text?",
  mode: "text?",
  tree: "counts?",
} as const satisfies Readonly<Record<keyof EntrySummary, ColumnKind>>;

// "counts" is an object with whole numbers; "?" may be absent.
type ColumnKind = "text" | "text?" | "count" | "counts?" | "time";
type Value = string | number | null | Readonly<Record<string, number>>;
type Column = Value | readonly Value[];

const columns: readonly (readonly [string, ColumnKind])[] = [
  ...Object.entries(summaryColumns),
  ["manifestBytes", "count"],
  ["manifestMs", "time"],
];

// Part of every digest: pages of a program with other columns are none of ours.
const shape = encodeUtf8(`blockframe index 1 ${JSON.stringify(columns)}\n`);

/** A page of these entries. */
export function encodeIndexPage(
  entries: readonly IndexedEntry[],
  digest: Digest,
): Bytes {
  const members = columns.map(([name]): Column => {
    const values = entries.map((entry) => valueOf(entry, name));
    // A list of one value is that value: columns are never texts that could be mistaken for it.
    return values.every((value) => value === values[0]) ? values[0]! : values;
  });
  const body = encodeUtf8(
    JSON.stringify({ entryCount: entries.length, columns: members }),
  );
  return joinBytes([digest(joinBytes([shape, body])), body]);
}

/** The entries of a page, or undefined if it is none. */
export function decodeIndexPage(
  page: Bytes,
  digest: Digest,
): IndexedEntry[] | undefined {
  const body = page.subarray(digestBytes);
  const expected = digest(joinBytes([shape, body]));
  if (!equalBytes(page.subarray(0, digestBytes), expected)) return undefined;
  const text = decodeUtf8(body);
  if (text === undefined) return undefined;
  let members: { entryCount?: unknown; columns?: unknown };
  try {
    members = JSON.parse(text);
  } catch {
    return undefined;
  }
  const count = members?.entryCount, found = members?.columns;
  if (typeof count !== "number" || !Number.isInteger(count)) return undefined;
  if (count < 1 || count > indexPageEntriesMax) return undefined;
  if (!Array.isArray(found) || found.length !== columns.length) {
    return undefined;
  }
  const isWhole = columns.every(([, kind], index) =>
    isColumn(found[index], kind, count)
  );
  return isWhole ? entriesOf(found as Column[], count) : undefined;
}

function valueOf(entry: IndexedEntry, name: string): Value {
  const value = name === "manifestBytes" || name === "manifestMs"
    ? entry[name]
    : entry.summary[name as keyof EntrySummary];
  return (value ?? null) as Value;
}

function isColumn(column: unknown, kind: ColumnKind, count: number): boolean {
  if (!Array.isArray(column)) return isValue(column, kind);
  return column.length === count &&
    column.every((value) => isValue(value, kind));
}

function isValue(value: unknown, kind: ColumnKind): boolean {
  switch (kind) {
    case "text":
      return typeof value === "string";
    case "text?":
      return value === null || typeof value === "string";
    case "count":
      return Number.isSafeInteger(value) && (value as number) >= 0;
    case "counts?":
      return value === null ||
        typeof value === "object" && !Array.isArray(value) &&
          Object.values(value as object).every((each) =>
            isValue(each, "count")
          );
    case "time":
      return Number.isFinite(value);
  }
}

function entriesOf(found: readonly Column[], count: number): IndexedEntry[] {
  // What is the same throughout the page is copied with the object, and the rest is set one by one:
  // all members stay in the order of the columns, as a summary has them.
  const common: Record<string, Value> = {};
  const varying: [name: string, values: readonly Value[]][] = [];
  columns.forEach(([name], index) => {
    const column = found[index]!;
    if (isList(column)) {
      varying.push([name, column]);
      common[name] = 0;
    } else if (column !== null) common[name] = column;
  });
  const { manifestBytes, manifestMs, ...summaryCommon } = common;
  const entries = Array.from({ length: count }, () => ({
    summary: { ...summaryCommon } as Record<string, Value>,
    manifestBytes: manifestBytes as number,
    manifestMs: manifestMs as number,
  }));
  for (const [name, values] of varying) {
    for (let row = 0; row < count; row++) {
      const entry = entries[row]!, value = values[row]!;
      if (name === "manifestBytes" || name === "manifestMs") {
        entry[name] = value as number;
      } else if (value === null) delete entry.summary[name];
      else entry.summary[name] = value;
    }
  }
  return entries as unknown as IndexedEntry[];
}

function isList(column: Column): column is readonly Value[] {
  return Array.isArray(column);
}
