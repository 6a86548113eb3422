// Report: what the engine tells its callers, as plain data that survives JSON. Damage is data here,
// never an exception. Frontends word it; nothing in here is a sentence.

import type { Failure, FailureCode } from "../base/errors.ts";
export type { FileRow } from "../format/file_row.ts";
export type { FileTableCounts as TreeCounts } from "../format/file_table.ts";
import type { FileTableCounts } from "../format/file_table.ts";
import type { CleanupVerdict } from "../format/cleanup.ts";
import type { KeepReason } from "../format/prune.ts";

/** How a shard file (or a copy of metadata) failed its verification. */
export type DamageCause =
  | "missing" // no such file
  | "truncated" // shorter than the manifest says
  | "overlong" // longer than the manifest says; the surplus is not ours
  | "unreadable" // the medium gave an error
  | "rotten" // bytes that do not match their digest
  | "unsafe"; // a link or special file where a plain file belongs

/** Damage found in one file of an entry. Leaf counts add up over the file. */
export interface FileDamage {
  /** Path inside the entry's folder, "/"-separated. */
  readonly file: string;
  /** What the file holds. */
  readonly role:
    | "segment"
    | "parity"
    | "group"
    | "manifest"
    | "outboard"
    | "table";
  /**
   * Segment number in the payload (role "segment"), else the parity shard's number in its block, or
   * in its column (role "group": parity across blocks).
   */
  readonly index: number;
  /** The block, or the group, the shard belongs to; 0 for metadata. */
  readonly block: number;
  /** The first cause met; a file can have several. */
  readonly cause: DamageCause;
  /** Leaves that failed; 0 where only the length is wrong; 1 for a metadata copy. */
  readonly leafCount: number;
  /** Of those, leaves whose bytes could be rebuilt and verified. */
  readonly rebuiltLeafCount: number;
  /** Whether the file on the medium is right again. */
  readonly repaired: boolean;
  /** Why it was not repaired although it could be rebuilt (no space, read-only, …), if so. */
  readonly obstacle?: string;
  /** The kind of that obstacle. */
  readonly obstacleCode?: FailureCode;
}

/** A run of payload bytes. */
export interface PayloadRange {
  /** From the payload's start. */
  readonly payloadOffset: number;
  readonly bytes: number;
}

/** What a scan of an entry came to. */
export type HealthState =
  | "healthy" // every byte matches
  | "repaired" // damage found; everything is right again on the medium
  | "repairable" // damage found, all of it could be rebuilt, but it was not written back
  | "lost"; // more was lost than can be rebuilt: see lostRanges, lostFiles

/** The health of one entry. */
export interface HealthReport {
  readonly id: string;
  readonly name: string;
  /** The entry's folder in the archive. */
  readonly folder: string;
  /** Entries of this name in the archive; absent where it could not be examined. */
  readonly versionCount?: number;
  readonly state: HealthState;
  readonly payloadBytes: number;
  readonly segmentCount: number;
  readonly parityCount: number;
  readonly damage: readonly FileDamage[];
  /** Payload bytes that cannot be rebuilt. */
  readonly lostRanges: readonly PayloadRange[];
  /** Parity leaves that cannot be rebuilt (no payload byte is lost by this alone). */
  readonly lostParityLeafCount: number;
  /** Files in the entry's folder that are not part of it; left alone. */
  readonly strangers: readonly string[];
  /** Set when the entry could not be examined at all (no readable manifest, newer format). */
  readonly problem?: string;
  /** The kind of that problem. */
  readonly problemCode?: EntryProblem["code"];
  readonly elapsedMs: number;
}

/** What an entry says of itself. */
export interface EntrySummary {
  readonly id: string;
  readonly name: string;
  readonly folder: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly tier: number;
  /** `erasure:k+m` or `replicate:n`. */
  readonly policy: string;
  readonly payloadBytes: number;
  /** Payload, parity and metadata together, as the manifest has it. */
  readonly storedBytes: number;
  /** Plain BLAKE3 of the payload, hexadecimal. */
  readonly root: string;
  readonly segmentCount: number;
  readonly segmentBytes: number;
  readonly blockCount: number;
  readonly dataShards: number;
  readonly parityShards: number;
  /** Parity across blocks, where there is some: groups of blocks, and parity shards of each column. */
  readonly crossBlock?: { readonly groups: number; readonly parity: number };
  readonly leafBytes: number;
  /** The source's modification time, ISO 8601, if known. */
  readonly modified?: string;
  /** Permission bits of the source, octal digits, if known. */
  readonly mode?: string;
  /** Of a tree: what it holds. */
  readonly tree?: FileTableCounts;
}

