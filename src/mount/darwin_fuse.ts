// macOS: libfuse as macFUSE has it. Its newer versions have no descriptor to wait at, so a call on
// another thread waits for each request; and they mount while the first one is waited for, not before.
// Answers go through libfuse's own calls. Never tried on a Mac: docs/mount.md says what was tried.

import { Failure } from "../base/errors.ts";
import type { View } from "../view/view.ts";
import {
  darwinErrorNumbers,
  darwinGoneNumbers,
  darwinMountLayout,
  decodeDarwinMounts,
  encodeDarwinEntry,
  encodeDarwinOpen,
  encodeDarwinStat,
  encodeDarwinStatistics,
  forceUnmount,
  withoutAsking,
} from "../../ffi/darwin_layout.ts";
import type { StructAnswer } from "../../ffi/fuse_answers.ts";
import { bufferLayout, type ErrorName } from "../../ffi/fuse_layout.ts";
import {
  type DarwinCalls,
  type FuseLibraries,
  openDarwinLibraries,
} from "../../ffi/fuse_library.ts";
import {
  callbackCount,
  entriesCallback,
  readingCallbacks,
} from "../../ffi/fuse_requests.ts";
import {
  escapeOption,
  freeBuffer,
  type FuseSystem,
  isDead,
  LoadedFuse,
  type MountStyle,
  refusal,
  type RequestPump,
  type Ticket,
} from "./fuse_system.ts";
import { cString } from "./system_file.ts";

/** How often it is looked whether the mount is there, milliseconds. */
const lookMs = 10;

const goneNumbers: ReadonlySet<number> = new Set(
  Object.values(darwinGoneNumbers),
);

const { ENXIO, ENOTCONN } = darwinGoneNumbers;
/** What a mount gives whose process is gone. */
const deadErrors = { ENXIO, ENOTCONN } as const;

/** libfuse on macOS. */
export class DarwinFuse extends LoadedFuse<DarwinCalls> implements FuseSystem {
  readonly callbacks: FuseSystem["callbacks"] = readingCallbacks
    .filter(({ member }) => member !== entriesCallback);
  readonly callbackCount: number = callbackCount;
  // ENOATTR. For EOPNOTSUPP the system would look into a file "._NAME" beside each.
  readonly foreignLabel = "ENODATA";
  readonly needed =
    "Needed is macFUSE 4.10 or newer, whose extension must be allowed in the System Settings: https://macfuse.github.io";

  /** Takes the libraries over. */
  constructor(libraries: FuseLibraries<DarwinCalls> = openDarwinLibraries()) {
    super(libraries);
  }

  /**
   * macOS asks for names in a form of its own: Finder takes letters and their accents apart, whatever a
   * folder's rows had. So a name that is not there is asked for in both forms.
   */
  adaptView(view: View): View {
    return {
      node: (id) => view.node(id),
      lookup: async (folder, name) => {
        const forms = new Set([
          name,
          name.normalize("NFC"),
          name.normalize("NFD"),
        ]);
        for (const form of forms) {
          const node = await view.lookup(folder, form);
          if (node !== undefined) return node;
        }
        return undefined;
      },
      openFolder: (folder) => view.openFolder(folder),
      openFile: (file) => view.openFile(file),
      readLink: (link) => view.readLink(link),
      labels: (id) => view.labels(id),
      label: (id, name) => view.label(id, name),
      statistics: () => view.statistics(),
    };
  }

  optionsOf({ label, allowOther }: MountStyle): string[] {
    // Neither noappledouble nor noapplexattr: a tree may hold such files, and they are shown.
    return [
      "ro",
      "default_permissions",
      ...(allowOther ? ["allow_other"] : []),
      `fsname=${escapeOption(label)}`,
      `volname=${escapeOption(volumeName(label))}`,
    ];
  }

  clearDead(mountpoint: string): void {
    if (!isDead(mountpoint, deadErrors)) return;
    const { system } = this.libraries;
    if (system.unmountAtOnce(cString(mountpoint), forceUnmount) === 0) return;
    throw new Failure(
      "io",
      `Cannot mount at "${mountpoint}": a dead mount is in the way, and could not be cleared; ` +
        `diskutil unmount force does it`,
    );
  }

  findMount(path: string): string | undefined {
    return isMounted(this.libraries.system, path)
      ? "something is mounted there already; umount ends that"
      : undefined;
  }

  negotiate(): void {
    // What libfuse agrees on by itself is right: this driver has none of what Linux is asked for.
  }

  errorNumber(name: ErrorName): number {
    // The driver forgets a node that is not there, and would keep a stale one.
    return darwinErrorNumbers[name === "ESTALE" ? "ENOENT" : name];
  }

