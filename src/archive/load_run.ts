// Load a run: rows of one shard from its file into memory that other threads see, every leaf compared
// with its digest. The reader's fast path: what fails here is rebuilt by a scan of the whole rows.

import { assert } from "../base/assert.ts";
import { type Bytes, equalBytes } from "../base/bytes.ts";
import { digestBytes } from "../base/limits.ts";
import type { Lease } from "../codec/mod.ts";
import { shardPath } from "../format/entry_path.ts";
import {
  blockDataShards,
  payloadOffsetOf,
  runLength,
} from "../format/geometry.ts";
import { causeOf } from "./damage_cause.ts";
import type { JobContext } from "./encode_run.ts";
import type { LoadJob } from "./worker_protocol.ts";

/**
 * Does the job; gives the rows, by their index in the run, that are not as they should be for
 * whatever reason. Their place in the targets is undefined. @throws {Failure} `offline`
 */
export function loadRun(job: LoadJob, context: JobContext): number[] {
  const { geometry, run, shard } = job;
  assert(
    shard < blockDataShards(geometry, run.block),
    "only data shards are loaded",
  );
  const length = runLength(geometry, run, shard);
  using lease = context.codec.lease(length);
  const unread = readRows(job, lease, context);
  const wrong = wrongRows(job, lease, context);
  copyOut(job, lease, length);
  for (const row of wrong) unread.add(row);
  return [...unread].sort((left, right) => left - right);
}

/** Rows of a data shard in memory, by their index in the run, that are not what their digests say. */
export function wrongRows(
  { geometry, run, shard, digests }: Pick<
    LoadJob,
    "geometry" | "run" | "shard" | "digests"
  >,
  lease: Lease,
  { codec }: Pick<JobContext, "codec">,
): number[] {
  using digestLease = codec.lease(run.rowCount * digestBytes);
  const shardOffset = run.firstRow * geometry.leafBytes;
  codec.digestLeaves({
    source: lease.offset,
    bytes: lease.bytes,
    leafBytes: geometry.leafBytes,
    streamOffset: payloadOffsetOf(geometry, run.block, shard, shardOffset),
    target: digestLease.offset,
    wholeStream: geometry.payloadBytes <= geometry.leafBytes,
  });
  const wrong: number[] = [];
  const found = digestLease.view();
  for (let row = 0; row * geometry.leafBytes < lease.bytes; row++) {
    const isRight = equalBytes(digestAt(found, row), digestAt(digests, row));
    if (!isRight) wrong.push(row);
  }
  return wrong;
}

/** Reads the rows; gives those that could not be read in full. */
function readRows(
  job: LoadJob,
  lease: Lease,
  context: JobContext,
): Set<number> {
  const { geometry, run, shard } = job;
  const { leafBytes } = geometry;
  const shardOffset = run.firstRow * leafBytes;
  const unread = new Set<number>();
  const path = `${job.entry.path}/${shardPath(geometry, run.block, shard)}`;
  const readPart = (
    file: { readInto(target: Bytes, offset: number): number },
    from: number,
    length: number,
  ) => {
    const count = file.readInto(lease.view(from, length), shardOffset + from);
    if (count === length) return;
    for (
      let row = Math.floor((from + count) / leafBytes);
      row * leafBytes < from + length;
      row++
    ) unread.add(row);
  };
  try {
    using file = context.storeOf(job.entry.root).openFile(path, "read");
    try {
      readPart(file, 0, lease.bytes);
    } catch (error) {
      causeOf(error);
      // Leaf by leaf, so that one bad sector costs one leaf.
      for (let from = 0; from < lease.bytes; from += leafBytes) {
        try {
          readPart(file, from, Math.min(leafBytes, lease.bytes - from));
        } catch (leafError) {
          causeOf(leafError);
          unread.add(from / leafBytes);
        }
      }
    }
  } catch (error) {
    causeOf(error);
    for (let row = 0; row < run.rowCount; row++) unread.add(row);
  }
  return unread;
}

function copyOut(job: LoadJob, lease: Lease, length: number): void {
  let from = 0;
  for (const { buffer, offset, bytes } of job.targets) {
    new Uint8Array(buffer, offset, bytes).set(lease.view(from, bytes));
    from += bytes;
  }
  assert(from === length, "the targets are as long as the rows");
}

function digestAt(digests: Bytes, row: number): Bytes {
  return digests.subarray(row * digestBytes, (row + 1) * digestBytes);
}
