// Commit a stream: bytes that come once, in order, of unknown length. They are written down first;
// at their end the entry is planned like any other. Pieces that can be its segments as they are
// become them, and only parity is computed; else the pieces are the source of an ordinary commit.
// What was written down must read back as what came: it cannot be asked for again.

import type { ByteReader } from "../base/byte_stream.ts";
import { equalBytes, formatHex } from "../base/bytes.ts";
import { Failure, isFailure } from "../base/errors.ts";
import { shardPath, stagingFolder } from "../format/entry_path.ts";
import {
  blockCountOf,
  blockDataShards,
  type Geometry,
  parityBytesOf,
} from "../format/geometry.ts";
import {
  commitPayload,
  type EntryPlan,
  planEntry,
  refuseName,
} from "./commit.ts";
import type { EngineContext } from "./context.ts";
import type { CommitReport } from "./report.ts";
import { fillSpool, piecePath, type Spool } from "./spool.ts";
import { newId, type PayloadFeed, removeStaging } from "./staging.ts";

/** A stream to commit. */
export interface StreamCommit {
  readonly reader: ByteReader;
  /** The stream as the caller names it, for messages. */
  readonly label: string;
  readonly name: string;
  readonly policy?: string;
  /** Store also what the newest version of the name holds already. */
  readonly force?: boolean;
}

/** Makes one entry of a stream. @throws {Failure} `source-unreadable`, `no-space`, `interrupted`, … */
export async function commitStream(
  request: StreamCommit,
  context: EngineContext,
): Promise<CommitReport> {
  const startMs = context.clock.monotonicMs();
  refuseName(request.name);
  planEntry({ ...request, bytes: 0 }, context); // a bad policy is said before anything is read
  const folder = stagingFolder(newId(context));
  context.emit({ kind: "start", operation: "commit", name: request.name });
  try {
    const spool = await fillOrExplain(request, folder, context);
    if (spool.bytes === 0) {
      const message =
        `Nothing came from "${request.label}": the entry is empty`;
      context.emit({ kind: "warning", message });
    }
    const report = await commitSpool(request, spool, context);
    return { ...report, elapsedMs: context.clock.monotonicMs() - startMs };
  } finally {
    removeStaging(folder, context);
  }
}

async function fillOrExplain(
  request: StreamCommit,
  folder: string,
  context: EngineContext,
): Promise<Spool> {
  try {
    return await fillSpool(request, folder, context);
  } catch (error) {
    if (!isFailure(error, "no-space")) throw error;
    throw new Failure(
      "no-space",
      `Cannot commit "${request.label}": the archive's disk is full, and the stream has not ended. ` +
        `The archive is as it was`,
      { cause: error },
    );
  }
}

async function commitSpool(
  request: StreamCommit,
  spool: Spool,
  context: EngineContext,
): Promise<CommitReport> {
  const { bytes } = spool;
  const even = planEntry({ ...request, bytes }, context);
  const whole = planEntry({ ...request, bytes, evenBlocks: false }, context);
  const isAdopted = fits(whole, spool) && costsLittleMore(whole, even);
  return await commitPayload({
    name: request.name,
    label: request.label,
    bytes,
    force: request.force ?? false,
    ...(request.policy === undefined ? {} : { policy: request.policy }),
    plan: isAdopted ? whole : even,
    bytesThere: isAdopted ? bytes : 0,
    feed: isAdopted ? adoptingFeed(spool) : readingFeed(spool, context),
    attributes: {},
    verifySource: (root) => {
      if (equalBytes(root, spool.root)) return;
      throw new Failure(
        "io",
        `Cannot commit "${request.label}": its BLAKE3 was ${
          formatHex(spool.root)
        } as it came, ` +
          `and is ${formatHex(root)} as the archive's disk gives it back`,
      );
    },
  }, context);
}

/** Whether the pieces are the segments. */
function fits({ geometry }: EntryPlan, spool: Spool): boolean {
  return geometry.segmentBytes === spool.pieceBytes;
}

/**
 * Whether parity takes at most a hundredth of the payload more than where the blocks are evenly
 * filled: a stump of a last block has parity as long as its longest segment.
 */
function costsLittleMore(whole: EntryPlan, even: EntryPlan): boolean {
  const more = parityBytesOf(whole.geometry) - parityBytesOf(even.geometry);
  return more <= even.geometry.payloadBytes / 100;
}

/** Makes the pieces the data shards; only parity is written. */
function adoptingFeed(spool: Spool): PayloadFeed {
  const source = { kind: "stored" } as const;
  return {
    sourceOf: () => source,
    permissions: [],
    placeData: ({ folder, geometry }, context) => {
      forEachSegment(geometry, (path, index) => {
        context.store.rename(
          piecePath(spool.folder, index),
          `${folder}/${path}`,
        );
      });
    },
  };
}

function forEachSegment(
  geometry: Geometry,
  visit: (path: string, index: number) => void,
): void {
  for (let block = 0, index = 0; block < blockCountOf(geometry); block++) {
    const shards = blockDataShards(geometry, block);
    for (let shard = 0; shard < shards; shard++) {
      visit(shardPath(geometry, block, shard), index++);
    }
  }
}

/** Reads the pieces as any other source. */
function readingFeed(spool: Spool, context: EngineContext): PayloadFeed {
  const { folder, pieceBytes } = spool;
  const source = {
    kind: "spool",
    spool: { root: context.root, path: folder },
    pieceBytes,
  } as const;
  return { sourceOf: () => source, permissions: [] };
}
