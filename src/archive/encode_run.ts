// Encode a run: the worker's part of a commit. One pass: the source's bytes are read straight into
// WASM memory, hashed, turned into parity, and written to their shard files.

import { unreachable } from "../base/assert.ts";
import { digestBytes } from "../base/limits.ts";
import type { Bytes } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import type { Codec } from "../codec/mod.ts";
import { shardPath } from "../format/entry_path.ts";
import { payloadOffsetOf, shardLength } from "../format/geometry.ts";
import type { Store } from "../store/store.ts";
import { RunBuffer } from "./run_buffer.ts";
import { readSpool } from "./spool.ts";
import { PieceReader } from "./pieces.ts";
import type { EncodeJob, PieceProblem } from "./worker_protocol.ts";
import { writeNewRows } from "./write_rows.ts";

/** What a job needs of its thread. */
export interface JobContext {
  readonly codec: Codec;
  /** The store with this root; the same object every time. */
  storeOf(root: string): Store;
}

/** What came of a run. */
export interface EncodedRun {
  /** Laid out as Outboard.readRun gives them. */
  readonly digests: Bytes;
  readonly problems: readonly PieceProblem[];
}

/**
 * Does the job; gives the digests of the run, laid out as Outboard.readRun gives them.
 * @throws {Failure} `source-changed` when the source is shorter than it was; what the stores throw
 */
export function encodeRun(job: EncodeJob, context: JobContext): EncodedRun {
  const { geometry, run } = job;
  using buffer = new RunBuffer(context.codec, geometry, run);
  const problems = readSource(job, context, buffer);
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
  return { digests, problems };
}

function readSource(
  job: EncodeJob,
  context: JobContext,
  buffer: RunBuffer,
): readonly PieceProblem[] {
  using source = openSource(job, context);
  for (let shard = 0; shard < buffer.dataShards; shard++) {
    const wanted = buffer.lengthOf(shard);
    if (wanted > 0 && source.read(shard, buffer.view(shard)) !== wanted) {
      throw new Failure(
        "source-changed",
        `The source "${source.path}" became shorter while it was read`,
      );
    }
    buffer.padShard(shard);
  }
  return source.finish?.() ?? [];
}

/** The source of a run: what each data shard of it gets. */
interface RunSource extends Disposable {
  /** For messages. */
  readonly path: string;
  /** Reads until `target` is full or there is no more; gives the count of bytes. */
  read(shard: number, target: Bytes): number;
  /** Called when all was read; gives the files that could not be read as planned. */
  finish?(): readonly PieceProblem[];
}

function openSource(job: EncodeJob, context: JobContext): RunSource {
  const { geometry, run, source, entry } = job;
  const shardOffset = run.firstRow * geometry.leafBytes;
  const offsetOf = (shard: number) =>
    payloadOffsetOf(geometry, run.block, shard, shardOffset);
  switch (source.kind) {
    case "file": {
      const { root, path } = source.file;
      const file = context.storeOf(root).openFile(path, "read");
      return {
        path,
        read: (shard, target) => file.readInto(target, offsetOf(shard)),
        [Symbol.dispose]: () => file[Symbol.dispose](),
      };
    }
    case "spool": {
      const store = context.storeOf(source.spool.root);
      const { path } = source.spool;
      const spool = { folder: path, pieceBytes: source.pieceBytes };
      return {
        path,
        read: (shard, target) =>
          readSpool(store, spool, target, offsetOf(shard)),
        [Symbol.dispose]: () => {},
      };
    }
    case "stored":
      return {
        path: entry.path,
        read: (shard, target) => {
          const path = pathOf(job, shard);
          using file = context.storeOf(entry.root).openFile(path, "read");
          return file.readInto(target, shardOffset);
        },
        [Symbol.dispose]: () => {},
      };
    case "pieces": {
      const reader = new PieceReader(context.storeOf(source.root), source);
      return {
        path: "",
        read: (shard, target) => {
          reader.read(target, offsetOf(shard));
          return target.length;
        },
        finish: () => {
          reader.finish();
          return reader.problems;
        },
        [Symbol.dispose]: () => reader[Symbol.dispose](),
      };
    }
    default:
      return unreachable(source);
  }
}

function pathOf(job: EncodeJob, shard: number): string {
  return `${job.entry.path}/${shardPath(job.geometry, job.run.block, shard)}`;
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
  const store = context.storeOf(job.entry.root);
  const first = job.source.kind === "stored" ? buffer.dataShards : 0;
  for (let shard = first; shard < buffer.shardCount; shard++) {
    if (buffer.lengthOf(shard) === 0) continue;
    using file = store.openFile(pathOf(job, shard), "update");
    writeNewRows(file, buffer, shard, isCopied ? 0 : shard);
  }
}
