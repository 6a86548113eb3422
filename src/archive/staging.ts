// Staging: the folder in which an entry is made. No command sees it; one rename makes the entry
// visible. What the payload comes from is the caller's affair: a file, a tree, a stream.

import { assert } from "../base/assert.ts";
import { type Bytes, equalBytes, formatHex } from "../base/bytes.ts";
import { isFailure } from "../base/errors.ts";
import { digestBytes, idDigits } from "../base/limits.ts";
import {
  entryFolders,
  metadataFolders,
  metadataPath,
  plainFolder,
  shardFilesOf,
  shardPath,
} from "../format/entry_path.ts";
import {
  blockDataShards,
  blockShardCount,
  columnCountOf,
  type Geometry,
  isColumn,
  parityBytesOf,
  planColumnRuns,
  planRowRuns,
  type RowRun,
  shardLength,
} from "../format/geometry.ts";
import {
  decodeManifest,
  encodeManifest,
  type Manifest,
} from "../format/manifest.ts";
import { Outboard } from "../format/outboard.ts";
import type { Store } from "../store/store.ts";
import { type EngineContext, throwIfInterrupted } from "./context.ts";
import {
  encodeWith,
  type Executor,
  forEachBounded,
  scanWith,
} from "./executor.ts";
import type { EncodedRun } from "./encode_run.ts";
import type { Journal } from "./journal.ts";
import type { Syncs } from "./syncs.ts";
import type {
  EncodeColumnJob,
  EncodeJob,
  PayloadSource,
  PieceProblem,
} from "./worker_protocol.ts";

/** An entry's folder while it is made, and its shape. */
export interface Staging {
  readonly folder: string;
  readonly geometry: Geometry;
}

/** Where the payload's bytes come from. */
export interface PayloadFeed {
  /** What a thread needs to read one run of the payload. */
  sourceOf(run: RowRun, geometry: Geometry): PayloadSource;
  /** Paths outside the archive that threads read. */
  readonly permissions: readonly string[];
  /**
   * Puts files with the right bytes where the data shards belong; their folders are there. Without
   * it they are made empty, and written by the encode jobs.
   */
  placeData?(staging: Staging, context: EngineContext): void;
  /** Files of which no byte lies at that offset of the payload or behind it, for progress. */
  filesBefore?(payloadOffset: number): number;
  /** Takes up what the source tolerated, as it happens. */
  onProblems?(problems: readonly PieceProblem[]): void;
  /** Called when all shards are written, and before the threads are gone. */
  onEncoded?(staging: Staging, executor: Executor): Promise<void>;
}

/** Makes all folders, and all shard files at their final sizes. */
export function makeFiles(
  staging: Staging,
  feed: PayloadFeed,
  context: EngineContext,
): void {
  const { store } = context;
  const { folder, geometry } = staging;
  store.makeFolder(folder);
  for (const inner of entryFolders(geometry)) {
    store.makeFolder(`${folder}/${inner}`);
  }
  feed.placeData?.(staging, context);
  for (const { block, shard, path } of shardFilesOf(geometry)) {
    const isData = shard < blockDataShards(geometry, block);
    if (isData && feed.placeData !== undefined) continue;
    using file = store.openFile(`${folder}/${path}`, "create");
    file.truncate(shardLength(geometry, block, shard));
  }
}

/** Payload bytes that making an entry goes through: parity across blocks reads them a second time. */
export function encodeBytesOf(geometry: Geometry): number {
  return geometry.payloadBytes * (columnCountOf(geometry) > 0 ? 2 : 1);
}

/**
 * Runs the encode jobs; each block's files begin to be synced when its last run is written. What the
 * journal has is verified and not written again.
 */
