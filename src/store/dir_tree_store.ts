// DirTreeStore: a folder of the local file system as a store of somebody's tree. A DirStore that
// besides sees and sets what belongs to such a tree: with the C library exactly, where this process
// may call it (Linux, `--allow-ffi`), else as far as Deno goes. Never asks for a permission.
//
// As in a DirStore every component is looked at before it is used, and somebody who swaps folders
// for links at that very moment is not kept out.

import { decodeUtf8 } from "../base/bytes.ts";
import type { Bytes } from "../base/bytes.ts";
import {
  DirStore,
  lstatIfThere,
  requireKind,
  requireNoRoot,
} from "./dir_store.ts";
import { errnoOf, failureOf, refusal } from "./failure.ts";
import { type NativeFiles, nativeFiles } from "./native_files.ts";
import { compareNames, parsePath } from "./path.ts";
import {
  type DataRange,
  type ExtendedAttributes,
  floorMs,
  isKeptAttribute,
  nsPerMs,
  type TreeAttributes,
  type TreeCapabilities,
  type TreeKind,
  type TreeName,
  type TreeStat,
  type TreeStore,
} from "./tree_store.ts";

/** The files, folders and links below one folder of the local file system. */
export class DirTreeStore extends DirStore implements TreeStore {
  readonly #native: NativeFiles | undefined;

  /** As DirStore's; `exact` false does without the C library, as where there is none. @throws {Failure} */
  constructor(root: string, exact: boolean = true) {
    super(root);
    this.#native = exact ? nativeFiles : undefined;
  }

  /** All or nothing: what the C library gives. */
  get capabilities(): TreeCapabilities {
    const exact = this.#native !== undefined;
    return { nanoseconds: exact, extendedAttributes: exact, holes: exact };
  }

  /** What is at `path`, or undefined if nothing is. @throws {Failure} */
  statExactly(path: string): TreeStat | undefined {
    return this.attempt("look at", path, (attempt) => {
      const info = this.look(attempt, parsePath(path), "stat");
      if (info === undefined) return undefined;
      // The root may be a link, which is followed.
      if (this.#native === undefined || path === "" && !this.#rootIsReal()) {
        return statOf(info);
      }
      try {
        return this.#native.stat(this.pathOf(path));
      } catch (error) {
        if (errnoOf(error) === "ENOENT") return undefined;
        throw error;
      }
    });
  }

  /** The names in the folder, in byte order. @throws {Failure} */
  listExactly(path: string): TreeName[] {
    return this.attempt("list", path, (attempt) => {
      this.requireFolder(attempt, parsePath(path));
      const names: TreeName[] = [];
      for (const entry of Deno.readDirSync(this.pathOf(path))) {
        const kind = this.isLossy(path, entry.name)
          ? "unreachable"
          : kindOf(entry);
        names.push({ name: entry.name, kind });
      }
      return names.sort((left, right) => compareNames(left.name, right.name));
    });
  }

