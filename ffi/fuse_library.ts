// FUSE library: the symbols of libfuse 3's low-level interface and the few of the C library that a
// receive loop needs, on Linux and on macOS. Opens them; knows nothing of what is done with them.

import { messageOf } from "../src/base/errors.ts";
import { openFirst } from "./open_first.ts";

const fuseSymbols = {
  // Newer libraries (libfuse3.so.4) are told the version of the interface.
  fuse_session_new_versioned: {
    parameters: ["buffer", "buffer", "usize", "buffer", "pointer"],
    result: "pointer",
    optional: true,
  },
  fuse_session_new: {
    parameters: ["buffer", "buffer", "usize", "pointer"],
    result: "pointer",
    optional: true,
  },
  // What stands behind it where symbols have no versions, as on macOS.
  fuse_session_new_30: {
    parameters: ["buffer", "buffer", "usize", "pointer"],
    result: "pointer",
    optional: true,
  },
  fuse_session_mount: { parameters: ["pointer", "buffer"], result: "i32" },
  fuse_session_fd: { parameters: ["pointer"], result: "i32" },
  fuse_session_receive_buf: {
    parameters: ["pointer", "buffer"],
    result: "i32",
  },
  // The same call on another thread, which may wait.
  receiveOnThread: {
    name: "fuse_session_receive_buf",
    parameters: ["pointer", "buffer"],
    result: "i32",
    nonblocking: true,
  },
  fuse_session_process_buf: {
    parameters: ["pointer", "buffer"],
    result: "void",
  },
  fuse_session_exit: { parameters: ["pointer"], result: "void" },
  fuse_session_unmount: { parameters: ["pointer"], result: "void" },
  fuse_session_destroy: { parameters: ["pointer"], result: "void" },
  fuse_reply_none: { parameters: ["pointer"], result: "void" },
  fuse_reply_err: { parameters: ["pointer", "i32"], result: "i32" },
  fuse_reply_buf: { parameters: ["pointer", "buffer", "usize"], result: "i32" },
  fuse_reply_iov: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  fuse_reply_entry: { parameters: ["pointer", "buffer"], result: "i32" },
  fuse_reply_attr: { parameters: ["pointer", "buffer", "f64"], result: "i32" },
  fuse_reply_open: { parameters: ["pointer", "buffer"], result: "i32" },
  fuse_reply_statfs: { parameters: ["pointer", "buffer"], result: "i32" },
  fuse_reply_xattr: { parameters: ["pointer", "usize"], result: "i32" },
} as const;

