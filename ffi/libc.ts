// Libc: the few calls of the C library that give what Deno does not: times in nanoseconds, extended
// attributes, holes of sparse files, links under a scoped permission, the sync of a whole file
// system. Names, numbers and layouts, no behaviour. Linux on x86_64 and aarch64, where all of these
// are the same; nothing for other systems.

/** The symbols, as Deno wants them. All paths are absolute or relative bytes that end in a zero. */
export const libcSymbols = {
  // Not in glibc before 2.28; there the kernel is asked for it by its number.
  statx: {
    parameters: ["i32", "buffer", "i32", "u32", "buffer"],
    result: "i32",
    optional: true,
  },
  syscall: {
    parameters: ["i64", "i32", "buffer", "i32", "u32", "buffer"],
    result: "i64",
  },
  utimensat: {
    parameters: ["i32", "buffer", "buffer", "i32"],
    result: "i32",
  },
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
  symlink: { parameters: ["buffer", "buffer"], result: "i32" },
  llistxattr: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
  lgetxattr: {
    parameters: ["buffer", "buffer", "buffer", "usize"],
    result: "isize",
  },
  lsetxattr: {
    parameters: ["buffer", "buffer", "buffer", "usize", "i32"],
    result: "i32",
  },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  close: { parameters: ["i32"], result: "i32" },
  // May take seconds: off the thread.
  syncfs: { parameters: ["i32"], result: "i32", nonblocking: true },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

/** The opened library. */
export type Libc = Deno.DynamicLibrary<typeof libcSymbols>;

/** Where the library may be: its plain name, for a permission without a list; else whole paths. */
const libraryNames: Readonly<
  Record<string, readonly [plain: string[], paths: string[]]>
> = {
  x86_64: [["libc.so.6", "libc.musl-x86_64.so.1"], [
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib64/libc.so.6",
    "/usr/lib/libc.so.6",
    "/lib/libc.musl-x86_64.so.1",
  ]],
  aarch64: [["libc.so.6", "libc.musl-aarch64.so.1"], [
    "/lib/aarch64-linux-gnu/libc.so.6",
    "/lib64/libc.so.6",
    "/usr/lib/libc.so.6",
    "/lib/libc.musl-aarch64.so.1",
  ]],
};

/** The C library, or undefined where there is none, or no permission; never asks for one. */
export function openLibc(): Libc | undefined {
  const names = libraryNames[Deno.build.arch];
  if (Deno.build.os !== "linux" || names === undefined) return undefined;
  const isFree =
    Deno.permissions.querySync({ name: "ffi" }).state === "granted";
  const [plain, paths] = names;
  const candidates = isFree
    ? plain
    : paths.filter((path) =>
      Deno.permissions.querySync({ name: "ffi", path }).state === "granted"
    );
  for (const candidate of candidates) {
    try {
      return Deno.dlopen(candidate, libcSymbols);
    } catch {
      // Another C library.
    }
  }
  return undefined;
}

/** Stands for the current folder where a path is absolute anyway. fcntl.h */
export const AT_FDCWD = -100;
/** The link itself, not what it leads to. fcntl.h */
export const AT_SYMLINK_NOFOLLOW = 0x100;
/** What every file system has, as stat gives it. linux/stat.h */
export const STATX_BASIC_STATS = 0x7ff;
/** The kernel's number of it. asm/unistd.h */
export const statxNumber: bigint = Deno.build.arch === "aarch64" ? 291n : 332n;
/** Bytes of struct statx. linux/stat.h */
export const statxBytes = 256;
/** Bytes of two struct timespec. */
export const timesBytes = 32;
/** In tv_nsec: leave this time as it is. sys/stat.h */
export const UTIME_OMIT: bigint = (1n << 30n) - 2n;
/** Next byte that is data; next that is a hole. unistd.h */
export const SEEK_DATA = 3;
/** See SEEK_DATA. */
export const SEEK_HOLE = 4;
/** O_RDONLY, O_NONBLOCK and O_CLOEXEC, which are the same on both machines. asm-generic/fcntl.h */
export const readFlags: number = 0o4000 | 0o2000000;
/** O_NOFOLLOW, and O_DIRECTORY, which differ. */
export const noFollowFlag: number = Deno.build.arch === "aarch64"
  ? 0o100000
  : 0o400000;

/** Bits of st_mode that say the kind, and their values. sys/stat.h */
export const S_IFMT = 0o170000;
/** A folder. */
export const S_IFDIR = 0o040000;
/** A plain file. */
export const S_IFREG = 0o100000;
/** A symbolic link. */
export const S_IFLNK = 0o120000;

/** What struct statx holds of use to us. */
export interface Statx {
  readonly mode: number;
  readonly linkCount: number;
  readonly userId: number;
  readonly groupId: number;
  readonly inode: bigint;
  readonly bytes: bigint;
  /** In units of 512 bytes. */
  readonly blocks: bigint;
  readonly modifiedNs: bigint;
  /** When content, names or attributes were last changed. */
  readonly changedNs: bigint;
  /** Major and minor number. */
  readonly device: string;
}

/** Decodes a struct statx. linux/stat.h */
export function decodeStatx(view: DataView): Statx {
  return {
    linkCount: view.getUint32(16, true),
    userId: view.getUint32(20, true),
    groupId: view.getUint32(24, true),
    mode: view.getUint16(28, true),
    inode: view.getBigUint64(32, true),
    bytes: view.getBigUint64(40, true),
    blocks: view.getBigUint64(48, true),
    modifiedNs: view.getBigInt64(112, true) * 1_000_000_000n +
      BigInt(view.getUint32(120, true)),
    changedNs: view.getBigInt64(96, true) * 1_000_000_000n +
      BigInt(view.getUint32(104, true)),
    device: `${view.getUint32(136, true)}:${view.getUint32(140, true)}`,
  };
}

/** Encodes what utimensat takes: the time of the last access stays, that of the content is given. */
export function encodeTimes(view: DataView, modifiedNs: bigint): void {
  const billion = 1_000_000_000n;
  const rest = modifiedNs % billion;
  const nanoseconds = rest < 0n ? rest + billion : rest;
  view.setBigInt64(0, 0n, true);
  view.setBigInt64(8, UTIME_OMIT, true);
  view.setBigInt64(16, (modifiedNs - nanoseconds) / billion, true);
  view.setBigInt64(24, nanoseconds, true);
}

/** Names of the numbers that these calls give. asm-generic/errno-base.h, asm-generic/errno.h */
export const errnoNames: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  4: "EINTR",
  5: "EIO",
  6: "ENXIO",
  7: "E2BIG",
  9: "EBADF",
  12: "ENOMEM",
  13: "EACCES",
  17: "EEXIST",
  18: "EXDEV",
  19: "ENODEV",
  20: "ENOTDIR",
  21: "EISDIR",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  27: "EFBIG",
  28: "ENOSPC",
  30: "EROFS",
  31: "EMLINK",
  34: "ERANGE",
  36: "ENAMETOOLONG",
  38: "ENOSYS",
  39: "ENOTEMPTY",
  40: "ELOOP",
  61: "ENODATA",
  84: "EILSEQ",
  95: "ENOTSUP",
  107: "ENOTCONN",
  112: "EHOSTDOWN",
  116: "ESTALE",
  117: "EUCLEAN",
  121: "EREMOTEIO",
  122: "EDQUOT",
  123: "ENOMEDIUM",
};
