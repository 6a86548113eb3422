// Health: verifies every byte of an entry (shards, outboard, manifest copies) and repairs what it
// can. A repair rewrites bad leaves in place; where a file cannot be mended in place (it shares its
// bytes with another name, or a write fails) all its good leaves go to a new file that replaces it.
// What was repaired is read again before it is called so.

import { isFailure, messageOf } from "../base/errors.ts";
import {
  entryFolders,
  metadataFolders,
  metadataPath,
  shardPath,
} from "../format/entry_path.ts";
import {
  blockCountOf,
  blockDataShards,
  type Geometry,
  planRowRuns,
  shardLength,
} from "../format/geometry.ts";
import { countsOf, type Manifest } from "../format/manifest.ts";
import type { Outboard } from "../format/outboard.ts";
import type { Store } from "../store/store.ts";
import type { EngineContext } from "./context.ts";
import type { Executor } from "./executor.ts";
import type { Ledger, ShardRecord } from "./ledger.ts";
import {
  type BadCopy,
  copyDamage,
  type FoundManifest,
  type FoundOutboard,
  readManifest,
  repairCopies,
} from "./metadata.ts";
import type {
  EntryProblem,
  FileDamage,
  HealthReport,
  HealthState,
} from "./report.ts";
import { openOutboard, scanBytesOf, scanEntry } from "./scan_entry.ts";
import type { ShardRedirect } from "./worker_protocol.ts";

/** Suffix of a shard that is being made anew beside the old one. */
const rebuildSuffix = ".rebuild";

interface OpenEntry {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly outboard: Outboard;
}

/** The health of the entry in `folder`. @throws {Failure} `offline`, `interrupted` */
export async function examineEntry(
  folder: string,
  repair: boolean,
  executor: Executor,
  context: EngineContext,
): Promise<HealthReport> {
  const startMs = context.clock.monotonicMs();
  const elapsedMs = () => context.clock.monotonicMs() - startMs;
  const found = readManifest(context.store, folder, context.codec);
  if (found.kind === "problem") {
    return { ...reportOfProblem({ folder, ...found }), elapsedMs: elapsedMs() };
  }
  const { manifest } = found;
  context.emit({
    kind: "start",
    operation: "health",
    name: manifest.name,
    bytesTotal: scanBytesOf(manifest.geometry, "all"),
  });
  const report = await examineFound(folder, found, repair, executor, context);
  context.emit({ kind: "finish", operation: "health" });
  return { ...report, elapsedMs: elapsedMs() };
}

/** The report of a folder that could not be read as an entry. */
export function reportOfProblem(problem: EntryProblem): HealthReport {
  return {
    id: "",
    name: problem.folder,
    folder: problem.folder,
    state: "lost",
    payloadBytes: 0,
    segmentCount: 0,
    parityCount: 0,
    damage: [],
    lostRanges: [],
    lostParityLeafCount: 0,
    strangers: [],
    problem: problem.problem,
    elapsedMs: 0,
  };
}

async function examineFound(
  folder: string,
  found: FoundManifest,
  repair: boolean,
  executor: Executor,
  context: EngineContext,
): Promise<HealthReport> {
  const { manifest } = found;
  const { geometry } = manifest;
  const metadata = openOutboard(folder, manifest, context);
  const entry: OpenEntry = { folder, manifest, outboard: metadata.outboard };
  if (repair) makeLostFolders(entry, context);
  const ledger = await scanEntry(
    entry,
    { shards: "all", repair },
    executor,
    context,
  );
  const repaired = repair
    ? await finishRepair(entry, ledger, executor, context)
    : new Set<ShardRecord>();
  const shardDamage = ledger.records().map((record) =>
    ledger.damageOf(record, repaired.has(record))
  );
  const damage = [
    ...shardDamage,
    ...mendMetadata(entry, found, metadata, repair, context),
  ];
  for (const each of damage) {
    context.emit({ kind: "damage", folder, damage: each });
  }
  const { segmentCount, parityCount } = countsOf(manifest);
  return {
    id: manifest.id,
    name: manifest.name,
    folder,
    state: stateOf(damage, ledger, metadata.lostPages.length > 0),
    payloadBytes: geometry.payloadBytes,
    segmentCount,
    parityCount,
    damage,
    lostRanges: ledger.lostRanges(),
    lostParityLeafCount: ledger.lostParityLeafCount,
    strangers: findStrangers(entry, context.store),
    elapsedMs: 0,
  };
}

