// Fakes: an archive that says what a test wants, and a world that remembers what was printed.

import type {
  Archive,
  ArchiveOptions,
  ArchiveReader,
  CommitRequest,
  ImportRequest,
  KeepReason,
  PruneRequest,
  RestoreRequest,
} from "../../src/archive/archive.ts";
import type {
  ArchiveListing,
  CleanupItem,
  CommitReport,
  EntrySummary,
  FileDamage,
  FileHash,
  FileRow,
  HealthReport,
  ImportReport,
  Leftover,
  ListedEntry,
  PrunePlan,
  RemovalOutcome,
  RestoreReport,
  TreeOutcome,
} from "../../src/archive/report.ts";
import type { Started } from "../../src/cli/background.ts";
import { runCommandLine } from "../../src/cli/run.ts";
import {
  OutputClosed,
  type Ports,
  type StopSignal,
  type VariableName,
} from "../../src/cli/ports.ts";
import { Failure } from "../../src/base/errors.ts";

/** An entry with sensible numbers, and the ones that a test cares about. */
export function entryOf(parts: Partial<EntrySummary> = {}): EntrySummary {
  return {
    id: "00112233445566ff",
    name: "video.mp4",
    folder: "video.mp4_00112233445566ff",
    created: "2025-06-01T12:30:00.000Z",
    tier: 2,
    policy: "erasure:1+3",
    payloadBytes: 20_000_000,
    storedBytes: 80_100_000,
    root: "ab".repeat(32),
    segmentCount: 1,
    segmentBytes: 33_554_432,
    blockCount: 1,
    dataShards: 1,
    parityShards: 3,
    leafBytes: 65_536,
    ...parts,
  };
}

/** Damage of one segment that was repaired, and what a test changes about it. */
export function damageOf(parts: Partial<FileDamage> = {}): FileDamage {
  const index = parts.index ?? 0;
  return {
    file: parts.role === "parity"
      ? `parity/segment_${parts.block ?? 0}_parity_${index}.dat`
      : `segments/segment_${index}.dat`,
    role: "segment",
    index,
    block: 0,
    cause: "rotten",
    leafCount: 1,
    rebuiltLeafCount: 1,
    repaired: true,
    ...parts,
  };
}

/** A healthy report, and what a test changes about it. */
export function healthOf(parts: Partial<HealthReport> = {}): HealthReport {
  return {
    id: "00112233445566ff",
    name: "video.mp4",
    folder: "video.mp4_00112233445566ff",
    state: "healthy",
    payloadBytes: 20_000_000,
    segmentCount: 120,
    parityCount: 12,
    damage: [],
    lostRanges: [],
    lostParityLeafCount: 0,
    strangers: [],
    elapsedMs: 5,
    ...parts,
  };
}

/** What a restore did with a small tree. */
export function treeOf(parts: Partial<TreeOutcome> = {}): TreeOutcome {
  return {
    fileCount: 3,
    folderCount: 1,
    linkCount: 1,
    hardLinkCount: 1,
    contentBytes: 10_000,
    skippedCount: 0,
    lostFiles: [],
    problems: [],
    attributeProblems: [],
    ...parts,
  };
}

/** A complete restore, and what a test changes about it. */
export function restoreOf(parts: Partial<RestoreReport> = {}): RestoreReport {
  return {
    id: "00112233445566ff",
    name: "video.mp4",
    output: "./video.mp4",
    payloadBytes: 20_000_000,
    damage: [],
    rebuiltLeafCount: 0,
    holes: [],
    complete: true,
    elapsedMs: 5,
    ...parts,
  };
}

/** An archive whose answers a test sets; it remembers what it was asked. */
export class FakeArchive implements Archive {
  entries: EntrySummary[] = [];
  problems: ArchiveListing["problems"] = [];
  reports: HealthReport[] = [];
  legacyReports: HealthReport[] = [];
  importReports: ImportReport[] = [];
  imports: ImportRequest[] = [];
  restored: RestoreReport | Failure = restoreOf();
  /** What committing a source throws; the rest is committed. */
  failingSources: Map<string, Error> = new Map();
  commits: CommitRequest[] = [];
  /** What every commit's report has besides. */
  commitParts: Partial<CommitReport> = {};
  restores: RestoreRequest[] = [];
  healthRequests: { selectors?: readonly string[]; repair: boolean }[] = [];
  removed: string[] = [];
  /** What a tree holds. */
  fileRows: FileRow[] = [];
  filePatterns: (readonly string[])[] = [];
  /** Hashes of stored files; those of content are made from the entry. */
  storedHashes: FileHash[] = [];
  /** Sources whose content the archive has already. */
  unchangedSources: Set<string> = new Set();
  pruneRequests: PruneRequest[] = [];
  /** Reasons by id; what has none goes. */
  pruneReasons: Map<string, readonly KeepReason[]> = new Map();
  cleanupItems: CleanupItem[] = [];
  /** What removing the thing with this id or folder throws or gives. */
  failingRemovals: Map<string, Failure> = new Map();
  /** Runs before each removal of several, with its id or folder. */
  beforeRemoval: (key: string) => void = () => {};
  disposed = 0;
  /** Runs before each commit, with its source. */
  beforeCommit: (source: string) => void = () => {};

