// Engine: the Archive over any store, executor and clock. What archive.ts opens on a real folder,
// tests open on a store in memory.

import { Failure, isFailure } from "../base/errors.ts";
import type { TimeSpan } from "../base/calendar.ts";
import type { KeepRules } from "../format/prune.ts";
import {
  type Catalogue,
  type CatalogueEntry,
  listingOf,
  readCatalogue,
  type ReadEntry,
  readEntry,
  selectEntries,
  selectNewest,
  selectOnly,
} from "./catalogue.ts";
import { commitEntry, type ResolvedCommit } from "./commit.ts";
import { commitStream, type StreamCommit } from "./commit_stream.ts";
import { commitTree, type ResolvedTree } from "./commit_tree.ts";
import type { EngineContext } from "./context.ts";
import type { Executor } from "./executor.ts";
import type { FileRow } from "../format/file_row.ts";
import { readFileRows } from "./file_table_copies.ts";
import { readAnyManifest } from "./manifest_copies.ts";
import { TreeSelection } from "./tree_select.ts";
import { findEntries } from "./find.ts";
import { hashContent, hashStored } from "./hashes.ts";
import { examineEntry, reportOfProblem } from "./health.ts";
import {
  examineLegacyEntries,
  importEntries,
  type ResolvedImport,
} from "./import.ts";
import { Locks } from "./lock.ts";
import { giveBackMade } from "./owners.ts";
import { judgeLeftovers, readLeftovers, removeLeftovers } from "./leftovers.ts";
import type { ArchiveReader, ReaderOptions } from "./reader.ts";
import { removeEntries, removeFolder } from "./remove.ts";
import { restoreToStream, type StreamOutput } from "./restore_stream.ts";
import type {
  ArchiveListing,
  CleanupItem,
  CommitReport,
  EntrySummary,
  FileHash,
  HealthReport,
  ImportReport,
  Leftover,
  PrunePlan,
  RemovalOutcome,
  RestoreReport,
} from "./report.ts";
import { type ResolvedOutput, restoreEntry } from "./restore.ts";
import { restoreTree, type TreeRequest } from "./tree_restore.ts";
import { planPruneOf } from "./versions.ts";

/** What a health run covers. */
export interface HealthRequest {
  /** Default: every entry. */
  readonly selectors?: readonly string[];
  readonly repair: boolean;
}

/** What a prune covers. */
export interface PruneRequest {
  /** Exact names; default: all. */
  readonly names?: readonly string[];
  /** One rule at least. */
  readonly rules: KeepRules;
}

/** The operations of an archive, with users' paths already resolved to stores. */
export class Engine {
  readonly #context: EngineContext;
  readonly #locks: Locks;

  /** An engine over this context. */
  constructor(context: EngineContext) {
    this.#context = context;
    this.#locks = new Locks(context);
  }