  reply(ticket: Ticket, answer: StructAnswer): void {
    const { fuse } = this;
    const c = (bytes: Uint8Array) => bytes as Uint8Array<ArrayBuffer>;
    switch (answer.kind) {
      case "entry":
        fuse.fuse_reply_entry(ticket, c(encodeDarwinEntry(answer)));
        break;
      case "attributes": {
        const { attributeSeconds } = answer.validity;
        const stat = c(encodeDarwinStat(answer.stat));
        fuse.fuse_reply_attr(ticket, stat, attributeSeconds);
        break;
      }
      case "absence":
        // An entry with number 0 is one that not all drivers know.
        fuse.fuse_reply_err(ticket, darwinErrorNumbers.ENOENT);
        break;
      case "open":
        fuse.fuse_reply_open(ticket, c(encodeDarwinOpen(answer)));
        break;
      case "statistics":
        fuse.fuse_reply_statfs(ticket, c(encodeDarwinStatistics(answer.stat)));
        break;
      case "size":
        fuse.fuse_reply_xattr(ticket, BigInt(answer.bytes));
        break;
    }
  }

  openPump(session: Deno.PointerObject, path: string): RequestPump {
    return new DarwinPump(this, this.libraries, session, path);
  }
}

/** What a wait of the pump came to: what libfuse said of a request, or that the mount is there. */
type Arrival = number | "mounted";

class DarwinPump implements RequestPump {
  isReady = false;
  readonly #fuse: DarwinFuse;
  readonly #libraries: FuseLibraries<DarwinCalls>;
  readonly #session: Deno.PointerObject;
  readonly #path: string;
  readonly #buffer = new Uint8Array(bufferLayout.room);
  #receiving: Promise<number> | undefined;
  #looking: Promise<"mounted"> | undefined;
  #unmounting: Promise<void> | undefined;
  #ended = false;

  constructor(
    fuse: DarwinFuse,
    libraries: FuseLibraries<DarwinCalls>,
    session: Deno.PointerObject,
    path: string,
  ) {
    this.#fuse = fuse;
    this.#libraries = libraries;
    this.#session = session;
    this.#path = path;
  }

  async next(): Promise<boolean> {
    if (this.#ended) return false;
    const { fuse } = this.#libraries;
    this.#receiving ??= fuse.receiveOnThread(this.#session, this.#buffer);
    this.#looking ??= this.#look();
    const arrivals: Promise<Arrival>[] = [this.#receiving];
    if (!this.isReady) arrivals.push(this.#looking);
    const arrival = await Promise.race(arrivals);
    if (arrival === "mounted") {
      this.isReady = true;
      return true;
    }
    this.#receiving = undefined;
    if (arrival > 0) {
      fuse.fuse_session_process_buf(this.#session, this.#buffer);
      return true;
    }
    const { EINTR, EAGAIN } = darwinErrorNumbers;
    if (arrival === -EINTR || arrival === -EAGAIN) return true;
    this.#ended = true;
    if (this.#unmounting !== undefined) return false;
    if (!this.isReady) throw refusal(this.#fuse, this.#path);
    if (arrival === 0 || goneNumbers.has(-arrival)) return false;
    throw new Failure("io", `macFUSE's channel failed with error ${-arrival}`);
  }

  stop(): void {
    // Before the first request nobody waits: the mount, if there is one, ends with the session.
    if (this.#looking === undefined) this.#ended = true;
    else this.#unmounting ??= this.#unmount();
  }

  async finish(): Promise<void> {
    // After a failure of ours: what waits on the other thread must come back before the session goes.
    while (this.#receiving !== undefined) {
      this.stop();
      await this.next().catch(() => {}); // the first failure is the one to be told
    }
    this.#ended = true;
    await Promise.all([this.#unmounting, this.#looking]);
  }

  [Symbol.dispose](): void {
    const { system } = this.#libraries;
    freeBuffer(this.#buffer, system);
  }

  /**
   * Waits until the system lists the mount. The mount itself is not asked: a process that died while it
   * waited for its own answer could never end.
   */
  async #look(): Promise<"mounted"> {
    const { system } = this.#libraries;
    while (!this.#ended && !isMounted(system, this.#path)) {
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
    return "mounted";
  }

  /** Unmounts: kindly, then in spite of open files, then as libfuse does it. next() goes on meanwhile. */
  async #unmount(): Promise<void> {
    const { fuse, system } = this.#libraries;
    const path = cString(this.#path);
    for (const flags of [0, forceUnmount]) {
      if (await system.unmount(path, flags) === 0) return;
    }
    if (!this.#ended) fuse.fuse_session_unmount(this.#session);
  }
}

/** What Finder calls the volume: the last name of the archive's path. */
function volumeName(label: string): string {
  const name = label.replace(/\/+$/, "").split("/").at(-1)!;
  return name.replaceAll(":", "_") || "BlockFrame";
}

/** Whether something is mounted at the folder, whose path has no links. */
function isMounted(system: DarwinCalls, path: string): boolean {
  const listMounts = system.getfsstatOfIntel ?? system.getfsstat;
  const count = listMounts(null, 0, withoutAsking);
  // Some more than there were: others mount, too.
  const list = new Uint8Array((count + 16) * darwinMountLayout.bytes);
  const filled = listMounts(list, list.length, withoutAsking);
  // The volume that users' folders lie on has a second name.
  return decodeDarwinMounts(list, Math.max(0, filled))
    .some((each) => each === path || each === `/System/Volumes/Data${path}`);
}
