// Mount: a view at a folder of the local system, from the call until it is unmounted or told to stop.
// Looks before it leaps: what would hang (a mount over what it reads from) is refused, what a dead
// process left is cleared away.

import { Failure, messageOf } from "../base/errors.ts";
import type { Clock } from "../base/ports.ts";
import { readBytesMax, type View } from "../view/view.ts";
import {
  type FuseLibraries,
  openFuseLibraries,
} from "../../ffi/fuse_library.ts";
import { refuseOverlap } from "./overlap.ts";
import { FuseServer } from "./fuse_server.ts";
import { FuseSession, type Ticket } from "./fuse_session.ts";
import {
  cString,
  parseMounts,
  readSystemFile,
  writeSystemFile,
} from "./system_file.ts";

/** What to mount, where, and how it looks. */
export interface MountRequest {
  readonly view: View;
  readonly mountpoint: string;
  /** The folder that the view's bytes are read from, if it is one of this machine. */
  readonly source: string | undefined;
  /** What the system's list of mounts calls it. */
  readonly label: string;
  /** Whether other users than the one who mounts may look. */
  readonly allowOther: boolean;
  /** Owner of everything; undefined: the stored one for root, else who mounts. */
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Permission bits of all files. */
  readonly mode: number | undefined;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Called once the file system can be used, with where it is. */
  onMounted(place: string): void;
  /** Called for what is a mistake of ours; the mount goes on. */
  onFault(error: unknown): void;
}

/** The type of our file systems in the system's list. */
export const mountType = "fuse.blockframe";

// Bytes that the kernel asks for ahead of a reader; more than its 128 KiB keeps our threads busy.
const readAheadKib = 2048;

const detach = 2; // MNT_DETACH of umount(2)

/**
 * Mounts and serves; resolves when it is unmounted again or the signal is aborted.
 * @throws {Failure} `not-found` (the folder, libfuse), `wrong-kind`, `exists`, `invalid-argument`,
 * `permission-denied`, `io`
 */
export async function mountView(request: MountRequest): Promise<void> {
  if (Deno.build.os === "windows") {
    return await (await import("./winfsp_mount.ts")).mountWithWinfsp(request);
  }
  const libraries = openFuseLibraries();
  let path: string;
  try {
    path = openMountpoint(request, libraries);
  } catch (error) {
    libraries[Symbol.dispose]();
    throw error;
  }
  const { system } = libraries;
  const ownUid = system.geteuid(), ownGid = system.getegid();
  using session = FuseSession.mount(libraries, path, optionsOf(request));
  const server = new FuseServer<Ticket>({
    view: request.view,
    replier: session,
    presentation: {
      uid: request.uid,
      gid: request.gid,
      ownUid,
      ownGid,
      storedOwners: ownUid === 0,
      mode: request.mode,
    },
    onFault: request.onFault,
  });
  const stop = () => session.stop();
  request.signal.addEventListener("abort", stop);
  // A terminal that is closed would else end the process and leave a dead mount.
  Deno.addSignalListener("SIGHUP", stop);
  // A mistake of ours ends the process from anywhere, without coming by here.
  const abandon = () => session.abandon();
  globalThis.addEventListener("unload", abandon);
  try {
    if (request.signal.aborted) session.stop();
    await session.run(
      (each, ticket) => server.take(each, ticket),
      () => {
        raiseReadAhead(libraries, path);
        request.onMounted(request.mountpoint);
      },
    );
  } finally {
    request.signal.removeEventListener("abort", stop);
    Deno.removeSignalListener("SIGHUP", stop);
    globalThis.removeEventListener("unload", abandon);
    server.closeAll();
  }
}

function optionsOf(request: MountRequest): string[] {
  // The kernel compares permission bits: who may not read a file must not read it here.
  return [
    "ro",
    "default_permissions",
    // A kernel may be set to ask for more at once; less than it asked for is a file's end to it.
    `max_read=${readBytesMax}`,
    ...(request.allowOther ? ["allow_other"] : []),
    `fsname=${escapeOption(request.label)}`,
    "subtype=blockframe",
  ];
}

// Commas separate options; libfuse takes a backslash before one, and before a backslash.
function escapeOption(text: string): string {
  return text.replace(/[\\,]/g, "\\$&");
}

/** The folder to mount at, without links. @throws {Failure} */
function openMountpoint(
  { mountpoint, source }: MountRequest,
  libraries: FuseLibraries,
): string {
  clearDead(mountpoint, libraries);
  const cannot = `Cannot mount at "${mountpoint}"`;
  let path: string;
  try {
    path = Deno.realPathSync(mountpoint);
    if (!Deno.statSync(path).isDirectory) {
      throw new Failure("wrong-kind", `${cannot}: it is not a folder`);
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (error instanceof Deno.errors.NotFound) {
      throw new Failure(
        "not-found",
        `${cannot}: there is no such folder; mkdir makes it`,
      );
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new Failure("permission-denied", `${cannot}: ${messageOf(error)}`);
    }
    throw new Failure("io", `${cannot}: ${messageOf(error)}`);
  }
  if (source !== undefined) refuseOverlap(cannot, path, source);
  const isMounted = parseMounts(
    readSystemFile(libraries, "/proc/self/mountinfo") ?? "",
  ).some((each) => each.path === path && each.type === mountType);
  if (isMounted) {
    throw new Failure(
      "exists",
      `${cannot}: an archive is mounted there already; ` +
        `fusermount3 -u ends that`,
    );
  }
  return path;
}

/** Takes away what a process that was killed left mounted; a live mount does not look like one. */
function clearDead(mountpoint: string, { system }: FuseLibraries): void {
  if (!isDead(mountpoint)) return;
  if (system.umount2(cString(mountpoint), detach) === 0) return;
  try {
    const { success } = new Deno.Command("fusermount3", {
      args: ["-u", "-z", "--", mountpoint],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync();
    if (success) return;
  } catch {
    // not there, or the sandbox has none: said below
  }
  throw new Failure(
    "io",
    `Cannot mount at "${mountpoint}": a dead mount is in the way, and could not be cleared; ` +
      `fusermount3 -u -z does it`,
  );
}

function isDead(mountpoint: string): boolean {
  try {
    // Opening asks the process behind it; what stat says may be remembered by the kernel.
    Deno.openSync(mountpoint).close();
    return false;
  } catch (error) {
    const { code } = error as { code?: string };
    return code === "ENOTCONN" || /os error 107/.test(messageOf(error));
  }
}

/** Where we may, lets the kernel ask for more at once; what is refused is slower, and no more. */
function raiseReadAhead(libraries: FuseLibraries, path: string): void {
  const mount = parseMounts(
    readSystemFile(libraries, "/proc/self/mountinfo") ?? "",
  ).findLast((each) => each.path === path && each.type === mountType);
  if (mount === undefined) return;
  writeSystemFile(
    libraries,
    `/sys/class/bdi/${mount.device}/read_ahead_kb`,
    `${readAheadKib}`,
  );
}
