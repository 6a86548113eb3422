// Native files: what only the C library can tell of a path or do to it. The paths are whole and have
// been looked at by the caller; nothing here follows a link at their end. A call that fails throws
// an error with the `code` that the system gave, which failure.ts turns into a Failure.

import { assert } from "../base/assert.ts";
import { type Bytes, encodeUtf8 } from "../base/bytes.ts";
import * as c from "../../ffi/libc.ts";
import type { DataRange, TreeKind, TreeStat } from "./tree_store.ts";

/** Bytes that one extended attribute, or the list of their names, can have. linux/limits.h */
const attributeBytesMax = 65_536;

/** Bytes that a link's target can have. linux/limits.h: PATH_MAX */
const targetBytesMax = 4096;

/** Ranges that are told apart in one file: what comes after counts as data. */
const rangeCountMax = 65_536;

/** One failed call of the C library. */
class NativeError extends Error {
  override readonly name: string = "NativeError";
  readonly code: string;

  constructor(call: string, code: string) {
    super(`${call}: ${code}`);
    this.code = code;
  }
}

/** The calls. One for the whole process, never closed. */
export class NativeFiles {
  readonly #libc: c.Libc["symbols"];
  readonly #struct: Bytes = new Uint8Array(c.statxBytes);
  /** For one call's answer at a time: one for each file would be 64 KiB for each file. */
  readonly #room: Uint8Array<ArrayBuffer> = new Uint8Array(attributeBytesMax);
  readonly #view = new DataView(this.#struct.buffer);

  /** Calls into the opened library, of which these are the symbols. */
  constructor(symbols: c.Libc["symbols"]) {
    this.#libc = symbols;
  }

  /** What is at the path, links not followed. @throws {NativeError} ENOENT and the like */
  stat(path: string): TreeStat {
    const question = [
      c.AT_FDCWD,
      terminated(path),
      c.AT_SYMLINK_NOFOLLOW,
      c.STATX_BASIC_STATS,
      this.#struct as Uint8Array<ArrayBuffer>,
    ] as const;
    const { statx, syscall } = this.#libc;
    const result = statx?.(...question) ??
      Number(syscall(c.statxNumber, ...question));
    if (result !== 0) throw this.#error("statx");
    const stat = c.decodeStatx(this.#view);
    const kind = kindOf(stat.mode);
    return {
      kind,
      bytes: kind === "file" ? Number(stat.bytes) : 0,
      linkCount: stat.linkCount,
      modifiedNs: stat.modifiedNs,
      // As exact as Deno gives it, so that the two can be compared: to the second.
      changedMs: Number(stat.changedNs / 1_000_000_000n) * 1000,
      mode: stat.mode & 0o7777,
      userId: stat.userId,
      groupId: stat.groupId,
      device: stat.device,
      identity: `${stat.device}:${stat.inode}`,
      allocatedBytes: Number(stat.blocks * 512n),
    };
  }

  /** Sets the modification time of a path, of a link itself. @throws {NativeError} */
  setModified(path: string, modifiedNs: bigint): void {
    const times = new Uint8Array(c.timesBytes);
    c.encodeTimes(new DataView(times.buffer), modifiedNs);
    const result = this.#libc.utimensat(
      c.AT_FDCWD,
      terminated(path),
      times,
      c.AT_SYMLINK_NOFOLLOW,
    );
    if (result !== 0) throw this.#error("utimensat");
  }

  /** The target's bytes. @throws {NativeError} EINVAL for what is no link */
  readLink(path: string): Bytes {
    const target = new Uint8Array(targetBytesMax);
    const length = Number(
      this.#libc.readlink(terminated(path), target, BigInt(target.length)),
    );
    if (length < 0) throw this.#error("readlink");
    return target.subarray(0, length);
  }

  /** Makes a link. @throws {NativeError} */
  makeLink(path: string, target: string): void {
    const result = this.#libc.symlink(terminated(target), terminated(path));
    if (result !== 0) throw this.#error("symlink");
  }

