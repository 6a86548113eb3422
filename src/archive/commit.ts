// Commit: makes one entry out of one file. Everything is written and synced in a staging folder,
// which no command sees; one rename makes the entry visible. Whatever fails before that rename
// leaves the archive as it was.

import { assert } from "../base/assert.ts";
import { type Bytes, equalBytes, formatHex } from "../base/bytes.ts";
import { Failure, isFailure } from "../base/errors.ts";
import { digestBytes, idDigits, outboardBytesMax } from "../base/limits.ts";
import {
  entryFolder,
  entryFolders,
  metadataFolders,
  metadataPath,
  nameProblem,
  shardPath,
  stagingFolder,
} from "../format/entry_path.ts";
import {
  blockCountOf,
  blockDataShards,
  type Geometry,
  parityBytesOf,
  payloadLeafCount,
  planGeometry,
  planRowRuns,
  type RowRun,
  shardLength,
  slotCountOf,
} from "../format/geometry.ts";
import {
  decodeManifest,
  encodeManifest,
  type Manifest,
} from "../format/manifest.ts";
import { Outboard, planOutboardRecord } from "../format/outboard.ts";
import {
  parsePolicy,
  planTier,
  type Policy,
  shardsOf,
  type Tier,
} from "../format/policy.ts";
import type { StoreStat } from "../store/store.ts";
import { type EngineContext, throwIfInterrupted } from "./context.ts";
import { encodeWith, forEachBounded } from "./executor.ts";
import type { CommitReport, EntrySummary } from "./report.ts";
import { Syncs } from "./syncs.ts";
import { summarize } from "./summary.ts";
import { findIdentical } from "./versions.ts";
import type { StorePath } from "./worker_protocol.ts";

/** What to commit, with the source resolved to a store. */
export interface ResolvedCommit {
  readonly source: StorePath;
  /** The source as the caller named it, for messages. */
  readonly sourceLabel: string;
  /** The path that threads must be allowed to read. */
  readonly sourcePermission?: string;
  readonly name: string;
  readonly policy?: string;
  /**
   * BLAKE3 of the payload, hexadecimal, where it is known: without it no entry becomes visible. The
   * source is then a stopover of the payload, whose time and mode say nothing.
   */
  readonly knownRoot?: string;
  /** Store also what the newest version of the name holds already. */
  readonly force?: boolean;
}

/** @throws {Failure} `invalid-name`, `source-changed`, `no-space`, `interrupted`, … */
export async function commitEntry(
  request: ResolvedCommit,
  context: EngineContext,
): Promise<CommitReport> {
  const startMs = context.clock.monotonicMs();
  const before = statSource(request, context);
  const problem = nameProblem(request.name);
  if (problem !== undefined) {
    throw new Failure(
      "invalid-name",
      `Cannot commit as "${request.name}": ${problem}`,
    );
  }
  const plan = planEntry(request, before.bytes, context);
  const id = newId(context);
  const staging = stagingFolder(id);
  context.emit({
    kind: "start",
    operation: "commit",
    name: request.name,
    bytesTotal: before.bytes,
  });
  let filled: Filled;
  try {
    filled = await fillStaging(
      { request, plan, before, id, staging },
      context,
    );
  } catch (error) {
    removeStaging(staging, context);
    throw explainFullDisk(error, request, plan.geometry);
  }
  if (filled.outcome === "unchanged") removeStaging(staging, context);
  context.emit({ kind: "finish", operation: "commit" });
  return {
    ...filled.summary,
    outcome: filled.outcome,
    source: request.sourceLabel,
    elapsedMs: context.clock.monotonicMs() - startMs,
  };
}

interface EntryPlan {
  readonly tier: Tier;
  readonly policy: Policy;
  readonly geometry: Geometry;
}

/** What a staging folder came to. */
interface Filled {
  /** "unchanged": it was not published, and is of no use. */
  readonly outcome: CommitReport["outcome"];
  readonly summary: EntrySummary;
}

interface Draft {
  readonly request: ResolvedCommit;
  readonly plan: EntryPlan;
  readonly before: StoreStat;
  readonly id: string;
  readonly staging: string;
}

