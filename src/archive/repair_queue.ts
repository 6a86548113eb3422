// Repair queue: rows that a reader had to rebuild, written back in the background. Bounded: what does
// not fit is dropped, and found again by the next read or by health. Adjacent rows are one job, so a
// lost segment that is read from front to back costs one place. Ends for good when the archive refuses
// writes.

import { isFailure, messageOf } from "../base/errors.ts";
import { rowCountOf, type RowRun } from "../format/geometry.ts";
import type { EngineContext } from "./context.ts";
import type { Executor } from "./executor.ts";
import { Locks } from "./lock.ts";
import { giveBackMade } from "./owners.ts";
import { finishRepair, makeLostFolders } from "./repair.ts";
import type { ReadCounters } from "./reader.ts";
import { scanEntry, type ScannedEntry } from "./scan_entry.ts";

/** Runs that wait at most. */
export const waitingRunsMax = 256;

/** Rows of one job at most: their shards are in memory together. */
const runRowsMax = 8;

interface WaitingRun {
  readonly entry: ScannedEntry;
  run: RowRun;
}

/** Writes rebuilt rows back, one run after the other. */
export class RepairQueue implements AsyncDisposable {
  readonly #context: EngineContext;
  readonly #executor: Executor;
  readonly #counters: ReadCounters;
  readonly #onRepaired: (folder: string) => void;
  readonly #locks: Locks;
  readonly #stop = new AbortController();
  /** Blocks of which all rows were offered, and that are not right yet. */
  readonly #wholeBlocks = new Set<string>();
  readonly #waiting: WaitingRun[] = [];
  #work: Promise<void> | undefined;
  #closed = false;

  /** An empty queue; `onRepaired` hears of entries of which nothing waits and all that did is right. */
  constructor(
    context: EngineContext,
    executor: Executor,
    counters: ReadCounters,
    onRepaired: (folder: string) => void,
  ) {
    this.#onRepaired = onRepaired;
    const signals = [
      this.#stop.signal,
      ...context.signal ? [context.signal] : [],
    ];
    this.#locks = new Locks({ ...context, signal: AbortSignal.any(signals) });
    this.#context = context;
    this.#executor = executor;
    this.#counters = counters;
  }

  /** Takes rows to be written back, or drops them. */
  offer(entry: ScannedEntry, run: RowRun): void {
    if (this.#closed) return;
    for (const waiting of this.#waiting) {
      if (waiting.entry.folder !== entry.folder) continue;
      const joined = joinRuns(waiting.run, run);
      if (joined === undefined) continue;
      waiting.run = joined;
      return;
    }
    if (this.#waiting.length >= waitingRunsMax) {
      this.#drop({ entry, run });
      return;
    }
    this.#waiting.push({ entry, run });
    this.#work ??= this.#drain();
  }

  /**
   * Takes all rows of the block, once: what lies in the reader's cache is not read again, and would
   * else stay damaged on the medium until too much of it is.
   */
  offerBlock(entry: ScannedEntry, run: RowRun): void {
    const { block } = run;
    const key = keyOf(entry, run);
    if (this.#closed || this.#wholeBlocks.has(key)) return;
    this.#wholeBlocks.add(key);
    const rowCount = rowCountOf(entry.manifest.geometry, block);
    this.offer(entry, { block, firstRow: 0, rowCount });
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
  }

  /** Drops what waits and ends the run under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#waiting.length = 0;
    this.#stop.abort(); // a lock is not waited for; a repair under way is finished
    await this.idle();
  }

  async #drain(): Promise<void> {
    // The read that found the damage is answered first.
    await new Promise((resolve) => setTimeout(resolve, 0));
    do {
      await this.#repairWaiting();
      await giveBackMade(this.#context);
    } while (this.#waiting.length > 0);
    // In the same turn as the last look: what is offered from here on starts anew.
    this.#work = undefined;
  }

  async #repairWaiting(): Promise<void> {
    for (let next; (next = this.#waiting.shift()) !== undefined;) {
      try {
        using _lock = await this.#locks.take("repair", "mount");
        await this.#repair(next);
      } catch (error) {
        this.#giveUp(next, error);
      }
    }
  }

  /** What could not be written back is found again by the next read, or by health. */
  #giveUp(next: WaitingRun, error: unknown): void {
    this.#wholeBlocks.delete(keyOf(next.entry, next.run));
    const code = isFailure(error) ? error.code : undefined;
    // Somebody else repairs: what is left for them they find by themselves.
    if (code === "locked") this.#drop(next);
    // Removed meanwhile, the medium is gone, or we are told to stop: not this queue's to tell.
    else if (code !== "offline" && code !== "interrupted") {
      // A mistake of ours, too: who only reads must not suffer from it.
      this.#close(messageOf(error));
    }
  }

  #drop({ entry, run }: WaitingRun): void {
    this.#wholeBlocks.delete(keyOf(entry, run));
    this.#counters.droppedRowCount += run.rowCount;
  }

  async #repair({ entry, run }: WaitingRun): Promise<void> {
    makeLostFolders(entry, this.#context);
    const wish = {
      shards: "all",
      repair: true,
      runs: splitRun(run),
      quiet: true,
    } as const;
    const ledger = await scanEntry(
      entry,
      wish,
      this.#executor,
      this.#context,
    );
    const records = ledger.records();
    if (records.length === 0) {
      this.#wholeBlocks.delete(keyOf(entry, run));
      return;
    }
    const right = await finishRepair(
      entry,
      ledger,
      this.#executor,
      this.#context,
    );
    for (const record of records) {
      this.#counters.repairedLeafCount += record.writtenLeafCount;
      const damage = ledger.damageOf(record, right.has(record));
      this.#context.emit({ kind: "damage", folder: entry.folder, damage });
    }
    // What was mended may be hurt again; what could not be is not tried again and again.
    if (records.every((record) => right.has(record))) {
      this.#wholeBlocks.delete(keyOf(entry, run));
    }
    const isWaiting = this.#waiting.some((each) =>
      each.entry.folder === entry.folder
    );
    if (!isWaiting && records.every((record) => right.has(record))) {
      this.#onRepaired(entry.folder);
    }
    const refusal = records.find(({ obstacle }) =>
      obstacle?.code === "read-only" || obstacle?.code === "permission-denied"
    );
    if (refusal !== undefined) this.#close(refusal.obstacle!.message);
  }

  #close(why: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting.length = 0;
    const message = `Damage is rebuilt but not written back: ${why}`;
    this.#context.emit({ kind: "warning", message });
  }
}

/** A block, for the set of those that were offered. */
function keyOf(entry: ScannedEntry, { block }: RowRun): string {
  return `${entry.folder}/${block}`;
}

/** Both runs as one, if they touch. */
function joinRuns(left: RowRun, right: RowRun): RowRun | undefined {
  const leftEnd = left.firstRow + left.rowCount;
  const rightEnd = right.firstRow + right.rowCount;
  if (
    left.block !== right.block || right.firstRow > leftEnd ||
    left.firstRow > rightEnd
  ) return undefined;
  const firstRow = Math.min(left.firstRow, right.firstRow);
  const rowCount = Math.max(leftEnd, rightEnd) - firstRow;
  return { block: left.block, firstRow, rowCount };
}

function splitRun(run: RowRun): RowRun[] {
  const runs: RowRun[] = [];
  for (let row = 0; row < run.rowCount; row += runRowsMax) {
    runs.push({
      block: run.block,
      firstRow: run.firstRow + row,
      rowCount: Math.min(runRowsMax, run.rowCount - row),
    });
  }
  return runs;
}
