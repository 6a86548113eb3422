// Store: named bytes. A tree of folders and plain files below one root, read and written by
// offset, made durable on demand. It knows no shard, no entry and no archive.
//
// Paths are relative, "/"-separated, and never leave the root: no empty component, no ".", no "..",
// no NUL (`unsafe-path`). Nothing below the root is followed: a symbolic link or a special file is
// `unsafe-path` anywhere in a path, but for the last component of stat, where it is kind "other",
// and of removeFile and removeTree, which remove the link itself.
//
// Any call may also fail with `permission-denied`, `io`, or `offline` (the root that was there is
// gone: an unplugged disk is not an empty one).
//
// All calls but syncFiles are synchronous: the engine runs them inside workers, where a blocking
// read straight into WASM memory is several times faster than an asynchronous one.

import type { Bytes } from "../base/bytes.ts";

/** What lies at a path. "other" is a symbolic link, a device, a pipe or a socket. */
export type StoreKind = "file" | "folder" | "other";

/** What is known of a path without opening it; links are not followed. */
export interface StoreStat {
  readonly kind: StoreKind;
  /** Size of a file; 0 for the rest. */
  readonly bytes: number;
  /** Bytes that a file takes on the medium, holes left out, if known. */
  readonly allocatedBytes?: number;
  /** Names that the file has in its file system: more than 1 means that others share its bytes. */
  readonly linkCount: number;
  /** When the content was last changed, milliseconds since 1970-01-01 UTC, if known. */
  readonly modifiedMs?: number;
  /** When content, names or attributes were last changed; nobody can set it. If known. */
  readonly changedMs?: number;
  /** Permission bits (0 to 0o7777), if the file system has them. */
  readonly mode?: number;
}

/** What can be set of a file besides its bytes. */
export interface FileAttributes {
  readonly modifiedMs?: number;
  readonly mode?: number;
}

/** What tells a file from what it was before. */
export interface FileMeasure {
  readonly bytes: number;
  /** As {@link StoreStat} has them. */
  readonly modifiedMs?: number;
  readonly changedMs?: number;
}

/** One name in a folder. */
export interface StoreName {
  readonly name: string;
  readonly kind: StoreKind;
}

/** How openFile treats what is there: "read" never changes it; "create" needs nothing to be there;
 * "update" opens an existing file for reading and writing; "ensure" is update or else create. */
export type OpenMode = "read" | "create" | "update" | "ensure";

/** An open file. Disposing closes it; nothing is durable before sync. */
export interface StoreFile extends Disposable {
  /**
   * Reads at `offset` until `target` is full or the file ends; gives the count of bytes read.
   * @throws {Failure} `io` and the like
   */
  readInto(target: Bytes, offset: number): number;
  /**
   * Writes all of `source` at `offset`, extending the file where needed.
   * @throws {Failure} `no-space`, `read-only`, `io`
   */
  writeFrom(source: Bytes, offset: number): void;
  /** Cuts or extends (with zeros) to exactly `bytes`. @throws {Failure} */
  truncate(bytes: number): void;
  /** The size now. @throws {Failure} */
  size(): number;
  /** Size and time now, whatever the path leads to by now. @throws {Failure} */
  measure(): FileMeasure;
  /** Returns once content and size are on the medium. @throws {Failure} */
  sync(): void;
}

/**
 * What came of trying to hold a lock file. "held": nobody else holds it until `file` is closed, and no
 * holder of before is alive, as far as the file system can tell. "busy": somebody else holds it.
 * "unsupported": the file system (or this runtime) has no such locks.
 */
export type LockAttempt =
  | { readonly kind: "busy" }
  | {
    readonly kind: "held" | "unsupported";
    readonly file: StoreFile;
    /** Whether `file` was made by this call: with "unsupported" that is a lock, too. */
    readonly created: boolean;
    /** Whether `file` can be written. */
    readonly writable: boolean;
  };

/** A tree of folders and files below one root. Every call throws only {@link Failure}. */
export interface Store {
  /** For messages: where this store is. */
  readonly location: string;

  /** What is at `path` ("" is the root), or undefined if nothing is, as below a file. @throws {Failure} */
  stat(path: string): StoreStat | undefined;
  /** The names in the folder, in byte order of their UTF-8. @throws {Failure} `not-found` */
  list(path: string): StoreName[];
  /** Opens a plain file. @throws {Failure} `not-found`, `exists`, `unsafe-path`, `wrong-kind` */
  openFile(path: string, mode: OpenMode): StoreFile;
  /**
   * Opens a plain file, made where nothing is, and takes its advisory lock without waiting. The lock
   * goes when the file is closed, also by the death of its process. It binds only those who ask for
   * it, and on Windows and SMB may keep others from reading the file. Whoever holds the lock may
   * remove the file: a lock of a file without a name is never given.
   * @throws {Failure} `read-only`, `permission-denied`, `no-space`, `unsafe-path`, `wrong-kind`
   */
  openLockFile(path: string): LockAttempt;
  /**
   * Makes the folder; its parent must be there. An existing folder is fine.
   * @throws {Failure} `not-found`, `wrong-kind` where a file lies
   */
  makeFolder(path: string): void;
  /**
   * Gives `source` the name `target` in one step. A file replaces a file; a folder replaces nothing.
   * @throws {Failure} `not-found`, `exists`, `wrong-kind` for a file in place of a folder
   */
  rename(source: string, target: string): void;
  /** Removes a file, or a link itself. @throws {Failure} `not-found`, `wrong-kind` for a folder */
  removeFile(path: string): void;
  /**
   * Removes a folder and all below it, following no link; the root itself cannot be removed.
   * @throws {Failure} `not-found`, `wrong-kind` for a file
   */
  removeTree(path: string): void;
  /** Returns once the names in the folder are on the medium. @throws {Failure} */
  syncFolder(path: string): void;
  /** Resolves once the content of all these files is on the medium. @throws {Failure} */
  syncFiles(paths: readonly string[]): Promise<void>;
  /**
   * Sets what the file system can hold of the attributes of a plain file. A later write changes the
   * time again, and no sync promises to make them durable. @throws {Failure}
   */
  setAttributes(path: string, attributes: FileAttributes): void;
  /** Bytes that can still be written, or undefined where that cannot be known. */
  freeBytes(): number | undefined;
}