  /** Names of the extended attributes; none where the file system has none. @throws {NativeError} */
  listExtended(path: string): Bytes[] {
    const names = this.#room;
    const length = Number(
      this.#libc.llistxattr(terminated(path), names, BigInt(names.length)),
    );
    if (length < 0) {
      const error = this.#error("llistxattr");
      if (error.code === "ENOTSUP") return [];
      throw error;
    }
    const found: Bytes[] = [];
    for (let from = 0; from < length;) {
      const end = names.indexOf(0, from);
      found.push(names.slice(from, end));
      from = end + 1;
    }
    return found;
  }

  /** An attribute's value; undefined if it is gone. @throws {NativeError} */
  readExtended(path: string, name: string): Bytes | undefined {
    const value = this.#room;
    const length = Number(this.#libc.lgetxattr(
      terminated(path),
      terminated(name),
      value,
      BigInt(value.length),
    ));
    if (length >= 0) return value.slice(0, length);
    const error = this.#error("lgetxattr");
    if (error.code === "ENODATA") return undefined;
    throw error;
  }

  /** Sets an attribute. @throws {NativeError} ENOTSUP, E2BIG, ENOSPC and the like */
  setExtended(path: string, name: string, value: Bytes): void {
    const result = this.#libc.lsetxattr(
      terminated(path),
      terminated(name),
      value as Uint8Array<ArrayBuffer>,
      BigInt(value.length),
      0,
    );
    if (result !== 0) throw this.#error("lsetxattr");
  }

  /** Where a plain file has data. @throws {NativeError} */
  dataRanges(path: string): DataRange[] {
    const fd = this.#open(path);
    try {
      const end = this.#seek(fd, 0n, 2);
      const ranges: DataRange[] = [];
      for (let offset = 0n; offset < end;) {
        const data = this.#seek(fd, offset, c.SEEK_DATA);
        if (data < 0n) break;
        const isLast = ranges.length === rangeCountMax - 1;
        const hole = isLast ? end : this.#seek(fd, data, c.SEEK_HOLE);
        // A file that shrinks meanwhile: whoever reads it will notice.
        offset = hole > data ? hole : end;
        ranges.push({ offset: Number(data), bytes: Number(offset - data) });
      }
      return ranges;
    } finally {
      this.#libc.close(fd);
    }
  }

  /** Resolves once the file system that the folder lies on has written all. @throws {NativeError} */
  async syncFileSystem(folder: string): Promise<void> {
    const fd = this.#open(folder);
    try {
      // The number is another thread's.
      if (await this.#libc.syncfs(fd) !== 0) {
        throw new NativeError("syncfs", "EIO");
      }
    } finally {
      this.#libc.close(fd);
    }
  }

  #open(path: string): number {
    const flags = c.readFlags | c.noFollowFlag;
    const fd = this.#libc.open(terminated(path), flags);
    if (fd < 0) throw this.#error("open");
    return fd;
  }

  /** -1 where there is no more of what is looked for. */
  #seek(fd: number, offset: bigint, whence: number): bigint {
    const result = BigInt(this.#libc.lseek(fd, offset, whence));
    if (result >= 0n) return result;
    const error = this.#error("lseek");
    if (error.code === "ENXIO") return -1n;
    throw error;
  }

  #error(call: string): NativeError {
    const pointer = this.#libc.__errno_location();
    assert(pointer !== null, "every thread has an errno");
    const number = new Deno.UnsafePointerView(pointer).getInt32();
    return new NativeError(call, c.errnoNames[number] ?? `errno ${number}`);
  }
}

/** The calls, or undefined where the library or the permission is not there. */
export const nativeFiles: NativeFiles | undefined = openNativeFiles();

function openNativeFiles(): NativeFiles | undefined {
  const libc = c.openLibc();
  return libc && new NativeFiles(libc.symbols);
}

function terminated(text: string): Uint8Array<ArrayBuffer> {
  return encodeUtf8(`${text}\0`) as Uint8Array<ArrayBuffer>;
}

function kindOf(mode: number): TreeKind {
  switch (mode & c.S_IFMT) {
    case c.S_IFREG:
      return "file";
    case c.S_IFDIR:
      return "folder";
    case c.S_IFLNK:
      return "link";
    default:
      return "other";
  }
}
