// Archive: the engine's face. Opens a folder as an archive; turns users' paths into stores; decides
// how many threads an operation gets and what they may touch.

import type { ByteReader, ByteWriter } from "../base/byte_stream.ts";
import { formatHex } from "../base/bytes.ts";
import { Failure, messageOf } from "../base/errors.ts";
import {
  indexedEntriesMin,
  leafBytesMax,
  leafBytesMin,
  lockWaitMsDefault,
  resumeBytesMinDefault,
  segmentBytesDefault,
  segmentBytesMax,
  tierLimitsDefault,
} from "../base/limits.ts";
import { systemChance, systemClock } from "../base/ports.ts";
import { Codec } from "../codec/mod.ts";
import { indexFile } from "../format/entry_path.ts";
import type { TimeSpan } from "../base/calendar.ts";
import type { TierLimits } from "../format/policy.ts";
import type { FileRow } from "../format/file_row.ts";
import { DirStore } from "../store/dir_store.ts";
import { DirTreeStore } from "../store/dir_tree_store.ts";
import { SqlitePageFiles } from "../store/page_file.ts";
import type { TreeStore } from "../store/tree_store.ts";
import type {
  EngineContext,
  EngineSettings,
  ExecutorRequest,
  LockSettings,
} from "./context.ts";
import { Engine, type HealthRequest, type PruneRequest } from "./engine.ts";
import { type Executor, InlineExecutor } from "./executor.ts";
import type {
  ArchiveEvent,
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
import type { ResolvedCommit, ResumeWish } from "./commit.ts";
import { resolveTree, type TreeWish } from "./source_tree.ts";
import type { ArchiveReader, ReaderOptions } from "./reader.ts";
import { openSourceStream } from "./source_stream.ts";
import {
  refuseTreeInStream,
  refuseTreeWishes,
  resolveOutput,
  resolveTreeOutput,
} from "./resolve_output.ts";
import { pathFailure, splitPath } from "./user_path.ts";
import { canStartWorkers, WorkerPool } from "./worker_pool.ts";

export type { TimeSpan } from "../base/calendar.ts";
export type { TierLimits } from "../format/policy.ts";
export type { CountRule, KeepReason, KeepRules } from "../format/prune.ts";
export type { TreeWish } from "./source_tree.ts";
export type { PruneRequest } from "./engine.ts";
export type { LiveEntry } from "./live_catalogue.ts";
export type { FileTable } from "../format/file_table.ts";
export type { FileRow } from "../format/file_row.ts";
export type { ArchiveReader, ReaderOptions } from "./reader.ts";

/** How an archive is opened. */
export interface ArchiveOptions {
  /** The folder. */
  readonly path: string;
  /** Make the folder where it is not there. Default: that is `not-found`. */
  readonly create?: boolean;
  /** Threads; 0 runs everything on the calling thread. Default: the cores. */
  readonly workers?: number;
  /** Work up to this size is done on the calling thread, bytes. Default: what threads cost. */
  readonly inlineBytesMax?: number;
  readonly tiers?: TierLimits;
  /** Upper bound of a segment, bytes. */
  readonly segmentBytes?: number;
  /** "full" (default) syncs files and folders; "fast" is for tests and scratch. */
  readonly durability?: "full" | "fast";
  /** How long to wait for another command that writes, milliseconds. Default: a minute. */
  readonly lockWaitMs?: number;
  readonly onEvent?: (event: ArchiveEvent) => void;
  /** Aborting stops at the next run, removes what was staged and throws `interrupted`. */
  readonly signal?: AbortSignal;
}

/** What to commit. */
export interface CommitRequest {
  /** A path; with `stream`, only what messages call it. */
  readonly source: string;
  /** Bytes to read to their end, in place of a file's; `name` is then needed. */
  readonly stream?: ByteReader;
  /** Default: the source's last path component. */
  readonly name?: string;
  /** `erasure:k+m` or `replicate:n`; default: the tier's by size. */
  readonly policy?: string;
  /** Store also what the newest version of the name holds already. Default: store nothing then. */
  readonly force?: boolean;
  /** Whether to go on with a commit of the source that was cut off. Default: where there is one. */
  readonly resume?: ResumeWish;
  /** What of a folder is committed; without meaning for a file. */
  readonly tree?: TreeWish;
}

/** What to restore and where. */
export interface RestoreRequest {
  /** A name (newest entry of that name), an id, or a unique prefix of an id (4 digits or more). */
  readonly selector: string;
  /**
   * Default: the entry's name in the current folder. Of a file, a folder that is there: the entry's
   * name in it. Of a tree: the folder that becomes it, or into which it is put.
   */
  readonly output?: string;
  /** Gets the payload in place of a file; `output` is then only what messages call it. */
  readonly stream?: ByteWriter;
  /** Write what can be recovered, with zeros in the holes. */
  readonly partial?: boolean;
  /** Replace existing files. Default: refuse, before anything is written. */
  readonly overwrite?: boolean;
  /** Of a tree: leave existing files alone, and restore the rest. */
  readonly skipExisting?: boolean;
  /** Of a tree: paths or globs from its root; default: all of it. */
  readonly patterns?: readonly string[];
  /** Of a tree: lines of .gitignore; what matches is left out, with all below it. */
  readonly excludes?: readonly string[];
}

/** What to import. */
export interface ImportRequest {
  /** The folder of an archive of blockframe-rs; only ever read. */
  readonly source: string;
  /** Verify and say what would be imported; write nothing. */
  readonly dryRun: boolean;
}

/** An open archive. Every method throws only Failure for what the world or the caller got wrong. */
export interface Archive extends AsyncDisposable {
  /** Makes one entry durable and visible, unless the newest version of its name is the same. */
  commit(request: CommitRequest): Promise<CommitReport>;
  /** Gives an entry's payload back, verified; never changes the archive. */
  restore(request: RestoreRequest): Promise<RestoreReport>;
  /** Verifies entries (all, or those that the selectors name), repairing unless `repair` is false. */
  health(request: HealthRequest): AsyncIterable<HealthReport>;
  /** Makes entries of those that blockframe-rs wrote; one report an entry, as it is done. */
  import(request: ImportRequest): AsyncIterable<ImportReport>;
  /** Verifies what blockframe-rs wrote into this folder, and changes nothing. */
  healthOfLegacy(): AsyncIterable<HealthReport>;
  /** All entries and what could not be read as one. */
  list(): ArchiveListing;
  /** Entries whose name matches: a part of a name, a glob, or a prefix of an id. */
  find(pattern: string): ArchiveListing;
  /** The one entry that the selector names. @throws {Failure} `not-found`, `ambiguous` */
  show(selector: string): EntrySummary;
  /** What lies in a tree at these paths and globs, and below; everything without any. */
  files(
    entry: EntrySummary,
    patterns: readonly string[],
  ): Promise<Iterable<FileRow>>;
  /** Plain BLAKE3 of an entry's content, or of the files that store it, for other programs. */
  hashes(
    entry: EntrySummary,
    of: "content" | "stored",
  ): AsyncIterable<FileHash>;
  /** Removes the one entry that the selector names; several versions of a name are `ambiguous`. */
  remove(selector: string): Promise<EntrySummary>;
  /** Removes exactly these entries, one after the other; a failure does not stop the next. */
  removeEach(
    entries: readonly EntrySummary[],
  ): AsyncIterable<RemovalOutcome<EntrySummary>>;
  /** Which versions a prune keeps; what has no reason to stay is for removeEach. */
  planPrune(request: PruneRequest): PrunePlan;
  /** Folders that commits and removals left, or work in. */
  leftovers(): readonly Leftover[];
  /** Which leftovers are older than that, and so are for cleanUp. */
  planCleanup(olderThan: TimeSpan): readonly CleanupItem[];
  /** Opens verified random access to all payloads, for a mount; dispose it before the archive. */
  openReader(options: ReaderOptions): Promise<ArchiveReader>;
  /** Removes leftovers, but for those that are not older than that any more. */
  cleanUp(
    leftovers: readonly Leftover[],
    olderThan: TimeSpan,
  ): AsyncIterable<RemovalOutcome<Leftover>>;
}

/** Opens an archive. @throws {Failure} `not-found`, `wrong-kind`, `permission-denied` */
export function openArchive(options: ArchiveOptions): Promise<Archive> {
  try {
    return Promise.resolve(new LocalArchive(options));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Work up to this size is done sooner on the calling thread than a thread is started. */
const inlineBytesMaxDefault = 32 * 1024 * 1024;

/** A job takes some milliseconds, a turn of the event loop about one. */
const jobsPerPause = 4;

/** Memory of one thread's run: tuned by measurement, see docs/performance.md. */
const runBytesMax = 16 * 1024 * 1024;

class LocalArchive implements Archive {
  readonly #engine: Engine;
  readonly #root: string;
  /** Folders that had to be made, the archive's first. */
  readonly #made: string[] = [];

  constructor(options: ArchiveOptions) {
    const root = openRoot(options, this.#made);
    this.#root = root;
    const stores = new Map<string, TreeStore>();
    const storeOf = (path: string) => {
      let store = stores.get(path);
      if (store === undefined) stores.set(path, store = new DirTreeStore(path));
      return store;
    };
    const store = new DirTreeStore(root);
    stores.set(root, store);
    const codec = Codec.open();
    const context: EngineContext = {
      store,
      owners: store.owners,
      root,
      codec,
      settings: settingsOf(options),
      clock: systemClock,
      chance: systemChance,
      locking: lockSettingsOf(options),
      index: {
        files: new SqlitePageFiles(store, indexFile),
        entriesMin: indexedEntriesMin,
      },
      emit: options.onEvent ?? (() => {}),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      storeOf,
      treeStoreOf: storeOf,
      openExecutor: (request) =>
        openExecutor(options, request, store, { codec, storeOf }),
    };
    this.#engine = new Engine(context);
  }

  commit(request: CommitRequest): Promise<CommitReport> {
    return attempt(async () => {
      const { source, stream, ...rest } = request;
      using own = stream === undefined
        ? openSourceStream(source, request.name)
        : undefined;
      const reader = stream ?? own;
      if (reader === undefined) {
        return await this.#commitPath(request);
      }
      const name = request.name ?? splitPath(source).name;
      return await this.#engine.commitStream({
        ...rest,
        reader,
        label: source,
        name,
      });
    });
  }

  #commitPath(request: CommitRequest): Promise<CommitReport> {
    const { real, isFolder } = findSource(request.source);
    if (!isFolder) return this.#engine.commit(resolveFile(request, real));
    const wish = { ...request, ...request.tree };
    return this.#engine.commitTree(resolveTree(wish, real, this.#root));
  }

  restore(request: RestoreRequest): Promise<RestoreReport> {
    return attempt(() => {
      const entry = this.#engine.select(request.selector);
      const { stream: writer, output, partial = false } = request;
      if (writer !== undefined) {
        refuseTreeInStream(entry.manifest);
        const label = output ?? "a stream";
        return this.#engine.restoreToStream(entry, { writer, label, partial });
      }
      const { name, files } = entry.manifest;
      if (files !== undefined) {
        const tree = resolveTreeOutput(request, name);
        return this.#engine.restoreTree(entry, tree);
      }
      refuseTreeWishes(request, name);
      return this.#engine.restore(entry, resolveOutput(request, name));
    });
  }

  health(request: HealthRequest): AsyncIterable<HealthReport> {
    return this.#engine.health(request);
  }

  async *import(request: ImportRequest): AsyncGenerator<ImportReport> {
    const root = openRoot({ path: request.source });
    if (root === this.#root && !request.dryRun) {
      throw new Failure(
        "invalid-argument",
        `Cannot import "${request.source}" into itself: it is only read, and new entries need ` +
          `another archive`,
      );
    }
    yield* this.#engine.import({ root, dryRun: request.dryRun });
  }

  healthOfLegacy(): AsyncIterable<HealthReport> {
    return this.#engine.healthOfLegacy(this.#root);
  }

  list(): ArchiveListing {
    return this.#engine.list();
  }

  find(pattern: string): ArchiveListing {
    return this.#engine.find(pattern);
  }

  show(selector: string): EntrySummary {
    return this.#engine.show(selector);
  }

  files(
    entry: EntrySummary,
    patterns: readonly string[],
  ): Promise<Iterable<FileRow>> {
    return this.#engine.files(entry, patterns);
  }

  hashes(
    entry: EntrySummary,
    of: "content" | "stored",
  ): AsyncIterable<FileHash> {
    return this.#engine.hashes(entry, of);
  }

  remove(selector: string): Promise<EntrySummary> {
    return this.#engine.remove(selector);
  }

  removeEach(
    entries: readonly EntrySummary[],
  ): AsyncIterable<RemovalOutcome<EntrySummary>> {
    return this.#engine.removeEach(entries);
  }

  planPrune(request: PruneRequest): PrunePlan {
    return this.#engine.planPrune(request);
  }

  openReader(options: ReaderOptions): Promise<ArchiveReader> {
    return attempt(() => this.#engine.openReader(options));
  }

  leftovers(): readonly Leftover[] {
    return this.#engine.leftovers();
  }

  planCleanup(olderThan: TimeSpan): readonly CleanupItem[] {
    return this.#engine.planCleanup(olderThan);
  }

  cleanUp(
    leftovers: readonly Leftover[],
    olderThan: TimeSpan,
  ): AsyncIterable<RemovalOutcome<Leftover>> {
    return this.#engine.cleanUp(leftovers, olderThan);
  }

  [Symbol.asyncDispose](): Promise<void> {
    // What was made for a commit that failed goes again: an empty folder would pass for an archive.
    try {
      for (const folder of this.#made) Deno.removeSync(folder);
    } catch {
      // It holds something now, and so do those above it.
    }
    return Promise.resolve();
  }
}

/** A promise also for what is thrown at once. */
async function attempt<T>(work: () => Promise<T>): Promise<T> {
  return await work();
}

function settingsOf(options: ArchiveOptions): EngineSettings {
  const segmentBytes = options.segmentBytes ?? segmentBytesDefault;
  if (!(segmentBytes >= leafBytesMin && segmentBytes <= segmentBytesMax)) {
    throw new Failure(
      "invalid-argument",
      `The segment size must be from ${leafBytesMin} to ${segmentBytesMax} bytes`,
    );
  }
  return {
    tiers: options.tiers ?? tierLimitsDefault,
    segmentBytes,
    leafBytesMax,
    durable: options.durability !== "fast",
    runBytesMax,
    resumeBytesMin: resumeBytesMinDefault,
    preflightBytesMin: resumeBytesMinDefault,
  };
}

function lockSettingsOf(options: ArchiveOptions): LockSettings {
  const instance = new Uint8Array(8);
  systemChance.fill(instance);
  // Without it a lock that a dead process left is found out by waiting for its beat.
  const query = { name: "sys", kind: "hostname" } as const;
  const knowsHost = Deno.permissions.querySync(query).state === "granted";
  return {
    pid: Deno.pid,
    ...(knowsHost ? { host: Deno.hostname() } : {}),
    instance: formatHex(instance),
    waitMs: options.lockWaitMs ?? lockWaitMsDefault,
    pause,
  };
}

/** Resolves after `ms`, or sooner once `signal` is aborted. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
  });
}

function openExecutor(
  options: ArchiveOptions,
  request: ExecutorRequest,
  { location: root, owners }: DirStore,
  context: ConstructorParameters<typeof InlineExecutor>[0],
): Executor {
  const {
    workers = navigator.hardwareConcurrency,
    inlineBytesMax = inlineBytesMaxDefault,
  } = options;
  if (
    workers === 0 || request.workBytes <= inlineBytesMax || !canStartWorkers()
  ) return new InlineExecutor(context, jobsPerPause);
  // A thread cannot be given what this process has not: writing, on a read-only look.
  const granted = (name: "read" | "write", paths: readonly string[]) =>
    paths.filter((path) =>
      Deno.permissions.querySync({ name, path }).state === "granted"
    );
  const permissions = {
    read: granted("read", [root, ...request.read ?? []]),
    write: granted("write", [root, ...request.write ?? []]),
  };
  try {
    return new WorkerPool(workers, permissions, (names) => owners.add(names));
  } catch (error) {
    if (!(error instanceof Deno.errors.WouldBlock)) throw error;
    return new InlineExecutor(context, jobsPerPause); // no thread is to be had
  }
}

/** The archive's folder as an absolute path without links. */
function openRoot(options: ArchiveOptions, made: string[] = []): string {
  const cannot = (
    code: "not-found" | "wrong-kind" | "permission-denied" | "io",
    why: string,
  ) => new Failure(code, `Cannot open the archive "${options.path}": ${why}`);
  try {
    if (options.create) made.push(...makeRoot(options.path));
    const root = Deno.realPathSync(options.path);
    if (!Deno.statSync(root).isDirectory) {
      throw cannot("wrong-kind", "it is not a folder");
    }
    return root;
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (error instanceof Deno.errors.NotFound) {
      throw cannot("not-found", "there is no such folder");
    }
    if (error instanceof Deno.errors.AlreadyExists) {
      throw cannot("wrong-kind", "it is not a folder");
    }
    if (
      error instanceof Deno.errors.PermissionDenied ||
      error instanceof Deno.errors.NotCapable
    ) {
      throw cannot("permission-denied", messageOf(error));
    }
    throw cannot("io", messageOf(error));
  }
}

/** Makes the folder, and its name and those above it that had to be made durable; gives them. */
function makeRoot(path: string): string[] {
  const parents: string[] = [];
  for (let folder = path; !isThere(folder);) {
    const parent = splitPath(folder).folder;
    if (parent === folder) break;
    parents.push(folder = parent);
  }
  if (parents.length === 0) return [];
  Deno.mkdirSync(path, { recursive: true });
  for (const parent of parents) {
    // A sandbox may end at the archive. The file systems that we know make the name of a new folder
    // durable together with what is synced in it.
    const query = { name: "read", path: parent } as const;
    if (Deno.permissions.querySync(query).state !== "granted") continue;
    new DirStore(Deno.realPathSync(parent)).syncFolder("");
  }
  return [path, ...parents.slice(0, -1)];
}

/** Whether something is at `path`, or nobody may know. */
function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.NotCapable) return true;
    throw error;
  }
}

/** @throws {Failure} `not-found`, `source-unreadable` */
function findSource(source: string): { real: string; isFolder: boolean } {
  try {
    const real = Deno.realPathSync(source);
    return { real, isFolder: Deno.statSync(real).isDirectory };
  } catch (error) {
    throw sourceFailure(source, error);
  }
}

function resolveFile(request: CommitRequest, real: string): ResolvedCommit {
  const { folder, name } = splitPath(real);
  return {
    source: { root: folder, path: name },
    sourceLabel: request.source,
    sourcePermission: real,
    name: request.name ?? splitPath(request.source).name,
    ...(request.policy === undefined ? {} : { policy: request.policy }),
    force: request.force ?? false,
    ...(request.resume === undefined ? {} : { resume: request.resume }),
  };
}

function sourceFailure(source: string, error: unknown): Failure {
  const cannot = `Cannot commit "${source}"`;
  const isAbsent = error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory;
  if (isAbsent) {
    return new Failure("not-found", `${cannot}: there is no such file`, {
      cause: error,
    });
  }
  const { message } = pathFailure(cannot, error);
  return new Failure("source-unreadable", message, { cause: error });
}