/** A folder of the archive that could not be read as an entry, and why. Never hides the others. */
export interface EntryProblem {
  readonly folder: string;
  readonly code: "no-manifest" | "unsupported-format" | "unreadable";
  readonly problem: string;
}

/** An entry among the versions of its name. */
export interface ListedEntry extends EntrySummary {
  /** 0 is the newest version of its name, which answers to the name. */
  readonly versionIndex: number;
  /** Entries of this name in the archive. */
  readonly versionCount: number;
}

/** What an archive holds. */
export interface ArchiveListing {
  /** By name, then newest first. */
  readonly entries: readonly ListedEntry[];
  readonly problems: readonly EntryProblem[];
}

/** What a commit made, or the entry that holds the same already. */
export interface CommitReport extends EntrySummary {
  /** "unchanged": nothing was stored; the newest version of the name has this content. */
  readonly outcome: "committed" | "unchanged";
  /** The source as it was given. */
  readonly source: string;
  /** Payload bytes that an earlier commit, which was cut off, had written and that were kept. */
  readonly resumedBytes?: number;
  readonly elapsedMs: number;
  /** Of a tree: what lies in the source and is not in the entry, but for what a pattern excludes. */
  readonly skipped?: readonly SkippedPath[];
  /** Of a tree: files and folders that a pattern excludes. */
  readonly excludedCount?: number;
  /** Of a tree: what of its files could not be kept on this system or in this sandbox. */
  readonly notKept?: readonly TreeLoss[];
}

/** Something in a source tree that is not in the entry. */
export interface SkippedPath {
  readonly path: string;
  readonly reason:
    | "special" // a device, a pipe or a socket
    | "archive" // the archive itself
    | "other-file-system" // a mount point, of which only the folder is stored
    | "unreadable"
    | "changed" // while it was read
    | "vanished"; // since its folder was listed
  /** What the system said. */
  readonly problem?: string;
}

/** Something that was not kept: an attribute by its name, or a kind of things. */
export type TreeLoss =
  | "nanoseconds" // of times: they are kept to the millisecond
  | "extended-attributes"
  | "holes" // of sparse files: they are stored as zeros
  | `attribute:${string}`;

/** A folder that a commit or a removal works in, or left when it was interrupted. */
export interface Leftover {
  readonly folder: string;
  /** Bytes of the files in it. */
  readonly bytes: number;
  readonly fileCount: number;
  /** When anything in it was last changed, ISO 8601, if known. */
  readonly modified?: string;
  /** The commit that works in it or was cut off, where that can be gone on with. */
  readonly commit?: {
    readonly name: string;
    readonly source: string;
    readonly payloadBytes: number;
    /** Payload bytes that were written. */
    readonly bytesDone: number;
  };
}

/** A leftover and what a cleanup does with it. */
export interface CleanupItem {
  readonly leftover: Leftover;
  readonly verdict: CleanupVerdict;
}

/** A version and why it stays; without a reason it goes. */
export interface PruneVersion {
  readonly entry: EntrySummary;
  readonly reasons: readonly KeepReason[];
}

/** What a prune does. */
export interface PrunePlan {
  /** By name; each with its versions, newest first, of which one at least stays. */
  readonly names: readonly {
    readonly name: string;
    readonly versions: readonly PruneVersion[];
  }[];
  /** Folders that could not be read, and so are no versions. */
  readonly problems: readonly EntryProblem[];
}

/** How the removal of one thing of several ended. */
export type RemovalOutcome<T> =
  | { readonly kind: "removed"; readonly item: T }
  | { readonly kind: "failed"; readonly item: T; readonly failure: Failure };

/** A file and the plain BLAKE3 of what belongs in it, hexadecimal. */
export interface FileHash {
  /** Of content: a name or path as a restore gives it; of stored files: a path in the folder. */
  readonly file: string;
  /** Absent where the file is damaged, and its hash cannot be known. */
  readonly blake3?: string;
}

/** What a restore gave back. */
export interface RestoreReport {
  readonly id: string;
  readonly name: string;
  /** Where the bytes are now; undefined when nothing was written. */
  readonly output?: string;
  readonly payloadBytes: number;
  /** Damage met on the way; nothing in the archive was changed. */
  readonly damage: readonly FileDamage[];
  readonly rebuiltLeafCount: number;
  /** Ranges that are holes (zeros) in the output of a partial restore. */
  readonly holes: readonly PayloadRange[];
  /** Complete and verified against the root. */
  readonly complete: boolean;
  readonly elapsedMs: number;
  /** Of a tree: what became of what is in it. */
  readonly tree?: TreeOutcome;
}