  /** The target of a link, as it was written. @throws {Failure} */
  readLink(path: string): string {
    return this.attempt("read the link", path, (attempt) => {
      const info = this.require(attempt, parsePath(path), "stat");
      if (!info.isSymlink) {
        throw refusal(attempt, "wrong-kind", `it is a ${kindOf(info)}`);
      }
      const target = this.#native === undefined
        ? readLinkIfText(this.pathOf(path))
        : decodeUtf8(this.#native.readLink(this.pathOf(path)));
      if (target === undefined) {
        throw refusal(attempt, "invalid-name", "its target is not UTF-8");
      }
      return target;
    });
  }

  /** Makes a symbolic link. @throws {Failure} */
  makeLink(path: string, target: string): void {
    this.attempt("make the link", path, (attempt) => {
      if (target === "" || target.includes("\0") || !target.isWellFormed()) {
        throw refusal(attempt, "invalid-name", "no link has such a target");
      }
      this.#requireFree(attempt, path);
      try {
        Deno.symlinkSync(target, this.pathOf(path));
      } catch (error) {
        // Deno makes links only for who may write everywhere.
        const isScoped = error instanceof Deno.errors.NotCapable;
        if (!isScoped || this.#native === undefined) throw error;
        this.#native.makeLink(this.pathOf(path), target);
      }
    });
  }

  /** Gives the file `existing` another name. @throws {Failure} */
  linkFile(existing: string, path: string): void {
    this.attempt("link", existing, (attempt) => {
      const into = `${attempt} to ${JSON.stringify(path)}`;
      const info = this.require(into, parsePath(existing), "use");
      requireKind(into, info, "file");
      this.#requireFree(into, path);
      try {
        Deno.linkSync(this.pathOf(existing), this.pathOf(path));
      } catch (error) {
        throw failureOf(into, error);
      }
    });
  }

  /** As rename, but links are moved and replaced, too. @throws {Failure} */
  moveName(source: string, target: string): void {
    this.attempt("rename", source, (attempt) => {
      const into = `${attempt} to ${JSON.stringify(target)}`;
      requireNoRoot(into, source);
      requireNoRoot(into, target);
      const moved = this.require(into, parsePath(source), "stat");
      const replaced = this.look(into, parsePath(target), "stat");
      if (replaced !== undefined && source !== target) {
        if (moved.isDirectory) {
          throw refusal(into, "exists", "something is there already");
        }
        if (!replaced.isSymlink) requireKind(into, replaced, "file");
      }
      try {
        Deno.renameSync(this.pathOf(source), this.pathOf(target));
      } catch (error) {
        throw failureOf(into, error);
      }
    });
  }

  /** Sets attributes of a file, a folder or a link itself. @throws {Failure} */
  setExactly(path: string, attributes: TreeAttributes): void {
    this.attempt("set attributes of", path, (attempt) => {
      const info = this.require(attempt, parsePath(path), "stat");
      const kind = kindOf(info);
      if (kind === "other") {
        throw refusal(attempt, "unsafe-path", "it is a special file");
      }
      const { mode, modifiedNs } = attributes;
      const isLink = kind === "link";
      if (mode !== undefined && !isLink && Deno.build.os !== "windows") {
        Deno.chmodSync(this.pathOf(path), mode);
      }
      if (modifiedNs === undefined) return;
      if (this.#native !== undefined && (path !== "" || this.#rootIsReal())) {
        this.#native.setModified(this.pathOf(path), modifiedNs);
      } else if (!isLink) {
        const modified = new Date(floorMs(modifiedNs));
        Deno.utimeSync(this.pathOf(path), modified, modified);
      }
    });
  }

  /** The extended attributes of a file or folder; none of a link. @throws {Failure} */
  readExtended(path: string): ExtendedAttributes {
    return this.attempt("read attributes of", path, (attempt) => {
      const values = new Map<string, Bytes>();
      const skipped: string[] = [];
      const info = this.require(attempt, parsePath(path), "stat");
      const native = this.#native;
      if (native === undefined || !info.isFile && !info.isDirectory) {
        return { values, skipped };
      }
      const found = this.#realPathOf(path);
      for (const bytes of native.listExtended(found)) {
        const name = decodeUtf8(bytes);
        if (name === undefined || !isKeptAttribute(name)) {
          skipped.push(name ?? new TextDecoder().decode(bytes.slice()));
          continue;
        }
        const value = native.readExtended(found, name);
        if (value !== undefined) values.set(name, value);
      }
      return {
        values: new Map(
          [...values].sort(([left], [right]) => compareNames(left, right)),
        ),
        skipped: skipped.sort(compareNames),
      };
    });
  }

  /** Sets one extended attribute of a file or folder. @throws {Failure} */
  setExtended(path: string, name: string, value: Bytes): void {
    this.attempt("set an attribute of", path, (attempt) => {
      const info = this.require(attempt, parsePath(path), "use");
      if (
        !info.isFile && !info.isDirectory || !isKeptAttribute(name) ||
        name.includes("\0") || !name.isWellFormed()
      ) {
        throw refusal(
          attempt,
          "invalid-argument",
          `the attribute ${JSON.stringify(name)} is not for it`,
        );
      }
      if (this.#native === undefined) {
        throw refusal(
          attempt,
          "invalid-argument",
          "extended attributes cannot be set here",
        );
      }
      this.#native.setExtended(this.#realPathOf(path), name, value);
    });
  }

  /** Where a file has data. @throws {Failure} */
  readDataRanges(path: string): DataRange[] {
    return this.attempt("find the holes of", path, (attempt) => {
      const info = this.require(attempt, parsePath(path), "use");
      requireKind(attempt, info, "file");
      if (this.#native !== undefined) {
        return this.#native.dataRanges(this.pathOf(path));
      }
      return info.size === 0 ? [] : [{ offset: 0, bytes: info.size }];
    });
  }

  /** Resolves once all in the folder is on the medium. @throws {Failure} */
  async syncTree(path: string): Promise<void> {
    if (this.#native === undefined) return await this.#syncBelow(path);
    try {
      const attempt = `Cannot sync ${this.location}`;
      this.requireFolder(attempt, parsePath(path));
      await this.#native.syncFileSystem(this.#realPathOf(path));
    } catch (error) {
      throw failureOf(`Cannot sync ${this.location}`, error);
    }
  }

  async #syncBelow(path: string): Promise<void> {
    const files: string[] = [];
    for (const { name, kind } of this.listExactly(path)) {
      const below = path === "" ? name : `${path}/${name}`;
      if (kind === "folder") await this.#syncBelow(below);
      else if (kind === "file") files.push(below);
    }
    await this.syncFiles(files);
    this.syncFolder(path);
  }

  #requireFree(attempt: string, path: string): void {
    requireNoRoot(attempt, path);
    if (this.look(attempt, parsePath(path), "stat") !== undefined) {
      throw refusal(attempt, "exists", "something is there already");
    }
  }

  /** The calls of the C library follow no link at the end, and the root may be one. */
  #realPathOf(path: string): string {
    return path === "" ? Deno.realPathSync(this.location) : this.pathOf(path);
  }