  /** Makes one entry durable and visible. @throws {Failure} */
  async commit(request: ResolvedCommit): Promise<CommitReport> {
    using lock = await this.#locks.take("writer", "commit");
    const isAlone = lock.isSure;
    return await commitEntry(request, { ...this.#context, isAlone });
  }

  /** Makes one entry of a stream durable and visible. @throws {Failure} */
  async commitStream(request: StreamCommit): Promise<CommitReport> {
    using _lock = await this.#locks.take("writer", "commit");
    return await commitStream(request, this.#context);
  }

  /** Makes one entry of a folder. @throws {Failure} */
  async commitTree(request: ResolvedTree): Promise<CommitReport> {
    using lock = await this.#locks.take("writer", "commit");
    const isAlone = lock.isSure;
    return await commitTree(request, { ...this.#context, isAlone });
  }

  /** The entry that a restore of `selector` gives back. @throws {Failure} */
  select(selector: string): ReadEntry {
    return this.#select((catalogue) => selectNewest(catalogue, selector));
  }

  /** Restores an entry. @throws {Failure} */
  restore(
    entry: ReadEntry,
    output: ResolvedOutput,
  ): Promise<RestoreReport> {
    return restoreEntry(entry, output, this.#context);
  }

  /** Restores a tree, or a part of it. @throws {Failure} */
  restoreTree(
    entry: ReadEntry,
    request: TreeRequest,
  ): Promise<RestoreReport> {
    return restoreTree(entry, request, this.#context);
  }

  /** Writes an entry's payload to a stream. @throws {Failure} */
  restoreToStream(
    entry: ReadEntry,
    output: StreamOutput,
  ): Promise<RestoreReport> {
    return restoreToStream(entry, output, this.#context);
  }

  /** Verifies and perhaps repairs; one report an entry, as it is done. @throws {Failure} */
  async *health(request: HealthRequest): AsyncGenerator<HealthReport> {
    using _lock = request.repair
      ? await this.#locks.take("repair", "health")
      : undefined;
    const catalogue = this.#catalogue();
    const { folders, problems } = selectFolders(catalogue, request.selectors);
    if (request.selectors === undefined) this.#mentionLeftovers(catalogue);
    for (const problem of problems) yield reportOfProblem(problem);
    const bytes = folders.reduce(
      (sum, entry) => sum + entry.summary.storedBytes,
      0,
    );
    const versions = Map.groupBy(
      catalogue.entries,
      (each) => each.summary.name,
    );
    await using executor = this.#context.openExecutor({ workBytes: bytes });
    try {
      for (const entry of folders) {
        const report = await this.#examine(entry, request.repair, executor);
        if (report === undefined) continue;
        const versionCount = versions.get(entry.summary.name)!.length;
        yield report.problem === undefined
          ? { ...report, versionCount }
          : report;
      }
    } finally {
      if (request.repair) await giveBackMade(this.#context);
    }
  }

  /** All entries. @throws {Failure} */
  list(): ArchiveListing {
    return listingOf(this.#indexed());
  }

  /** Entries that `pattern` matches. @throws {Failure} */
  find(pattern: string): ArchiveListing {
    const catalogue = this.#indexed();
    return listingOf({
      ...catalogue,
      entries: findEntries(catalogue, pattern),
    });
  }

  /** One entry. @throws {Failure} */
  show(selector: string): EntrySummary {
    return this.select(selector).summary;
  }

  /** Hashes of an entry's content, or of the files that store it. @throws {Failure} */
  async *hashes(
    entry: EntrySummary,
    of: "content" | "stored",
  ): AsyncGenerator<FileHash> {
    yield* of === "content"
      ? hashContent(entry, this.#context)
      : hashStored(entry, this.#context);
  }

  /** What lies in a tree at these paths or globs; everything without any. @throws {Failure} */
  async files(
    { folder, name }: EntrySummary,
    patterns: readonly string[],
  ): Promise<Iterable<FileRow>> {
    const found = readAnyManifest(folder, this.#context);
    const rows = found.kind === "found"
      ? await readFileRows(folder, found.manifest, this.#context)
      : undefined;
    if (rows !== undefined) return selectRows(rows, patterns, name);
    throw new Failure(
      "wrong-kind",
      `"${name}" is a file: only folders that were committed have files to list`,
    );
  }

  /** Removes one entry. @throws {Failure} */
  async remove(selector: string): Promise<EntrySummary> {
    using _lock = await this.#locks.take("writer", "remove");
    const entry = this.#select((catalogue) => selectOnly(catalogue, selector));
    removeFolder(entry.summary, this.#context);
    return entry.summary;
  }

  /** Imports the entries of blockframe-rs; one report an entry. @throws {Failure} */
  async *import(request: ResolvedImport): AsyncGenerator<ImportReport> {
    using _lock = request.dryRun
      ? undefined
      : await this.#locks.take("writer", "import");
    yield* importEntries(request, this.#context);
  }

  /** Verifies the entries of blockframe-rs in the store with this root. @throws {Failure} */
  healthOfLegacy(root: string): AsyncIterable<HealthReport> {
    return examineLegacyEntries(root, this.#context);
  }

  /** Removes entries one after the other, each as it is asked for. @throws {Failure} */
  async *removeEach(
    entries: readonly EntrySummary[],
  ): AsyncGenerator<RemovalOutcome<EntrySummary>> {
    if (entries.length === 0) return;
    using _lock = await this.#locks.take("writer", "remove");
    const outcomes = removeEntries(entries, this.#context);
    for (const outcome of outcomes) yield await pause(outcome);
  }

  /** Which versions a prune keeps; changes nothing. @throws {Failure} */
  planPrune(request: PruneRequest): PrunePlan {
    return planPruneOf(this.#catalogue(), request.names, request.rules);
  }

  /** Folders in which commits and removals work or worked. @throws {Failure} */
  leftovers(): Leftover[] {
    return readLeftovers(this.#context);
  }

  /** Which leftovers a cleanup removes; changes nothing. @throws {Failure} */
  planCleanup(olderThan: TimeSpan): CleanupItem[] {
    return judgeLeftovers(
      { olderThan, isIdle: this.#locks.isFree("writer") },
      this.#context,
    );
  }

  /** Removes leftovers that are still older than that. @throws {Failure} */
  async *cleanUp(
    leftovers: readonly Leftover[],
    olderThan: TimeSpan,
  ): AsyncGenerator<RemovalOutcome<Leftover>> {
    if (leftovers.length === 0) return;
    using lock = await this.#locks.take("writer", "cleanup");
    const outcomes = removeLeftovers(
      leftovers,
      { olderThan, isIdle: lock.isSure },
      this.#context,
    );
    for (const outcome of outcomes) yield await pause(outcome);
  }

  /** Opens verified random access to all payloads. @throws {Failure} `invalid-argument` */
  async openReader(options: ReaderOptions): Promise<ArchiveReader> {
    const { ArchiveReader } = await import("./reader.ts");
    return new ArchiveReader(this.#context, options);
  }

  /** An entry that another process removed meanwhile is no damage. @throws {Failure} `offline` */
  #isRemoved(folder: string): boolean {
    if (this.#context.store.stat(folder) !== undefined) return false;
    const message = `"${folder}" was removed while the archive was examined`;
    this.#context.emit({ kind: "warning", message });
    return true;
  }

  /** One entry that cannot be examined is a report, not the end of the run. */
  async #examine(
    entry: CatalogueEntry,
    repair: boolean,
    executor: Executor,
  ): Promise<HealthReport | undefined> {
    const { folder, summary } = entry;
    try {
      const report = await examineEntry(
        folder,
        repair,
        executor,
        this.#context,
      );
      if (report.problem === undefined || !this.#isRemoved(folder)) {
        return report;
      }
      return undefined;
    } catch (error) {
      if (!isFailure(error) || error.code === "interrupted") throw error;
      if (this.#isRemoved(folder)) return undefined;
      if (error.code === "offline") throw error;
      const report = reportOfProblem({
        folder,
        code: "unreadable",
        problem: error.message,
      });
      return { ...report, id: summary.id, name: summary.name };
    }
  }

  #mentionLeftovers(catalogue: Catalogue): void {
    for (const folder of catalogue.leftovers) {
      const message =
        `"${folder}" was left by a commit or removal that was interrupted, unless one is ` +
        `running now; no entry needs it`;
      this.#context.emit({ kind: "warning", message });
    }
  }

  /**
   * The entry that `choose` takes, with its manifest read. Where the index misled it, the whole archive
   * is read. @throws {Failure}
   */
  #select(choose: (catalogue: Catalogue) => CatalogueEntry): ReadEntry {
    const indexed = this.#indexed();
    try {
      const entry = readEntry(choose(indexed), this.#context);
      if (entry !== undefined) return entry;
    } catch (error) {
      const mayBeMisled = indexed.isHearsay &&
        isFailure(error, "not-found", "ambiguous");
      if (!mayBeMisled) throw error;
    }
    const chosen = choose(this.#catalogue());
    const entry = readEntry(chosen, this.#context);
    if (entry !== undefined) return entry;
    throw new Failure(
      "not-found",
      `The entry "${chosen.summary.name}" is not there any more`,
    );
  }

  /** For what only shows entries, or reads the manifest of the one that it takes. */
  #indexed(): Catalogue {
    return readCatalogue(this.#context, { useIndex: true });
  }

  /** For what judges entries by what is there. */
  #catalogue(): Catalogue {
    return readCatalogue(this.#context);
  }
}

/** @throws {Failure} `not-found` at the end, for a pattern that matched nothing */
function* selectRows(
  rows: Iterable<FileRow>,
  patterns: readonly string[],
  name: string,
): Generator<FileRow> {
  const selection = new TreeSelection(patterns);
  for (const row of rows) if (selection.has(row.path)) yield row;
  selection.assertAllFound(name);
}

/** Lets the event loop take a turn, so that a signal is heard between two removals. */
async function pause<T>(value: T): Promise<T> {
  await new Promise<void>((resolve) => setTimeout(resolve, 0));
  return value;
}

function selectFolders(
  catalogue: Catalogue,
  selectors: readonly string[] | undefined,
): { folders: readonly CatalogueEntry[]; problems: Catalogue["problems"] } {
  if (selectors === undefined || selectors.length === 0) {
    return { folders: catalogue.entries, problems: catalogue.problems };
  }
  const entries = new Set<CatalogueEntry>();
  const problems = new Set<Catalogue["problems"][number]>();
  for (const selector of selectors) {
    const problem = catalogue.problems.find((each) => each.folder === selector);
    if (problem !== undefined) problems.add(problem);
    else {for (const entry of selectEntries(catalogue, selector)) {
        entries.add(entry);
      }}
  }
  return { folders: [...entries], problems: [...problems] };
}
