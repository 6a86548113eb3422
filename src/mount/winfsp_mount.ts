// WinFsp mount: a view as a drive or a folder of Windows, from the call until it is told to stop.

import { encodeUtf8 } from "../base/bytes.ts";
import { Failure, messageOf } from "../base/errors.ts";
import { encodeVolumeParams } from "../../ffi/winfsp_layout.ts";
import {
  openWinfspLibraries,
  type WinfspPlace,
} from "../../ffi/winfsp_library.ts";
import type { MountRequest } from "./mount.ts";
import { refuseOverlap } from "./overlap.ts";
import { nameMs } from "./windows_tree.ts";
import { WinfspServer } from "./winfsp_server.ts";
import { WinfspSession, type WinfspTicket } from "./winfsp_session.ts";

/**
 * Mounts and serves; resolves when the signal is aborted or the driver ends it. `place` says where
 * the libraries are, if not where they install themselves.
 * @throws {Failure} `not-found` (WinFsp, the folder), `exists`, `invalid-argument`,
 * `permission-denied`, `io`
 */
export async function mountWithWinfsp(
  request: MountRequest,
  place?: WinfspPlace,
): Promise<void> {
  refuseOwners(request);
  const mountpoint = openPlace(request);
  const session: WinfspSession = new WinfspSession(openWinfspLibraries(place), {
    params: encodeVolumeParams({
      createdNs: BigInt(Math.trunc(request.clock.nowMs())) * 1_000_000n,
      serialNumber: serialOf(request.label),
      nameMs,
    }),
    mountpoint,
    take: (each, ticket) => server.take(each, ticket),
    onReady: (where) => request.onMounted(where),
    onFault: request.onFault,
  });
  const server = new WinfspServer<WinfspTicket>({
    view: request.view,
    replier: session,
    label: labelOf(request.label),
    clock: request.clock,
    onFault: request.onFault,
  });
  const stop = () => session.stop();
  request.signal.addEventListener("abort", stop);
  const hangUp = listen("SIGHUP", stop); // the console window is closed
  try {
    if (request.signal.aborted) stop();
    await session.run();
  } finally {
    hangUp?.[Symbol.dispose]();
    request.signal.removeEventListener("abort", stop);
    server.closeAll();
  }
}

/** Windows has no numbers for users: who asks for them would believe that they hold. */
function refuseOwners({ allowOther, uid, gid, mode }: MountRequest): void {
  const asked = allowOther
    ? "--allow-other"
    : uid !== undefined
    ? "--uid"
    : gid !== undefined
    ? "--gid"
    : mode !== undefined
    ? "--mode"
    : undefined;
  if (asked === undefined) return;
  throw new Failure(
    "invalid-argument",
    `${asked} means nothing on Windows: whoever reaches the drive or the folder may read it`,
  );
}

/** Where to mount as WinFsp wants it; undefined for any free drive. @throws {Failure} */
function openPlace({ mountpoint, source }: MountRequest): string | undefined {
  if (mountpoint === "*") return undefined;
  const drive = /^([A-Za-z]:)[\\/]?$/.exec(mountpoint);
  if (drive !== null) return drive[1]!.toUpperCase();
  if (/^\\\\\.\\[A-Za-z]:$/.test(mountpoint)) return mountpoint;
  return openFolder(mountpoint, source);
}

/** A folder that WinFsp will make, in one that is there. */
function openFolder(mountpoint: string, source: string | undefined): string {
  const cannot = `Cannot mount at "${mountpoint}"`;
  const path = mountpoint.replace(/[\\/]+$/, "");
  const cut = Math.max(path.lastIndexOf("\\"), path.lastIndexOf("/"));
  const parent = cut < 0 ? "." : path.slice(0, cut + 1);
  const name = path.slice(cut + 1);
  let whole: string;
  try {
    whole = Deno.realPathSync(parent);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new Failure(
        "not-found",
        `${cannot}: the folder that it is in is not there`,
      );
    }
    throw new Failure("io", `${cannot}: ${messageOf(error)}`);
  }
  // Deno writes whole paths of Windows with a prefix that WinFsp does not take.
  const place = `${whole.replace(/^\\\\\?\\/, "").replace(/\\$/, "")}\\${name}`;
  if (source !== undefined) {
    refuseOverlap(cannot, place, source);
  }
  return place;
}

function listen(signal: Deno.Signal, call: () => void): Disposable | undefined {
  try {
    Deno.addSignalListener(signal, call);
    return {
      [Symbol.dispose]: () => Deno.removeSignalListener(signal, call),
    };
  } catch {
    return undefined; // a system without it
  }
}

/** The last name of a path. */
function labelOf(path: string): string {
  return path.split(/[\\/]/).findLast((name) => name !== "") ?? "BlockFrame";
}

/** 32 bits of FNV-1a of the text: the same volume has the same number. */
function serialOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of encodeUtf8(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash;
}
