// Files member: what the manifest of a tree says of its file table, which lies in files of its own.

import { type Bytes, formatHex } from "../base/bytes.ts";
import { fileTableBytesMax, payloadBytesMax } from "../base/limits.ts";
import type { FileTableCounts } from "./file_table.ts";
import {
  formatDigestList,
  type Members,
  readDigestList,
  readDigests,
  readInteger,
  readObject,
} from "./members.ts";
import { pageCountOfBytes, type PagedRecord } from "./pages.ts";

/** What a manifest says of a file table. */
export interface FileTableRecord {
  /** What the table adds up to, for listings that do not read it. */
  readonly counts: FileTableCounts;
  /** Bytes of the table, uncompressed. */
  readonly tableBytes: number;
  /** Plain BLAKE3 of the table, uncompressed. */
  readonly tableRoot: Bytes;
  /** The compressed table, of which there are copies. */
  readonly compressed: PagedRecord;
}

/** The member of a record. */
export function encodeFilesMember(record: FileTableRecord): Members {
  const { counts, compressed } = record;
  return {
    files: counts.fileCount,
    folders: counts.folderCount,
    links: counts.linkCount,
    hard_links: counts.hardLinkCount,
    content_bytes: counts.contentBytes,
    table_bytes: record.tableBytes,
    table_blake3: formatHex(record.tableRoot),
    compressed_bytes: compressed.bytes,
    pages: formatDigestList(compressed.pageDigests),
  };
}

/** The record that a member is. @throws {Invalid} */
export function readFilesMember(value: unknown): FileTableRecord {
  const members = readObject(value, `"files"`);
  const count = (member: string, max = fileTableBytesMax) =>
    readInteger(members, member, 0, max);
  const bytes = readInteger(members, "compressed_bytes", 1, fileTableBytesMax);
  return {
    counts: {
      fileCount: count("files"),
      folderCount: count("folders"),
      linkCount: count("links"),
      hardLinkCount: count("hard_links"),
      contentBytes: count("content_bytes", payloadBytesMax),
    },
    tableBytes: readInteger(members, "table_bytes", 1, fileTableBytesMax),
    tableRoot: readDigests(members["table_blake3"], "table_blake3", 1),
    compressed: {
      bytes,
      pageDigests: readDigestList(
        members["pages"],
        "pages",
        pageCountOfBytes(bytes),
      ),
    },
  };
}
