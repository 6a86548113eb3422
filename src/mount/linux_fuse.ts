// Linux: libfuse over /dev/fuse. A call on another thread waits until the device has something, then
// requests are taken without waiting. Answers are the kernel's own structs.

import { Failure } from "../base/errors.ts";
import type { Bytes } from "../base/bytes.ts";
import { readBytesMax, type View } from "../view/view.ts";
import { encodeAnswer, type StructAnswer } from "../../ffi/fuse_answers.ts";
import {
  bufferLayout,
  capabilities,
  connectionLayout,
  type ErrorName,
  errorNumbers,
} from "../../ffi/fuse_layout.ts";
import {
  type FuseLibraries,
  type LinuxCalls,
  openLinuxLibraries,
  packageAdvice,
} from "../../ffi/fuse_library.ts";
import { callbackCount, readingCallbacks } from "../../ffi/fuse_requests.ts";
import {
  escapeOption,
  freeBuffer,
  type FuseSystem,
  isDead,
  LoadedFuse,
  type MountStyle,
  type RequestPump,
  type Ticket,
} from "./fuse_system.ts";
import {
  cString,
  parseMounts,
  readSystemFile,
  writeSystemFile,
} from "./system_file.ts";

/** The type of our file systems in the system's list. */
const mountType = "fuse.blockframe";

// Bytes that the kernel asks for ahead of a reader; more than its 128 KiB keeps our threads busy.
const readAheadKib = 2048;

/** Requests taken before the event loop gets its turn. */
const requestsPerTurn = 64;

/** Background requests that the kernel has under way at most: read-ahead of several readers. */
const backgroundMax = 64;

const detach = 2; // MNT_DETACH of umount(2)
const pollIn = 1;
const nonBlocking = 0o4000;
const setStatusFlags = 4, getStatusFlags = 3;
const closeOnExec = 0o2000000;

const fusermountPaths = [
  "/usr/bin/fusermount3",
  "/bin/fusermount3",
  "/usr/local/bin/fusermount3",
  "/run/wrappers/bin/fusermount3",
];

/** What a mount gives whose process is gone. */
const deadErrors = { ENOTCONN: errorNumbers.ENOTCONN } as const;

/** libfuse on Linux. */
export class LinuxFuse extends LoadedFuse<LinuxCalls> implements FuseSystem {
  readonly callbacks: FuseSystem["callbacks"] = readingCallbacks;
  readonly callbackCount: number = callbackCount;
  readonly foreignLabel = "EOPNOTSUPP";

  /** Takes the libraries over. */
  constructor(libraries: FuseLibraries<LinuxCalls> = openLinuxLibraries()) {
    super(libraries);
  }

  /** Nothing where all is there: then the reason is another one. */
  get needed(): string {
    if (!isThere("/dev/fuse")) {
      return "There is no /dev/fuse: `modprobe fuse` makes it; a container is given it by " +
        "--device /dev/fuse";
    }
    return fusermountPaths.some(isThere)
      ? ""
      : `Other users than root need fusermount3: ${packageAdvice}`;
  }

  adaptView(view: View): View {
    return view;
  }

  optionsOf({ label, allowOther }: MountStyle): string[] {
    // The kernel compares permission bits: who may not read a file must not read it here.
    return [
      "ro",
      "default_permissions",
      // A kernel may be set to ask for more at once; less than it asked for is a file's end to it.
      `max_read=${readBytesMax}`,
      ...(allowOther ? ["allow_other"] : []),
      `fsname=${escapeOption(label)}`,
      "subtype=blockframe",
    ];
  }

