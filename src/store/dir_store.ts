// DirStore: a folder of the local file system as a store. The user chooses the root, which may be
// reached through links; below it every component is looked at before it is used, and a link or a
// special file is refused (opening a pipe would block, and a link leads out of a scoped worker).
//
// Not proof against somebody who swaps folders for links while a call runs: Deno has no openat. A
// file that was swapped is noticed after opening, by device and inode. Never asks for a permission.
// Names that are not UTF-8 cannot be reached through Deno: they are kind "other" or not listed.

import { Failure } from "../base/errors.ts";
import { DirFile } from "./dir_file.ts";
import { takeLock } from "./dir_lock.ts";
import { errnoOf, failureOf, formatAttempt, refusal } from "./failure.ts";
import { nodeFileSystem } from "./node_fs.ts";
import { Owners } from "./owners.ts";
import { parsePath, sortNames } from "./path.ts";
import type {
  FileAttributes,
  LockAttempt,
  OpenMode,
  Store,
  StoreFile,
  StoreKind,
  StoreName,
  StoreStat,
} from "./store.ts";

/** Syncs in flight at once: overlapping them lets the file system join its journal commits. */
const syncCountMax = 8;

/** How often openFile looks again at a file that was replaced between looking and opening. */
const openTryCountMax = 16;

/** The files and folders below one folder of the local file system. */
export class DirStore implements Store {
  readonly location: string;
  /** What openFile made for "ensure", and makeFolder, where that is root's. */
  readonly owners: Owners;
  readonly #prefix: string;
  // Device and inode of the root when first seen: a stick that was pulled leaves an empty folder.
  #rootSeen: Deno.FileInfo | undefined;
  // A folder of the root in which something was found: by it the root is known when it comes back as
  // another device.
  #folderSeen: string | undefined;

