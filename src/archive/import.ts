// Import: makes version-1 entries of those of blockframe-rs, or only says how those are. Every shard
// is verified and every segment rebuilt where it is damaged into one staged file; that is committed
// like any other, under the condition that its root is the hash that the old archive has for it.
// The old archive is only ever read. While an entry is imported, its payload lies twice in the new
// archive: in the staged file and in the shards.

import { Failure, isFailure, messageOf } from "../base/errors.ts";
import { formatHex } from "../base/bytes.ts";
import { idDigits } from "../base/limits.ts";
import { formatSize } from "../base/size.ts";
import { stagingFolder } from "../format/entry_path.ts";
import { legacyParityShards } from "../format/legacy/code.ts";
import {
  legacyBlockCount,
  legacyCodeBytes,
  type LegacyLayout,
  legacySegmentCount,
} from "../format/legacy/layout.ts";
import { ReadOnlyStore } from "../store/read_only_store.ts";
import { readCatalogue } from "./catalogue.ts";
import { commitEntry } from "./commit.ts";
import { newId, removeStaging } from "./staging.ts";
import { type EngineContext, throwIfInterrupted } from "./context.ts";
import { mergeRanges } from "./ledger.ts";
import {
  type LegacyBlockReport,
  type PayloadSink,
  readLegacyBlock,
} from "./legacy_block.ts";
import {
  type LegacyCandidate,
  readLegacyCatalogue,
} from "./legacy_catalogue.ts";
import type { LegacyPlace } from "./legacy_shards.ts";
import { reportOfProblem } from "./health.ts";
import type {
  EntrySummary,
  FileDamage,
  HealthReport,
  ImportReport,
  PayloadRange,
} from "./report.ts";
import { StreamDigest } from "./stream_digest.ts";

/** What to import, with the folder resolved to a store. */
export interface ResolvedImport {
  /** Root of the store that the old archive is. */
  readonly root: string;
  /** Verify only; write nothing. */
  readonly dryRun: boolean;
}

/** Imports all entries, one report each, as it is done. @throws {Failure} `interrupted`, `offline`, … */
export async function* importEntries(
  request: ResolvedImport,
  context: EngineContext,
): AsyncGenerator<ImportReport> {
  const store = new ReadOnlyStore(context.storeOf(request.root));
  const present = new Map<string, EntrySummary>();
  for (const { summary } of readCatalogue(context).entries) {
    present.set(keyOf(summary), summary);
  }
  for (const candidate of readLegacyCatalogue(store, context)) {
    throwIfInterrupted(context);
    const startMs = context.clock.monotonicMs();
    const report = await importCandidate(
      candidate,
      { store, present, dryRun: request.dryRun },
      context,
    );
    if (report.outcome === "imported" && report.entry !== undefined) {
      present.set(keyOf(report.entry), report.entry);
    }
    yield { ...report, elapsedMs: context.clock.monotonicMs() - startMs };
  }
}

/** Verifies all entries of blockframe-rs and changes nothing. @throws {Failure} as importEntries */
export async function* examineLegacyEntries(
  root: string,
  context: EngineContext,
): AsyncGenerator<HealthReport> {
  const store = new ReadOnlyStore(context.storeOf(root));
  for (const { folder, found } of readLegacyCatalogue(store, context)) {
    throwIfInterrupted(context);
    if (found.kind === "problem") {
      yield reportOfProblem(found.problem);
      continue;
    }
    const startMs = context.clock.monotonicMs();
    const place = { store, folder, entry: found.entry };
    const examined = await examinePlace(place, "health", context);
    yield {
      ...healthOf(place, examined),
      elapsedMs: context.clock.monotonicMs() - startMs,
    };
  }
}

type Report = Omit<ImportReport, "elapsedMs">;

interface ImportRun {
  readonly store: ReadOnlyStore;
  readonly present: ReadonlyMap<string, EntrySummary>;
  readonly dryRun: boolean;
}

function keyOf(
  entry: { readonly name: string; readonly root: string },
): string {
  return `${entry.root} ${entry.name}`;
}

async function importCandidate(
  candidate: LegacyCandidate,
  run: ImportRun,
  context: EngineContext,
): Promise<Report> {
  const { folder, name, originalHash: root, found } = candidate;
  const nothing = { folder, damage: [], lostRanges: [] };
  if (found.kind === "problem") {
    const { code, problem } = found.problem;
    return {
      ...nothing,
      name,
      root,
      payloadBytes: 0,
      outcome: "failed",
      problem,
      problemCode: code,
    };
  }
  const { entry } = found;
  const base = {
    ...nothing,
    name: entry.name,
    root,
    payloadBytes: entry.layout.payloadBytes,
  };
  const old = run.present.get(keyOf({ name: entry.name, root }));
  if (old !== undefined) return { ...base, outcome: "present", entry: old };
  const place = { store: run.store, folder, entry };
  try {
    return run.dryRun
      ? { ...base, ...dryOutcome(await examinePlace(place, "import", context)) }
      : { ...base, ...await importPlace(place, context) };
  } catch (error) {
    if (!isFailure(error)) throw error;
    if (["offline", "interrupted"].includes(error.code)) throw error;
    return {
      ...base,
      outcome: error.code === "damaged" ? "lost" : "failed",
      problem: messageOf(error),
      problemCode: error.code,
    };
  }
}