  clearDead(mountpoint: string): void {
    if (!isDead(mountpoint, deadErrors)) return;
    const { system } = this.libraries;
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
        `\`fusermount3 -u -z "${mountpoint}"\` does it`,
    );
  }

  findMount(path: string): string | undefined {
    return this.#mounts().some((each) => each.path === path)
      ? `an archive is mounted there already; \`fusermount3 -u "${path}"\` ends that`
      : undefined;
  }

  negotiate(connection: Deno.PointerObject): void {
    const at = connectionLayout;
    const memory = new DataView(
      Deno.UnsafePointerView.getArrayBuffer(
        connection,
        at.congestion_threshold + 4,
      ),
    );
    const capable = memory.getUint32(at.capable, true);
    const want = memory.getUint32(at.want, true);
    // Rows are kept by the kernel: without the entries it would ask for each of them later.
    const less = want & ~capabilities.rowsWithEntriesSometimes;
    memory.setUint32(
      at.want,
      (less | (capable & capabilities.cacheLinks)) >>> 0,
      true,
    );
    memory.setUint32(at.max_read, readBytesMax, true); // libfuse wants it here as in the options
    memory.setUint32(at.max_background, backgroundMax, true);
    memory.setUint32(at.congestion_threshold, backgroundMax * 3 / 4, true);
  }

  errorNumber(name: ErrorName): number {
    return errorNumbers[name];
  }

  reply(ticket: Ticket, answer: StructAnswer): void {
    const bytes = encodeAnswer(answer) as Uint8Array<ArrayBuffer>;
    this.fuse.fuse_reply_buf(ticket, bytes, BigInt(bytes.length));
  }

  openPump(session: Deno.PointerObject, path: string): RequestPump {
    return new LinuxPump(
      this.libraries,
      session,
      () => this.#raiseReadAhead(path),
    );
  }

  /** Mounts of our type. */
  #mounts() {
    const text = readSystemFile(this.libraries, "/proc/self/mountinfo");
    return parseMounts(text ?? "").filter((each) => each.type === mountType);
  }

  /** Where we may, lets the kernel ask for more at once; what is refused is slower, and no more. */
  #raiseReadAhead(path: string): void {
    const mount = this.#mounts().findLast((each) => each.path === path);
    if (mount === undefined) return;
    writeSystemFile(
      this.libraries,
      `/sys/class/bdi/${mount.device}/read_ahead_kb`,
      `${readAheadKib}`,
    );
  }
}

class LinuxPump implements RequestPump {
  isReady = false;
  readonly #libraries: FuseLibraries<LinuxCalls>;
  readonly #session: Deno.PointerObject;
  readonly #onReady: () => void;
  readonly #buffer: Bytes = new Uint8Array(bufferLayout.room);
  readonly #wakeFile: number;
  readonly #polled: Uint8Array<ArrayBuffer>;
  #stopping = false;

  constructor(
    libraries: FuseLibraries<LinuxCalls>,
    session: Deno.PointerObject,
    onReady: () => void,
  ) {
    this.#libraries = libraries;
    this.#session = session;
    this.#onReady = onReady;
    const { fuse, system } = libraries;
    this.#wakeFile = system.eventfd(0, nonBlocking | closeOnExec);
    if (this.#wakeFile < 0) {
      throw new Failure("io", "Cannot mount: no descriptor is left");
    }
    const device = fuse.fuse_session_fd(session);
    try {
      setNonBlocking(system, device);
    } catch (error) {
      system.close(this.#wakeFile);
      throw error;
    }
    const descriptors = [device, pollIn, this.#wakeFile, pollIn];
    this.#polled = new Uint8Array(new Int32Array(descriptors).buffer);
  }

  async next(): Promise<boolean> {
    if (this.#stopping) return false;
    await this.#libraries.system.poll(this.#polled, 2n, -1);
    if (this.#stopping) return false;
    const isThere = this.#receive();
    if (this.isReady) return isThere;
    if (!isThere) {
      throw new Failure("io", "Cannot mount: it ended before it began");
    }
    this.isReady = true;
    this.#onReady();
    return true;
  }

  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    const { fuse, system } = this.#libraries;
    fuse.fuse_session_exit(this.#session);
    const one = new Uint8Array(8);
    one[0] = 1;
    system.write(this.#wakeFile, one, 8n);
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.dispose](): void {
    const { system } = this.#libraries;
    freeBuffer(this.#buffer, system);
    system.close(this.#wakeFile);
  }

  /** Takes what the kernel has; false when the file system is gone. */
  #receive(): boolean {
    const { fuse } = this.#libraries;
    const buffer = this.#buffer as Uint8Array<ArrayBuffer>;
    for (let count = 0; count < requestsPerTurn; count++) {
      const result = fuse.fuse_session_receive_buf(this.#session, buffer);
      if (result === -errorNumbers.EINTR) continue;
      if (result === -errorNumbers.EAGAIN) return true;
      if (result === 0) return false;
      if (result < 0) {
        throw new Failure("io", `The FUSE device failed with error ${-result}`);
      }
      fuse.fuse_session_process_buf(this.#session, buffer);
    }
    return true;
  }
}

function setNonBlocking(system: LinuxCalls, file: number): void {
  const flags = system.fcntl(file, getStatusFlags, 0);
  const result = system.fcntl(file, setStatusFlags, flags | nonBlocking);
  if (flags < 0 || result < 0) {
    throw new Failure("io", "Cannot mount: the FUSE device takes no flags");
  }
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}