function planEntry(
  request: ResolvedCommit,
  payloadBytes: number,
  context: EngineContext,
): EntryPlan {
  const { tiers, segmentBytes, leafBytesMax } = context.settings;
  const { tier, policy } = request.policy === undefined
    ? planTier(payloadBytes, tiers)
    : { tier: 0 as const, policy: parsePolicy(request.policy) };
  const geometry = planGeometry({
    payloadBytes,
    ...shardsOf(policy),
    segmentBytesMax: segmentBytes,
    leafBytesMax,
  });
  if (slotCountOf(geometry) * digestBytes > outboardBytesMax) {
    throw new Failure(
      "invalid-argument",
      `Cannot commit "${request.sourceLabel}": with leaves of ${geometry.leafBytes} bytes it has ` +
        `more digests than an entry can hold`,
    );
  }
  return { tier, policy, geometry };
}

async function fillStaging(
  draft: Draft,
  context: EngineContext,
): Promise<Filled> {
  const { request, plan, staging } = draft;
  makeFiles(plan.geometry, staging, context);
  const syncs = new Syncs(context.store, context);
  try {
    const outboard = await encodeShards(draft, syncs, context);
    refuseChanged(draft, statSource(request, context));
    throwIfInterrupted(context);
    const manifest = describe(draft, outboard, context);
    refuseOtherRoot(request, manifest);
    const identical = request.force
      ? undefined
      : await findIdentical(manifest, request.policy !== undefined, context);
    if (identical !== undefined) {
      return { outcome: "unchanged", summary: identical.summary };
    }
    const written = writeMetadata(manifest, outboard, staging, context);
    syncs.start(written.paths);
    await syncs.finish();
    // A slow disk may have taken minutes for that.
    throwIfInterrupted(context);
    const folder = entryFolder(request.name, draft.id);
    publish(plan.geometry, staging, folder, context);
    return {
      outcome: "committed",
      summary: summarize(manifest, folder, written.manifestBytes),
    };
  } finally {
    await syncs.settle();
  }
}

/** Makes all folders, and all shard files at their final sizes. */
function makeFiles(
  geometry: Geometry,
  staging: string,
  context: EngineContext,
): void {
  const { store } = context;
  store.makeFolder(staging);
  for (const folder of entryFolders(geometry)) {
    store.makeFolder(`${staging}/${folder}`);
  }
  for (let block = 0; block < blockCountOf(geometry); block++) {
    const shards = blockDataShards(geometry, block) + geometry.parityShards;
    for (let shard = 0; shard < shards; shard++) {
      using file = store.openFile(
        `${staging}/${shardPath(geometry, block, shard)}`,
        "create",
      );
      file.truncate(shardLength(geometry, block, shard));
    }
  }
}

/** Runs the encode jobs; each block's files begin to be synced when its last run is written. */
async function encodeShards(
  draft: Draft,
  syncs: Syncs,
  context: EngineContext,
): Promise<Outboard> {
  const { request, plan: { geometry }, staging } = draft;
  const outboard = new Outboard(geometry);
  const runs = [...planRowRuns(geometry, context.settings.runBytesMax)];
  const open = countByBlock(runs);
  let bytesDone = 0;
  await using executor = context.openExecutor({
    workBytes: 2 * geometry.payloadBytes + parityBytesOf(geometry),
    ...(request.sourcePermission === undefined
      ? {}
      : { read: [request.sourcePermission] }),
  });
  const entry = { root: context.root, path: staging };
  await forEachBounded(runs, executor.width, async (run) => {
    throwIfInterrupted(context);
    const job = {
      kind: "encode",
      source: request.source,
      entry,
      geometry,
      run,
    } as const;
    outboard.writeRun(run, await encodeWith(executor, job));
    bytesDone += payloadBytesOf(geometry, run);
    context.emit({
      kind: "progress",
      bytesDone: Math.min(bytesDone, geometry.payloadBytes),
      bytesTotal: geometry.payloadBytes,
    });
    const left = open.get(run.block)! - 1;
    open.set(run.block, left);
    // The disk is kept busy while the rest is encoded; the last sync of a block is what counts.
    const isDue = syncs.isDue(bytesDone);
    if (left === 0 || isDue) {
      syncs.start(shardPaths(geometry, staging, run.block));
    }
  });
  return outboard;
}

function countByBlock(runs: readonly RowRun[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const run of runs) {
    counts.set(run.block, (counts.get(run.block) ?? 0) + 1);
  }
  return counts;
}

function shardPaths(
  geometry: Geometry,
  folder: string,
  block: number,
): string[] {
  const shards = blockDataShards(geometry, block) + geometry.parityShards;
  return Array.from(
    { length: shards },
    (_, shard) => `${folder}/${shardPath(geometry, block, shard)}`,
  );
}

