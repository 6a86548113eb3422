// Darwin layout: the structs of macOS and of macFUSE's libfuse 3 that answers are written in, as offsets
// into bytes, and the error numbers of macOS. Answers go through libfuse's own calls here, whose structs
// are those of the system and are the same on Apple's and Intel's processors; what goes on between
// libfuse and its driver differs from one version of macFUSE to the next. Little-endian.
// tests/macfuse compares every number here with the system's headers.

import { type Bytes, decodeUtf8 } from "../src/base/bytes.ts";
import type { StructAnswer } from "./fuse_answers.ts";
import type { ErrorName, FileSystemStat, NodeStat } from "./fuse_layout.ts";

/** Offsets in macOS's struct stat, the one with 64-bit inode numbers. */
export const darwinStatLayout = {
  st_mode: 4,
  st_nlink: 6,
  st_ino: 8,
  st_uid: 16,
  st_gid: 20,
  st_atimespec: 32,
  st_mtimespec: 48,
  st_ctimespec: 64,
  st_birthtimespec: 80,
  st_size: 96,
  st_blocks: 104,
  st_blksize: 112,
  bytes: 144,
} as const;

/** Offsets in macOS's struct statvfs, whose counts have 32 bits. */
export const darwinStatvfsLayout = {
  f_bsize: 0,
  f_frsize: 8,
  f_blocks: 16,
  f_bfree: 20,
  f_bavail: 24,
  f_files: 28,
  f_ffree: 32,
  f_favail: 36,
  f_namemax: 56,
  bytes: 64,
} as const;

/** Offsets in macOS's struct statfs, one for each mount in the list of getfsstat(2). */
export const darwinMountLayout = {
  f_mntonname: 88,
  f_mntfromname: 1112,
  bytes: 2168,
} as const;

/** MNT_NOWAIT of getfsstat(2): what is known of mounts without asking them. */
export const withoutAsking = 2;

/** Offsets in libfuse's struct fuse_entry_param, the one with a struct stat. */
export const darwinEntryLayout = {
  ino: 0,
  generation: 8,
  attr: 16,
  attr_timeout: 160,
  entry_timeout: 168,
  bytes: 176,
} as const;

/** Offsets in libfuse's struct fuse_file_info: the bits follow the flags. */
export const darwinFileInfoLayout = {
  flags: 0,
  bits: 4,
  fh: 16,
  bytes: 64,
} as const;

/** Bits of struct fuse_file_info. */
export const darwinFileInfoBits = { keep_cache: 4, cache_readdir: 64 } as const;

/** Error numbers of macOS, where ENODATA (of an attribute) is called ENOATTR, and EOPNOTSUPP ENOTSUP. */
export const darwinErrorNumbers: Readonly<Record<ErrorName, number>> = {
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EAGAIN: 35,
  ENOMEM: 12,
  EACCES: 13,
  EINVAL: 22,
  ENOTDIR: 20,
  EISDIR: 21,
  ENODEV: 19,
  EROFS: 30,
  ERANGE: 34,
  ENOSYS: 78,
  ENODATA: 93,
  EOPNOTSUPP: 45,
  ENOTCONN: 57,
  ESTALE: 70,
};

/** More error numbers of macOS: what a channel gives whose other end is gone. */
export const darwinGoneNumbers = {
  ENXIO: 6,
  EBADF: 9,
  ENODEV: 19,
  ECONNABORTED: 53,
  ECONNRESET: 54,
  ENOTCONN: 57,
} as const;

/** MNT_FORCE of unmount(2): whoever uses it gets errors from then on. */
export const forceUnmount = 0x80000;

/** A node's generation may not be 0 here. */
const generation = 1n;

const secondNs = 1_000_000_000n;
const sectorBytes = 512;
const blockBytes = 4096;
const linkCountMax = 0xffff;
const countMax = 0xffff_ffff;

