// FUSE session: one mount of libfuse's. Requests come in on the calling thread: a call on another
// thread waits until the kernel has some, then they are taken without waiting; libfuse's callbacks
// copy the request out and return. Replies come later, in any order. Owns the libraries, the
// callbacks and the receive buffer until it is disposed.

import { assert, present } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import {
  argsLayout,
  bufferLayout,
  capabilities,
  connectionLayout,
  errorNumbers,
  vectorLayout,
} from "../../ffi/fuse_layout.ts";
import {
  type FuseLibraries,
  interfaceVersion,
  packageAdvice,
} from "../../ffi/fuse_library.ts";
import {
  callbackCount,
  type FuseRequest,
  initIndex,
  type MemoryReader,
  readingCallbacks,
  writingCallbacks,
} from "../../ffi/fuse_requests.ts";

import { readBytesMax } from "../view/view.ts";
import { cString } from "./system_file.ts";

/** A request that waits for its reply: exactly one call of a reply method. */
export type Ticket = Deno.PointerObject;

/** Takes a request; must not throw, and must see to it that the ticket is answered. */
export type RequestTaker = (request: FuseRequest, ticket: Ticket) => void;

/** Requests taken before the event loop gets its turn. */
const requestsPerTurn = 64;

/** Background requests that the kernel has under way at most: read-ahead of several readers. */
const backgroundMax = 64;

const pollIn = 1;
const nonBlocking = 0o4000;
const setStatusFlags = 4, getStatusFlags = 3;
const closeOnExec = 0o2000000;

/** A mounted session. */
export class FuseSession implements Disposable {
  readonly #libraries: FuseLibraries;
  readonly #callbacks: { close(): void }[];
  readonly #session: Deno.PointerObject;
  readonly #buffer: Bytes = new Uint8Array(bufferLayout.room);
  readonly #wakeFile: number;
  #take: RequestTaker | undefined;
  #stopping = false;
  #mounted = true;
  #disposed = false;
  #openTickets = 0;
  #onIdle: (() => void) | undefined;

  private constructor(
    libraries: FuseLibraries,
    callbacks: { close(): void }[],
    session: Deno.PointerObject,
    wakeFile: number,
  ) {
    this.#libraries = libraries;
    this.#callbacks = callbacks;
    this.#session = session;
    this.#wakeFile = wakeFile;
  }

  /**
   * Mounts at `path`, with libfuse's options. Takes the libraries over, also when it fails.
   * @throws {Failure} `permission-denied`, `io`
   */
  static mount(
    libraries: FuseLibraries,
    path: string,
    options: readonly string[],
  ): FuseSession {
    const parts = new DisposableStack();
    parts.use(libraries);
    try {
      const { fuse, system } = libraries;
      // Requests come once the session is there and run() runs.
      const made: { session?: FuseSession } = {};
      const { table, callbacks } = makeCallbacks((request, ticket) =>
        made.session?.accept(request, ticket)
      );
      parts.defer(() => callbacks.forEach((each) => each.close()));
      const session = newSession(libraries, table, options);
      parts.defer(() => fuse.fuse_session_destroy(session));
      if (fuse.fuse_session_mount(session, cString(path)) !== 0) {
        throw new Failure(
          "permission-denied",
          `Cannot mount at "${path}": the system refused, for the reason that libfuse printed. ` +
            `Needed are /dev/fuse and, for other users than root, fusermount3: ${packageAdvice}`,
        );
      }
      parts.defer(() => fuse.fuse_session_unmount(session));
      const wakeFile = system.eventfd(0, nonBlocking | closeOnExec);
      if (wakeFile < 0) {
        throw new Failure("io", "Cannot mount: no descriptor is left");
      }
      setNonBlocking(libraries, fuse.fuse_session_fd(session));
      made.session = new FuseSession(libraries, callbacks, session, wakeFile);
      parts.move(); // the session owns them from here on
      return made.session;
    } finally {
      parts.dispose();
    }
  }

