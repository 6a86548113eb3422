// FUSE layout: the structs of the kernel's protocol (linux/fuse.h) and the few of libfuse's that we
// touch, as offsets into bytes. Replies are written in the kernel's own layout, which is the same on
// every machine and for every libfuse, and not in libfuse's, which holds a `struct stat`.
// Little-endian, as all machines are that Deno runs on. tests/mount compares every number here with
// the installed headers.

import { assert } from "../src/base/assert.ts";
import { type Bytes, encodeUtf8 } from "../src/base/bytes.ts";

/** A file's number in the kernel's eyes. */
export type NodeId = bigint;

/** The node that a mount begins with. */
export const rootNode: NodeId = 1n;

/** What stat(2) tells of a node. */
export interface NodeStat {
  readonly node: NodeId;
  readonly bytes: number;
  /** File type and permission bits. */
  readonly mode: number;
  readonly linkCount: number;
  readonly uid: number;
  readonly gid: number;
  /** Last change of the content, nanoseconds since 1970-01-01 UTC. */
  readonly modifiedNs: bigint;
}

/** What statfs(2) tells. */
export interface FileSystemStat {
  readonly blockBytes: number;
  readonly blockCount: number;
  readonly freeCount: number;
  readonly fileCount: number;
  readonly nameBytesMax: number;
}

/** One name in a folder. */
export interface FolderRow {
  readonly name: string;
  readonly stat: NodeStat;
  /** Whether more than the number and the file type of `stat` is right. */
  readonly isWhole: boolean;
  readonly validity: Validity;
}

/** Offsets in struct fuse_attr. */
export const attrLayout = {
  ino: 0,
  size: 8,
  blocks: 16,
  atime: 24,
  mtime: 32,
  ctime: 40,
  atimensec: 48,
  mtimensec: 52,
  ctimensec: 56,
  mode: 60,
  nlink: 64,
  uid: 68,
  gid: 72,
  rdev: 76,
  blksize: 80,
  flags: 84,
  bytes: 88,
} as const;

/** Offsets in struct fuse_entry_out. */
export const entryOutLayout = {
  nodeid: 0,
  generation: 8,
  entry_valid: 16,
  attr_valid: 24,
  entry_valid_nsec: 32,
  attr_valid_nsec: 36,
  attr: 40,
  bytes: 128,
} as const;

/** Offsets in struct fuse_attr_out. */
export const attrOutLayout = {
  attr_valid: 0,
  attr_valid_nsec: 8,
  attr: 16,
  bytes: 104,
} as const;

/** Offsets in struct fuse_open_out. */
export const openOutLayout = { fh: 0, open_flags: 8, bytes: 16 } as const;

/** Offsets in struct fuse_kstatfs, which is all of struct fuse_statfs_out. */
export const statfsLayout = {
  blocks: 0,
  bfree: 8,
  bavail: 16,
  files: 24,
  ffree: 32,
  bsize: 40,
  namelen: 44,
  frsize: 48,
  bytes: 80,
} as const;

/** Offsets in struct fuse_getxattr_out. */
export const xattrOutLayout = { size: 0, bytes: 8 } as const;

/** Offsets in struct fuse_dirent; the name follows, padded to 8 bytes. */
export const direntLayout = {
  ino: 0,
  off: 8,
  namelen: 16,
  type: 20,
  name: 24,
} as const;

/** Offsets in libfuse's struct fuse_conn_info: the same in libfuse3.so.3 and .so.4. */
export const connectionLayout = {
  proto_major: 0,
  proto_minor: 4,
  max_write: 8,
  max_read: 12,
  max_readahead: 16,
  capable: 20,
  want: 24,
  max_background: 28,
  congestion_threshold: 32,
} as const;

/** Offsets in libfuse's struct fuse_file_info: `fh` lies at 16 in libfuse3.so.3 and .so.4. */
export const fileInfoLayout = { flags: 0, fh: 16 } as const;

/** Offsets in libfuse's struct fuse_buf; room for what newer versions, and macFUSE, append. */
export const bufferLayout = { size: 0, mem: 16, room: 128 } as const;