const linuxSymbols = {
  close: { parameters: ["i32"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  // Variadic in C; on the machines that we know, the first arguments travel the same way.
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  free: { parameters: ["pointer"], result: "void" },
  getegid: { parameters: [], result: "u32" },
  geteuid: { parameters: [], result: "u32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  poll: {
    parameters: ["buffer", "usize", "i32"],
    result: "i32",
    nonblocking: true,
  },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  setsid: { parameters: [], result: "i32" },
  umount2: { parameters: ["buffer", "i32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
} as const;

// None of these takes a variable number of arguments, which travel in another way on Apple's
// processors than a caller who does not know C's prototypes would pass them.
const darwinSymbols = {
  free: { parameters: ["pointer"], result: "void" },
  getegid: { parameters: [], result: "u32" },
  geteuid: { parameters: [], result: "u32" },
  getfsstat: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  // Where inode numbers once had 32 bits (Intel), the plain name is that of the call with the old struct.
  getfsstatOfIntel: {
    name: "getfsstat$INODE64",
    parameters: ["buffer", "i32", "i32"],
    result: "i32",
    optional: true,
  },
  // Asks the process that serves the mount, which this one is: off its thread.
  unmount: {
    parameters: ["buffer", "i32"],
    result: "i32",
    nonblocking: true,
  },
  unmountAtOnce: {
    name: "unmount",
    parameters: ["buffer", "i32"],
    result: "i32",
  },
} as const;

/** libfuse's calls. */
export type FuseCalls = Deno.DynamicLibrary<typeof fuseSymbols>["symbols"];

/** The calls of the C library of Linux. */
export type LinuxCalls = Deno.DynamicLibrary<typeof linuxSymbols>["symbols"];

/** The calls of the C library of macOS. */
export type DarwinCalls = Deno.DynamicLibrary<typeof darwinSymbols>["symbols"];

/** What a mount needs of the system. Disposing closes the libraries. */
export interface FuseLibraries<System> extends Disposable {
  readonly fuse: FuseCalls;
  readonly system: System;
  /** Which libfuse it is. */
  readonly fuseName: string;
}

/** Where libraries are looked for: names, or whole paths. */
export interface FusePlace {
  readonly fuse: readonly string[];
  readonly system: readonly string[];
}

/** Sonames of libfuse 3: since 3.17 the second number is 4. */
export const fuseNames: readonly string[] = ["libfuse3.so.4", "libfuse3.so.3"];

/** Where Linux has them. */
export const linuxPlace: FusePlace = { fuse: fuseNames, system: ["libc.so.6"] };

const fuseT = "/Library/Application Support/fuse-t/lib";

/** Where macOS has them: where macFUSE and FUSE-T both put theirs, in FUSE-T's own folder, MacPorts. */
export const darwinPlace: FusePlace = {
  fuse: [
    "/usr/local/lib/libfuse3.4.dylib",
    "/usr/local/lib/libfuse3.dylib",
    `${fuseT}/libfuse3.4.dylib`,
    `${fuseT}/libfuse3.dylib`,
    "/opt/local/lib/libfuse3.dylib",
  ],
  system: ["/usr/lib/libSystem.B.dylib"],
};

/** The version of libfuse's interface that our callbacks are for: struct libfuse_version. */
export const interfaceVersion: Uint32Array<ArrayBuffer> = new Uint32Array([
  3,
  17,
  0,
  0,
]);

/** The package that has what is missing, for messages. */
export const packageAdvice =
  "install libfuse 3 (Debian, Ubuntu: apt-get install fuse3; Fedora: dnf install fuse3 fuse3-libs; Arch: pacman -S fuse3)";

/** The same for macOS. */
export const darwinAdvice =
  "install macFUSE 4.10 or newer (https://macfuse.github.io, or: brew install --cask macfuse), and allow its extension in the System Settings";

/**
 * Opens libfuse and the C library of Linux.
 * @throws {Failure} `not-found` when there is none; `permission-denied` when a sandbox forbids it
 */
export function openLinuxLibraries(
  place: FusePlace = linuxPlace,
): FuseLibraries<LinuxCalls> {
  const system = openFirst(place.system, linuxSymbols, sayMissing);
  try {
    const fuse = openFirst(place.fuse, fuseSymbols, sayMissing);
    return {
      fuse: fuse.library.symbols,
      system: system.library.symbols,
      fuseName: fuse.name,
      [Symbol.dispose]: () => {
        fuse.library.close();
        system.library.close();
      },
    };
  } catch (error) {
    system.library.close();
    throw error;
  }
}

/**
 * Opens libfuse and the C library of macOS. Disposing leaves them open: libfuse may have a thread there
 * that still unmounts when its session has ended.
 * @throws {Failure} `not-found` when there is none; `permission-denied` when a sandbox forbids it
 */
export function openDarwinLibraries(
  place: FusePlace = darwinPlace,
): FuseLibraries<DarwinCalls> {
  const there = place.fuse.filter(isFile);
  const fuse = there.length === 0
    ? openFirst(place.fuse, fuseSymbols, sayMissingOnDarwin)
    : openFirst(there, fuseSymbols, sayUnfit);
  const system = openFirst(place.system, darwinSymbols, sayUnfit);
  return {
    fuse: fuse.library.symbols,
    system: system.library.symbols,
    fuseName: fuse.name,
    [Symbol.dispose]: () => {},
  };
}

function sayMissing(names: readonly string[]): string {
  return `Cannot mount: ${
    names.join(" or ")
  } is not on this machine; ${packageAdvice}`;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // or not to be looked at, which opening it will say
  }
}

function sayUnfit(names: readonly string[], cause: unknown): string {
  return `Cannot mount: ${names.at(-1)} cannot be used: ${messageOf(cause)}; ` +
    darwinAdvice;
}

function sayMissingOnDarwin(names: readonly string[]): string {
  const file = names[0]!.slice(names[0]!.lastIndexOf("/") + 1);
  return `Cannot mount: ${file} is not on this machine; ${darwinAdvice}. ` +
    `Without it, "restore" writes the files that are wanted`;
}
