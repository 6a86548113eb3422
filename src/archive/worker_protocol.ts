// Worker protocol: the jobs that the engine gives to its threads, and what comes back. Plain data
// only: names, numbers, digests. File bytes never travel; a worker reads and writes them itself.

import type { Bytes } from "../base/bytes.ts";
import type { FailureCode } from "../base/errors.ts";
import type { DataRange } from "../format/file_row.ts";
import type { Geometry, RowRun } from "../format/geometry.ts";
import type { Slab, SlabShard } from "../format/slab.ts";
import type { MadeName } from "../store/owners.ts";
import type { DamageCause } from "./report.ts";

/** A path in the store that has this root. */
export interface StorePath {
  readonly root: string;
  readonly path: string;
}

/** What a thread reads a run of the payload from. */
export type PayloadSource =
  /** A file whose bytes are the payload. */
  | { readonly kind: "file"; readonly file: StorePath }
  /** A folder of files whose bytes, `pieceBytes` each, are the payload (spool.ts). */
  | {
    readonly kind: "spool";
    readonly spool: StorePath;
    readonly pieceBytes: number;
  }
  /** The data shards of the entry itself: they are there, and only parity is to be written. */
  | { readonly kind: "stored" }
  /** Files of a tree, each with its part of the run. */
  | PieceSource;

/** The pieces of files that make the data shards of a run. */
export interface PieceSource {
  readonly kind: "pieces";
  readonly root: string;
  /** In the order of the shards; each lies in one shard. */
  readonly pieces: readonly SourcePiece[];
  /** What becomes zeros and is told, instead of a failure. */
  readonly tolerated: readonly PieceProblem["reason"][];
}

/** Consecutive bytes of a file of a tree, and where they belong. */
export interface SourcePiece {
  /** The file's number in the tree. */
  readonly file: number;
  readonly path: string;
  /** Size and times of the file when it was looked at: with others its content is another. */
  readonly fileBytes: number;
  readonly modifiedMs?: number;
  readonly changedMs?: number;
  readonly fileOffset: number;
  readonly payloadOffset: number;
  readonly bytes: number;
}

/** Why a file of a tree could not be read as it was planned. */
export interface PieceProblem {
  readonly file: number;
  readonly reason: "changed" | "vanished" | "unreadable";
  readonly problem: string;
}

/** Read a run of the source, hash it, compute its parity, write all its shards. */
export interface EncodeJob {
  readonly kind: "encode";
  readonly source: PayloadSource;
  /** The folder in which the shard files already lie, at their final sizes. */
  readonly entry: StorePath;
  readonly geometry: Geometry;
  readonly run: RowRun;
}

/** Read a run of a column back, compare it with its digests, compute and write its parity. */
export interface EncodeColumnJob {
  readonly kind: "encode-column";
  /** The folder in which the shard files lie, at their final sizes, the segments written. */
  readonly entry: StorePath;
  readonly geometry: Geometry;
  readonly run: RowRun;
  /** Laid out as Outboard.readRun gives them; those of the parity are not known yet. */
  readonly digests: Bytes;
}

/** Where all good leaves of a shard go, when its own file cannot be mended in place. */
export interface ShardRedirect {
  readonly shard: number;
  /** Path inside the entry's folder. */
  readonly path: string;
}

/** Read a run of an entry, verify every leaf, rebuild what fails; perhaps write it somewhere. */
export interface ScanJob {
  readonly kind: "scan";
  readonly entry: StorePath;
  readonly geometry: Geometry;
  readonly run: RowRun;
  /** The digests to expect, laid out as Outboard.readRun gives them. */
  readonly digests: Bytes;
  /** "data" reads parity only when a data leaf fails; "parity" reads nothing else, and rebuilds nothing. */
  readonly shards: "data" | "all" | "parity";
  /** Write rebuilt leaves back into their shard files. */
  readonly repair: boolean;
  readonly redirects: readonly ShardRedirect[];
  /** What receives the verified payload bytes. */
  readonly output?: PayloadOutput;
}

/** Where verified payload bytes go. */
export type PayloadOutput =
  /** A file that is there, at their payload offsets. */
  | { readonly kind: "file"; readonly file: StorePath }
  /** The files of a tree that these bytes belong to. */
  | {
    readonly kind: "tree";
    readonly root: string;
    readonly files: readonly OutputFile[];
  }
  /** Memory that holds what lies from `payloadOffset` on; the rest is dropped. Zeros before. */
  | {
    readonly kind: "memory";
    readonly payloadOffset: number;
    readonly target: SharedBytes;
  };

/** A file of a tree, and which of the bytes at hand are its. */
export interface OutputFile {
  /** The number of the file, for the answer. */
  readonly index: number;
  readonly path: string;
  /** Its size, holes included. */
  readonly bytes: number;
  /** No other job writes to it: it is to be made, at its size; else it is there, at its size. */
  readonly isWhole: boolean;
  readonly parts: readonly OutputPart[];
}

