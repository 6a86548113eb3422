// Scan an entry: all its runs through the scan job, with progress, into a ledger. Health and restore
// are this with different wishes.

import { Failure } from "../base/errors.ts";
import { digestBytes } from "../base/limits.ts";
import { shardPath } from "../format/entry_path.ts";
import {
  blockDataShards,
  type Geometry,
  parityBytesOf,
  planRowRuns,
  type RowRun,
  shardLength,
  slotOf,
} from "../format/geometry.ts";
import { equalBytes } from "../base/bytes.ts";
import type { Manifest } from "../format/manifest.ts";
import { Outboard, pageOf, pageSlotCount } from "../format/outboard.ts";
import { type EngineContext, throwIfInterrupted } from "./context.ts";
import { type Executor, forEachBounded, scanWith } from "./executor.ts";
import { Ledger } from "./ledger.ts";
import {
  type FoundOutboard,
  pageDigestOf,
  readOutboard,
  verifyRoot,
} from "./metadata.ts";
import { RunBuffer } from "./run_buffer.ts";
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

/**
 * Reads the outboard from its copies; pages that no copy has right are computed anew from the
 * shards, and taken if they match the digest that the manifest has for them.
 * @throws {Failure} `damaged` when the digests do not lead to the root
 */
export function openOutboard(
  folder: string,
  manifest: Manifest,
  context: EngineContext,
): FoundOutboard {
  const found = readOutboard(context.store, folder, manifest, context.codec);
  const lostPages = found.lostPages.filter((page) =>
    !recomputePage(folder, manifest, found.outboard, page, context)
  );
  if (
    lostPages.length === 0 &&
    !verifyRoot(manifest, found.outboard, context.codec)
  ) {
    throw new Failure(
      "damaged",
      `The digests of "${folder}" contradict its root`,
    );
  }
  return { ...found, lostPages };
}

function recomputePage(
  folder: string,
  manifest: Manifest,
  outboard: Outboard,
  page: number,
  context: EngineContext,
): boolean {
  const { geometry } = manifest;
  const target = pageOf(outboard.digests, page);
  const firstSlot = page * pageSlotCount;
  const endSlot = firstSlot + target.length / digestBytes;
  const computed = new Outboard(geometry, outboard.digests.slice());
  for (const run of planRowRuns(geometry, context.settings.runBytesMax)) {
    const shards = blockDataShards(geometry, run.block) + geometry.parityShards;
    for (let shard = 0; shard < shards; shard++) {
      const first = slotOf(geometry, run.block, shard, run.firstRow);
      if (first >= endSlot || first + run.rowCount <= firstSlot) continue;
      const digests = digestStored(folder, geometry, run, shard, context);
      computed.digests.set(digests, first * digestBytes);
    }
  }
  const candidate = pageOf(computed.digests, page);
  if (
    !equalBytes(context.codec.digest(candidate), pageDigestOf(manifest, page))
  ) return false;
  target.set(candidate);
  return true;
}

/** Digests of what is stored of a shard's run; zeros where it cannot be read. */
function digestStored(
  folder: string,
  geometry: Geometry,
  run: RowRun,
  shard: number,
  context: EngineContext,
): Uint8Array {
  using buffer = new RunBuffer(context.codec, geometry, run);
  const length = buffer.lengthOf(shard);
  if (length === 0) return new Uint8Array(0);
  try {
    const path = `${folder}/${shardPath(geometry, run.block, shard)}`;
    using file = context.store.openFile(path, "read");
    if (file.size() !== shardLength(geometry, run.block, shard)) {
      return new Uint8Array(0);
    }
    if (
      file.readInto(buffer.view(shard), run.firstRow * geometry.leafBytes) !==
        length
    ) {
      return new Uint8Array(0);
    }
  } catch (error) {
    if (!(error instanceof Failure) || error.code === "offline") throw error;
    return new Uint8Array(0);
  }
  return buffer.digestRows(shard).slice();
}