/** Offsets in libfuse's struct fuse_args. */
export const argsLayout = {
  argc: 0,
  argv: 8,
  allocated: 16,
  bytes: 24,
} as const;

/** Offsets in struct iovec. */
export const vectorLayout = { base: 0, len: 8, bytes: 16 } as const;

/** Bits of fuse_open_out.open_flags. */
export const openFlags = { keepCache: 2, cacheFolder: 8 } as const;

/** Bits of fuse_conn_info.capable and .want. */
export const capabilities = {
  rowsWithEntriesSometimes: 0x4000,
  cacheLinks: 0x800000,
} as const;

/** File types in a mode (inode(7)). */
export const fileTypes = {
  file: 0o100000,
  folder: 0o040000,
  link: 0o120000,
} as const;

/** Error numbers of Linux, x86-64 and aarch64 alike. */
export const errorNumbers = {
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EINVAL: 22,
  ENOTDIR: 20,
  EISDIR: 21,
  ENODEV: 19,
  EROFS: 30,
  ERANGE: 34,
  ENOSYS: 38,
  ENODATA: 61,
  EOPNOTSUPP: 95,
  ENOTCONN: 107,
  ESTALE: 116,
} as const;

/** An error, by the name that it has on every system. */
export type ErrorName = keyof typeof errorNumbers;

/** How long the kernel may believe what it was told, seconds. */
export interface Validity {
  readonly nameSeconds: number;
  readonly attributeSeconds: number;
}

const secondNs = 1_000_000_000n;
const sectorBytes = 512;
const blockBytes = 4096;

function viewOf(bytes: Bytes): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function writeAttr(view: DataView, base: number, stat: NodeStat): void {
  // Before 1970 the seconds are negative; the fraction never is.
  const nanoseconds = (stat.modifiedNs % secondNs + secondNs) % secondNs;
  const seconds = (stat.modifiedNs - nanoseconds) / secondNs;
  const u32 = (offset: number, value: number) =>
    view.setUint32(base + offset, value, true);
  const u64 = (offset: number, value: bigint) =>
    view.setBigUint64(base + offset, value, true);
  u64(attrLayout.ino, stat.node);
  u64(attrLayout.size, BigInt(stat.bytes));
  u64(attrLayout.blocks, BigInt(Math.ceil(stat.bytes / sectorBytes)));
  for (const member of ["atime", "mtime", "ctime"] as const) {
    view.setBigInt64(base + attrLayout[member], seconds, true);
    u32(attrLayout[`${member}nsec`], Number(nanoseconds));
  }
  u32(attrLayout.mode, stat.mode);
  u32(attrLayout.nlink, stat.linkCount);
  u32(attrLayout.uid, stat.uid);
  u32(attrLayout.gid, stat.gid);
  u32(attrLayout.rdev, 0);
  u32(attrLayout.blksize, blockBytes);
  u32(attrLayout.flags, 0);
}

function writeEntry(
  view: DataView,
  base: number,
  stat: NodeStat,
  validity: Validity,
): void {
  const at = entryOutLayout;
  view.setBigUint64(base + at.nodeid, stat.node, true);
  view.setBigUint64(base + at.generation, 0n, true);
  writeSeconds(
    view,
    base + at.entry_valid,
    base + at.entry_valid_nsec,
    validity.nameSeconds,
  );
  writeSeconds(
    view,
    base + at.attr_valid,
    base + at.attr_valid_nsec,
    validity.attributeSeconds,
  );
  writeAttr(view, base + at.attr, stat);
}

function writeSeconds(
  view: DataView,
  whole: number,
  fraction: number,
  seconds: number,
): void {
  view.setBigUint64(whole, BigInt(Math.floor(seconds)), true);
  view.setUint32(fraction, Math.round((seconds % 1) * 1e9), true);
}

/** The reply to a lookup. */
export function encodeEntry(stat: NodeStat, validity: Validity): Bytes {
  const bytes = new Uint8Array(entryOutLayout.bytes);
  writeEntry(viewOf(bytes), 0, stat, validity);
  return bytes;
}