/** What reading all of an entry came to. */
interface Examined {
  readonly damage: readonly FileDamage[];
  readonly lostRanges: readonly PayloadRange[];
  /** Set where every shard is right and the payload as a whole is not. */
  readonly problem?: string;
}

function dryOutcome(
  { problem, damage, lostRanges }: Examined,
): Pick<
  Report,
  "outcome" | "damage" | "lostRanges" | "problem" | "problemCode"
> {
  if (problem !== undefined) {
    return {
      outcome: "lost",
      damage,
      lostRanges,
      problem,
      problemCode: "damaged",
    };
  }
  const outcome = lostRanges.length > 0 ? "lost" : "importable";
  return { outcome, damage, lostRanges };
}

/** Verifies every shard, rebuilds what is lost to see whether it can be, and writes nothing. */
async function examinePlace(
  place: LegacyPlace,
  operation: "import" | "health",
  context: EngineContext,
): Promise<Examined> {
  using digest = new StreamDigest(context.codec);
  let bytesInOrder = 0;
  const sink: PayloadSink = (bytes, payloadOffset) => {
    if (payloadOffset !== bytesInOrder) return;
    digest.append(bytes);
    bytesInOrder += bytes.length;
  };
  const examined = await readBlocks(place, operation, context, sink);
  // Where data was damaged, what was read is not the payload; import verifies what it rebuilt.
  const isWhole = examined.damage.every((item) => item.role === "parity") &&
    examined.lostRanges.length === 0;
  if (!isWhole || formatHex(digest.finish()) === place.entry.originalHash) {
    return examined;
  }
  return {
    ...examined,
    problem: "its segments match their hashes, but not the hash of the file",
  };
}

async function importPlace(
  place: LegacyPlace,
  context: EngineContext,
): Promise<Pick<Report, "outcome" | "damage" | "lostRanges" | "entry">> {
  const { name, originalHash } = place.entry;
  const staging = stagingFolder(newId(context));
  const path = `${staging}/payload`;
  try {
    context.store.makeFolder(staging);
    const { damage, lostRanges } = await stagePayload(place, path, context);
    if (lostRanges.length > 0) return { outcome: "lost", damage, lostRanges };
    const report = await commitEntry({
      source: { root: context.root, path },
      sourceLabel: place.folder,
      name,
      knownRoot: originalHash,
    }, context);
    const { source: _source, elapsedMs: _elapsedMs, ...entry } = report;
    return { outcome: "imported", damage, lostRanges, entry };
  } finally {
    removeStaging(staging, context);
  }
}

async function stagePayload(
  place: LegacyPlace,
  path: string,
  context: EngineContext,
): Promise<Examined> {
  using file = context.store.openFile(path, "create");
  try {
    return await readBlocks(
      place,
      "import",
      context,
      (bytes, payloadOffset) => file.writeFrom(bytes, payloadOffset),
    );
  } catch (error) {
    if (!isFailure(error, "no-space")) throw error;
    throw new Failure(
      "no-space",
      `Cannot import "${place.folder}": the archive's disk is full; besides the new entry it needs ` +
        `${
          formatSize(place.entry.layout.payloadBytes)
        } for as long as it is imported`,
      { cause: error },
    );
  }
}

async function readBlocks(
  place: LegacyPlace,
  operation: "import" | "health",
  context: EngineContext,
  sink: PayloadSink,
): Promise<Examined> {
  const { layout, name } = place.entry;
  const bytesTotal = shardBytesOf(layout);
  context.emit({ kind: "start", operation, name, bytesTotal });
  let bytesDone = 0;
  const onRead = (bytes: number) => {
    bytesDone += bytes;
    context.emit({
      kind: "progress",
      bytesDone: Math.min(bytesDone, bytesTotal),
      bytesTotal,
    });
  };
  const damage: FileDamage[] = [], lostRanges: PayloadRange[] = [];
  for (let block = 0; block < legacyBlockCount(layout); block++) {
    throwIfInterrupted(context);
    const report: LegacyBlockReport = await readLegacyBlock(
      place,
      block,
      context,
      sink,
      onRead,
    );
    for (const item of report.damage) {
      damage.push(item);
      context.emit({ kind: "damage", folder: place.folder, damage: item });
    }
    lostRanges.push(...report.lostRanges);
  }
  context.emit({ kind: "finish", operation });
  return { damage, lostRanges: mergeRanges(lostRanges) };
}

/** All bytes that are read; near enough for progress. */
function shardBytesOf(layout: LegacyLayout): number {
  let bytes = layout.payloadBytes;
  for (let block = 0; block < legacyBlockCount(layout); block++) {
    bytes += legacyParityShards * legacyCodeBytes(layout, block);
  }
  return bytes;
}

function healthOf(place: LegacyPlace, examined: Examined): HealthReport {
  const { folder, entry } = place;
  const { layout } = entry;
  const { damage, lostRanges, problem } = examined;
  const isLost = lostRanges.length > 0;
  return {
    id: entry.originalHash.slice(0, idDigits),
    name: entry.name,
    folder,
    state: isLost ? "lost" : damage.length > 0 ? "repairable" : "healthy",
    payloadBytes: layout.payloadBytes,
    segmentCount: legacySegmentCount(layout),
    parityCount: legacyParityShards * legacyBlockCount(layout),
    damage,
    lostRanges,
    lostParityLeafCount: 0,
    strangers: [],
    ...(problem === undefined
      ? {}
      : { problem, problemCode: "unreadable" as const }),
    elapsedMs: 0,
  };
}
