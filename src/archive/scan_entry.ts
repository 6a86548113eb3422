// Scan an entry: all its runs through the scan job, with progress, into a ledger. Health and restore
// are this with different wishes.

import { Failure } from "../base/errors.ts";
import {
  blockDataShards,
  type Geometry,
  parityBytesOf,
  planRowRuns,
  type RowRun,
} from "../format/geometry.ts";
import type { Manifest } from "../format/manifest.ts";
import type { Outboard } from "../format/outboard.ts";
import { type EngineContext, throwIfInterrupted } from "./context.ts";
import { type Executor, forEachBounded, scanWith } from "./executor.ts";
import { Ledger } from "./ledger.ts";
import type { ShardRedirect, StorePath } from "./worker_protocol.ts";

/** An entry whose description and digests are at hand. */
export interface OpenEntry {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly outboard: Outboard;
}

/** What a scan is to do besides verifying. */
export interface ScanWish {
  readonly shards: "data" | "all";
  readonly repair: boolean;
  /** By block. */
  readonly redirects?: ReadonlyMap<number, readonly ShardRedirect[]>;
  readonly output?: StorePath;
  /** Only these runs. */
  readonly runs?: readonly RowRun[];
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

/** Scans an entry. @throws {Failure} `offline`, `interrupted`, or of the output */
export async function scanEntry(
  entry: OpenEntry,
  wish: ScanWish,
  executor: Executor,
  context: EngineContext,
): Promise<Ledger> {
  const { geometry } = entry.manifest;
  const ledger = new Ledger(geometry);
  const bytesTotal = scanBytesOf(geometry, wish.shards);
  let bytesDone = 0;
  const runs = wish.runs ?? planRowRuns(geometry, context.settings.runBytesMax);
  await forEachBounded(runs, executor.width, async (run) => {
    throwIfInterrupted(context);
    const findings = await scanWith(executor, {
      kind: "scan",
      entry: { root: context.root, path: entry.folder },
      geometry,
      run,
      digests: entry.outboard.readRun(run),
      shards: wish.shards,
      repair: wish.repair,
      redirects: wish.redirects?.get(run.block) ?? [],
      ...(wish.output === undefined ? {} : { output: wish.output }),
    });
    ledger.add(run, findings);
    bytesDone += runBytes(geometry, run, wish.shards);
    wish.onBytes?.(bytesDone);
    if (wish.quiet) return;
    context.emit({
      kind: "progress",
      bytesDone: Math.min(bytesDone, bytesTotal),
      bytesTotal,
    });
  });
  refuseVanished(entry.folder, ledger, context);
  return ledger;
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
  shards: "data" | "all",
): number {
  const data = blockDataShards(geometry, run.block);
  const count = shards === "all" ? data + geometry.parityShards : data;
  return run.rowCount * geometry.leafBytes * count;
}