/** The reply to a lookup of a name that is not there, which the kernel may remember. */
export function encodeAbsence(seconds: number): Bytes {
  const bytes = new Uint8Array(entryOutLayout.bytes);
  const at = entryOutLayout;
  writeSeconds(viewOf(bytes), at.entry_valid, at.entry_valid_nsec, seconds);
  return bytes;
}

/** The reply to getattr. */
export function encodeAttributes(stat: NodeStat, validity: Validity): Bytes {
  const bytes = new Uint8Array(attrOutLayout.bytes);
  const view = viewOf(bytes);
  const at = attrOutLayout;
  writeSeconds(
    view,
    at.attr_valid,
    at.attr_valid_nsec,
    validity.attributeSeconds,
  );
  writeAttr(view, at.attr, stat);
  return bytes;
}

/** The reply to open and opendir. */
export function encodeOpen(file: bigint, flags: number): Bytes {
  const bytes = new Uint8Array(openOutLayout.bytes);
  const view = viewOf(bytes);
  view.setBigUint64(openOutLayout.fh, file, true);
  view.setUint32(openOutLayout.open_flags, flags, true);
  return bytes;
}

/** The reply to statfs. */
export function encodeStatistics(stat: FileSystemStat): Bytes {
  const bytes = new Uint8Array(statfsLayout.bytes);
  const view = viewOf(bytes);
  const u64 = (offset: number, value: number) =>
    view.setBigUint64(offset, BigInt(value), true);
  u64(statfsLayout.blocks, stat.blockCount);
  u64(statfsLayout.bfree, stat.freeCount);
  u64(statfsLayout.bavail, stat.freeCount);
  u64(statfsLayout.files, stat.fileCount);
  u64(statfsLayout.ffree, 0);
  view.setUint32(statfsLayout.bsize, stat.blockBytes, true);
  view.setUint32(statfsLayout.namelen, stat.nameBytesMax, true);
  view.setUint32(statfsLayout.frsize, stat.blockBytes, true);
  return bytes;
}

/** The reply to a getxattr or listxattr that asks for a size only. */
export function encodeXattrSize(bytes: number): Bytes {
  const reply = new Uint8Array(xattrOutLayout.bytes);
  viewOf(reply).setUint32(xattrOutLayout.size, bytes, true);
  return reply;
}

/** The rows of a folder, as many as fit into a reply to readdir or readdirplus. */
export class FolderReply {
  readonly #bytes: Bytes;
  readonly #view: DataView;
  readonly #withEntries: boolean;
  #length = 0;

  /** A reply of at most `bytesMax` bytes, to readdirplus with entries, else to readdir. */
  constructor(bytesMax: number, withEntries: boolean) {
    this.#bytes = new Uint8Array(bytesMax);
    this.#view = viewOf(this.#bytes);
    this.#withEntries = withEntries;
  }

  /** Takes the row (never "." or "..", whose nodes the kernel knows), after which a reader goes on at `nextOffset`; false when it does not fit. */
  add(row: FolderRow, nextOffset: number): boolean {
    const name = encodeUtf8(row.name);
    assert(name.length > 0, "a row has a name");
    const head = this.#withEntries ? entryOutLayout.bytes : 0;
    const padded = Math.ceil((direntLayout.name + name.length) / 8) * 8;
    if (this.#length + head + padded > this.#bytes.length) return false;
    // A lookup that the kernel counts. With node number 0 it will ask by itself.
    if (this.#withEntries && row.isWhole) {
      writeEntry(this.#view, this.#length, row.stat, row.validity);
    }
    const base = this.#length + head;
    this.#view.setBigUint64(base + direntLayout.ino, row.stat.node, true);
    this.#view.setBigUint64(base + direntLayout.off, BigInt(nextOffset), true);
    this.#view.setUint32(base + direntLayout.namelen, name.length, true);
    this.#view.setUint32(base + direntLayout.type, row.stat.mode >> 12, true);
    this.#bytes.set(name, base + direntLayout.name);
    this.#length = base + padded;
    return true;
  }

  /** What the reply holds. */
  finish(): Bytes {
    return this.#bytes.subarray(0, this.#length);
  }
}
