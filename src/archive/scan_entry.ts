// Scan an entry: all its runs through the scan job, with progress, into a ledger; then what they
// left lost, across blocks where the entry has parity for that. Health and restore are this with
// different wishes.

import type { Bytes } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import {
  blockDataShards,
  blockParityShards,
  type Geometry,
  isColumn,
  parityBytesOf,
  payloadOffsetOf,
  payloadRangesOf,
  planAllRuns,
  planRowRuns,
  type RowRun,
  runLength,
} from "../format/geometry.ts";
import type { Manifest } from "../format/manifest.ts";
import type { Outboard } from "../format/outboard.ts";
import type { SlabShard } from "../format/slab.ts";
import { type EngineContext, throwIfInterrupted } from "./context.ts";
import {
  type Executor,
  forEachBounded,
  scanWith,
  solveWith,
} from "./executor.ts";
import { Ledger } from "./ledger.ts";
import type { PayloadRange } from "./report.ts";
import { digestsOfSlab, planSlabs, slabBytesOf } from "./slab_plan.ts";
import type {
  PayloadOutput,
  RefusedFile,
  ShardRedirect,
  StorePath,
} from "./worker_protocol.ts";

/** Where the digests of a run come from: memory, or pages of a file that are read as they are needed. */
export interface RunDigests {
  /** As Outboard.readRun gives them. */
  readRun(run: RowRun): Bytes;
}

/** What a scan needs of an entry. */
export interface ScannedEntry {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly outboard: RunDigests;
}

/** An entry whose description and digests are at hand. */
export interface OpenEntry extends ScannedEntry {
  readonly outboard: Outboard;
}

/** Where the bytes of a scan go. */
export interface OutputPlan {
  /** What the job that reads these ranges of the payload writes to, if any of them is wanted. */
  outputOf(ranges: readonly PayloadRange[]): PayloadOutput | undefined;
  /** A job has written; these files of its output could not be made. */
  written(output: PayloadOutput, refused: readonly RefusedFile[]): void;
}

/** A plan that puts the whole payload into one file. */
export function planFileOutput(file: StorePath): OutputPlan {
  return { outputOf: () => ({ kind: "file", file }), written: () => {} };
}

/** What a scan is to do besides verifying. */
export interface ScanWish {
  readonly shards: "data" | "all";
  readonly repair: boolean;
  /** By block. */
  readonly redirects?: ReadonlyMap<number, readonly ShardRedirect[]>;
  readonly output?: OutputPlan;
  /** Only these runs. */
  readonly runs?: readonly RowRun[];
  /** Of what is lost, only this shard is to be rebuilt across blocks. */
  readonly wanted?: SlabShard;
  /** Only find out what is right: nothing needs to be rebuilt across blocks. */
  readonly verifyOnly?: boolean;
  /** No progress events. */
  readonly quiet?: boolean;
  /** Called after every run with the bytes gone through so far. */
  readonly onBytes?: (bytesDone: number) => void;
}

/** Bytes that a scan with these shards goes through. */
export function scanBytesOf(
  geometry: Geometry,
  shards: "data" | "all",
): number {
  return geometry.payloadBytes +
    (shards === "all" ? parityBytesOf(geometry) : 0);
}

/** The same, of these runs. */
export function scanBytesOfRuns(
  geometry: Geometry,
  runs: readonly RowRun[],
  shards: "data" | "all",
): number {
  return runs.reduce((sum, run) => sum + runBytes(geometry, run, shards), 0);
}

/** Scans an entry. @throws {Failure} `offline`, `interrupted`, or of the output */
export async function scanEntry(
  entry: ScannedEntry,
  wish: ScanWish,
  executor: Executor,
  context: EngineContext,
): Promise<Ledger> {
  const { geometry } = entry.manifest;
  const ledger = new Ledger(geometry);
  const progress = new Progress(
    wish,
    wish.runs === undefined
      ? scanBytesOf(geometry, wish.shards)
      : scanBytesOfRuns(geometry, wish.runs, wish.shards),
    context,
  );
  const { runBytesMax } = context.settings;
  const runs = wish.runs ??
    (wish.shards === "all"
      ? planAllRuns(geometry, runBytesMax)
      : planRowRuns(geometry, runBytesMax));
  await forEachBounded(runs, executor.width, async (run) => {
    throwIfInterrupted(context);
    // The segments of a column are verified with their blocks.
    const shards = isColumn(geometry, run.block) ? "parity" : wish.shards;
    const output = wish.output?.outputOf(payloadRangesOf(geometry, run));
    const { findings, refused } = await scanWith(executor, {
      kind: "scan",
      entry: { root: context.root, path: entry.folder },
      geometry,
      run,
      digests: entry.outboard.readRun(run),
      shards,
      repair: wish.repair,
      redirects: wish.redirects?.get(run.block) ?? [],
      ...(output === undefined ? {} : { output }),
    });
    if (output !== undefined) wish.output?.written(output, refused);
    ledger.add(run, findings);
    progress.add(runBytes(geometry, run, shards));
  });
  if (!wish.verifyOnly) {
    await solveSlabs(entry, wish, ledger, progress, executor, context);
  }
  refuseVanished(entry.folder, ledger, context);
  return ledger;
}