function stateOf(
  damage: readonly FileDamage[],
  ledger: Ledger,
  lostPages: boolean,
): HealthState {
  const isLost = ledger.lostParityLeafCount > 0 ||
    ledger.lostRanges().length > 0 || lostPages;
  if (isLost) return "lost";
  if (damage.length === 0) return "healthy";
  return damage.every((each) => each.repaired) ? "repaired" : "repairable";
}

/** Folders first: their files come back one by one while the entry is scanned. */
function makeLostFolders(entry: OpenEntry, context: EngineContext): void {
  const { store } = context;
  for (const inner of entryFolders(entry.manifest.geometry)) {
    const path = `${entry.folder}/${inner}`;
    tolerate(() => {
      if (store.stat(path) === undefined) store.makeFolder(path);
    });
  }
}

/**
 * Makes durable what the scan wrote back, replaces the files that could not be mended in place, and
 * reads everything that was damaged again. Gives the records that are right now.
 */
async function finishRepair(
  entry: OpenEntry,
  ledger: Ledger,
  executor: Executor,
  context: EngineContext,
): Promise<Set<ShardRecord>> {
  const records = ledger.records();
  if (records.length === 0) return new Set();
  await replaceFiles(entry, records.filter(isReplaceable), executor, context);
  const { geometry } = entry.manifest;
  for (const record of records) {
    if (record.overlong) {
      tolerateInto(record, () => cutFile(entry, record, context));
    }
  }
  await syncRepaired(entry, records, context);
  return await verifyRepaired(entry, ledger, geometry, executor, context);
}

/** A shard whose own file refuses writes, but in whose place a new file may be put. */
function isReplaceable(record: ShardRecord): boolean {
  const codes = ["io", "unsafe-path", "permission-denied"];
  return record.obstacle !== undefined && codes.includes(record.obstacle.code);
}

async function replaceFiles(
  entry: OpenEntry,
  records: readonly ShardRecord[],
  executor: Executor,
  context: EngineContext,
): Promise<void> {
  if (records.length === 0) return;
  const { folder, manifest: { geometry } } = entry;
  const redirects = new Map<number, ShardRedirect[]>();
  for (const { block, shard } of records) {
    const path = shardPath(geometry, block, shard) + rebuildSuffix;
    removeIfThere(context.store, `${folder}/${path}`);
    const known = redirects.get(block) ?? [];
    redirects.set(block, [...known, { shard, path }]);
  }
  const runs = [...planRowRuns(geometry, context.settings.runBytesMax)]
    .filter((run) => redirects.has(run.block));
  const wish = {
    shards: "all",
    repair: true,
    redirects,
    runs,
    quiet: true,
  } as const;
  const second = await scanEntry(entry, wish, executor, context);
  for (const record of records) {
    const again = second.recordOf(record.block, record.shard);
    tolerateInto(record, () => swapFile(entry, record, again, context));
  }
}

/** Gives the new file the shard's name, if all of it could be written. @throws {Failure} */
function swapFile(
  entry: OpenEntry,
  record: ShardRecord,
  again: ShardRecord | undefined,
  context: EngineContext,
): void {
  const path = `${entry.folder}/${
    shardPath(entry.manifest.geometry, record.block, record.shard)
  }`;
  const isWhole = again?.obstacle === undefined &&
    (again === undefined || again.rebuiltLeafCount === again.leafCount);
  if (!isWhole) {
    removeIfThere(context.store, path + rebuildSuffix);
    if (again?.obstacle !== undefined) record.obstacle = again.obstacle;
    return;
  }
  {
    using file = context.store.openFile(path + rebuildSuffix, "update");
    file.sync();
  }
  // A link is not replaced by a rename; its name is freed. What it led to is not touched.
  if (context.store.stat(path)?.kind === "other") {
    context.store.removeFile(path);
  }
  context.store.rename(path + rebuildSuffix, path);
  delete record.obstacle;
}

function cutFile(
  entry: OpenEntry,
  record: ShardRecord,
  context: EngineContext,
): void {
  const { geometry } = entry.manifest;
  const { block, shard } = record;
  const path = `${entry.folder}/${shardPath(geometry, block, shard)}`;
  const found = context.store.stat(path);
  if (found === undefined || found.linkCount > 1) return;
  using file = context.store.openFile(path, "update");
  if (file.size() > shardLength(geometry, block, shard)) {
    file.truncate(shardLength(geometry, block, shard));
  }
}

