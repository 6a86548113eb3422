// File table write: the bytes of a tree's table, compressed, and what the manifest says of them.
// What was written is read again by the untrusting decoder before anybody relies on it.

import { assert } from "../base/assert.ts";
import { type Bytes, encodeUtf8, joinBytes } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import { fileTableBytesMax } from "../base/limits.ts";
import type { Codec } from "../codec/mod.ts";
import {
  type FileRow,
  formatRow,
  type RowAttributes,
} from "../format/file_row.ts";
import {
  addRow,
  encodeHeader,
  FileTableReader,
  noCounts,
} from "../format/file_table.ts";
import type { FileTableRecord } from "../format/files_member.ts";
import { planPages } from "../format/pages.ts";

const pieceBytes = 256 * 1024;

/** A table as it is stored. */
export interface StoredFileTable {
  readonly record: FileTableRecord;
  /** The content of the files that hold it. */
  readonly compressed: Bytes;
}

/**
 * Makes the table of these rows, which come in its order.
 * @throws {Failure} `invalid-argument` for more than a table can hold
 */
export async function encodeFileTable(
  root: RowAttributes,
  rows: Iterable<FileRow>,
  payloadBytes: number,
  codec: Codec,
): Promise<StoredFileTable> {
  const counts = { ...noCounts };
  const bytes = joinLines(encodeHeader({ root }), rows, (row) => {
    addRow(counts, row);
    return formatRow(row);
  });
  const read = { ...noCounts };
  for (const row of new FileTableReader(bytes, payloadBytes).rows()) {
    addRow(read, row);
  }
  assert(
    JSON.stringify(read) === JSON.stringify(counts),
    "a file table that was encoded can be decoded",
  );
  const compressed = await compress(bytes);
  return {
    record: {
      counts,
      tableBytes: bytes.length,
      tableRoot: codec.digest(bytes),
      compressed: planPages(compressed, (page) => codec.digest(page)),
    },
    compressed,
  };
}

function joinLines(
  header: Bytes,
  rows: Iterable<FileRow>,
  format: (row: FileRow) => string,
): Bytes {
  let target = new Uint8Array(64 * 1024);
  let length = 0;
  const append = (line: Bytes) => {
    if (length + line.length > fileTableBytesMax) {
      throw new Failure(
        "invalid-argument",
        `The list of files takes more than ${fileTableBytesMax} bytes: commit parts of the folder ` +
          `as entries of their own`,
      );
    }
    if (length + line.length > target.length) {
      // Moved, not copied: the old one would stay in memory for long.
      target = new Uint8Array(target.buffer.transfer(
        Math.max(length + line.length, 2 * target.length),
      ));
    }
    target.set(line, length);
    length += line.length;
  };
  append(header);
  // Many lines at a time: an array for each would stay in memory for long.
  let lines = "";
  for (const row of rows) {
    lines += format(row) + "\n";
    if (lines.length < pieceBytes) continue;
    append(encodeUtf8(lines));
    lines = "";
  }
  append(encodeUtf8(lines));
  return target.subarray(0, length);
}

/** Piece by piece: a copy of a large table would be held besides it. */
async function compress(bytes: Bytes): Promise<Bytes> {
  const { readable, writable } = new CompressionStream("gzip");
  const write = async () => {
    const writer = writable.getWriter();
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      await writer.write(
        bytes.subarray(at, at + pieceBytes) as Uint8Array<ArrayBuffer>,
      );
    }
    await writer.close();
  };
  const [parts] = await Promise.all([Array.fromAsync(readable), write()]);
  return joinBytes(parts);
}
