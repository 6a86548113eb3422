// Payload reader: an entry's payload in order, piece by piece, every leaf verified, on this thread.
// What is right costs one read. What is not is left to the scan that serves every restore, whose
// output is a window in memory; so whatever it can rebuild, this can. Never writes to the archive.

import { assert } from "../base/assert.ts";
import { type Bytes, equalBytes } from "../base/bytes.ts";
import { isFailure } from "../base/errors.ts";
import { digestBytes } from "../base/limits.ts";
import { shardPath } from "../format/entry_path.ts";
import {
  blockDataShards,
  payloadOffsetOf,
  planRowRuns,
  type RowRun,
  runLength,
  shardLength,
} from "../format/geometry.ts";
import { ReadOnlyStore } from "../store/read_only_store.ts";
import type { EngineContext } from "./context.ts";
import { InlineExecutor } from "./executor.ts";
import type { Ledger, ShardRecord } from "./ledger.ts";
import type { FileDamage, PayloadRange } from "./report.ts";
import { RunBuffer } from "./run_buffer.ts";
import { type OpenEntry, planFileOutput, scanEntry } from "./scan_entry.ts";
import { WindowStore } from "./window_store.ts";

/** A piece of the payload: some rows of one data shard. */
export interface PayloadPiece {
  readonly run: RowRun;
  readonly shard: number;
  readonly payloadOffset: number;
  readonly bytes: number;
}

/** The root by which the scan knows the window. */
const windowRoot = "window";

/** Reads the payload of one entry. */
export class PayloadReader {
  readonly #entry: OpenEntry;
  readonly #context: EngineContext;
  readonly #archive: ReadOnlyStore;
  readonly #damage = new Map<string, FileDamage>();
  #rebuiltLeafCount = 0;

  /** A reader of an entry whose description and digests are at hand. */
  constructor(entry: OpenEntry, context: EngineContext) {
    this.#entry = entry;
    this.#context = context;
    this.#archive = new ReadOnlyStore(context.storeOf(context.root));
  }

  /** All pieces, in payload order. */
  *pieces(): Generator<PayloadPiece> {
    const { geometry } = this.#entry.manifest;
    const runs = [...planRowRuns(geometry, this.#context.settings.runBytesMax)];
    for (const ofBlock of Map.groupBy(runs, (run) => run.block).values()) {
      const { block } = ofBlock[0]!;
      for (let shard = 0; shard < blockDataShards(geometry, block); shard++) {
        for (const run of ofBlock) {
          const bytes = runLength(geometry, run, shard);
          if (bytes === 0) continue;
          const shardOffset = run.firstRow * geometry.leafBytes;
          const payloadOffset = payloadOffsetOf(
            geometry,
            block,
            shard,
            shardOffset,
          );
          yield { run, shard, payloadOffset, bytes };
        }
      }
    }
  }

  /**
   * Reads a piece into `target`, which is as long; gives what is lost of it, where there are zeros.
   * @throws {Failure} `offline`, `interrupted`
   */
  async read(
    piece: PayloadPiece,
    target: Bytes,
  ): Promise<readonly PayloadRange[]> {
    assert(target.length === piece.bytes, "a piece is read as a whole");
    return this.#readGood(piece, target)
      ? []
      : await this.#readDamaged(piece, target);
  }

  /** Damage met so far, by file. */
  damage(): FileDamage[] {
    return [...this.#damage.values()];
  }

  /** Leaves that were rebuilt so far. */
  get rebuiltLeafCount(): number {
    return this.#rebuiltLeafCount;
  }

  /** Whether everything was as it should be; then `target` has it. */
  #readGood({ run, shard, bytes }: PayloadPiece, target: Bytes): boolean {
    const { codec } = this.#context;
    const { manifest: { geometry }, outboard, folder } = this.#entry;
    const path = `${folder}/${shardPath(geometry, run.block, shard)}`;
    using buffer = new RunBuffer(codec, geometry, run);
    try {
      using file = this.#archive.openFile(path, "read");
      // A wrong length is told once; its leaves may be right all the same.
      const isOfLength = run.firstRow > 0 ||
        file.size() === shardLength(geometry, run.block, shard);
      const offset = run.firstRow * geometry.leafBytes;
      const read = file.readInto(buffer.view(shard), offset);
      if (!isOfLength || read !== bytes) return false;
    } catch (error) {
      if (!isFailure(error) || error.code === "offline") throw error;
      return false;
    }
    const stride = run.rowCount * digestBytes;
    const found = buffer.digestRows(shard);
    const expected = outboard.readRun(run)
      .subarray(shard * stride, shard * stride + found.length);
    if (!equalBytes(found, expected)) return false;
    target.set(buffer.view(shard));
    return true;
  }

  async #readDamaged(
    piece: PayloadPiece,
    target: Bytes,
  ): Promise<PayloadRange[]> {
    const context = this.#context;
    target.fill(0);
    const window = new WindowStore(this.#archive, piece.payloadOffset, target);
    await using executor = new InlineExecutor({
      codec: context.codec,
      storeOf: (root) => root === windowRoot ? window : this.#archive,
    });
    const ledger = await scanEntry(
      this.#entry,
      {
        shards: "data",
        repair: false,
        runs: [piece.run],
        wanted: { block: piece.run.block, shard: piece.shard },
        output: planFileOutput({ root: windowRoot, path: "payload" }),
        quiet: true,
      },
      executor,
      context,
    );
    const record = ledger.recordOf(piece.run.block, piece.shard);
    if (record !== undefined) this.#add(ledger, record);
    return ledger.lostRanges().flatMap((range) => cutRange(range, piece));
  }

  #add(ledger: Ledger, record: ShardRecord): void {
    const found = ledger.damageOf(record, false);
    const before = this.#damage.get(found.file);
    this.#rebuiltLeafCount += found.rebuiltLeafCount;
    this.#damage.set(
      found.file,
      before === undefined ? found : {
        ...before,
        leafCount: before.leafCount + found.leafCount,
        rebuiltLeafCount: before.rebuiltLeafCount + found.rebuiltLeafCount,
      },
    );
  }
}

/** The part of a range that lies in a piece, if any. */
function cutRange(range: PayloadRange, piece: PayloadPiece): PayloadRange[] {
  const from = Math.max(range.payloadOffset, piece.payloadOffset);
  const to = Math.min(
    range.payloadOffset + range.bytes,
    piece.payloadOffset + piece.bytes,
  );
  return from < to ? [{ payloadOffset: from, bytes: to - from }] : [];
}
