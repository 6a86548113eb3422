// TreeStore: a store of which also is seen and set what belongs to a tree of somebody's files: links,
// times in nanoseconds, modes of folders, extended attributes, holes. The engine reads the source of
// a tree and writes a restored one through it; archives need none of it.
//
// The rules of Store hold: a path never leads through a link, and a link's target is text that is
// stored and never resolved. What a system or a sandbox cannot do is in `capabilities`, and the
// methods then do the nearest (times in milliseconds, no attributes, no holes).

import type { Bytes } from "../base/bytes.ts";
import type { Store } from "./store.ts";

/** What lies at a path; "other" is a device, a pipe or a socket. */
export type TreeKind = "file" | "folder" | "link" | "other";

/** What a store can see and set exactly. */
export interface TreeCapabilities {
  /** Times are exact to the nanosecond; else to the millisecond. */
  readonly nanoseconds: boolean;
  /** Extended attributes are seen and set; else there seem to be none. */
  readonly extendedAttributes: boolean;
  /** Holes are seen; else every file seems to be all data. */
  readonly holes: boolean;
}

/** What is known of a path without opening it; links are not followed. */
export interface TreeStat {
  readonly kind: TreeKind;
  /** Size of a file; 0 for the rest. */
  readonly bytes: number;
  /** Names of the file in its file system. */
  readonly linkCount: number;
  /** When the content was last changed, nanoseconds since 1970-01-01 UTC, if known. */
  readonly modifiedNs?: bigint;
  /** When content, names or attributes were last changed, milliseconds, if known: nobody can set it. */
  readonly changedMs?: number;
  /** Permission bits with set-uid, set-gid and sticky (0 to 0o7777), if the system has them. */
  readonly mode?: number;
  /** Numbers of owner and group, if the system has them. */
  readonly userId?: number;
  readonly groupId?: number;
  /** Equal for what lies on the same file system, if known. */
  readonly device?: string;
  /** Equal for the names of one file, and for nothing else, if known. */
  readonly identity?: string;
  /** Bytes that the file takes up on the medium, if known: less than `bytes` if it has holes. */
  readonly allocatedBytes?: number;
}

/** One name in a folder; "unreachable" is a name that is not UTF-8, shown with U+FFFD in it. */
export interface TreeName {
  readonly name: string;
  readonly kind: TreeKind | "unreachable";
}

/** What can be set of a file, a folder or a link (of which only the time). */
export interface TreeAttributes {
  readonly modifiedNs?: bigint;
  readonly mode?: number;
}

/** Extended attributes of a file or folder. */
export interface ExtendedAttributes {
  /** By name, in byte order of the names: `user.*` and the POSIX access lists. */
  readonly values: ReadonlyMap<string, Bytes>;
  /** Names that are there and are not of these kinds. */
  readonly skipped: readonly string[];
}

/** Consecutive bytes of a file. */
export interface DataRange {
  readonly offset: number;
  readonly bytes: number;
}

/** A store that holds trees of somebody's files. Every call throws only {@link Failure}. */
export interface TreeStore extends Store {
  /** What is exact here. */
  readonly capabilities: TreeCapabilities;

  /** What is at `path`, or undefined if nothing is, as below a file. @throws {Failure} */
  statExactly(path: string): TreeStat | undefined;
  /** The names in the folder, in byte order of their UTF-8. @throws {Failure} `not-found` */
  listExactly(path: string): TreeName[];
  /**
   * The target of a link, as it was written.
   * @throws {Failure} `not-found`, `wrong-kind`, `invalid-name` if the target is not UTF-8
   */
  readLink(path: string): string;
  /** Makes a symbolic link to whatever `target` says. @throws {Failure} `exists`, `not-found` */
  makeLink(path: string, target: string): void;
  /**
   * Gives the file `existing` another name.
   * @throws {Failure} `exists`, `not-found`, `wrong-kind` for what is no file
   */
  linkFile(existing: string, path: string): void;
  /**
   * As rename, but a link may be moved as a file may, and may be replaced as a file may.
   * @throws {Failure} as rename
   */
  moveName(source: string, target: string): void;
  /** Sets attributes of a file, a folder (also the root) or a link itself. @throws {Failure} */
  setExactly(path: string, attributes: TreeAttributes): void;
  /** The extended attributes of a file or folder; none of a link. @throws {Failure} */
  readExtended(path: string): ExtendedAttributes;
  /**
   * Sets one extended attribute of a file or folder.
   * @throws {Failure} `invalid-argument` where they cannot be set, or for a name that is not kept
   */
  setExtended(path: string, name: string, value: Bytes): void;
  /**
   * Where a file has data, in order; the rest are holes. May call holes data, never data a hole.
   * @throws {Failure}
   */
  readDataRanges(path: string): DataRange[];
  /** Resolves once all that is in the folder `path` and below is on the medium. @throws {Failure} */
  syncTree(path: string): Promise<void>;
}

/** Whether an extended attribute is one of those that are kept: what a user may set. */
export function isKeptAttribute(name: string): boolean {
  return name.startsWith("user.") || name === "system.posix_acl_access" ||
    name === "system.posix_acl_default";
}

/** Nanoseconds of a millisecond. */
export const nsPerMs = 1_000_000n;

/** Whole milliseconds up to a time. */
export function floorMs(ns: bigint): number {
  const rest = ns % nsPerMs;
  return Number((ns - (rest < 0n ? rest + nsPerMs : rest)) / nsPerMs);
}