/** Rebuilds across blocks what is still lost. */
async function solveSlabs(
  entry: ScannedEntry,
  wish: ScanWish,
  ledger: Ledger,
  progress: Progress,
  executor: Executor,
  context: EngineContext,
): Promise<void> {
  const { geometry } = entry.manifest;
  if (geometry.crossBlock === undefined || ledger.lostLeafCount === 0) return;
  const { runBytesMax } = context.settings;
  // Planned before any of it is solved: what a slab gains concerns no other.
  const slabs = [...planSlabs(geometry, ledger, runBytesMax, wish.wanted)];
  for (const slab of slabs) progress.expect(slabBytesOf(geometry, slab));
  const redirects = [...wish.redirects ?? []].flatMap(([block, ofBlock]) =>
    ofBlock.map((each) => ({ block, ...each }))
  );
  await forEachBounded(slabs, executor.width, async (each) => {
    throwIfInterrupted(context);
    const output = wish.output?.outputOf(
      each.lost.flatMap(({ block, shard }) =>
        rangeOfShard(geometry, each.slab, block, shard)
      ),
    );
    ledger.addSlab(
      await solveWith(executor, {
        kind: "slab",
        entry: { root: context.root, path: entry.folder },
        geometry,
        slab: each.slab,
        lost: each.lost,
        digests: digestsOfSlab(geometry, entry.outboard, each.slab),
        repair: wish.repair,
        redirects,
        ...(output === undefined ? {} : { output }),
      }),
    );
    progress.add(slabBytesOf(geometry, each));
  });
}

/** The bytes of the payload that lie in the rows of a slab of one shard. */
function rangeOfShard(
  geometry: Geometry,
  { firstRow, rowCount }: RowSpan,
  block: number,
  shard: number,
): PayloadRange[] {
  if (isColumn(geometry, block) || shard >= blockDataShards(geometry, block)) {
    return [];
  }
  const bytes = runLength(geometry, { block, firstRow, rowCount }, shard);
  const shardOffset = firstRow * geometry.leafBytes;
  return bytes === 0 ? [] : [{
    payloadOffset: payloadOffsetOf(geometry, block, shard, shardOffset),
    bytes,
  }];
}

type RowSpan = Pick<RowRun, "firstRow" | "rowCount">;

/** How far a scan is. */
class Progress {
  readonly #wish: ScanWish;
  readonly #context: EngineContext;
  #bytesTotal: number;
  #bytesDone = 0;

  constructor(wish: ScanWish, bytesTotal: number, context: EngineContext) {
    this.#wish = wish;
    this.#bytesTotal = bytesTotal;
    this.#context = context;
  }

  /** There is more to do than it seemed. */
  expect(bytes: number): void {
    this.#bytesTotal += bytes;
  }

  /** Some more was done. */
  add(bytes: number): void {
    this.#bytesDone += bytes;
    this.#wish.onBytes?.(this.#bytesDone);
    if (this.#wish.quiet) return;
    const bytesDone = Math.min(this.#bytesDone, this.#bytesTotal);
    const bytesTotal = this.#bytesTotal;
    this.#context.emit({ kind: "progress", bytesDone, bytesTotal });
  }
}

/** Damage everywhere because the disk was pulled, or the entry removed, is not damage. */
function refuseVanished(
  folder: string,
  ledger: Ledger,
  context: EngineContext,
): void {
  if (
    ledger.records().length === 0 || context.store.stat(folder) !== undefined
  ) return;
  throw new Failure(
    "offline",
    `The folder "${folder}" is not in the archive any more`,
  );
}

function runBytes(
  geometry: Geometry,
  run: RowRun,
  shards: "data" | "all" | "parity",
): number {
  const data = shards === "parity" ? 0 : blockDataShards(geometry, run.block);
  const parity = shards === "data" ? 0 : blockParityShards(geometry, run.block);
  return run.rowCount * geometry.leafBytes * (data + parity);
}
