// Tree restore: a tree, or a part of it, into a folder. Every byte goes through the scan that serves
// every restore; the archive is only read. What is done in the output, and in which order, is in
// tree_work.ts.

import { encodeUtf8, formatHex } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import type { ReadEntry } from "./catalogue.ts";
import type { EngineContext } from "./context.ts";
import { openFileTable } from "./file_table_copies.ts";
import { copyDamage } from "./metadata.ts";
import { openOutboard } from "./outboard_copies.ts";
import type { FileDamage, RestoreReport } from "./report.ts";
import { metadataDamage } from "./restore.ts";
import { explainFullOutput } from "./room.ts";
import { scanBytesOfRuns, scanEntry } from "./scan_entry.ts";
import { type ExistingPolicy, TreePlace } from "./tree_place.ts";
import { type RowSelection, selectRows } from "./tree_rows.ts";
import { type LostTargets, TreeWork } from "./tree_work.ts";

/** What to restore of a tree, and where, with the output resolved to a store. */
export interface TreeRequest extends RowSelection {
  readonly root: string;
  /** The folder in the store that becomes the tree; "" is the store's own root, which is there. */
  readonly path: string;
  /** The output as the caller named it, for messages and the report. */
  readonly label: string;
  readonly existing: ExistingPolicy;
  readonly partial: boolean;
}

/** @throws {Failure} `exists`, `not-found`, `damaged`, `no-space`, …; damage is in the report instead */
export async function restoreTree(
  entry: ReadEntry,
  request: TreeRequest,
  context: EngineContext,
): Promise<RestoreReport> {
  const startMs = context.clock.monotonicMs();
  const { folder, manifest } = entry;
  const { name, id, geometry } = manifest;
  const found = await openFileTable(folder, manifest, context);
  if (found === undefined) {
    throw new Failure("invalid-argument", `"${name}" is a file, not a tree`);
  }
  const rows = selectRows(found.table, request, name);
  const place = new TreePlace(context.treeStoreOf(request.root), {
    ...request,
    temporaryName: temporaryName(id, request, context),
  });
  const { root, partial } = request;
  const work = new TreeWork(found.table, place, { root, partial }, context);
  work.take(rows);
  const tableDamage = found.badCopies.map((copy) =>
    copyDamage(copy, true, false)
  );
  let outcome: ScanOutcome;
  let isFinished = false;
  try {
    await work.makeFolders();
    outcome = await scanTree(entry, work, context);
    await work.finish(outcome.lost);
    isFinished = true;
  } catch (error) {
    work.removeTemporary();
    throw explainFullOutput(
      error,
      request.label,
      work.outcome().contentBytes,
      place.store,
    );
  } finally {
    if (place.isMerge || !isFinished) work.removeTemporary();
  }
  const damage = [...outcome.damage, ...tableDamage];
  for (const each of damage) {
    context.emit({ kind: "damage", folder, damage: each });
  }
  context.emit({ kind: "finish", operation: "restore" });
  const tree = work.outcome();
  return {
    id,
    name,
    output: request.label,
    payloadBytes: geometry.payloadBytes,
    damage,
    rebuiltLeafCount: outcome.rebuiltLeafCount,
    holes: [],
    complete: tree.lostFiles.length === 0,
    elapsedMs: context.clock.monotonicMs() - startMs,
    tree,
  };
}

interface ScanOutcome {
  readonly lost: LostTargets;
  readonly damage: readonly FileDamage[];
  readonly rebuiltLeafCount: number;
}

async function scanTree(
  entry: ReadEntry,
  work: TreeWork,
  context: EngineContext,
): Promise<ScanOutcome> {
  const { folder, manifest } = entry;
  const plan = work.plan(manifest.geometry);
  const bytesTotal = scanBytesOfRuns(manifest.geometry, plan.runs, "data");
  context.emit({
    kind: "start",
    operation: "restore",
    name: manifest.name,
    bytesTotal,
  });
  const found = openOutboard(folder, manifest, context);
  const inside = [work.temporaryPath];
  await using executor = context.openExecutor({
    workBytes: 2 * bytesTotal,
    read: inside,
    write: inside,
  });
  const ledger = await scanEntry(
    { folder, manifest, outboard: found.outboard },
    { shards: "data", repair: false, output: plan, runs: plan.runs },
    executor,
    context,
  );
  return {
    lost: plan.lostOf(ledger.lostRanges()),
    damage: [
      ...ledger.records().map((record) => ledger.damageOf(record, false)),
      ...metadataDamage(folder, found.badCopies, context),
    ],
    rebuiltLeafCount: ledger.rebuiltLeafCount(),
  };
}

/** Hidden, of bounded length, and the same for the same output: an interrupted restore's is reused. */
function temporaryName(
  id: string,
  request: TreeRequest,
  context: EngineContext,
): string {
  const output = encodeUtf8(`${request.root}/${request.path}`);
  const digest = context.codec.digest(output);
  return `.${id}-${formatHex(digest.subarray(0, 4))}.blockframe-part`;
}
