// Repair: writes back what a scan rebuilt. Bad leaves are rewritten in place; where a file cannot be
// mended in place (it shares its bytes with another name, or a write fails) all its good leaves go
// to a new file that replaces it. What was repaired is read again before it is called so.

import { Failure, isFailure, messageOf } from "../base/errors.ts";
import { entryFolders, shardPath } from "../format/entry_path.ts";
import { planAllRuns, shardLength } from "../format/geometry.ts";
import type { Store } from "../store/store.ts";
import type { EngineContext } from "./context.ts";
import type { Executor } from "./executor.ts";
import type { Ledger, ShardRecord } from "./ledger.ts";
import { scanEntry, type ScannedEntry } from "./scan_entry.ts";
import type { ShardRedirect } from "./worker_protocol.ts";

/** Suffix of a shard that is being made anew beside the old one. */
export const rebuildSuffix = ".rebuild";

/** Folders first: their files come back one by one while the entry is scanned. */
export function makeLostFolders(
  entry: ScannedEntry,
  context: EngineContext,
): void {
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
export async function finishRepair(
  entry: ScannedEntry,
  ledger: Ledger,
  executor: Executor,
  context: EngineContext,
): Promise<Set<ShardRecord>> {
  const records = ledger.records();
  if (records.length === 0) return new Set();
  for (const record of records) {
    if (record.overlong && record.rebuiltLeafCount === record.leafCount) {
      tolerateInto(record, () => cutFile(entry, record, context));
    }
  }
  const replaced = records.filter(isReplaceable);
  await replaceFiles(entry, replaced, executor, context);
  await syncRepaired(entry, records, replaced, context);
  for (const record of records) explainAbsence(entry, record, context);
  return await verifyRepaired(entry, ledger, executor, context);
}

/** A file cannot be made where its folder could not be: then what kept us from that is the obstacle. */
function explainAbsence(
  entry: ScannedEntry,
  record: ShardRecord,
  { store }: EngineContext,
): void {
  if (record.obstacle?.code !== "not-found") return;
  const { block, shard } = record;
  const inner = shardPath(entry.manifest.geometry, block, shard);
  const folder = `${entry.folder}/${inner.slice(0, inner.lastIndexOf("/"))}`;
  try {
    if (store.stat(folder) === undefined) store.makeFolder(folder);
  } catch (error) {
    delete record.obstacle;
    setObstacle(record, error);
  }
}

/** A shard whose own file refuses writes, but in whose place a new file may be put. */
function isReplaceable(record: ShardRecord): boolean {
  const codes = ["io", "unsafe-path", "permission-denied"];
  return record.obstacle !== undefined && codes.includes(record.obstacle.code);
}

async function replaceFiles(
  entry: ScannedEntry,
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
  const runs = [...planAllRuns(geometry, context.settings.runBytesMax)]
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
  entry: ScannedEntry,
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

/** Cuts a file that is too long. @throws {Failure} `unsafe-path` if it has another name elsewhere */
function cutFile(
  entry: ScannedEntry,
  record: ShardRecord,
  context: EngineContext,
): void {
  const { geometry } = entry.manifest;
  const { block, shard } = record;
  const path = `${entry.folder}/${shardPath(geometry, block, shard)}`;
  const found = context.store.stat(path);
  if (found === undefined) return;
  if (found.kind === "file" && found.linkCount > 1) {
    throw new Failure(
      "unsafe-path",
      `"${path}" shares its bytes with another name`,
    );
  }
  using file = context.store.openFile(path, "update");
  if (file.size() > shardLength(geometry, block, shard)) {
    file.truncate(shardLength(geometry, block, shard));
  }
}

async function syncRepaired(
  entry: ScannedEntry,
  records: readonly ShardRecord[],
  replaced: readonly ShardRecord[],
  context: EngineContext,
): Promise<void> {
  const { folder, manifest: { geometry } } = entry;
  const folders = new Set<string>();
  for (const record of records) {
    const inner = shardPath(geometry, record.block, record.shard);
    const path = `${folder}/${inner}`;
    if (replaced.includes(record) || mayBeMadeAnew(record)) {
      folders.add(path.slice(0, path.lastIndexOf("/")));
    }
    try {
      if (context.store.stat(path)?.kind === "file") {
        await context.store.syncFiles([path]);
      }
    } catch (error) {
      setObstacle(record, error);
    }
  }
  // Where no name came, none has to be made durable: a folder's sync waits for all that the file
  // system has in hand, which a mount's readers would feel.
  if (folders.size === 0) return;
  // A file that came back is durable only when every folder on its way is.
  for (const inner of entryFolders(geometry)) folders.add(`${folder}/${inner}`);
  for (const each of [...folders, folder]) {
    tolerate(() => context.store.syncFolder(each));
  }
}

/** A file that one job made looks too short to the next one, whose finding may come first. */
function mayBeMadeAnew({ cause }: ShardRecord): boolean {
  return cause === "missing" || cause === "truncated";
}

/** Reads the damaged runs again; a record is right when nothing of it fails any more. */
async function verifyRepaired(
  entry: ScannedEntry,
  ledger: Ledger,
  executor: Executor,
  context: EngineContext,
): Promise<Set<ShardRecord>> {
  const { geometry } = entry.manifest;
  const runs = ledger.findingRuns;
  const wish = {
    shards: "all",
    repair: false,
    runs,
    quiet: true,
    verifyOnly: true,
  } as const;
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

/** Removes a file if it is there; a failure is left for a later step to meet. */
export function removeIfThere(store: Store, path: string): void {
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
export function tolerate<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!isFailure(error) || error.code === "offline") throw error;
    return undefined;
  }
}
