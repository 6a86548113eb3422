// FUSE library: the symbols of libfuse 3's low-level interface and the few of the C library that a
// receive loop needs. Opens them; knows nothing of what is done with them.

import { Failure } from "../src/base/errors.ts";
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
  fuse_session_mount: { parameters: ["pointer", "buffer"], result: "i32" },
  fuse_session_fd: { parameters: ["pointer"], result: "i32" },
  fuse_session_receive_buf: {
    parameters: ["pointer", "buffer"],
    result: "i32",
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
} as const;

const systemSymbols = {
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

/** libfuse's symbols, opened. */
export type FuseLibrary = Deno.DynamicLibrary<typeof fuseSymbols>;

/** The C library's symbols, opened. */
export type SystemLibrary = Deno.DynamicLibrary<typeof systemSymbols>;

/** What a mount needs of the system. Disposing closes both libraries. */
export interface FuseLibraries extends Disposable {
  readonly fuse: FuseLibrary["symbols"];
  readonly system: SystemLibrary["symbols"];
  /** Which libfuse it is. */
  readonly fuseName: string;
}

/** Sonames of libfuse 3: since 3.17 the second number is 4. */
export const fuseNames: readonly string[] = ["libfuse3.so.4", "libfuse3.so.3"];

const systemName = "libc.so.6";

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

/**
 * Opens libfuse and the C library; `names` are tried in order.
 * @throws {Failure} `not-found` when there is none; `permission-denied` when a sandbox forbids it
 */
export function openFuseLibraries(
  names: readonly string[] = fuseNames,
  os: typeof Deno.build.os = Deno.build.os,
): FuseLibraries {
  if (os !== "linux") throw new Failure("not-found", refusalOn(os));
  const system = openFirst([systemName], systemSymbols, sayMissing);
  try {
    const fuse = openFirst(names, fuseSymbols, sayMissing);
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

/** Why there is no mount: structs, error numbers and calls are those of Linux. */
function refusalOn(os: typeof Deno.build.os): string {
  const instead = '"restore" writes the files that are wanted';
  return os === "darwin"
    ? `Cannot mount: this program does not mount on macOS yet, also not with macFUSE or FUSE-T; ${instead}`
    : `Cannot mount: this program does not mount on ${os}; ${instead}`;
}

function sayMissing(names: readonly string[]): string {
  return `Cannot mount: ${
    names.join(" or ")
  } is not on this machine; ${packageAdvice}`;
}
