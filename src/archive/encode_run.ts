// Encode a run: the worker's part of a commit. One pass: the source's bytes are read straight into
// WASM memory, hashed, turned into parity, and written to their shard files.

import { digestBytes } from "../base/limits.ts";
import type { Bytes } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import type { Codec } from "../codec/mod.ts";
import { shardPath } from "../format/entry_path.ts";
import { payloadOffsetOf, shardLength } from "../format/geometry.ts";
import type { Store } from "../store/store.ts";
import { RunBuffer } from "./run_buffer.ts";
import type { EncodeJob } from "./worker_protocol.ts";

/** What a job needs of its thread. */
export interface JobContext {
  readonly codec: Codec;
  /** The store with this root; the same object every time. */
  storeOf(root: string): Store;
}

/**
 * Does the job; gives the digests of the run, laid out as Outboard.readRun gives them.
 * @throws {Failure} `source-changed` when the source is shorter than it was; what the stores throw
 */
export function encodeRun(job: EncodeJob, context: JobContext): Bytes {
  const { geometry, run } = job;
  using buffer = new RunBuffer(context.codec, geometry, run);
  readSource(job, context, buffer);
  const stride = run.rowCount * digestBytes;
  const digests = new Uint8Array(buffer.shardCount * stride);
  for (let shard = 0; shard < buffer.dataShards; shard++) {
    digests.set(buffer.digestRows(shard), shard * stride);
  }
  // With one data shard all parity shards are its copies: there is nothing to compute.
  const isCopied = buffer.dataShards === 1;
  if (!isCopied && geometry.parityShards > 0) {
    buffer.coder.encode(buffer.offsets(), buffer.codeLength());
  }
  digestParity(buffer, isCopied, digests);
  writeShards(job, context, buffer, isCopied);
  return digests;
}

function readSource(
  job: EncodeJob,
  context: JobContext,
  buffer: RunBuffer,
): void {
  const { geometry, run } = job;
  const { root, path } = job.source.file;
  using source = context.storeOf(root).openFile(path, "read");
  const shardOffset = run.firstRow * geometry.leafBytes;
  for (let shard = 0; shard < buffer.dataShards; shard++) {
    const wanted = buffer.lengthOf(shard);
    const offset = payloadOffsetOf(geometry, run.block, shard, shardOffset);
    if (wanted > 0 && source.readInto(buffer.view(shard), offset) !== wanted) {
      throw new Failure(
        "source-changed",
        `The source "${path}" became shorter while it was read`,
      );
    }
    buffer.padShard(shard);
  }
}

function digestParity(
  buffer: RunBuffer,
  isCopied: boolean,
  digests: Bytes,
): void {
  const stride = buffer.run.rowCount * digestBytes;
  for (let shard = buffer.dataShards; shard < buffer.shardCount; shard++) {
    const own = isCopied
      ? digestCopy(buffer, digests)
      : buffer.digestRows(shard);
    digests.set(own, shard * stride);
    if (!isCopied) continue;
    // Copies have one digest: their streams are the same.
    for (let copy = shard + 1; copy < buffer.shardCount; copy++) {
      digests.copyWithin(copy * stride, shard * stride, (shard + 1) * stride);
    }
    return;
  }
}

/** Digests of the segment's bytes in the stream of a parity shard, which begins at the segment. */
function digestCopy(buffer: RunBuffer, digests: Bytes): Bytes {
  const { geometry, run } = buffer;
  const isPayloadOneLeaf = geometry.payloadBytes <= geometry.leafBytes;
  const isShardOneLeaf =
    shardLength(geometry, run.block, 0) <= geometry.leafBytes;
  // The first segment begins where the payload does: both streams have the same digests.
  return run.block === 0 && isPayloadOneLeaf === isShardOneLeaf
    ? digests.slice(0, run.rowCount * digestBytes)
    : buffer.digestRowsAs(0, 1);
}

function writeShards(
  job: EncodeJob,
  context: JobContext,
  buffer: RunBuffer,
  isCopied: boolean,
): void {
  const { geometry, run } = job;
  const store = context.storeOf(job.entry.root);
  for (let shard = 0; shard < buffer.shardCount; shard++) {
    if (buffer.lengthOf(shard) === 0) continue;
    const path = `${job.entry.path}/${shardPath(geometry, run.block, shard)}`;
    using file = store.openFile(path, "update");
    file.writeFrom(
      buffer.view(isCopied ? 0 : shard),
      run.firstRow * geometry.leafBytes,
    );
  }
}
