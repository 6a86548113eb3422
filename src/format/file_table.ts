// File table: what a tree entry holds besides its payload: names, kinds, attributes, and where in the
// payload the content of every file lies. One JSON object a line, first a header, then a row for
// everything below the tree's root, each folder right before what is in it.
//
// Decoding trusts nothing: lines, counts, paths, ranges and links are verified before use. That rows
// come in their order is what makes this one pass: duplicates and rows without a folder show at once.

import { type Bytes, decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { fileTableBytesMax, fileTableLineBytesMax } from "../base/limits.ts";
import { comparePaths } from "./tree_path.ts";
import {
  type FileRow,
  formatRow,
  parseRow,
  type PlainFileRow,
  readAttributes,
  type RowAttributes,
  writeAttributes,
} from "./file_row.ts";
import { Invalid, readInteger, readObject } from "./members.ts";

/** The version of the table that this code writes and reads. */
export const fileTableVersion = 1;

/** What is decoded at a time: little enough that V8 has the text gone soon. */
const linesBytes = 64 * 1024;

const formatName = "blockframe.files";

/** The table's first line. */
export interface FileTableHeader {
  /** Attributes of the tree's root folder. */
  readonly root: RowAttributes;
}

/** What a table adds up to. */
export interface FileTableCounts {
  /** Plain files, each once however many names it has. */
  readonly fileCount: number;
  readonly folderCount: number;
  /** Symbolic links. */
  readonly linkCount: number;
  /** Further names of files. */
  readonly hardLinkCount: number;
  /** Sizes of all files together, holes included. */
  readonly contentBytes: number;
}

/** What a table's bytes turned out to be. */
export type DecodedFileTable =
  | { readonly kind: "valid"; readonly table: FileTable }
  /** The bytes break a rule of the format. */
  | { readonly kind: "invalid"; readonly problem: string };

/** The header's line. */
export function encodeHeader(header: FileTableHeader): Bytes {
  const line = {
    format: formatName,
    version: fileTableVersion,
    root: writeAttributes(header.root),
  };
  return encodeUtf8(JSON.stringify(line) + "\n");
}

/** A row's line. */
export function encodeRow(row: FileRow): Bytes {
  return encodeUtf8(formatRow(row) + "\n");
}

/** Rows that are verified at a time, in some milliseconds. */
const rowsPerPart = 2000;

/** The table that `bytes` (uncompressed) are, of a payload of that size; every rule is verified. */
export function decodeFileTable(
  bytes: Bytes,
  payloadBytes: number,
): DecodedFileTable {
  const parts = decodeFileTableInParts(bytes, payloadBytes);
  for (let part = parts.next();; part = parts.next()) {
    if (part.done) return part.value;
  }
}

/**
 * The same for somebody who has other things to do: yields after every few thousand rows, and keeps
 * `bytes`, which then belong to the table.
 */
export function* decodeFileTableInParts(
  bytes: Bytes,
  payloadBytes: number,
): Generator<undefined, DecodedFileTable> {
  try {
    const reader = new FileTableReader(bytes, payloadBytes);
    const offsets: number[] = [reader.offset];
    const counts = { ...noCounts };
    for (const row of reader.rows()) {
      addRow(counts, row);
      offsets.push(reader.offset);
      if (offsets.length % rowsPerPart === 0) yield;
    }
    const { header } = reader;
    const table = new FileTable({
      header,
      counts,
      bytes,
      payloadBytes,
      offsets: Uint32Array.from(offsets),
    });
    return { kind: "valid", table };
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    return { kind: "invalid", problem: error.message };
  }
}

/**
 * Goes through a table once, verifying as it goes: a row is given only if all before it are right.
 * Holds no more of it than the folders above a row, and the files that have several names.
 */
export class FileTableReader {
  readonly header: FileTableHeader;
  readonly #bytes: Bytes;
  readonly #payloadBytes: number;
  #offset = 0;
  #lineIndex = 0;
  #before = "";
  /** Lines that are decoded, the next of them, and where they end in the bytes. */
  #lines: readonly string[] = [];
  #nextIndex = 0;
  #linesEnd = 0;
  readonly #folders: string[] = [];
  readonly #linked: Map<string, PlainFileRow> = new Map();

  /** Reads the header. @throws {Invalid} */
  constructor(bytes: Bytes, payloadBytes: number) {
    if (bytes.length > fileTableBytesMax) {
      throw new Invalid("it is larger than any table");
    }
    this.#bytes = bytes;
    this.#payloadBytes = payloadBytes;
    this.header = this.#locate(() => readHeader(this.#nextLine()));
  }

  /** Where the next row's line begins. */
  get offset(): number {
    return this.#offset;
  }

  /** The next row, or undefined at the end. @throws {Invalid} */
  next(): FileRow | undefined {
    if (this.#offset === this.#bytes.length) return undefined;
    return this.#locate(() => {
      const row = parseRow(this.#nextLine(), this.#payloadBytes);
      this.#place(row);
      return row;
    });
  }

  /** The rest of the rows. @throws {Invalid} */
  *rows(): Generator<FileRow> {
    for (let row = this.next(); row !== undefined; row = this.next()) yield row;
  }

  /** The file that a hard link which was read leads to. */
  targetOf(path: string): PlainFileRow | undefined {
    return this.#linked.get(path);
  }

  /** Order, folder and link target of a row. */
  #place(row: FileRow): void {
    const { path } = row;
    if (this.#before !== "" && comparePaths(this.#before, path) >= 0) {
      throw new Invalid(`"${path}" does not come after "${this.#before}"`);
    }
    this.#before = path;
    const slash = path.lastIndexOf("/");
    const parent = slash < 0 ? "" : path.slice(0, slash);
    while (this.#folders.length > 0 && this.#folders.at(-1) !== parent) {
      this.#folders.pop();
    }
    if (parent !== "" && this.#folders.length === 0) {
      throw new Invalid(`"${path}" is in no folder of the table`);
    }
    if (row.kind === "folder") this.#folders.push(path);
    if (row.kind === "file" && row.nameCount > 1) this.#linked.set(path, row);
    if (row.kind === "hardlink" && !this.#linked.has(row.target)) {
      throw new Invalid(
        `"${path}" is another name of "${row.target}", which is no earlier file of several names`,
      );
    }
  }

  #nextLine(): string {
    const start = this.#offset;
    const end = this.#bytes.indexOf(0x0a, start);
    if (end < 0) throw new Invalid("it has no end");
    if (end - start > fileTableLineBytesMax) {
      throw new Invalid("it is too long");
    }
    if (start >= this.#linesEnd) this.#decodeLines(start, end + 1);
    this.#offset = end + 1;
    this.#lineIndex++;
    return this.#lines[this.#nextIndex++]!;
  }

  /** Decodes many lines at once, which takes half the time; at least the one up to `end`. */
  #decodeLines(start: number, end: number): void {
    const limit = Math.min(start + linesBytes, this.#bytes.length);
    const last = this.#bytes.lastIndexOf(0x0a, limit - 1) + 1;
    this.#linesEnd = Math.max(last, end);
    const text = decodeUtf8(this.#bytes.subarray(start, this.#linesEnd));
    if (text === undefined) throw new Invalid("here or below it is not UTF-8");
    this.#lines = text.split("\n");
    this.#nextIndex = 0;
  }

  #locate<T>(read: () => T): T {
    const number = this.#lineIndex + 1;
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      throw new Invalid(`line ${number} of the file table: ${error.message}`);
    }
  }
}

