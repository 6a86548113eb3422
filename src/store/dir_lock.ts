// DirLock: the advisory lock of one open file, as the operating system has it: flock on Linux and
// macOS, LockFileEx on Windows. It belongs to the open file and ends with it, whatever ends the
// process. NFS (Linux) and SMB take it to the server; FUSE file systems often keep it to the machine;
// some have none, and runtimes before Deno 2.9 offer no way to ask without waiting.

import { errnoOf } from "./failure.ts";

/** An open file, and whether its lock is ours. */
export type TakenLock =
  | { readonly kind: "busy" }
  | {
    readonly kind: "held" | "unsupported";
    readonly file: Deno.FsFile;
    readonly writable: boolean;
  };

/** What it says where the lock could be asked for, and the disk did not answer. */
const deviceErrors: readonly (string | undefined)[] = [
  "EIO",
  "ENODEV",
  "ENXIO",
  "ESTALE",
  "ENOTCONN",
];

/**
 * Opens a file and takes its lock, without waiting. One that may only be read can be locked all the
 * same. @throws whatever the system throws
 */
export function takeLock(
  open: (write: boolean) => Deno.FsFile,
  created: boolean,
): TakenLock {
  const { file, writable } = openFor(open, created);
  let kind: TakenLock["kind"] | undefined;
  try {
    kind = tryLock(file);
  } finally {
    if (kind === undefined || kind === "busy") file.close();
  }
  return kind === "busy" ? { kind } : { kind, file, writable };
}

function openFor(
  open: (write: boolean) => Deno.FsFile,
  created: boolean,
): { file: Deno.FsFile; writable: boolean } {
  try {
    return { file: open(true), writable: true };
  } catch (error) {
    // Another user's lock file.
    const denied = error instanceof Deno.errors.PermissionDenied;
    if (created || !denied) throw error;
    return { file: open(false), writable: false };
  }
}

function tryLock(file: Deno.FsFile): TakenLock["kind"] {
  const { tryLockSync } = file as Partial<Pick<Deno.FsFile, "tryLockSync">>;
  if (tryLockSync === undefined) return "unsupported";
  try {
    return tryLockSync.call(file, true) ? "held" : "busy";
  } catch (error) {
    if (deviceErrors.includes(errnoOf(error))) throw error;
    return "unsupported";
  }
}
