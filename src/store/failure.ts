// The one place where an error of the operating system becomes a Failure. Every store words its
// messages here, so that a full disk reads the same whoever met it. Never decides what to do about
// it: that is the caller's.

import { AssertionError } from "../base/assert.ts";
import { Failure, type FailureCode, messageOf } from "../base/errors.ts";

/** The first half of a message: `Cannot read "a/b" of /archive`; "" stands for the root itself. */
export function formatAttempt(
  verb: string,
  path: string,
  location: string,
): string {
  if (path === "") return `Cannot ${verb} ${location}`;
  // Made for every call of a store, and nearly all names are plain.
  const named = plainPath.test(path) ? `"${path}"` : JSON.stringify(path);
  return `Cannot ${verb} ${named} of ${location}`;
}

const plainPath = /^[\w/.-]*$/;

/** A failure that a store found by itself, with no error of the system behind it. */
export function refusal(
  attempt: string,
  code: FailureCode,
  reason: string,
): Failure {
  return new Failure(code, `${attempt}: ${reason}`);
}

/**
 * The Failure that `error` means for `attempt`; a Failure stays what it is.
 * @throws {AssertionError} if the error shows a mistake of ours, not of the world
 */
export function failureOf(attempt: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof AssertionError) throw error;
  if (error instanceof Deno.errors.BadResource) {
    throw new AssertionError(
      `Broken invariant: ${attempt}: the file is closed`,
    );
  }
  if (error instanceof Deno.errors.NotCapable) {
    const reason = "this process has not been given the permission";
    return new Failure("permission-denied", `${attempt}: ${reason}`, {
      cause: error,
    });
  }
  const errno = errnoOf(error);
  const meaning = errno === undefined ? undefined : meanings[errno];
  const [code, reason] = meaning ?? ["io", "the system reported an error"];
  const detail = errno ?? messageOf(error);
  return new Failure(code, `${attempt}: ${reason} (${detail})`, {
    cause: error,
  });
}

/** The symbolic errno ("ENOSPC") of an error that Deno threw, if it has one. */
export function errnoOf(
  error: unknown,
  os: typeof Deno.build.os = Deno.build.os,
): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code: unknown = (error as { code?: unknown }).code;
  if (typeof code === "string") return code;
  // Deno names only part of the numbers; the rest is in the text that Rust's std::io::Error gives.
  const number = /\(os error (\d+)\)/.exec(error.message)?.[1];
  if (number === undefined) return undefined;
  const table = os === "windows"
    ? windowsErrors
    : os === "darwin"
    ? darwinErrors
    : linuxErrors;
  return table[Number(number)];
}

type Meaning = readonly [code: FailureCode, reason: string];

const occupied: Meaning = ["exists", "something is there already"];
const denied: Meaning = ["permission-denied", "permission denied"];
const deviceGone: Meaning = ["offline", "the disk is not there any more"];
const badName: Meaning = [
  "invalid-name",
  "the file system cannot store that name",
];
const linkInTheWay: Meaning = ["unsafe-path", "a symbolic link is in the way"];
const deviceError: Meaning = ["io", "the device reported an error"];

const meanings: Readonly<Record<string, Meaning>> = {
  ENOENT: ["not-found", "nothing is there"],
  EEXIST: occupied,
  ENOTEMPTY: occupied,
  EACCES: denied,
  EPERM: denied,
  ENOSPC: ["no-space", "the disk is full"],
  EDQUOT: ["no-space", "the quota is used up"],
  EFBIG: ["no-space", "the file system holds no larger file"],
  EROFS: ["read-only", "the file system is read-only"],
  EIO: deviceError,
  EREMOTEIO: deviceError,
  EUCLEAN: ["io", "the file system is damaged"],
  ENODEV: deviceGone,
  ENXIO: deviceGone,
  ENOTCONN: deviceGone,
  ECONNABORTED: deviceGone, // a FUSE driver that died in the middle of the call
  ESTALE: deviceGone,
  ENOMEDIUM: deviceGone,
  EHOSTDOWN: deviceGone,
  ETIMEDOUT: deviceGone,
  ENOTDIR: ["wrong-kind", "a file lies where a folder is needed"],
  EISDIR: ["wrong-kind", "a folder lies where a file is needed"],
  ELOOP: linkInTheWay,
  ENAMETOOLONG: badName,
  EILSEQ: badName,
  ENOTSUP: ["invalid-argument", "the file system cannot do that"],
  E2BIG: ["invalid-argument", "the file system holds none so large"],
  EINVAL: ["invalid-argument", "the file system refuses it"],
  EBUSY: ["io", "it is in use"],
  ETXTBSY: ["io", "it is in use"],
  EMFILE: ["io", "this process has too many open files"],
  ENFILE: ["io", "the system has too many open files"],
  EXDEV: ["io", "source and target are on different file systems"],
};

// Only what Deno gives no code for, found by injecting each errno into a running Deno 2.9.6.
// Linux: include/uapi/asm-generic/errno*.h
const linuxErrors: Readonly<Record<number, string>> = {
  6: "ENXIO",
  19: "ENODEV",
  23: "ENFILE",
  26: "ETXTBSY",
  27: "EFBIG",
  84: "EILSEQ",
  112: "EHOSTDOWN",
  116: "ESTALE",
  117: "EUCLEAN",
  121: "EREMOTEIO",
  122: "EDQUOT",
  123: "ENOMEDIUM",
};

// macOS: bsd/sys/errno.h
const darwinErrors: Readonly<Record<number, string>> = {
  6: "ENXIO",
  19: "ENODEV",
  23: "ENFILE",
  26: "ETXTBSY",
  27: "EFBIG",
  64: "EHOSTDOWN",
  69: "EDQUOT",
  70: "ESTALE",
  92: "EILSEQ",
};

// Windows system error codes, as the POSIX error that they come nearest to.
const windowsErrors: Readonly<Record<number, string>> = {
  19: "EROFS", // ERROR_WRITE_PROTECT
  20: "ENODEV", // ERROR_BAD_UNIT
  21: "ENOMEDIUM", // ERROR_NOT_READY
  23: "EIO", // ERROR_CRC
  32: "EBUSY", // ERROR_SHARING_VIOLATION
  33: "EBUSY", // ERROR_LOCK_VIOLATION
  39: "ENOSPC", // ERROR_HANDLE_DISK_FULL
  55: "ENODEV", // ERROR_DEV_NOT_EXIST
  112: "ENOSPC", // ERROR_DISK_FULL
  123: "EILSEQ", // ERROR_INVALID_NAME
  145: "ENOTEMPTY", // ERROR_DIR_NOT_EMPTY
  206: "ENAMETOOLONG", // ERROR_FILENAME_EXCED_RANGE
  223: "EFBIG", // ERROR_FILE_TOO_LARGE
  267: "ENOTDIR", // ERROR_DIRECTORY
  433: "ENODEV", // ERROR_NO_SUCH_DEVICE
  483: "EIO", // ERROR_DEVICE_HARDWARE_ERROR
  1117: "EIO", // ERROR_IO_DEVICE
  1167: "ENODEV", // ERROR_DEVICE_NOT_CONNECTED
  1295: "EDQUOT", // ERROR_DISK_QUOTA_EXCEEDED
};