  /**
   * Names the root; it is not looked at before the first call.
   * @throws {Failure} `invalid-argument` if `root` is empty
   */
  constructor(root: string) {
    if (root === "") {
      throw new Failure(
        "invalid-argument",
        "Cannot open a store: its folder has no name",
      );
    }
    this.location = root;
    this.#prefix = /[/\\]$/.test(root) ? root : `${root}/`;
    this.owners = new Owners(this.#prefix);
  }

  /** What is at `path`, or undefined if nothing is. @throws {Failure} */
  stat(path: string): StoreStat | undefined {
    return this.attempt("look at", path, (attempt) => {
      const info = this.look(attempt, parsePath(path), "stat");
      if (info === undefined) return undefined;
      const kind = kindOf(info);
      return {
        kind,
        bytes: kind === "file" ? info.size : 0,
        linkCount: info.nlink ?? 1,
        // stat(2) counts blocks of 512 bytes, whatever those of the file system are.
        ...(info.blocks === null ? {} : { allocatedBytes: info.blocks * 512 }),
        ...(info.mtime === null ? {} : { modifiedMs: info.mtime.getTime() }),
        ...(info.ctime === null ? {} : { changedMs: info.ctime.getTime() }),
        ...(info.mode === null ? {} : { mode: info.mode & 0o7777 }),
      };
    });
  }

  /** The names in the folder, in byte order. @throws {Failure} */
  list(path: string): StoreName[] {
    return this.attempt("list", path, (attempt) => {
      this.requireFolder(attempt, parsePath(path));
      // A folder with very many names holds mostly folders: only the rest is noted.
      const names: string[] = [], kinds = new Map<string, StoreKind>();
      for (const entry of Deno.readDirSync(this.pathOf(path))) {
        const { name } = entry;
        const kind = this.isLossy(path, name) ? "other" : kindOf(entry);
        names.push(name);
        if (kind !== "folder") kinds.set(name, kind);
      }
      return sortNames(names)
        .map((name) => ({ name, kind: kinds.get(name) ?? "folder" }));
    });
  }

  /** Opens a plain file. @throws {Failure} */
  openFile(path: string, mode: OpenMode): StoreFile {
    const verb = mode === "create" ? "create" : "open";
    return this.attempt(verb, path, (attempt) => {
      const names = parsePath(path);
      for (let tryIndex = 0; tryIndex < openTryCountMax; tryIndex++) {
        const info = this.look(attempt, names, "use");
        if (info === undefined) {
          if (mode === "create") return this.#createFile(path, false);
          if (mode !== "ensure") {
            throw refusal(attempt, "not-found", "nothing is there");
          }
          // Another thread that mends the same file may be faster: then its file is opened.
          const made = unlessThere(() => this.#createFile(path, true));
          if (made !== undefined) return made;
          continue;
        }
        if (mode === "create") {
          throw refusal(attempt, "exists", "something is there already");
        }
        requireKind(attempt, info, "file");
        const file = this.#openExisting(path, info, mode !== "read");
        if (file !== undefined) return file;
      }
      throw refusal(
        attempt,
        "unsafe-path",
        "it is being replaced again and again",
      );
    });
  }

  /** Opens a plain file, made where nothing is, and takes its lock. @throws {Failure} */
  openLockFile(path: string): LockAttempt {
    return this.attempt("lock", path, (attempt) => {
      const names = parsePath(path);
      for (let tryIndex = 0; tryIndex < openTryCountMax; tryIndex++) {
        const info = this.look(attempt, names, "use");
        if (info !== undefined) requireKind(attempt, info, "file");
        const tried = this.#tryLock(path, info === undefined);
        if (tried === undefined) continue;
        if (tried.kind === "busy") return tried;
        const { file, ...rest } = tried;
        let isNamed = false;
        try {
          // Who held it before may have removed it between our looking and our locking.
          const named = this.look(attempt, names, "stat");
          isNamed = named !== undefined && isSame(named, file.statSync());
        } finally {
          if (!isNamed) file.close();
        }
        if (!isNamed) continue;
        const held = new DirFile(file, path, this.location, rest.writable);
        return { ...rest, file: held };
      }
      return { kind: "busy" };
    });
  }

  /** Makes the folder, unless it is there. @throws {Failure} */
  makeFolder(path: string): void {
    this.attempt("make the folder", path, (attempt) => {
      const names = parsePath(path);
      let info = this.look(attempt, names, "use");
      if (info === undefined) {
        const made = unlessThere(() => {
          Deno.mkdirSync(this.pathOf(path));
          return true;
        });
        info = this.require(attempt, names, "use");
        if (made && info.isDirectory) this.owners.note(path, info);
      }
      requireKind(attempt, info, "folder");
    });
  }

  /** Gives `source` the name `target` in one step. @throws {Failure} */
  rename(source: string, target: string): void {
    this.attempt("rename", source, (attempt) => {
      const into = `${attempt} to ${JSON.stringify(target)}`;
      requireNoRoot(into, source);
      requireNoRoot(into, target);
      const moved = this.look(into, parsePath(source), "use");
      const replaced = this.look(into, parsePath(target), "use");
      if (moved === undefined) {
        throw refusal(into, "not-found", "nothing is there");
      }
      if (replaced !== undefined && source !== target) {
        if (moved.isDirectory) {
          throw refusal(into, "exists", "something is there already");
        }
        requireKind(into, replaced, "file");
      }
      try {
        Deno.renameSync(this.pathOf(source), this.pathOf(target));
      } catch (error) {
        throw failureOf(into, error);
      }
      this.owners.rename(source, target);
    });
  }

  /** Removes a file, or a link itself. @throws {Failure} */
  removeFile(path: string): void {
    this.attempt("remove", path, (attempt) => {
      const info = this.require(attempt, parsePath(path), "remove");
      if (info.isDirectory) {
        throw refusal(attempt, "wrong-kind", "it is a folder");
      }
      Deno.removeSync(this.pathOf(path));
    });
  }

  /** Removes a folder and all below it, or a link itself. @throws {Failure} */
  removeTree(path: string): void {
    this.attempt("remove", path, (attempt) => {
      requireNoRoot(attempt, path);
      const info = this.require(attempt, parsePath(path), "remove");
      if (info.isFile) throw refusal(attempt, "wrong-kind", "it is a file");
      // Rust's remove_dir_all unlinks relative to open folders and follows no link.
      Deno.removeSync(this.pathOf(path), { recursive: true });
    });
  }

  /** Sets modification time and permission bits of a file. @throws {Failure} */
  setAttributes(path: string, attributes: FileAttributes): void {
    this.attempt("set attributes of", path, (attempt) => {
      const info = this.require(attempt, parsePath(path), "use");
      requireKind(attempt, info, "file");
      const { modifiedMs, mode } = attributes;
      if (mode !== undefined && Deno.build.os !== "windows") {
        Deno.chmodSync(this.pathOf(path), mode);
      }
      if (modifiedMs !== undefined) {
        const modified = new Date(modifiedMs);
        Deno.utimeSync(this.pathOf(path), modified, modified);
      }
    });
  }

  /** Returns once the names in the folder are on the medium. @throws {Failure} */
  syncFolder(path: string): void {
    this.attempt("sync", path, (attempt) => {
      this.requireFolder(attempt, parsePath(path));
      // Windows has no such call: NTFS journals its names.
      if (Deno.build.os === "windows") return;
      using folder = Deno.openSync(this.pathOf(path));
      try {
        folder.syncSync();
      } catch (error) {
        // Some network and FUSE file systems cannot sync a folder and say so; PostgreSQL's
        // fsync_fname goes on in the same cases.
        if (!["EINVAL", "EBADF", "ENOTSUP"].includes(errnoOf(error) ?? "")) {
          throw error;
        }
      }
    });
  }

  /** Resolves once the content of all these files is on the medium. @throws {Failure} */
  async syncFiles(paths: readonly string[]): Promise<void> {
    let nextIndex = 0;
    const work = async () => {
      while (nextIndex < paths.length) {
        const path = paths[nextIndex++]!;
        try {
          await this.#syncFile(path);
        } catch (error) {
          nextIndex = paths.length;
          throw error;
        }
      }
    };
    const workers = Array.from({ length: syncCountMax }, work);
    const results = await Promise.allSettled(workers);
    for (const result of results) {
      if (result.status === "rejected") throw result.reason;
    }
  }

  /** Bytes that can still be written; undefined unless this process may ask (`--allow-sys=statfs`). */
  freeBytes(): number | undefined {
    const permission = Deno.permissions.querySync({
      name: "sys",
      kind: "statfs",
    });
    if (permission.state !== "granted") return undefined;
    try {
      const statistics = nodeFileSystem()?.statfsSync(this.location);
      return statistics && statistics.bavail * statistics.bsize;
    } catch {
      return undefined;
    }
  }

  // Undefined where the file has come or gone meanwhile.
  #tryLock(path: string, created: boolean) {
    const open = (write: boolean) =>
      Deno.openSync(this.pathOf(path), {
        read: true,
        write,
        createNew: created,
      });
    try {
      return { ...takeLock(open, created), created };
    } catch (error) {
      const changed = created
        ? Deno.errors.AlreadyExists
        : Deno.errors.NotFound;
      if (error instanceof changed) return undefined;
      throw error;
    }
  }

  #createFile(path: string, isNoted: boolean): StoreFile {
    const file = Deno.openSync(this.pathOf(path), {
      read: true,
      write: true,
      createNew: true,
    });
    if (isNoted) this.owners.note(path, file.statSync());
    return new DirFile(file, path, this.location, true);
  }