export async function encodeShards(
  staging: Staging & { readonly journal?: Journal },
  feed: PayloadFeed,
  syncs: Syncs,
  context: EngineContext,
): Promise<Outboard> {
  const { geometry, folder, journal } = staging;
  const outboard = new Outboard(geometry);
  const { runBytesMax } = context.settings;
  let bytesDone = 0;
  let isNamed = false;
  const bytesTotal = encodeBytesOf(geometry);
  await using executor = context.openExecutor({
    workBytes: bytesTotal + geometry.payloadBytes + parityBytesOf(geometry),
    read: feed.permissions,
  });
  const entry = { root: context.root, path: folder };
  const encodeAll = async (
    runs: readonly RowRun[],
    jobOf: (run: RowRun) => EncodeJob | EncodeColumnJob,
  ) => {
    const open = countByBlock(runs);
    await forEachBounded(runs, executor.width, async (run) => {
      throwIfInterrupted(context);
      const made = await makeRun(jobOf(run), journal, executor);
      outboard.writeRun(run, made.digests);
      feed.onProblems?.(made.problems);
      bytesDone += payloadBytesOf(geometry, run);
      context.emit({
        kind: "progress",
        bytesDone: Math.min(bytesDone, bytesTotal),
        bytesTotal,
        ...filesDoneOf(feed, bytesDone),
      });
      const left = open.get(run.block)! - 1;
      open.set(run.block, left);
      // The disk is kept busy while the rest is encoded; the last sync of a block is what counts.
      const isDue = syncs.isDue(bytesDone);
      if (left === 0 || isDue) {
        syncs.start([
          ...writtenPaths(geometry, folder, run.block),
          ...journal?.paths ?? [],
        ]);
      }
      if (journal?.isWorthKeeping && !isNamed) {
        syncNames(staging, context);
        isNamed = true;
      }
    });
  };
  await encodeAll(
    [...planRowRuns(geometry, runBytesMax)],
    (run) => ({
      kind: "encode",
      source: feed.sourceOf(run, geometry),
      entry,
      geometry,
      run,
    }),
  );
  await encodeAll(
    [...planColumnRuns(geometry, runBytesMax)],
    (run) => {
      const digests = outboard.readRun(run);
      return { kind: "encode-column", entry, geometry, run, digests };
    },
  );
  await feed.onEncoded?.(staging, executor);
  return outboard;
}

function filesDoneOf(
  feed: PayloadFeed,
  bytesDone: number,
): { filesDone?: number } {
  return feed.filesBefore === undefined
    ? {}
    : { filesDone: feed.filesBefore(bytesDone) };
}

/** Writes a run, unless the journal has it and it is verified. */
async function makeRun(
  job: EncodeJob | EncodeColumnJob,
  journal: Journal | undefined,
  executor: Executor,
): Promise<EncodedRun> {
  if (journal === undefined) return await encodeWith(executor, job);
  const { entry, geometry, run } = job;
  const inColumn = isColumn(geometry, run.block);
  const payloadBytes = inColumn ? 0 : payloadBytesOf(geometry, run);
  const written = journal.digestsOf(run);
  if (written !== undefined && isOfSameSegments(job, written)) {
    const { findings } = await scanWith(executor, {
      kind: "scan",
      entry,
      geometry,
      run,
      digests: written,
      // The segments of a column are verified with their blocks.
      shards: inColumn ? "parity" : "all",
      repair: false,
      redirects: [],
    });
    if (findings.length === 0) {
      journal.bytesKept += payloadBytes;
      return { digests: written, problems: [] };
    }
  }
  const made = await encodeWith(executor, job);
  // What could not be read as planned is not to be taken for what was planned.
  if (made.problems.length === 0) {
    journal.add({ run, payloadBytes, digests: made.digests });
  }
  return made;
}

/** Whether parity across blocks, written before, is that of the segments as they are now. */
function isOfSameSegments(
  job: EncodeJob | EncodeColumnJob,
  written: Bytes,
): boolean {
  if (job.kind === "encode") return true;
  const { geometry, run } = job;
  const bytes = blockDataShards(geometry, run.block) * run.rowCount *
    digestBytes;
  return equalBytes(written.subarray(0, bytes), job.digests.subarray(0, bytes));
}

/** Makes all names in a staging folder durable, and its own. */
function syncNames(
  { folder, geometry }: Staging,
  { store, settings }: EngineContext,
): void {
  if (!settings.durable) return;
  for (const inner of entryFolders(geometry).toReversed()) {
    store.syncFolder(`${folder}/${inner}`);
  }
  store.syncFolder(folder);
  store.syncFolder("");
}