/** Consecutive bytes of the payload and where they are in a file. */
export interface OutputPart {
  readonly payloadOffset: number;
  readonly fileOffset: number;
  readonly bytes: number;
}

/** A file that could not be made, for reasons of its own: its name, most likely. */
export interface RefusedFile extends Obstacle {
  readonly index: number;
}

/** Rebuild what the rows of single blocks could not: rows and columns of a group, in turns. */
export interface SlabJob {
  readonly kind: "slab";
  readonly entry: StorePath;
  readonly geometry: Geometry;
  readonly slab: Slab;
  /** The leaves that are wanted: in all rows of the slab. */
  readonly lost: readonly SlabShard[];
  /** For each shard of shardsOfSlab, one digest a row. */
  readonly digests: Bytes;
  /** Write rebuilt leaves back into their shard files. */
  readonly repair: boolean;
  readonly redirects: readonly (SlabShard & { readonly path: string })[];
  /** What receives the rebuilt payload bytes; its files are there. */
  readonly output?: PayloadOutput;
}

/** Memory that several threads see. Whoever gives a job owns these bytes; only the job writes them. */
export interface SharedBytes {
  readonly buffer: SharedArrayBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** Read consecutive rows of one shard into memory, verified; nothing is rebuilt. */
export interface LoadJob {
  readonly kind: "load";
  readonly entry: StorePath;
  readonly geometry: Geometry;
  readonly run: RowRun;
  readonly shard: number;
  /** The digest to expect of each row. */
  readonly digests: Bytes;
  /** Where the rows go: parts of equal size but for the last, together as long as the rows. */
  readonly targets: readonly SharedBytes[];
}

/** Digest the content of files of a tree from the payload that an entry has stored. */
export interface HashJob {
  readonly kind: "hash";
  readonly entry: StorePath;
  readonly geometry: Geometry;
  readonly slices: readonly FileSlice[];
}

/** Part of a file's content: 64 KiB leaves of it from one of them on. */
export interface FileSlice {
  /** A multiple of 64 KiB. */
  readonly fileOffset: number;
  /** At least 1. */
  readonly bytes: number;
  /** The file has no more than one leaf. */
  readonly isWhole: boolean;
  /** Where its bytes lie in the payload; zeros where nothing lies. */
  readonly data: readonly DataRange[];
}

/** What a thread can be asked to do. */
export type Job =
  | EncodeJob
  | EncodeColumnJob
  | ScanJob
  | SlabJob
  | LoadJob
  | HashJob;

/** One leaf that failed verification. */
export interface LeafFinding {
  readonly row: number;
  readonly cause: DamageCause;
  /** Its bytes were rebuilt from the row and match their digest. */
  readonly rebuilt: boolean;
  /** The rebuilt bytes were written back. */
  readonly written: boolean;
}

/** Why something could not be written. */
export interface Obstacle {
  readonly code: FailureCode;
  readonly message: string;
}

/** What was wrong with one shard in a run. Shards without fault are not listed. */
export interface ShardFinding {
  readonly shard: number;
  readonly leaves: readonly LeafFinding[];
  /** The file's length differs from what the manifest says, or there is no file. */
  readonly lengthCause?: "missing" | "truncated" | "overlong";
  /** Why writing back failed. */
  readonly obstacle?: Obstacle;
}

/** What a slab came to, of one shard: what was wanted of it, and what else had to be rebuilt. */
export interface SlabFinding extends ShardFinding {
  readonly block: number;
}

/** What comes back. A failure is a value: nothing is thrown across threads. */
export type JobResult =
  | {
    readonly kind: "encoded";
    readonly digests: Bytes;
    /** Files of which a piece is zeros now, because the source tolerates it. */
    readonly problems: readonly PieceProblem[];
  }
  /** The digests of all leaves of all slices, one after the other. */
  | { readonly kind: "hashed"; readonly digests: Bytes }
  | {
    readonly kind: "scanned";
    readonly findings: readonly ShardFinding[];
    /** Files of the output that could not be made; their bytes went nowhere. */
    readonly refused: readonly RefusedFile[];
  }
  | { readonly kind: "solved"; readonly findings: readonly SlabFinding[] }
  /** Rows, by their index in the run, whose bytes in memory are not to be believed. */
  | { readonly kind: "loaded"; readonly faultyRows: readonly number[] }
  | {
    readonly kind: "failed";
    readonly code: FailureCode | "internal";
    readonly message: string;
  };

/** Main thread to worker. */
export interface WorkerRequest {
  readonly ticket: number;
  readonly job: Job;
}

/** Worker to main thread. */
export interface WorkerReply {
  readonly ticket: number;
  readonly result: JobResult;
  /** What the job made in the archive as root; absent if nothing. */
  readonly made?: readonly MadeName[];
}