/**
 * A table at hand, for looking things up. Keeps the lines as they are and where each begins; a row is
 * an object only while somebody looks at it.
 */
export class FileTable {
  readonly header: FileTableHeader;
  readonly counts: FileTableCounts;
  /** Rows of the table. */
  readonly rowCount: number;
  readonly #bytes: Bytes;
  readonly #payloadBytes: number;
  /** Where each row's line begins; one more for the end. */
  readonly #offsets: Uint32Array<ArrayBuffer>;

  /** For decodeFileTable: a table whose every row was verified. */
  constructor(parts: {
    readonly header: FileTableHeader;
    readonly counts: FileTableCounts;
    readonly bytes: Bytes;
    readonly payloadBytes: number;
    readonly offsets: Uint32Array<ArrayBuffer>;
  }) {
    this.header = parts.header;
    this.counts = parts.counts;
    this.rowCount = parts.offsets.length - 1;
    this.#bytes = parts.bytes;
    this.#payloadBytes = parts.payloadBytes;
    this.#offsets = parts.offsets;
  }

  /** The row with that index. */
  rowAt(index: number): FileRow {
    const line = this.#bytes.subarray(
      this.#offsets[index]!,
      this.#offsets[index + 1]! - 1,
    );
    return parseRow(decodeUtf8(line) ?? "", this.#payloadBytes);
  }

