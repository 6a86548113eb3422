// FUSE session: one mount of libfuse's. Requests come in on the calling thread: libfuse's callbacks copy
// the request out and return. Replies come later, in any order. Owns the system with its libraries, the
// callbacks and the pump that requests come from until it is disposed.

import { assert, present } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import type { FuseAnswer } from "../../ffi/fuse_answers.ts";
import {
  argsLayout,
  type ErrorName,
  vectorLayout,
} from "../../ffi/fuse_layout.ts";
import { interfaceVersion } from "../../ffi/fuse_library.ts";
import {
  type FuseRequest,
  initIndex,
  type MemoryReader,
  writingCallbacks,
} from "../../ffi/fuse_requests.ts";
import {
  type FuseSystem,
  refusal,
  type RequestPump,
  type Ticket,
} from "./fuse_system.ts";
import { cString } from "./system_file.ts";

/** Takes a request; must not throw, and must see to it that the ticket is answered. */
export type RequestTaker = (request: FuseRequest, ticket: Ticket) => void;

/** A mounted session. */
export class FuseSession implements Disposable {
  readonly #system: FuseSystem;
  readonly #callbacks: { close(): void }[];
  readonly #session: Deno.PointerObject;
  readonly #pump: RequestPump;
  #take: RequestTaker | undefined;
  #mounted = true;
  #disposed = false;
  #openTickets = 0;
  #onIdle: (() => void) | undefined;

  private constructor(
    system: FuseSystem,
    callbacks: { close(): void }[],
    session: Deno.PointerObject,
    pump: RequestPump,
  ) {
    this.#system = system;
    this.#callbacks = callbacks;
    this.#session = session;
    this.#pump = pump;
  }

  /**
   * Mounts at `path`, with libfuse's options. Takes the system over, also when it fails.
   * @throws {Failure} `permission-denied`, `io`
   */
  static mount(
    system: FuseSystem,
    path: string,
    options: readonly string[],
  ): FuseSession {
    const parts = new DisposableStack();
    parts.use(system);
    try {
      const { fuse } = system;
      // Requests come once the session is there and run() runs.
      const made: { session?: FuseSession } = {};
      const { table, callbacks } = makeCallbacks(
        system,
        (request, ticket) => made.session?.accept(request, ticket),
      );
      parts.defer(() => callbacks.forEach((each) => each.close()));
      const session = newSession(system, table, options);
      parts.defer(() => fuse.fuse_session_destroy(session));
      if (fuse.fuse_session_mount(session, cString(path)) !== 0) {
        throw refusal(system, path);
      }
      parts.defer(() => fuse.fuse_session_unmount(session));
      const pump = system.openPump(session, path);
      made.session = new FuseSession(system, callbacks, session, pump);
      parts.move(); // the session owns them from here on
      return made.session;
    } finally {
      parts.dispose();
    }
  }

  /**
   * Takes requests until the file system is unmounted or stop() is called; calls `onReady` once it can be
   * used. @throws {Failure} `io`, `permission-denied`
   */
  async run(take: RequestTaker, onReady: () => void): Promise<void> {
    this.#take = take;
    const pump = this.#pump;
    try {
      for (let wasReady = false; await pump.next();) {
        if (!pump.isReady || wasReady) continue;
        wasReady = true;
        onReady();
      }
    } finally {
      await pump.finish();
      await this.#idle();
    }
  }

  /** Ends run() once all requests that were taken are answered. May be called at any time. */
  stop(): void {
    if (!this.#disposed) this.#pump.stop();
  }

  /** Answers with an error. */
  replyError(ticket: Ticket, name: ErrorName): void {
    const number = this.#system.errorNumber(name);
    this.#system.fuse.fuse_reply_err(ticket, number);
    this.#answered();
  }

  /** Ends a request that wants no answer. */
  replyNothing(ticket: Ticket): void {
    this.#system.fuse.fuse_reply_none(ticket);
    this.#answered();
  }

  /** Answers; bytes of the answer are free again when this returns. */
  reply(ticket: Ticket, answer: FuseAnswer): void {
    if (answer.kind === "bytes") this.#replyBytes(ticket, answer.bytes);
    else if (answer.kind !== "done") this.#system.reply(ticket, answer);
    else this.#system.fuse.fuse_reply_err(ticket, 0);
    this.#answered();
  }

  /** Answers with several runs of bytes, one after the other. */
  replyParts(ticket: Ticket, parts: readonly Bytes[]): void {
    if (parts.length === 1) {
      this.#replyBytes(ticket, parts[0]!);
      return this.#answered();
    }
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
    this.#system.fuse.fuse_reply_iov(ticket, vectors, parts.length);
    this.#answered();
  }

  /**
   * Unmounts, lazily, and nothing else: for a process that ends at this moment, whatever it was doing.
   * Waits for nobody: the device is closed first, which fails what still waits for an answer.
   */
  abandon(): void {
    if (this.#disposed || !this.#mounted) return;
    this.#mounted = false;
    this.#system.fuse.fuse_session_unmount(this.#session);
  }

  /** Unmounts (lazily where files are open) and gives everything back. All tickets are answered. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.abandon();
    this.#disposed = true;
    assert(this.#openTickets === 0, "every request is answered before the end");
    this.#system.fuse.fuse_session_destroy(this.#session);
    this.#pump[Symbol.dispose]();
    for (const callback of this.#callbacks) callback.close();
    this.#system[Symbol.dispose]();
  }

  /** A callback's request; called on this thread while the pump takes some. */
  accept(request: FuseRequest, ticket: Ticket): void {
    this.#openTickets++;
    const take = present(this.#take, "requests come while run() runs");
    take(request, ticket);
  }

  #replyBytes(ticket: Ticket, bytes: Bytes): void {
    this.#system.fuse.fuse_reply_buf(
      ticket,
      bytes as Uint8Array<ArrayBuffer>,
      BigInt(bytes.length),
    );
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
  system: FuseSystem,
  take: RequestTaker,
): { table: Bytes; callbacks: { close(): void }[] } {
  const pointers = new BigUint64Array(system.callbackCount);
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
    system.negotiate(connection as Deno.PointerObject);
  });
  for (const { index, parameters, decode } of system.callbacks) {
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

function newSession(
  { fuse }: FuseSystem,
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
  const { fuse_session_new_versioned: versioned } = fuse;
  const plain = fuse.fuse_session_new ?? fuse.fuse_session_new_30;
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

function addressOf(bytes: Bytes): bigint {
  return Deno.UnsafePointer.value(
    Deno.UnsafePointer.of(bytes as Uint8Array<ArrayBuffer>),
  );
}