async function syncRepaired(
  entry: OpenEntry,
  records: readonly ShardRecord[],
  context: EngineContext,
): Promise<void> {
  const { folder, manifest: { geometry } } = entry;
  const folders = new Set<string>();
  for (const record of records) {
    const inner = shardPath(geometry, record.block, record.shard);
    const path = `${folder}/${inner}`;
    folders.add(path.slice(0, path.lastIndexOf("/")));
    try {
      if (context.store.stat(path)?.kind === "file") {
        await context.store.syncFiles([path]);
      }
    } catch (error) {
      setObstacle(record, error);
    }
  }
  // A file that came back is durable only when every folder on its way is.
  for (const inner of entryFolders(geometry)) folders.add(`${folder}/${inner}`);
  for (const each of [...folders, folder]) {
    tolerate(() => context.store.syncFolder(each));
  }
}

/** Reads the damaged runs again; a record is right when nothing of it fails any more. */
async function verifyRepaired(
  entry: OpenEntry,
  ledger: Ledger,
  geometry: Geometry,
  executor: Executor,
  context: EngineContext,
): Promise<Set<ShardRecord>> {
  const runs = ledger.findingRuns;
  const wish = { shards: "all", repair: false, runs, quiet: true } as const;
  const second = await scanEntry(entry, wish, executor, context);
  const right = new Set<ShardRecord>();
  for (const record of ledger.records()) {
    const inner = shardPath(geometry, record.block, record.shard);
    const size = tolerate(() =>
      context.store.stat(`${entry.folder}/${inner}`)?.bytes
    );
    const hasLength =
      size === shardLength(geometry, record.block, record.shard);
    if (
      hasLength && second.recordOf(record.block, record.shard) === undefined
    ) right.add(record);
  }
  return right;
}

function mendMetadata(
  entry: OpenEntry,
  found: FoundManifest,
  metadata: FoundOutboard,
  repair: boolean,
  context: EngineContext,
): FileDamage[] {
  const badCopies: BadCopy[] = [...found.badCopies, ...metadata.badCopies];
  const hasOutboard = metadata.lostPages.length === 0;
  if (!repair) {
    return badCopies.map((copy) =>
      copyDamage(copy, copy.role === "manifest" || hasOutboard, false)
    );
  }
  return repairCopies(
    context.store,
    entry.folder,
    badCopies,
    (role) =>
      role === "manifest"
        ? found.bytes
        : hasOutboard
        ? entry.outboard.digests
        : undefined,
  );
}

/** Files and folders inside an entry that are not part of it. They are reported and left alone. */
function findStrangers(entry: OpenEntry, store: Store): string[] {
  const { manifest } = entry;
  const expected = new Set<string>(entryFolders(manifest.geometry));
  for (const folder of metadataFolders) {
    expected.add(metadataPath(folder, "manifest.json"));
    if (manifest.outboard.kind === "pages") {
      expected.add(metadataPath(folder, "outboard.bin"));
    }
  }
  for (const { path } of shardFiles(manifest.geometry)) expected.add(path);
  const strangers: string[] = [];
  for (const folder of ["", ...entryFolders(manifest.geometry)]) {
    const path = folder === "" ? entry.folder : `${entry.folder}/${folder}`;
    for (const { name } of tolerate(() => store.list(path)) ?? []) {
      const inner = folder === "" ? name : `${folder}/${name}`;
      if (!expected.has(inner)) strangers.push(inner);
    }
  }
  return strangers;
}

function* shardFiles(
  geometry: Geometry,
): Generator<{ block: number; shard: number; path: string }> {
  for (let block = 0; block < blockCountOf(geometry); block++) {
    const shards = blockDataShards(geometry, block) + geometry.parityShards;
    for (let shard = 0; shard < shards; shard++) {
      yield { block, shard, path: shardPath(geometry, block, shard) };
    }
  }
}

function removeIfThere(store: Store, path: string): void {
  tolerate(() => {
    if (store.stat(path) !== undefined) store.removeFile(path);
  });
}

function setObstacle(record: ShardRecord, error: unknown): void {
  if (!isFailure(error) || error.code === "offline") throw error;
  record.obstacle ??= { code: error.code, message: messageOf(error) };
}

/** Calls `work`; a failure of it becomes the record's obstacle. */
function tolerateInto(record: ShardRecord, work: () => void): void {
  try {
    work();
  } catch (error) {
    setObstacle(record, error);
  }
}

/** Calls `work`; a failure of it is left for a later step to meet, unless the medium is gone. */
function tolerate<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!isFailure(error) || error.code === "offline") throw error;
    return undefined;
  }
}
