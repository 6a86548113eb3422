// Rebuild a piece: the reader's slow path. Scans the rows of the piece as a restore would, so whatever a
// restore can rebuild, this can; what comes out right goes into the piece's memory.

import { Failure, isFailure } from "../base/errors.ts";
import type { RowRun } from "../format/geometry.ts";
import { type Piece, rowsOf } from "./cached_piece.ts";
import type { EngineContext } from "./context.ts";
import type { Executor } from "./executor.ts";
import type { Ledger } from "./ledger.ts";
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
  const isThisPiece = (range: { payloadOffset: number; bytes: number }) =>
    range.payloadOffset <= payloadOffset &&
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
          outputOf: (ranges) => ranges.some(isThisPiece) ? output : undefined,
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

/** The last copy of an entry goes with its folder: that is no damage, and the medium is there. */
function isRemoved(
  error: unknown,
  entry: ScannedEntry,
  context: EngineContext,
): boolean {
  return isFailure(error, "offline") &&
    context.store.stat(entry.folder) === undefined;
}
