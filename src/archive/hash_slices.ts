// Hash slices: the worker's part of the digests of a tree's files. They are taken of the bytes that
// were stored, so that what they say can be held against what a restore gives.

import type { Bytes } from "../base/bytes.ts";
import { assert } from "../base/assert.ts";
import { digestBytes, leafBytesMax } from "../base/limits.ts";
import type { JobContext } from "./encode_run.ts";
import { StagedReader } from "./staged_reader.ts";
import type { FileSlice, HashJob } from "./worker_protocol.ts";

const roomBytes = 16 * leafBytesMax;

/** Does the job: the digests of all leaves of 64 KiB of all slices. @throws {Failure} */
export function hashSlices(job: HashJob, context: JobContext): Bytes {
  const count = job.slices.reduce((sum, each) => sum + leafCountOf(each), 0);
  const digests = new Uint8Array(count * digestBytes);
  using room = context.codec.lease(roomBytes);
  using target = context.codec.lease(roomBytes / leafBytesMax * digestBytes);
  using reader = new StagedReader(
    context.storeOf(job.entry.root),
    job.entry.path,
    job.geometry,
  );
  let at = 0;
  for (const slice of job.slices) {
    for (let from = 0; from < slice.bytes; from += roomBytes) {
      const bytes = Math.min(roomBytes, slice.bytes - from);
      const streamOffset = slice.fileOffset + from;
      fillContent(reader, slice, streamOffset, room.view(0, bytes));
      context.codec.digestLeaves({
        source: room.offset,
        bytes,
        leafBytes: leafBytesMax,
        streamOffset,
        target: target.offset,
        wholeStream: slice.isWhole,
      });
      const length = Math.ceil(bytes / leafBytesMax) * digestBytes;
      digests.set(target.view(0, length), at);
      at += length;
    }
  }
  return digests;
}

/** Leaves of 64 KiB of a slice. */
export function leafCountOf(slice: FileSlice): number {
  return Math.ceil(slice.bytes / leafBytesMax);
}

/** The file's bytes from `fileOffset` on: what is stored, and zeros between. */
function fillContent(
  reader: StagedReader,
  slice: FileSlice,
  fileOffset: number,
  target: Bytes,
): void {
  const end = fileOffset + target.length;
  let filled = fileOffset;
  for (const range of slice.data) {
    const from = Math.max(fileOffset, range.fileOffset);
    const to = Math.min(end, range.fileOffset + range.bytes);
    if (from >= to) continue;
    target.fill(0, filled - fileOffset, from - fileOffset);
    const payloadOffset = range.payloadOffset + from - range.fileOffset;
    reader.read(
      target.subarray(from - fileOffset, to - fileOffset),
      payloadOffset,
    );
    filled = to;
  }
  assert(filled <= end, "ranges lie in the order of the file");
  target.fill(0, filled - fileOffset);
}