  // Undefined if `path` is not any more the file that was looked at: a rename took its place, or a
  // link did.
  #openExisting(
    path: string,
    seen: Deno.FileInfo,
    write: boolean,
  ): StoreFile | undefined {
    const file = Deno.openSync(this.pathOf(path), { read: true, write });
    let same = false;
    try {
      same = isSame(seen, file.statSync());
    } finally {
      if (!same) file.close();
    }
    return same ? new DirFile(file, path, this.location, write) : undefined;
  }

  async #syncFile(path: string): Promise<void> {
    const attempt = formatAttempt("sync", path, this.location);
    try {
      const info = this.require(attempt, parsePath(path), "use");
      requireKind(attempt, info, "file");
      using file = Deno.openSync(this.pathOf(path), {
        read: true,
        // FlushFileBuffers needs the right to write; fsync does not.
        write: Deno.build.os === "windows",
      });
      await file.syncData();
    } catch (error) {
      throw failureOf(attempt, error);
    }
  }

  /**
   * What is at the components, or undefined if nothing is. Refuses anything but folders on the way,
   * and a last component that is neither file nor folder where that is to be used.
   */
  protected look(
    attempt: string,
    names: readonly string[],
    purpose: Purpose,
  ): Deno.FileInfo | undefined {
    if (names.length === 0) return this.#lookAtRoot();
    this.#rootSeen ??= this.#lookAtRoot();
    let info: Deno.FileInfo | undefined;
    let reached = this.#prefix;
    for (const [index, name] of names.entries()) {
      reached += index === 0 ? name : `/${name}`;
      info = lstatIfThere(reached);
      if (info === undefined) {
        this.#requireSameRoot(attempt);
        return undefined;
      }
      const kind = kindOf(info);
      const isLast = index === names.length - 1;
      if (kind === "other" && !(isLast && purpose !== "use")) {
        throw refusal(
          attempt,
          "unsafe-path",
          "a link or a special file is in the way",
        );
      }
      if (kind === "file" && !isLast) {
        if (purpose === "stat") return undefined;
        throw refusal(
          attempt,
          "wrong-kind",
          "a file lies where a folder is needed",
        );
      }
    }
    if (names.length > 1) this.#folderSeen = names[0];
    return info;
  }

  /** As look, but something must be there. @throws {Failure} `not-found` */
  protected require(
    attempt: string,
    names: readonly string[],
    purpose: Purpose,
  ): Deno.FileInfo {
    const info = this.look(attempt, names, purpose);
    if (info === undefined) {
      throw refusal(attempt, "not-found", "nothing is there");
    }
    return info;
  }

  /** A folder must be there. @throws {Failure} `not-found`, `wrong-kind` */
  protected requireFolder(attempt: string, names: readonly string[]): void {
    requireKind(attempt, this.require(attempt, names, "use"), "folder");
  }

  #lookAtRoot(): Deno.FileInfo | undefined {
    try {
      return Deno.statSync(this.location);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      // A worker that may read one file of the folder only has no business with the rest.
      if (error instanceof Deno.errors.NotCapable) return undefined;
      throw error;
    }
  }

  // Nothing at a path is only believed while the root is the one that was there before.
  #requireSameRoot(attempt: string): void {
    if (this.#rootSeen === undefined) return;
    const root = this.#lookAtRoot();
    if (root !== undefined && isSameRoot(this.#rootSeen, root)) return;
    // A stick that was put back in may be another device; what it was mounted at holds none of it.
    const isBack = root !== undefined && this.#folderSeen !== undefined &&
      lstatIfThere(this.#prefix + this.#folderSeen) !== undefined;
    if (!isBack) {
      throw refusal(
        attempt,
        "offline",
        `${this.location} is not there any more`,
      );
    }
    this.#rootSeen = root;
  }

  /** Whether a listed name is not UTF-8, and so leads nowhere as it is shown. */
  protected isLossy(path: string, name: string): boolean {
    if (!name.includes("\ufffd")) return false;
    const folder = path === "" ? this.#prefix : `${this.pathOf(path)}/`;
    return lstatIfThere(folder + name) === undefined;
  }

  /** The path as the system takes it. */
  protected pathOf(path: string): string {
    return path === "" ? this.location : this.#prefix + path;
  }

  /** Does `body`, with what it throws as a Failure to `verb` the path. @throws {Failure} */
  protected attempt<T>(
    verb: string,
    path: string,
    body: (attempt: string) => T,
  ): T {
    const attempt = formatAttempt(verb, path, this.location);
    try {
      return body(attempt);
    } catch (error) {
      // What was there when it was looked at, and is not now, may have gone with the whole disk.
      if (error instanceof Deno.errors.NotFound) this.#requireSameRoot(attempt);
      throw failureOf(attempt, error);
    }
  }
}

/** Whether a link at the last component is only looked at, removed itself, or in the way. */
export type Purpose = "stat" | "remove" | "use";

function kindOf(
  info: { isFile: boolean; isDirectory: boolean; isSymlink: boolean },
): StoreKind {
  if (info.isSymlink) return "other";
  return info.isFile ? "file" : info.isDirectory ? "folder" : "other";
}

/** @throws {Failure} `wrong-kind` */
export function requireKind(
  attempt: string,
  info: Deno.FileInfo,
  kind: "file" | "folder",
): void {
  const found = kindOf(info);
  if (found === kind) return;
  throw refusal(attempt, "wrong-kind", `it is a ${found}`);
}

/** @throws {Failure} `invalid-argument` */
export function requireNoRoot(attempt: string, path: string): void {
  if (path !== "") return;
  throw refusal(attempt, "invalid-argument", "it is the root of the store");
}

// Windows gives no inode for some file systems; there nothing can be said.
function isSame(left: Deno.FileInfo, right: Deno.FileInfo): boolean {
  if (left.ino === null || right.ino === null) return true;
  return left.ino === right.ino && left.dev === right.dev;
}

/**
 * FAT and exFAT number a folder anew whenever the kernel had forgotten it, but keep when it was made;
 * where that is not known, the device must do.
 */
function isSameRoot(left: Deno.FileInfo, right: Deno.FileInfo): boolean {
  return isSame(left, right) ||
    left.dev === right.dev &&
      left.birthtime?.getTime() === right.birthtime?.getTime();
}

/** What `make` gives, or undefined where somebody else was faster. */
function unlessThere<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return undefined;
    throw error;
  }
}

/** What lies there, links not followed, or undefined if nothing does. */
export function lstatIfThere(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