  commit(request: CommitRequest): Promise<CommitReport> {
    this.beforeCommit(request.source);
    this.commits.push(request);
    const failure = this.failingSources.get(request.source);
    if (failure !== undefined) return Promise.reject(failure);
    const name = request.name ?? request.source;
    return Promise.resolve({
      ...entryOf({ name }),
      outcome: this.unchangedSources.has(request.source)
        ? "unchanged"
        : "committed",
      source: request.source,
      elapsedMs: 7,
      ...this.commitParts,
    });
  }

  restore(request: RestoreRequest): Promise<RestoreReport> {
    this.restores.push(request);
    request.stream?.write(new TextEncoder().encode("payload"));
    return this.restored instanceof Failure
      ? Promise.reject(this.restored)
      : Promise.resolve(this.restored);
  }

  async *health(
    request: { selectors?: readonly string[]; repair: boolean },
  ): AsyncIterable<HealthReport> {
    this.healthRequests.push(request);
    for (const report of this.reports) yield await Promise.resolve(report);
  }

  async *import(request: ImportRequest): AsyncIterable<ImportReport> {
    this.imports.push(request);
    for (const report of this.importReports) {
      yield await Promise.resolve(report);
    }
  }

  async *healthOfLegacy(): AsyncIterable<HealthReport> {
    for (const report of this.legacyReports) {
      yield await Promise.resolve(report);
    }
  }

  list(): ArchiveListing {
    return { entries: placeVersions(this.entries), problems: this.problems };
  }

  find(pattern: string): ArchiveListing {
    return {
      entries: placeVersions(this.entries).filter((entry) =>
        entry.name.includes(pattern) || entry.id.startsWith(pattern)
      ),
      problems: this.problems,
    };
  }

  show(selector: string): EntrySummary {
    const found = this.entries.find((entry) =>
      entry.name === selector || entry.id.startsWith(selector)
    );
    if (found !== undefined) return found;
    throw new Failure("not-found", `No entry answers to "${selector}"`);
  }

  files(
    _entry: EntrySummary,
    patterns: readonly string[],
  ): Promise<Iterable<FileRow>> {
    this.filePatterns.push(patterns);
    return Promise.resolve(this.fileRows);
  }

  async *hashes(
    entry: EntrySummary,
    of: "content" | "stored",
  ): AsyncIterable<FileHash> {
    const content = [{ file: entry.name, blake3: entry.root }];
    const hashes = of === "content" ? content : this.storedHashes;
    for (const hash of hashes) yield await Promise.resolve(hash);
  }

  remove(selector: string): Promise<EntrySummary> {
    this.removed.push(selector);
    return Promise.resolve(this.show(selector));
  }

  removeEach(
    entries: readonly EntrySummary[],
  ): AsyncIterable<RemovalOutcome<EntrySummary>> {
    return this.#removeItems(entries, (entry) => entry.id);
  }

  planPrune(request: PruneRequest): PrunePlan {
    this.pruneRequests.push(request);
    const groups = Map.groupBy(this.entries, (entry) => entry.name);
    return {
      names: [...groups].map(([name, entries]) => ({
        name,
        versions: entries.map((entry) => ({
          entry,
          reasons: this.pruneReasons.get(entry.id) ?? [],
        })),
      })),
      problems: this.problems,
    };
  }

  openReader(): Promise<ArchiveReader> {
    return Promise.reject(new Failure("io", "A fake has no bytes"));
  }

  leftovers(): readonly Leftover[] {
    return this.cleanupItems.map((item) => item.leftover);
  }

  planCleanup(): readonly CleanupItem[] {
    return this.cleanupItems;
  }

  cleanUp(
    leftovers: readonly Leftover[],
  ): AsyncIterable<RemovalOutcome<Leftover>> {
    return this.#removeItems(leftovers, (leftover) => leftover.folder);
  }

  async *#removeItems<T>(
    items: readonly T[],
    keyOf: (item: T) => string,
  ): AsyncGenerator<RemovalOutcome<T>> {
    for (const item of items) {
      const key = keyOf(item);
      this.beforeRemoval(key);
      const failure = this.failingRemovals.get(key);
      if (failure?.code === "interrupted") throw failure;
      if (failure === undefined) this.removed.push(key);
      yield await Promise.resolve(
        failure === undefined
          ? { kind: "removed", item }
          : { kind: "failed", item, failure },
      );
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.disposed++;
    return Promise.resolve();
  }
}