  #rootIsReal(): boolean {
    return lstatIfThere(this.location)?.isSymlink === false;
  }
}

function kindOf(
  info: { isFile: boolean; isDirectory: boolean; isSymlink: boolean },
): TreeKind {
  if (info.isSymlink) return "link";
  return info.isFile ? "file" : info.isDirectory ? "folder" : "other";
}

/** What a link says, as far as Deno can tell; undefined where that is not UTF-8, or may not be. */
function readLinkIfText(path: string): string | undefined {
  try {
    const target = Deno.readLinkSync(path);
    return target.includes("\ufffd") ? undefined : target;
  } catch (error) {
    if (error instanceof Deno.errors.InvalidData) return undefined;
    throw error;
  }
}

function statOf(info: Deno.FileInfo): TreeStat {
  const kind = kindOf(info);
  const device = info.dev === null ? undefined : String(info.dev);
  // Deno rounds inodes beyond what a number can hold.
  const hasIdentity = info.ino !== null && Number.isSafeInteger(info.ino);
  return {
    kind,
    bytes: kind === "file" ? info.size : 0,
    linkCount: info.nlink ?? 1,
    ...(info.mtime === null
      ? {}
      : { modifiedNs: BigInt(info.mtime.getTime()) * nsPerMs }),
    ...(info.ctime === null ? {} : { changedMs: info.ctime.getTime() }),
    ...(info.mode === null ? {} : { mode: info.mode & 0o7777 }),
    ...(info.uid === null ? {} : { userId: info.uid }),
    ...(info.gid === null ? {} : { groupId: info.gid }),
    ...(device === undefined ? {} : { device }),
    ...(device !== undefined && hasIdentity
      ? { identity: `${device}:${info.ino}` }
      : {}),
    ...(info.blocks === null ? {} : { allocatedBytes: info.blocks * 512 }),
  };
}
