// Tree hashes: the BLAKE3 of every file of a tree, from its stored payload, by all threads. Small
// files go many to a job, large ones a slice at a time.

import { type Bytes, formatHex } from "../base/bytes.ts";
import { digestBytes, leafBytesMax } from "../base/limits.ts";
import type { PlainFileRow } from "../format/file_row.ts";
import { type EngineContext, throwIfInterrupted } from "./context.ts";
import { type Executor, forEachBounded, hashWith } from "./executor.ts";
import { leafCountOf } from "./hash_slices.ts";
import type { Staging } from "./staging.ts";
import type { TreePayload } from "./tree_payload.ts";
import type { FileSource } from "./tree_walk.ts";
import type { FileSlice } from "./worker_protocol.ts";

/** Bytes and files of one job. */
const jobBytesMax = 16 * 1024 * 1024;
const jobSliceCountMax = 4096;

/**
 * Zeros take as long to hash as data, and a file may claim more of them than anybody could wait for:
 * one with more than this has no hash. Its data is protected as all of the payload is.
 */
export const hashedHoleBytesMax: number = 1024 * 1024 * 1024;

/** Whether a file gets a hash. */
export function isHashed(row: Pick<PlainFileRow, "bytes" | "data">): boolean {
  const dataBytes = row.data.reduce((sum, range) => sum + range.bytes, 0);
  return row.bytes - dataBytes <= hashedHoleBytesMax;
}

/** Hashes of a tree's files, side by side. */
export class TreeHashes {
  readonly #digests: Bytes;
  readonly #known: Bytes;

  /** No hash yet of any of so many files. */
  constructor(fileCount: number) {
    this.#digests = new Uint8Array(fileCount * digestBytes);
    this.#known = new Uint8Array(fileCount);
  }

  /** The hash of a file, hexadecimal, if it has one. */
  of(file: number): string | undefined {
    if (this.#known[file] === 0) return undefined;
    return formatHex(this.#digests.subarray(
      file * digestBytes,
      (file + 1) * digestBytes,
    ));
  }

  /** Takes a file's hash. */
  set(file: number, digest: Bytes): void {
    this.#digests.set(digest, file * digestBytes);
    this.#known[file] = 1;
  }
}

/** What is to be hashed. */
export interface HashWish {
  readonly files: readonly FileSource[];
  readonly layout: TreePayload;
  /** Files that are left out. */
  isDropped(path: string): boolean;
}

/** Hashes all files but those that are left out. @throws {Failure} */
export async function hashFiles(
  wish: HashWish,
  staging: Staging,
  executor: Executor,
  context: EngineContext,
): Promise<TreeHashes> {
  const { codec } = context;
  const { files } = wish;
  const hashes = new TreeHashes(files.length);
  const entry = { root: context.root, path: staging.folder };
  const emptyHash = codec.digest(new Uint8Array(0)).slice();
  const open = new Map<number, { digests: Bytes; missing: number }>();
  files.forEach(({ row }, file) => {
    if (row.bytes === 0) hashes.set(file, emptyHash);
  });
  await forEachBounded(planJobs(wish), executor.width, async (parts) => {
    throwIfInterrupted(context);
    const digests = await hashWith(executor, {
      kind: "hash",
      entry,
      geometry: staging.geometry,
      slices: parts.map(({ slice }) => slice),
    });
    let at = 0;
    for (const { file, slice } of parts) {
      const length = leafCountOf(slice) * digestBytes;
      const part = digests.subarray(at, at + length);
      at += length;
      const { row } = files[file]!;
      if (length === digestBytes && slice.bytes === row.bytes) {
        hashes.set(file, part);
        continue;
      }
      let state = open.get(file);
      if (state === undefined) {
        const leaves = Math.ceil(row.bytes / leafBytesMax);
        const bytes = leaves * digestBytes;
        state = { digests: new Uint8Array(bytes), missing: bytes };
        open.set(file, state);
      }
      state.digests.set(part, slice.fileOffset / leafBytesMax * digestBytes);
      state.missing -= length;
      if (state.missing > 0) continue;
      hashes.set(file, codec.rootOf(state.digests));
      open.delete(file);
    }
  });
  return hashes;
}

interface FilePart {
  /** Index of the file. */
  readonly file: number;
  readonly slice: FileSlice;
}

/** All that is to be hashed, in jobs, in the order of the payload. */
function* planJobs(wish: HashWish): Generator<FilePart[]> {
  const { files, layout } = wish;
  let parts: FilePart[] = [];
  let bytes = 0;
  for (let file = 0; file < files.length; file++) {
    const { row } = files[file]!;
    if (row.bytes === 0 || wish.isDropped(row.path)) continue;
    const ranges = layout.dataOf(file);
    if (!isHashed({ bytes: row.bytes, data: ranges })) continue;
    let range = 0;
    for (let from = 0; from < row.bytes; from += jobBytesMax) {
      const end = Math.min(row.bytes, from + jobBytesMax);
      const data = [];
      while (range < ranges.length) {
        const each = ranges[range]!;
        if (each.fileOffset >= end) break;
        data.push(each);
        if (each.fileOffset + each.bytes > end) break;
        range++;
      }
      const isWhole = row.bytes <= leafBytesMax;
      const slice = { fileOffset: from, bytes: end - from, isWhole, data };
      parts.push({ file, slice });
      bytes += slice.bytes;
      if (bytes < jobBytesMax && parts.length < jobSliceCountMax) continue;
      yield parts;
      parts = [];
      bytes = 0;
    }
  }
  if (parts.length > 0) yield parts;
}
