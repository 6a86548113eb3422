// File table copies: the table of a tree, put together from four compressed files of which any page
// may be bad, decompressed within its bounds, and verified.

import { type Bytes, equalBytes, releaseBytes } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import type { FileRow } from "../format/file_row.ts";
import {
  decodeFileTableInParts,
  type FileTable,
  FileTableReader,
} from "../format/file_table.ts";
import { Invalid } from "../format/members.ts";
import type { FileTableRecord } from "../format/files_member.ts";
import type { Manifest } from "../format/manifest.ts";
import type { EngineContext } from "./context.ts";
import type { BadCopy } from "./metadata.ts";
import {
  type FoundPages,
  type PagedFile,
  recoverPaged,
} from "./paged_copies.ts";

/** The file table of a tree, and the copies of it that are not as they should be. */
export interface FoundFileTable {
  readonly table: FileTable;
  readonly badCopies: readonly BadCopy[];
}

/** The compressed table of a tree; undefined for an entry that is none. */
export function findTablePages(
  folder: string,
  manifest: Manifest,
  context: EngineContext,
): FoundPages | undefined {
  if (manifest.files === undefined) return undefined;
  return recoverPaged(folder, pagedTable(manifest.files), context);
}

/**
 * Reads the file table of a tree; undefined for an entry that is none. Where others wait for this
 * thread, `pause` lets them have their turn every few milliseconds.
 * @throws {Failure} `damaged` when a page is lost, or the table breaks a rule
 */
export async function openFileTable(
  folder: string,
  manifest: Manifest,
  context: EngineContext,
  pause?: () => Promise<void>,
): Promise<FoundFileTable | undefined> {
  const found = await readTable(folder, manifest, context, pause);
  if (found === undefined) return undefined;
  const { payloadBytes } = manifest.geometry;
  const parts = decodeFileTableInParts(found.bytes, payloadBytes);
  let part = parts.next();
  while (!part.done) {
    await pause?.();
    part = parts.next();
  }
  const decoded = part.value;
  if (decoded.kind === "invalid") throw invalid(manifest, decoded.problem);
  return { table: decoded.table, badCopies: found.badCopies };
}

/**
 * Reads the rows of a tree's file table, once, each when it is asked for and all before it are right;
 * undefined for an entry that is no tree.
 * @throws {Failure} `damaged`, also while rows are taken
 */
export async function readFileRows(
  folder: string,
  manifest: Manifest,
  context: EngineContext,
): Promise<Generator<FileRow> | undefined> {
  const found = await readTable(folder, manifest, context);
  return found && rowsOf(found.bytes, manifest);
}

function* rowsOf(bytes: Bytes, manifest: Manifest): Generator<FileRow> {
  try {
    yield* new FileTableReader(bytes, manifest.geometry.payloadBytes).rows();
  } catch (error) {
    throw error instanceof Invalid ? invalid(manifest, error.message) : error;
  }
}

/** The uncompressed table, which is what the manifest says. @throws {Failure} `damaged` */
async function readTable(
  folder: string,
  manifest: Manifest,
  context: EngineContext,
  pause?: () => Promise<void>,
): Promise<{ bytes: Bytes; badCopies: readonly BadCopy[] } | undefined> {
  const { files } = manifest;
  const found = findTablePages(folder, manifest, context);
  if (found === undefined || files === undefined) return undefined;
  if (found.lostPages.length > 0) {
    const pages = found.lostPages.join(", ");
    throw damaged(manifest, `pages ${pages} are lost in all its copies`);
  }
  await pause?.();
  const bytes = await decompress(found.bytes, files.tableBytes, pause);
  releaseBytes(found.bytes);
  if (bytes === undefined) {
    throw damaged(manifest, "it cannot be decompressed");
  }
  await pause?.();
  if (!equalBytes(context.codec.digest(bytes), files.tableRoot)) {
    throw damaged(manifest, "it does not have the BLAKE3 of the manifest");
  }
  return { bytes, badCopies: found.badCopies };
}

function invalid(manifest: Manifest, problem: string): Failure {
  return damaged(manifest, `it breaks a rule of the format: ${problem}`);
}

function pagedTable(files: FileTableRecord): PagedFile {
  return {
    name: "files.jsonl.gz",
    role: "table",
    record: files.compressed,
  };
}

function damaged(manifest: Manifest, problem: string): Failure {
  return new Failure(
    "damaged",
    `The file table of "${manifest.name}" cannot be used: ${problem}`,
  );
}

/** Bytes that are decompressed at a time, in some milliseconds; compressed ones are fewer. */
const bytesPerTurn = 1024 * 1024;
const compressedSliceBytes = 64 * 1024;

function* slicesOf(bytes: Bytes): Generator<Uint8Array<ArrayBuffer>> {
  for (let from = 0; from < bytes.length; from += compressedSliceBytes) {
    const slice = bytes.subarray(from, from + compressedSliceBytes);
    yield slice as Uint8Array<ArrayBuffer>;
  }
}

/** What `compressed` expands to, if that is exactly so many bytes: no more are ever held. */
async function decompress(
  compressed: Bytes,
  bytes: number,
  pause?: () => Promise<void>,
): Promise<Bytes | undefined> {
  const target = new Uint8Array(bytes);
  let count = 0, pausedAt = 0;
  const source = ReadableStream.from(slicesOf(compressed));
  try {
    const stream = source.pipeThrough(new DecompressionStream("gzip"));
    for await (const part of stream) {
      if (count + part.length > bytes) return undefined;
      target.set(part, count);
      count += part.length;
      releaseBytes(part);
      if (pause === undefined || count - pausedAt < bytesPerTurn) continue;
      // All parts come in one turn of the event loop else.
      pausedAt = count;
      await pause();
    }
  } catch (error) {
    // Not a gzip stream, or one that ends too early.
    if (!(error instanceof TypeError)) throw error;
    return undefined;
  }
  return count === bytes ? target : undefined;
}