  /** All rows, in their order. */
  *rows(): Generator<FileRow> {
    for (let index = 0; index < this.rowCount; index++) yield this.rowAt(index);
  }

  /** The row of a path. */
  find(path: string): FileRow | undefined {
    const index = this.#indexOf(path);
    if (index === this.rowCount) return undefined;
    const row = this.rowAt(index);
    return row.path === path ? row : undefined;
  }

  /** The file behind a path: a file itself, or the one that a hard link is another name of. */
  findFile(path: string): PlainFileRow | undefined {
    const row = this.find(path);
    const file = row?.kind === "hardlink" ? this.find(row.target) : row;
    return file?.kind === "file" ? file : undefined;
  }

  /** The row of a path and all below it; "" is the root, which has no row. */
  *subtree(path: string): Generator<FileRow> {
    if (path === "") yield* this.rows();
    for (let index = this.#indexOf(path); index < this.rowCount; index++) {
      const row = this.rowAt(index);
      if (path === "" || !isAtOrBelow(row.path, path)) return;
      yield row;
    }
  }

  /** The rows right in a folder, without what is below them; "" is the root. */
  *children(folder: string): Generator<FileRow> {
    for (const { row } of this.childrenFrom(folder)) yield row;
  }

  /**
   * As children, each with the index of its row and that of the next one in the folder, which `from`
   * takes to go on there (default: the folder's first).
   */
  *childrenFrom(
    folder: string,
    from: number = folder === "" ? 0 : this.#indexOf(folder) + 1,
  ): Generator<{ row: FileRow; index: number; nextIndex: number }> {
    const prefix = folder === "" ? "" : `${folder}/`;
    for (let index = from; index < this.rowCount;) {
      const row = this.rowAt(index);
      if (!row.path.startsWith(prefix)) return;
      const nextIndex = row.kind === "folder"
        ? this.#indexAfter(row.path, index)
        : index + 1;
      yield { row, index, nextIndex };
      index = nextIndex;
    }
  }

  /** The index of the row of a path, if there is one. */
  indexOf(path: string): number | undefined {
    const index = this.#indexOf(path);
    if (index === this.rowCount) return undefined;
    return this.rowAt(index).path === path ? index : undefined;
  }

  /** Where `path` is, or would be. */
  #indexOf(path: string, from = 0): number {
    return this.#firstIndex(from, (other) => comparePaths(other, path) >= 0);
  }

  /** The first row that is not at or below `path`, which the row `from` has. */
  #indexAfter(path: string, from: number): number {
    return this.#firstIndex(
      from,
      (other) => comparePaths(other, path) > 0 && !isAtOrBelow(other, path),
    );
  }

  /** Binary search for the first row from which on `isReached` holds. */
  #firstIndex(from: number, isReached: (path: string) => boolean): number {
    let low = from, high = this.rowCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isReached(this.rowAt(middle).path)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** The counts of a table without rows. */
export const noCounts: FileTableCounts = {
  fileCount: 0,
  folderCount: 0,
  linkCount: 0,
  hardLinkCount: 0,
  contentBytes: 0,
};

/** Counts one more row. */
export function addRow(
  counts: { -readonly [Name in keyof FileTableCounts]: number },
  row: FileRow,
): void {
  switch (row.kind) {
    case "file":
      counts.fileCount++;
      counts.contentBytes += row.bytes;
      break;
    case "folder":
      counts.folderCount++;
      break;
    case "link":
      counts.linkCount++;
      break;
    case "hardlink":
      counts.hardLinkCount++;
      break;
  }
}

function isAtOrBelow(path: string, folder: string): boolean {
  return path.startsWith(folder) &&
    (path.length === folder.length || path[folder.length] === "/");
}

function readHeader(line: string): FileTableHeader {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Invalid("it is not JSON");
  }
  const members = readObject(value, "it");
  if (members["format"] !== formatName) {
    throw new Invalid(`"format" is not "${formatName}"`);
  }
  // A table changes together with the manifest's features: here nothing newer is to be expected.
  readInteger(members, "version", fileTableVersion, fileTableVersion);
  return { root: readAttributes(readObject(members["root"] ?? {}, `"root"`)) };
}
