// Rebuild a piece: the reader's slow path. Scans the rows of the piece as a restore would, so whatever a
// restore can rebuild, this can; what comes out right goes into the piece's memory.

import { assert } from "../base/assert.ts";
import { Failure, isFailure } from "../base/errors.ts";
import { digestBytes } from "../base/limits.ts";
import type { RowRun } from "../format/geometry.ts";
import { type Piece, rowsOf } from "./cached_piece.ts";
import type { EngineContext } from "./context.ts";
import type { Executor } from "./executor.ts";
import type { Ledger } from "./ledger.ts";
import { wrongRows } from "./load_run.ts";
import { scanEntry, type ScannedEntry } from "./scan_entry.ts";
import type { SharedBytes } from "./worker_protocol.ts";

/** What became of a piece. */
export interface RebuiltPiece {
  /** The rows that were read. */
  readonly run: RowRun;
  /** Rows of the piece, by their index in it, whose bytes nobody can give. */
  readonly lostRows: readonly number[];
  /** Leaves of all shards in these rows that were rebuilt. */
  readonly rebuiltLeafCount: number;
  /** Whether a whole file, or its end, is gone: then more rows are hurt than those. */
  readonly hurtsMore: boolean;
}

/**
 * Rebuilds; `target` has room for the whole piece.
 * @throws {Failure} `not-found` once the entry was removed; `offline`, `interrupted`
 */
export async function rebuildPiece(
  entry: ScannedEntry,
  piece: Piece,
  target: SharedBytes,
  executor: Executor,
  context: EngineContext,
): Promise<RebuiltPiece> {
  const { geometry } = entry.manifest;
  const { run, shard } = rowsOf(geometry, piece, piece.bytes);
  // Rows that are all zeros are not written.
  new Uint8Array(target.buffer, target.offset, target.bytes).fill(0);
  const { payloadOffset } = piece;
  const output = { kind: "memory", payloadOffset, target } as const;
  // Or only some rows of it: across blocks just those are rebuilt that a row alone could not give.
  const isOfThisPiece = (range: { payloadOffset: number; bytes: number }) =>
    range.payloadOffset < payloadOffset + piece.bytes &&
    range.payloadOffset + range.bytes > payloadOffset;
  let ledger: Ledger;
  try {
    ledger = await scanEntry(
      entry,
      {
        shards: "data",
        repair: false,
        runs: [run],
        wanted: { block: run.block, shard },
        output: {
          outputOf: (ranges) => ranges.some(isOfThisPiece) ? output : undefined,
          written: () => {},
        },
        quiet: true,
      },
      executor,
      context,
    );
  } catch (error) {
    throw isRemoved(error, entry, context)
      ? new Failure(
        "not-found",
        `The entry "${entry.manifest.name}" is not in the archive any more`,
      )
      : error;
  }
  const lostRows: number[] = [];
  for (let row = 0; row < run.rowCount; row++) {
    if (ledger.isLost(run.block, shard, run.firstRow + row)) lostRows.push(row);
  }
  assertRight(entry, piece, target, lostRows, context);
  const records = ledger.records();
  const rebuiltLeafCount = records.reduce(
    (sum, record) => sum + record.rebuiltLeafCount,
    0,
  );
  const hurtsMore = records.some(({ cause }) =>
    cause === "missing" || cause === "truncated"
  );
  return { run, lostRows, rebuiltLeafCount, hurtsMore };
}

/** What came through several jobs is believed when it has been looked at where it ended up. */
function assertRight(
  entry: ScannedEntry,
  piece: Piece,
  target: SharedBytes,
  lostRows: readonly number[],
  context: EngineContext,
): void {
  const { geometry } = entry.manifest;
  const { run, shard } = rowsOf(geometry, piece, piece.bytes);
  const stride = run.rowCount * digestBytes;
  const digests = entry.outboard.readRun(run)
    .subarray(shard * stride, (shard + 1) * stride);
  using lease = context.codec.lease(piece.bytes);
  lease.view().set(
    new Uint8Array(target.buffer, target.offset, target.bytes),
  );
  const wrong = wrongRows({ geometry, run, shard, digests }, lease, context);
  assert(
    wrong.every((row) => lostRows.includes(row)),
    "what was rebuilt is what its digest says",
  );
}

/** The last copy of an entry goes with its folder: that is no damage, and the medium is there. */
function isRemoved(
  error: unknown,
  entry: ScannedEntry,
  context: EngineContext,
): boolean {
  return isFailure(error, "offline") &&
    context.store.stat(entry.folder) === undefined;
}
