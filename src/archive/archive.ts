// Archive: the engine's face. Opens a folder as an archive and commits, restores, checks, lists,
// finds, shows and removes entries.

import type {
  ArchiveEvent,
  ArchiveListing,
  CommitReport,
  EntrySummary,
  HealthReport,
  RestoreReport,
} from "./report.ts";

/** Sizes at which tiers begin and end, in bytes of payload: a payload below `tier1Max` is tier 1. */
export interface TierLimits {
  readonly tier1Max: number;
  readonly tier2Max: number;
  readonly tier3Max: number;
}

/** How an archive is opened. */
export interface ArchiveOptions {
  /** The folder; commit makes it where it is not there, everything else needs it. */
  readonly path: string;
  /** Threads; 0 runs everything on the calling thread. Default: the cores. */
  readonly workers?: number;
  readonly tiers?: TierLimits;
  /** Upper bound of a segment, bytes. */
  readonly segmentBytes?: number;
  /** "full" (default) syncs files and folders; "fast" is for tests and scratch. */
  readonly durability?: "full" | "fast";
  readonly onEvent?: (event: ArchiveEvent) => void;
  /** Aborting stops at the next leaf run, removes what was staged and throws `interrupted`. */
  readonly signal?: AbortSignal;
}

/** What to commit. */
export interface CommitRequest {
  readonly source: string;
  /** Default: the source's last path component. */
  readonly name?: string;
  /** `erasure:k+m` or `replicate:n`; default: the tier's by size. */
  readonly policy?: string;
}

/** What to restore and where. */
export interface RestoreRequest {
  /** A name (newest entry of that name), an id, or a unique prefix of an id (4 digits or more). */
  readonly selector: string;
  /** Default: the entry's name in the current folder; a folder: the entry's name in it. */
  readonly output?: string;
  /** Write what can be recovered, with zeros in the holes. */
  readonly partial?: boolean;
  /** Replace an existing file. Default: refuse. */
  readonly overwrite?: boolean;
}

/** An open archive. Every method throws only Failure for what the world or the caller got wrong. */
export interface Archive extends AsyncDisposable {
  /** Makes one entry durable and visible. */
  commit(request: CommitRequest): Promise<CommitReport>;
  /** Gives an entry's payload back, verified; never changes the archive. */
  restore(request: RestoreRequest): Promise<RestoreReport>;
  /** Verifies entries (all, or those that the selectors name), repairing unless `repair` is false. */
  health(
    request: {
      readonly selectors?: readonly string[];
      readonly repair: boolean;
    },
  ): AsyncIterable<HealthReport>;
  /** All entries and what could not be read as one. */
  list(): ArchiveListing;
  /** Entries whose name matches: a name, a glob, or a prefix of an id. */
  find(pattern: string): ArchiveListing;
  /** The one entry that the selector names. @throws {Failure} `not-found`, `ambiguous` */
  show(selector: string): EntrySummary;
  /** Removes the one entry that the selector names; several versions of a name are `ambiguous`. */
  remove(selector: string): Promise<EntrySummary>;
}

/** Opens an archive. @throws {Failure} `not-found`, `wrong-kind`, `permission-denied` */
export declare function openArchive(
  options: ArchiveOptions & { create?: boolean },
): Promise<Archive>;