/** Payload bytes of a run, near enough for progress: the last run makes it exact. */
function payloadBytesOf(geometry: Geometry, run: RowRun): number {
  const bytes = run.rowCount * geometry.leafBytes *
    blockDataShards(geometry, run.block);
  return Math.min(bytes, geometry.payloadBytes);
}

function describe(
  draft: Draft,
  outboard: Outboard,
  context: EngineContext,
): Manifest {
  const { request, plan, before, id } = draft;
  const { codec } = context;
  const leaves = payloadLeafCount(plan.geometry);
  return {
    id,
    name: request.name,
    created: new Date(context.clock.nowMs()).toISOString(),
    tier: plan.tier,
    policy: plan.policy,
    geometry: plan.geometry,
    root: leaves === 0
      ? codec.digest(new Uint8Array(0))
      : codec.rootOf(outboard.digests.subarray(0, leaves * digestBytes)),
    outboard: planOutboardRecord(
      outboard.digests,
      (bytes) => codec.digest(bytes),
    ),
    source: request.knownRoot === undefined ? attributesOf(before) : {},
  };
}

function attributesOf(before: StoreStat): Manifest["source"] {
  return {
    ...(before.modifiedMs === undefined
      ? {}
      : { modified: new Date(before.modifiedMs).toISOString() }),
    ...(before.mode === undefined
      ? {}
      : { mode: before.mode.toString(8).padStart(4, "0") }),
  };
}

function refuseOtherRoot(request: ResolvedCommit, manifest: Manifest): void {
  const { knownRoot } = request;
  const root = formatHex(manifest.root);
  if (knownRoot === undefined || knownRoot === root) return;
  throw new Failure(
    "damaged",
    `Cannot commit "${request.sourceLabel}": its BLAKE3 is ${root}, not ${knownRoot}`,
  );
}

/** Writes all copies of manifest and outboard; gives their paths and the manifest's size. */
function writeMetadata(
  manifest: Manifest,
  outboard: Outboard,
  staging: string,
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
    using file = store.openFile(`${staging}/${path}`, "create");
    file.writeFrom(content, 0);
    paths.push(`${staging}/${path}`);
  };
  for (const folder of metadataFolders) {
    if (manifest.outboard.kind === "pages") {
      write(metadataPath(folder, "outboard.bin"), outboard.digests);
    }
    write(metadataPath(folder, "manifest.json"), bytes);
  }
  return { paths, manifestBytes: bytes.length };
}

/** Makes all names durable, then the entry visible, then that durable. */
function publish(
  geometry: Geometry,
  staging: string,
  folder: string,
  context: EngineContext,
): void {
  const { store, settings } = context;
  if (settings.durable) {
    for (const inner of entryFolders(geometry).toReversed()) {
      store.syncFolder(`${staging}/${inner}`);
    }
    store.syncFolder(staging);
  }
  store.rename(staging, folder);
  if (settings.durable) store.syncFolder("");
}

function statSource(
  request: ResolvedCommit,
  context: EngineContext,
): StoreStat {
  const stat = context.storeOf(request.source.root).stat(request.source.path);
  if (stat === undefined) {
    throw new Failure(
      "not-found",
      `Cannot commit "${request.sourceLabel}": there is no such file`,
    );
  }
  if (stat.kind !== "file") {
    const what = stat.kind === "folder"
      ? "it is a folder, and only files can be committed in this version"
      : "it is not a plain file";
    throw new Failure(
      "wrong-kind",
      `Cannot commit "${request.sourceLabel}": ${what}`,
    );
  }
  return stat;
}

function refuseChanged(draft: Draft, after: StoreStat): void {
  const { before, request } = draft;
  if (after.bytes === before.bytes && after.modifiedMs === before.modifiedMs) {
    return;
  }
  throw new Failure(
    "source-changed",
    `Cannot commit "${request.sourceLabel}": it was changed while it was read`,
  );
}

function explainFullDisk(
  error: unknown,
  request: ResolvedCommit,
  geometry: Geometry,
): unknown {
  if (!isFailure(error, "no-space")) return error;
  const needed = geometry.payloadBytes + parityBytesOf(geometry) +
    metadataFolders.length * slotCountOf(geometry) * digestBytes;
  return new Failure(
    "no-space",
    `Cannot commit "${request.sourceLabel}": the archive's disk is full; the entry needs about ` +
      `${needed} bytes. The archive is as it was`,
    { cause: error },
  );
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