/** What a restore did with the files of a tree. Counts are of what is in the output now. */
export interface TreeOutcome {
  readonly fileCount: number;
  readonly folderCount: number;
  readonly linkCount: number;
  /** Further names of files. */
  readonly hardLinkCount: number;
  /** Sizes of the files, holes included. */
  readonly contentBytes: number;
  /** Names that were there already, and left alone. */
  readonly skippedCount: number;
  /** Files of which bytes are lost: left out, or with zeros in the holes in a partial restore. */
  readonly lostFiles: readonly LostFile[];
  /** What could not be made, each for a reason of its own: its name, most likely. */
  readonly problems: readonly PathProblem[];
  /** What is there but for some of its attributes. */
  readonly attributeProblems: readonly PathProblem[];
}

/** A file of a tree of which bytes are lost. */
export interface LostFile {
  readonly path: string;
  readonly ranges: readonly {
    readonly fileOffset: number;
    readonly bytes: number;
  }[];
}

/** What is wrong with one path of a tree. */
export interface PathProblem {
  readonly path: string;
  readonly code: FailureCode;
  readonly message: string;
}

/** What the import of one entry of blockframe-rs came to. */
export interface ImportReport {
  /** The entry's folder in the archive of blockframe-rs. */
  readonly folder: string;
  readonly name: string;
  /** Plain BLAKE3 of the payload, hexadecimal, as that archive has it. */
  readonly root: string;
  readonly payloadBytes: number;
  readonly outcome: ImportOutcome;
  /** Damage of the source that was met; nothing of it was changed. */
  readonly damage: readonly FileDamage[];
  /** Payload bytes that cannot be rebuilt. */
  readonly lostRanges: readonly PayloadRange[];
  /** The new entry, or the one that was there. */
  readonly entry?: EntrySummary;
  /** Why there is none, where damage alone does not say it. */
  readonly problem?: string;
  /** The kind of that problem. */
  readonly problemCode?: EntryProblem["code"] | FailureCode;
  readonly elapsedMs: number;
}

/** How the import of one entry ended. */
export type ImportOutcome =
  | "imported"
  | "importable" // a dry run would have imported it
  | "present" // an entry of that name and content is there already
  | "lost" // more was lost than can be rebuilt
  | "failed"; // it cannot be read, or the new entry cannot be written

type Operation = "commit" | "restore" | "health" | "import";

/** What the engine tells while it works. */
export type ArchiveEvent =
  | {
    readonly kind: "start";
    readonly operation: Operation;
    readonly name: string;
    /** Bytes that the operation will go through, where that is known. */
    readonly bytesTotal?: number;
    /** Files that it will go through, of a tree. */
    readonly fileCount?: number;
  }
  /** A source tree is being looked at. */
  | {
    readonly kind: "walk";
    readonly name: string;
    readonly fileCount: number;
  }
  /** Something of a source tree does not come into the entry. */
  | {
    readonly kind: "skipped";
    readonly name: string;
    readonly skipped: SkippedPath;
    /** Nobody allowed to leave it out: the commit will fail. */
    readonly refused: boolean;
  }
  | {
    readonly kind: "progress";
    readonly bytesDone: number;
    readonly bytesTotal?: number;
    /** Files gone through, of a tree. */
    readonly filesDone?: number;
  }
  | {
    readonly kind: "damage";
    readonly folder: string;
    readonly damage: FileDamage;
  }
  | {
    readonly kind: "finish";
    readonly operation: Operation;
  }
  | { readonly kind: "warning"; readonly message: string }
  /** A commit goes on with what one that was cut off had written. */
  | {
    readonly kind: "resumed";
    readonly folder: string;
    readonly name: string;
    /** Payload bytes that were written, which are now verified. */
    readonly bytesDone: number;
    readonly bytesTotal: number;
  }
  /** A commit was cut off, and what it has written stays for another to go on with. */
  | {
    readonly kind: "kept";
    readonly folder: string;
    readonly name: string;
    readonly bytesDone: number;
    readonly bytesTotal: number;
  }
  /** For who looks for a mistake. */
  | { readonly kind: "note"; readonly message: string }
  /** Another command writes; this one goes on when it is done. */
  | { readonly kind: "waiting"; readonly message: string };