function placeVersions(entries: readonly EntrySummary[]): ListedEntry[] {
  return entries.map((entry) => {
    const versions = entries.filter((each) => each.name === entry.name);
    return {
      ...entry,
      versionIndex: versions.indexOf(entry),
      versionCount: versions.length,
    };
  });
}

/** A world for one run. */
export interface FakeWorld {
  readonly archive: FakeArchive;
  readonly variables: Partial<Record<VariableName, string>>;
  readonly files: Record<string, string | Error>;
  /** Standard error and output are terminals. */
  isTerminal: boolean;
  stdinIsTerminal: boolean;
  columnCount: number;
  system: Ports["system"];
  answer: string | undefined;
  /** How the answer comes; default: at once. */
  answering: (() => Promise<string | undefined>) | undefined;
  nowMs: number;
  /** What openArchive throws. */
  openError: Error | undefined;
  /** What listing a folder throws. */
  listError: Error | undefined;
  /** Writes to standard output that succeed before its reader goes away. */
  writeCountMax: number;
  opened: ArchiveOptions[];
  /** Whether nothing can be changed any more. */
  gaveUpChanges: boolean;
  exits: number[];
  /** Command lines that were started to stay. */
  startedInBackground: (readonly string[])[];
  /** What becomes of them. */
  started: Started;
  /** Sends a signal to the run. */
  signal: (signal: StopSignal) => void;
  stdout: string;
  stderr: string;
}

/** A world in which nothing is set. */
export function newWorld(parts: Partial<FakeWorld> = {}): FakeWorld {
  return {
    archive: new FakeArchive(),
    variables: {},
    files: {},
    isTerminal: false,
    stdinIsTerminal: false,
    columnCount: 80,
    system: "other",
    answer: undefined,
    answering: undefined,
    nowMs: 0,
    openError: undefined,
    listError: undefined,
    writeCountMax: Infinity,
    opened: [],
    gaveUpChanges: false,
    exits: [],
    startedInBackground: [],
    started: { kind: "serving", line: "" },
    signal: () => {},
    stdout: "",
    stderr: "",
    ...parts,
  };
}

function refuseToWrite(): never {
  throw new Deno.errors.PermissionDenied("Read-only file system (os error 30)");
}

/** The ports of a world. */
export function portsOf(world: FakeWorld): Ports {
  let writeCount = 0;
  return {
    stdout: {
      isTerminal: world.isTerminal,
      write: (text) => {
        if (++writeCount > world.writeCountMax) {
          throw new OutputClosed("Nobody reads the output");
        }
        world.stdout += text;
      },
    },
    stderr: {
      isTerminal: world.isTerminal,
      write: (text) => {
        world.stderr += text;
      },
    },
    stdinIsTerminal: world.stdinIsTerminal,
    stdoutBytes: {
      write: (bytes) => {
        world.stdout += new TextDecoder().decode(bytes);
        return Promise.resolve();
      },
    },
    stdin: { read: () => Promise.resolve(0) },
    clock: { nowMs: () => world.nowMs, monotonicMs: () => world.nowMs },
    system: world.system,
    readAnswer: () => world.answering?.() ?? Promise.resolve(world.answer),
    columnCount: () => world.columnCount,
    readVariable: (name) => world.variables[name],
    readTextFile: (path) => {
      const content = world.files[path];
      if (typeof content === "string") return Promise.resolve(content);
      return Promise.reject(
        content ?? new Deno.errors.NotFound("No such file or directory"),
      );
    },
    openArchive: (request) => {
      world.opened.push(request);
      return world.openError === undefined
        ? Promise.resolve(world.archive)
        : Promise.reject(world.openError);
    },
    onStopSignal: (listener) => {
      world.signal = listener;
      return { [Symbol.dispose]: () => {} };
    },
    giveUpForeignCalls: () => {},
    giveUpSubprocesses: () => {},
    giveUpChanges: () => {
      world.gaveUpChanges = true;
    },
    makeTemporaryFolder: refuseToWrite,
    removeFolder: () => {},
    hasFewNames: (_, countMax) => {
      if (world.listError !== undefined) throw world.listError;
      return world.archive.entries.length <= countMax;
    },
    absolutePath: (path) => path.startsWith("/") ? path : `/here/${path}`,
    mountView: () => Promise.reject(new Error("nothing is mounted here")),
    startBackground: (args) => {
      world.startedInBackground.push(args);
      return Promise.resolve(world.started);
    },
    exit: (code) => {
      world.exits.push(code);
    },
  };
}

/** Runs a command line in a world. */
export function run(
  world: FakeWorld,
  ...args: readonly string[]
): Promise<number> {
  return runCommandLine(args, portsOf(world));
}

/** The JSON documents on standard output. */
export function documentsOf(world: FakeWorld): Record<string, unknown>[] {
  return world.stdout.split("\n").filter((line) => line !== "").map((line) =>
    JSON.parse(line)
  );
}