function viewOf(bytes: Bytes): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function writeStat(view: DataView, base: number, stat: NodeStat): void {
  const at = darwinStatLayout;
  const nanoseconds = (stat.modifiedNs % secondNs + secondNs) % secondNs;
  const seconds = (stat.modifiedNs - nanoseconds) / secondNs;
  view.setUint16(base + at.st_mode, stat.mode, true);
  const links = Math.min(stat.linkCount, linkCountMax);
  view.setUint16(base + at.st_nlink, links, true);
  view.setBigUint64(base + at.st_ino, stat.node, true);
  view.setUint32(base + at.st_uid, stat.uid, true);
  view.setUint32(base + at.st_gid, stat.gid, true);
  for (const kind of ["a", "m", "c", "birth"] as const) {
    const time = base + at[`st_${kind}timespec`];
    view.setBigInt64(time, seconds, true);
    view.setBigInt64(time + 8, nanoseconds, true);
  }
  view.setBigInt64(base + at.st_size, BigInt(stat.bytes), true);
  const blocks = Math.ceil(stat.bytes / sectorBytes);
  view.setBigInt64(base + at.st_blocks, BigInt(blocks), true);
  view.setInt32(base + at.st_blksize, blockBytes, true);
}

/** The folders that something is mounted at: what getfsstat gave. */
export function decodeDarwinMounts(list: Bytes, count: number): string[] {
  const at = darwinMountLayout;
  return Array.from({ length: count }, (_, index): string => {
    const base = index * at.bytes;
    const name = list.subarray(base + at.f_mntonname, base + at.f_mntfromname);
    return decodeUtf8(name.subarray(0, name.indexOf(0))) ?? "";
  });
}

/** A struct stat, for fuse_reply_attr. */
export function encodeDarwinStat(stat: NodeStat): Bytes {
  const bytes = new Uint8Array(darwinStatLayout.bytes);
  writeStat(viewOf(bytes), 0, stat);
  return bytes;
}

/** A struct fuse_entry_param, for fuse_reply_entry. */
export function encodeDarwinEntry(
  { stat, validity }: Extract<StructAnswer, { kind: "entry" | "attributes" }>,
): Bytes {
  const at = darwinEntryLayout;
  const bytes = new Uint8Array(at.bytes);
  const view = viewOf(bytes);
  view.setBigUint64(at.ino, stat.node, true);
  view.setBigUint64(at.generation, generation, true);
  writeStat(view, at.attr, stat);
  view.setFloat64(at.attr_timeout, validity.attributeSeconds, true);
  view.setFloat64(at.entry_timeout, validity.nameSeconds, true);
  return bytes;
}

/** A struct fuse_file_info, for fuse_reply_open. */
export function encodeDarwinOpen(
  answer: Extract<StructAnswer, { kind: "open" }>,
): Bytes {
  const at = darwinFileInfoLayout;
  const bits = darwinFileInfoBits;
  const bytes = new Uint8Array(at.bytes);
  const view = viewOf(bytes);
  view.setUint32(
    at.bits,
    (answer.keepsPages ? bits.keep_cache : 0) |
      (answer.keepsRows ? bits.cache_readdir : 0),
    true,
  );
  view.setBigUint64(at.fh, answer.file, true);
  return bytes;
}

/** A struct statvfs, for fuse_reply_statfs. What has too many blocks for it has bigger ones. */
export function encodeDarwinStatistics(stat: FileSystemStat): Bytes {
  const at = darwinStatvfsLayout;
  const bytes = new Uint8Array(at.bytes);
  const view = viewOf(bytes);
  let times = 1;
  while (Math.ceil(stat.blockCount / times) > countMax) times *= 2;
  const put = (offset: number, count: number) =>
    view.setUint32(offset, Math.min(count, countMax), true);
  const size = BigInt(stat.blockBytes * times);
  view.setBigUint64(at.f_bsize, size, true);
  view.setBigUint64(at.f_frsize, size, true);
  put(at.f_blocks, Math.ceil(stat.blockCount / times));
  put(at.f_bfree, Math.floor(stat.freeCount / times));
  put(at.f_bavail, Math.floor(stat.freeCount / times));
  put(at.f_files, stat.fileCount);
  put(at.f_ffree, 0);
  put(at.f_favail, 0);
  view.setBigUint64(at.f_namemax, BigInt(stat.nameBytesMax), true);
  return bytes;
}
