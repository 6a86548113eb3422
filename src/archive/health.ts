// Health: verifies every byte of an entry (shards, outboard, manifest copies), has what is damaged
// repaired where that is wanted, and says what it found. How shards are mended is in repair.ts.

import { unreachable } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import {
  entryFolders,
  metadataFolders,
  metadataPath,
  shardFilesOf,
} from "../format/entry_path.ts";
import { countsOf } from "../format/manifest.ts";
import type { Store } from "../store/store.ts";
import type { EngineContext } from "./context.ts";
import type { Executor } from "./executor.ts";
import { findTablePages } from "./file_table_copies.ts";
import type { Ledger, ShardRecord } from "./ledger.ts";
import { type BadCopy, copyDamage, repairCopies } from "./metadata.ts";
import { type FoundManifest, readManifest } from "./manifest_copies.ts";
import { type FoundOutboard, openOutboard } from "./outboard_copies.ts";
import type { FoundPages } from "./paged_copies.ts";
import type {
  EntryProblem,
  FileDamage,
  HealthReport,
  HealthState,
} from "./report.ts";
import {
  finishRepair,
  makeLostFolders,
  rebuildSuffix,
  removeIfThere,
  tolerate,
} from "./repair.ts";
import { type OpenEntry, scanBytesOf, scanEntry } from "./scan_entry.ts";

/** The health of the entry in `folder`. @throws {Failure} `offline`, `interrupted` */
export async function examineEntry(
  folder: string,
  repair: boolean,
  executor: Executor,
  context: EngineContext,
): Promise<HealthReport> {
  const startMs = context.clock.monotonicMs();
  const elapsedMs = () => context.clock.monotonicMs() - startMs;
  const found = readManifest(folder, context);
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
    problemCode: problem.code,
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
  const table = findTablePages(folder, manifest, context);
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
    ...mendMetadata(entry, { found, metadata, table }, repair, context),
  ];
  for (const each of damage) {
    context.emit({ kind: "damage", folder, damage: each });
  }
  const { segmentCount, parityCount } = countsOf(manifest);
  return {
    id: manifest.id,
    name: manifest.name,
    folder,
    state: stateOf(
      damage,
      ledger,
      metadata.lostPages.length > 0 || (table?.lostPages ?? []).length > 0,
    ),
    payloadBytes: geometry.payloadBytes,
    segmentCount,
    parityCount,
    damage,
    lostRanges: ledger.lostRanges(),
    lostParityLeafCount: ledger.lostParityLeafCount,
    strangers: findStrangers(entry, repair, context.store),
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

/** The metadata of an entry as its copies have it. */
interface FoundMetadata {
  readonly found: FoundManifest;
  readonly metadata: FoundOutboard;
  /** Of a tree. */
  readonly table: FoundPages | undefined;
}

function mendMetadata(
  entry: OpenEntry,
  { found, metadata, table }: FoundMetadata,
  repair: boolean,
  context: EngineContext,
): FileDamage[] {
  const badCopies: BadCopy[] = [
    ...found.badCopies,
    ...metadata.badCopies,
    ...table?.badCopies ?? [],
  ];
  const contentOf = (role: BadCopy["role"]): Bytes | undefined => {
    switch (role) {
      case "manifest":
        return found.bytes;
      case "outboard":
        return metadata.lostPages.length > 0
          ? undefined
          : entry.outboard.digests;
      case "table":
        return table === undefined || table.lostPages.length > 0
          ? undefined
          : table.bytes;
      default:
        return unreachable(role);
    }
  };
  if (!repair) {
    return badCopies.map((copy) =>
      copyDamage(copy, contentOf(copy.role) !== undefined, false)
    );
  }
  return repairCopies(context.store, entry.folder, badCopies, contentOf);
}

/** Files and folders inside an entry that are not part of it. They are reported and left alone. */
function findStrangers(
  entry: OpenEntry,
  repair: boolean,
  store: Store,
): string[] {
  const { manifest } = entry;
  const expected = new Set<string>(entryFolders(manifest.geometry));
  for (const folder of metadataFolders) {
    expected.add(metadataPath(folder, "manifest.json"));
    if (manifest.outboard.kind === "pages") {
      expected.add(metadataPath(folder, "outboard.bin"));
    }
    if (manifest.files !== undefined) {
      expected.add(metadataPath(folder, "files.jsonl.gz"));
    }
  }
  for (const { path } of shardFilesOf(manifest.geometry)) expected.add(path);
  const strangers: string[] = [];
  for (const folder of ["", ...entryFolders(manifest.geometry)]) {
    const path = folder === "" ? entry.folder : `${entry.folder}/${folder}`;
    for (const { name } of tolerate(() => store.list(path)) ?? []) {
      const inner = folder === "" ? name : `${folder}/${name}`;
      if (expected.has(inner)) continue;
      // What an interrupted repair left is no stranger: the next repair takes it away.
      const isLeftover = inner.endsWith(rebuildSuffix) &&
        expected.has(inner.slice(0, -rebuildSuffix.length));
      if (isLeftover && repair) {
        removeIfThere(store, `${entry.folder}/${inner}`);
      } else strangers.push(inner);
    }
  }
  return strangers;
}