  /**
   * Takes requests until the file system is unmounted or stop() is called; calls `onReady` once the
   * kernel has agreed on how to speak. @throws {Failure} `io`
   */
  async run(take: RequestTaker, onReady: () => void): Promise<void> {
    this.#take = take;
    const { fuse, system } = this.#libraries;
    const descriptors = new Int32Array([
      fuse.fuse_session_fd(this.#session),
      pollIn,
      this.#wakeFile,
      pollIn,
    ]);
    const polled = new Uint8Array(descriptors.buffer);
    try {
      for (let isReady = false; !this.#stopping; isReady = true) {
        await system.poll(polled, 2n, -1);
        if (this.#stopping) break;
        const isThere = this.#receive();
        if (!isReady && !isThere) {
          throw new Failure("io", "Cannot mount: it ended before it began");
        }
        if (!isThere) break;
        if (!isReady) onReady();
      }
    } finally {
      await this.#idle();
    }
  }

  /** Ends run() once all requests that were taken are answered. May be called at any time. */
  stop(): void {
    if (this.#stopping || this.#disposed) return;
    this.#stopping = true;
    this.#libraries.fuse.fuse_session_exit(this.#session);
    const one = new Uint8Array(8);
    one[0] = 1;
    this.#libraries.system.write(this.#wakeFile, one, 8n);
  }

  /** Answers with an error number, or 0 for plain success. */
  replyError(ticket: Ticket, number: number): void {
    this.#libraries.fuse.fuse_reply_err(ticket, number);
    this.#answered();
  }

  /** Ends a request that wants no answer. */
  replyNothing(ticket: Ticket): void {
    this.#libraries.fuse.fuse_reply_none(ticket);
    this.#answered();
  }

  /** Answers with bytes, which are free again when this returns. */
  replyBytes(ticket: Ticket, bytes: Bytes): void {
    this.#libraries.fuse.fuse_reply_buf(
      ticket,
      bytes as Uint8Array<ArrayBuffer>,
      BigInt(bytes.length),
    );
    this.#answered();
  }

  /** Answers with several runs of bytes, one after the other. */
  replyParts(ticket: Ticket, parts: readonly Bytes[]): void {
    if (parts.length === 1) return this.replyBytes(ticket, parts[0]!);
    const vectors = new Uint8Array(parts.length * vectorLayout.bytes);
    const view = new DataView(vectors.buffer);
    parts.forEach((part, index) => {
      const base = index * vectorLayout.bytes;
      view.setBigUint64(base + vectorLayout.base, addressOf(part), true);
      view.setBigUint64(
        base + vectorLayout.len,
        BigInt(part.length),
        true,
      );
    });
    this.#libraries.fuse.fuse_reply_iov(ticket, vectors, parts.length);
    this.#answered();
  }

  /**
   * Unmounts, lazily, and nothing else: for a process that ends at this moment, whatever it was doing.
   * Waits for nobody: the device is closed first, which fails what still waits for an answer.
   */
  abandon(): void {
    if (this.#disposed || !this.#mounted) return;
    this.#mounted = false;
    this.#libraries.fuse.fuse_session_unmount(this.#session);
  }

  /** Unmounts (lazily where files are open) and gives everything back. All tickets are answered. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.abandon();
    this.#disposed = true;
    assert(this.#openTickets === 0, "every request is answered before the end");
    const { fuse, system } = this.#libraries;
    fuse.fuse_session_destroy(this.#session);
    const memory = new DataView(this.#buffer.buffer)
      .getBigUint64(bufferLayout.mem, true);
    if (memory !== 0n) system.free(Deno.UnsafePointer.create(memory));
    system.close(this.#wakeFile);
    for (const callback of this.#callbacks) callback.close();
    this.#libraries[Symbol.dispose]();
  }

  /** A callback's request; called on this thread while #receive runs. */
  accept(request: FuseRequest, ticket: Ticket): void {
    this.#openTickets++;
    const take = present(this.#take, "requests come while run() runs");
    take(request, ticket);
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

  #answered(): void {
    this.#openTickets--;
    if (this.#openTickets === 0) this.#onIdle?.();
  }

  async #idle(): Promise<void> {
    while (this.#openTickets > 0) {
      await new Promise<void>((resolve) => this.#onIdle = resolve);
    }
  }
}

const memoryReader: MemoryReader = {
  readText: (pointer) => {
    if (pointer === null) return undefined;
    try {
      return Deno.UnsafePointerView.getCString(pointer);
    } catch {
      return undefined; // not UTF-8: no name of ours
    }
  },
  readU64: (pointer, offset) =>
    new Deno.UnsafePointerView(pointer as Deno.PointerObject)
      .getBigUint64(offset),
  readI32: (pointer, offset) =>
    new Deno.UnsafePointerView(pointer as Deno.PointerObject).getInt32(offset),
};

/** The table of callbacks as libfuse wants it, and what must live as long as the session. */
function makeCallbacks(
  take: RequestTaker,
): { table: Bytes; callbacks: { close(): void }[] } {
  const pointers = new BigUint64Array(callbackCount);
  const callbacks: { close(): void }[] = [];
  const put = (
    index: number,
    parameters: readonly Deno.NativeType[],
    call: (...args: unknown[]) => void,
  ) => {
    const callback = new Deno.UnsafeCallback(
      { parameters: [...parameters], result: "void" },
      call as Deno.UnsafeCallbackFunction<Deno.NativeType[], "void">,
    );
    pointers[index] = Deno.UnsafePointer.value(callback.pointer);
    callbacks.push(callback);
  };
  put(initIndex, ["pointer", "pointer"], (_, connection) => {
    negotiate(connection as Deno.PointerObject);
  });
  for (const { index, parameters, decode } of readingCallbacks) {
    put(index, parameters, (...args) => {
      take(decode(args, memoryReader), args[0] as Ticket);
    });
  }
  for (const index of writingCallbacks.values()) {
    put(index, ["pointer"], (ticket) => {
      take({ kind: "write" }, ticket as Ticket);
    });
  }
  return { table: new Uint8Array(pointers.buffer), callbacks };
}

/** Asks the kernel for what it can do for a file system whose files never change. */
function negotiate(connection: Deno.PointerObject): void {
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

function newSession(
  { fuse }: FuseLibraries,
  table: Bytes,
  options: readonly string[],
): Deno.PointerObject {
  const words = ["blockframe", "-o", options.join(",")].map(cString);
  const addresses = new BigUint64Array(words.map(addressOf));
  const args = new Uint8Array(argsLayout.bytes);
  const view = new DataView(args.buffer);
  view.setInt32(argsLayout.argc, words.length, true);
  view.setBigUint64(
    argsLayout.argv,
    addressOf(new Uint8Array(addresses.buffer)),
    true,
  );
  const size = BigInt(table.length);
  const callbacks = table as Uint8Array<ArrayBuffer>;
  const { fuse_session_new_versioned: versioned, fuse_session_new: plain } =
    fuse;
  const version = new Uint8Array(interfaceVersion.buffer);
  const session = versioned !== null
    ? versioned(args, callbacks, size, version, null)
    : present(plain ?? undefined, "libfuse can open a session")(
      args,
      callbacks,
      size,
      null,
    );
  if (session === null) {
    throw new Failure(
      "io",
      `Cannot mount: libfuse refused the options ${options.join(",")}`,
    );
  }
  return session;
}

function setNonBlocking({ system }: FuseLibraries, file: number): void {
  const flags = system.fcntl(file, getStatusFlags, 0);
  const result = system.fcntl(file, setStatusFlags, flags | nonBlocking);
  if (flags < 0 || result < 0) {
    throw new Failure("io", "Cannot mount: the FUSE device takes no flags");
  }
}

function addressOf(bytes: Bytes): bigint {
  return Deno.UnsafePointer.value(
    Deno.UnsafePointer.of(bytes as Uint8Array<ArrayBuffer>),
  );
}
