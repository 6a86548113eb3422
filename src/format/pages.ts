// Pages: how a metadata file of which an entry has several copies is kept verifiable. The manifest
// lists the BLAKE3 of each 64 KiB page of it, so that a good page of any copy can stand for a bad one.

import type { Bytes } from "../base/bytes.ts";
import { digestBytes, outboardPageBytes } from "../base/limits.ts";

/** Plain BLAKE3 of some bytes; the codec's, given as a parameter. */
export type Digester = (bytes: Bytes) => Bytes;

/** What the manifest says of a metadata file in copies. */
export interface PagedRecord {
  /** Bytes of the file. */
  readonly bytes: number;
  /** The plain BLAKE3 of each page, one after the other. */
  readonly pageDigests: Bytes;
}

/** Pages of a file of that size. */
export function pageCountOfBytes(bytes: number): number {
  return Math.ceil(bytes / outboardPageBytes);
}

/** The bytes of one page: a view into the file's. */
export function pageOf(bytes: Bytes, page: number): Bytes {
  return bytes.subarray(
    page * outboardPageBytes,
    (page + 1) * outboardPageBytes,
  );
}

/** The record of a file. */
export function planPages(bytes: Bytes, digest: Digester): PagedRecord {
  const pages = pageCountOfBytes(bytes.length);
  const pageDigests = new Uint8Array(pages * digestBytes);
  for (let page = 0; page < pages; page++) {
    pageDigests.set(digest(pageOf(bytes, page)), page * digestBytes);
  }
  return { bytes: bytes.length, pageDigests };
}

/** The digest that a record has for a page. */
export function pageDigestOf(record: PagedRecord, page: number): Bytes {
  return record.pageDigests.subarray(
    page * digestBytes,
    (page + 1) * digestBytes,
  );
}
