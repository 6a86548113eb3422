// Mount: a view at a folder of the local system, from the call until it is unmounted or told to stop.
// Looks before it leaps: what would hang (a mount over what it reads from) is refused, what a dead
// process left is cleared away.

import { Failure, messageOf } from "../base/errors.ts";
import type { Clock } from "../base/ports.ts";
import type { View } from "../view/view.ts";
import { refuseOverlap } from "./overlap.ts";
import { DarwinFuse } from "./darwin_fuse.ts";
import { FuseServer } from "./fuse_server.ts";
import { FuseSession } from "./fuse_session.ts";
import type { FuseSystem, Ticket } from "./fuse_system.ts";
import { LinuxFuse } from "./linux_fuse.ts";

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

/**
 * Mounts and serves; resolves when it is unmounted again or the signal is aborted.
 * @throws {Failure} `not-found` (the folder, libfuse), `wrong-kind`, `exists`, `invalid-argument`,
 * `permission-denied`, `io`
 */
export async function mountView(request: MountRequest): Promise<void> {
  if (Deno.build.os === "windows") {
    return await (await import("./winfsp_mount.ts")).mountWithWinfsp(request);
  }
  await mountWithFuse(request, openSystem());
}

/**
 * The same through libfuse; takes the system over.
 * @throws {Failure} as mountView
 */
export async function mountWithFuse(
  request: MountRequest,
  system: FuseSystem,
): Promise<void> {
  let path: string;
  try {
    path = openMountpoint(request, system);
  } catch (error) {
    system[Symbol.dispose]();
    throw error;
  }
  const { ownUid, ownGid, foreignLabel } = system;
  const options = system.optionsOf(request);
  using session = FuseSession.mount(system, path, options);
  const server = new FuseServer<Ticket>({
    view: system.adaptView(request.view),
    foreignLabel,
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
      () => request.onMounted(request.mountpoint),
    );
  } finally {
    request.signal.removeEventListener("abort", stop);
    Deno.removeSignalListener("SIGHUP", stop);
    globalThis.removeEventListener("unload", abandon);
    server.closeAll();
  }
}

function openSystem(os: typeof Deno.build.os = Deno.build.os): FuseSystem {
  if (os === "linux") return new LinuxFuse();
  if (os === "darwin") return new DarwinFuse();
  throw new Failure(
    "not-found",
    `Cannot mount: this program does not mount on ${os}; "restore" writes the files that are wanted`,
  );
}

/** The folder to mount at, without links. @throws {Failure} */
function openMountpoint(
  { mountpoint, source }: MountRequest,
  system: FuseSystem,
): string {
  system.clearDead(mountpoint);
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
  const hidden = system.findMount(path);
  if (hidden !== undefined) throw new Failure("exists", `${cannot}: ${hidden}`);
  return path;
}