function countByBlock(runs: readonly RowRun[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const run of runs) {
    counts.set(run.block, (counts.get(run.block) ?? 0) + 1);
  }
  return counts;
}

/** The files that the encoding of a block writes; of a column, only its parity. */
function writtenPaths(
  geometry: Geometry,
  folder: string,
  block: number,
): string[] {
  const paths: string[] = [];
  const first = isColumn(geometry, block)
    ? blockDataShards(geometry, block)
    : 0;
  for (let shard = first; shard < blockShardCount(geometry, block); shard++) {
    paths.push(`${folder}/${shardPath(geometry, block, shard)}`);
  }
  return paths;
}

/** Payload bytes of a run, near enough for progress: the last run makes it exact. */
function payloadBytesOf(geometry: Geometry, run: RowRun): number {
  const bytes = run.rowCount * geometry.leafBytes *
    blockDataShards(geometry, run.block);
  return Math.min(bytes, geometry.payloadBytes);
}

/** What lies in copies beside the manifest. */
export interface EntryMetadata {
  readonly outboard: Outboard;
  /** The compressed file table of a tree. */
  readonly table: Bytes | undefined;
}

/** Writes all copies of the metadata; gives their paths and the manifest's size. */
export function writeMetadata(
  manifest: Manifest,
  { outboard, table }: EntryMetadata,
  folder: string,
  context: EngineContext,
): { paths: string[]; manifestBytes: number } {
  const { store, codec } = context;
  const digest = (bytes: Bytes) => codec.digest(bytes);
  const bytes = encodeManifest(manifest, digest);
  // Written twice in the mind, believed once: what is about to become durable must read back.
  const decoded = decodeManifest(bytes, digest);
  assert(
    decoded.kind === "valid",
    "a manifest that was encoded can be decoded",
  );
  assert(
    equalBytes(encodeManifest(decoded.manifest, digest), bytes),
    "a manifest survives decoding unchanged",
  );
  const paths: string[] = [];
  const write = (path: string, content: Bytes) => {
    using file = store.openFile(`${folder}/${path}`, "create");
    file.writeFrom(content, 0);
    paths.push(`${folder}/${path}`);
  };
  for (const inner of metadataFolders) {
    if (manifest.outboard.kind === "pages") {
      write(metadataPath(inner, "outboard.bin"), outboard.digests);
    }
    if (table !== undefined) {
      write(metadataPath(inner, "files.jsonl.gz"), table);
    }
    write(metadataPath(inner, "manifest.json"), bytes);
  }
  return { paths, manifestBytes: bytes.length };
}

/** Makes all names durable, then the entry visible, then that durable; gives its folder. */
export function publish(
  staging: Staging,
  folder: string,
  context: EngineContext,
): string {
  const { store, settings } = context;
  const { geometry, folder: source } = staging;
  if (settings.durable) {
    for (const inner of entryFolders(geometry).toReversed()) {
      store.syncFolder(`${source}/${inner}`);
    }
    store.syncFolder(source);
  }
  const published = renameInto(store, source, folder);
  if (settings.durable) store.syncFolder("");
  return published;
}

function renameInto(store: Store, source: string, folder: string): string {
  const plain = plainFolder(folder);
  try {
    store.rename(source, folder);
    return folder;
  } catch (error) {
    const isName = isFailure(error, "invalid-name", "invalid-argument");
    if (!isName || plain === folder) throw error;
    store.rename(source, plain);
    return plain;
  }
}

/** Best effort: a staging folder that stays is invisible and harms nothing. */
export function removeStaging(staging: string, context: EngineContext): void {
  try {
    if (context.store.stat(staging) !== undefined) {
      context.store.removeTree(staging);
    }
  } catch (error) {
    if (!isFailure(error)) throw error;
    context.emit({
      kind: "warning",
      message: `The folder "${staging}" could not be removed`,
    });
  }
}

/** A new entry's id. */
export function newId(context: EngineContext): string {
  const bytes = new Uint8Array(idDigits / 2);
  context.chance.fill(bytes);
  return formatHex(bytes);
}
