// WinFsp session: one mounted volume of WinFsp's. Its dispatcher threads bring requests, each of which
// waits until this thread has copied it out; most are answered later, in any order, by a call of ours.
// Owns the libraries, the callbacks and the volume until it ends.

import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import {
  encodeResponse,
  interfaceLayout,
  type Reply,
  requestKinds,
  requestLayout,
  responseBytesMax,
  responseLayout,
  statuses,
} from "../../ffi/winfsp_layout.ts";
import {
  decodeHead,
  decodeRequest,
  type RequestHead,
  type WinfspRequest,
} from "../../ffi/winfsp_requests.ts";
import { wideString, type WinfspLibraries } from "../../ffi/winfsp_library.ts";

/** A request that waits for its reply: exactly one. */
export interface WinfspTicket extends RequestHead {
  /** The response, while the request's callback still runs. */
  response: Bytes | undefined;
}

/** Takes a request; must not throw, and must see to it that the ticket is answered. */
export type WinfspTaker = (
  request: WinfspRequest,
  ticket: WinfspTicket,
) => void;

/** What is mounted, and where. */
export interface WinfspVolume {
  /** FSP_FSCTL_VOLUME_PARAMS. */
  readonly params: Bytes;
  /** A drive (`X:`), a folder that is not there yet, or undefined for any free drive. */
  readonly mountpoint: string | undefined;
  take: WinfspTaker;
  /** Called with the place once the volume can be used. */
  onReady(place: string): void;
  /** Called for what is a mistake of ours. */
  onFault(error: unknown): void;
}

// All requests are taken by one thread, this one; more threads of the driver's only hide the way there
// and back. The library's own least default.
const threadCount = 4;

const deviceName = "WinFsp.Disk";

type Pointer = Deno.PointerObject;

/** A volume, from its making until it is gone. */
export class WinfspSession {
  readonly #libraries: WinfspLibraries;
  readonly #volume: WinfspVolume;
  readonly #stop: PromiseWithResolvers<void> = Promise.withResolvers();
  #isStopping = false;
  /** The driver has ended the volume by itself: nobody waits for answers any more. */
  #isGone = false;
  #inline: WinfspTicket | undefined;
  #fileSystem: Pointer | undefined;
  #openTickets = 0;
  #onIdle: (() => void) | undefined;

  /** A session that takes the libraries over. */
  constructor(libraries: WinfspLibraries, volume: WinfspVolume) {
    this.#libraries = libraries;
    this.#volume = volume;
  }

  /**
   * Mounts, and serves until stop() is called or the driver ends it.
   * @throws {Failure} `not-found`, `exists`, `permission-denied`, `io`
   */
  async run(): Promise<void> {
    const { winfsp } = this.#libraries;
    await using parts = new AsyncDisposableStack();
    parts.use(this.#libraries);
    const operation = this.#makeOperation();
    parts.defer(() => operation.close());
    const stopped = this.#makeStopped();
    parts.defer(() => stopped.close());
    const table = interfaceTable(stopped.pointer);
    parts.defer(() => void table.length); // the library reads it until then
    await this.#look();
    const fileSystem = this.#create(table);
    this.#fileSystem = fileSystem;
    parts.defer(() => winfsp.FspFileSystemDelete(fileSystem));
    winfsp.FspFileSystemSetOperationGuardF(fileSystem, null, null);
    for (const kind of Object.values(requestKinds)) {
      winfsp.FspFileSystemSetOperationF(fileSystem, kind, operation.pointer);
    }
    expectSuccess(
      winfsp.FspFileSystemStartDispatcher(fileSystem, threadCount),
      "WinFsp started no threads",
    );
    parts.defer(() => winfsp.FspFileSystemStopDispatcher(fileSystem));
    parts.defer(() => this.#idle());
    await this.#appear(fileSystem);
    parts.defer(() => winfsp.FspFileSystemRemoveMountPoint(fileSystem));
    this.#volume.onReady(this.#place(fileSystem));
    await this.#stop.promise;
    this.#isStopping = true;
  }

  /** Ends run() once all requests that were taken are answered. May be called at any time. */
  stop(): void {
    this.#stop.resolve();
  }

  /** Answers a request. */
  reply(ticket: WinfspTicket, reply: Reply): void {
    const response = encodeResponse(ticket.kind, ticket.hint, reply);
    if (this.#inline === ticket) {
      ticket.response = response;
      return;
    }
    if (!this.#isGone && this.#fileSystem !== undefined) {
      this.#libraries.winfsp.FspFileSystemSendResponse(
        this.#fileSystem,
        response as Uint8Array<ArrayBuffer>,
      );
    }
    this.#openTickets--;
    if (this.#openTickets === 0) this.#onIdle?.();
  }

  /** Copies bytes to memory that a request named, which is the driver's until the reply. */
  copy(_ticket: WinfspTicket, address: bigint, bytes: Bytes): void {
    if (this.#isGone || bytes.length === 0) return;
    this.#libraries.memmove(
      Deno.UnsafePointer.create(address),
      bytes as Uint8Array<ArrayBuffer>,
      BigInt(bytes.length),
    );
  }

  /** Calls from the dispatcher's threads; each waits until this thread has run it. */
  #makeOperation() {
    return Deno.UnsafeCallback.threadSafe(
      { parameters: ["pointer", "pointer", "pointer"], result: "u32" },
      (_, request, response) => {
        try {
          return this.#accept(request, response);
        } catch (error) {
          this.#volume.onFault(error);
          return statuses.INTERNAL_ERROR;
        }
      },
    );
  }

  #accept(request: Deno.PointerValue, response: Deno.PointerValue): number {
    const bytes = copyRequest(request);
    const head = decodeHead(bytes);
    if (head === undefined || response === null) {
      return statuses.INVALID_PARAMETER;
    }
    if (this.#isGone) return statuses.CANCELLED;
    const asked = decodeRequest(bytes);
    if (this.#isStopping && asked.kind !== "close") {
      return statuses.DEVICE_NOT_READY;
    }
    const ticket: WinfspTicket = { ...head, response: undefined };
    this.#inline = ticket;
    try {
      this.#volume.take(asked, ticket);
    } finally {
      this.#inline = undefined;
    }
    if (ticket.response === undefined) {
      this.#openTickets++;
      return statuses.PENDING;
    }
    const answer = ticket.response as Uint8Array<ArrayBuffer>;
    assert(answer.length <= responseBytesMax, "the answer fits");
    this.#libraries.memmove(response, answer, BigInt(answer.length));
    return statusIn(answer);
  }

  #makeStopped() {
    return Deno.UnsafeCallback.threadSafe(
      { parameters: ["pointer", "u8"], result: "void" },
      (_, normally) => {
        if (normally !== 0) return;
        this.#isGone = true;
        this.stop();
      },
    );
  }

  /** Asks for what would fail later, while that can still be told apart. */
  async #look(): Promise<void> {
    const { mountpoint } = this.#volume;
    const status = await this.#libraries.winfsp.FspFileSystemPreflight(
      wideString(deviceName),
      mountpoint === undefined ? null : wideString(mountpoint),
    );
    if (status === statuses.OBJECT_NAME_COLLISION) {
      throw new Failure(
        "exists",
        `Cannot mount at "${mountpoint}": that is taken; a drive must be free, ` +
          `and a folder must not be there yet, but the one it is in`,
      );
    }
    if (status === statuses.OBJECT_NAME_INVALID) {
      throw new Failure(
        "not-found",
        `Cannot mount at "${mountpoint}": the folder that it is in is not there`,
      );
    }
    expectSuccess(
      status,
      "WinFsp's driver does not run; a new start of Windows, or installing WinFsp anew, should help",
    );
  }

  #create(table: Bytes): Pointer {
    const made = new BigUint64Array(1);
    const status = this.#libraries.winfsp.FspFileSystemCreate(
      wideString(deviceName),
      this.#volume.params as Uint8Array<ArrayBuffer>,
      table as Uint8Array<ArrayBuffer>,
      new Uint8Array(made.buffer),
    );
    expectSuccess(status, "WinFsp made no volume");
    const pointer = Deno.UnsafePointer.create(made[0]!);
    assert(pointer !== null, "a volume that was made is there");
    return pointer;
  }

  async #appear(fileSystem: Pointer): Promise<void> {
    const { mountpoint } = this.#volume;
    const status = await this.#libraries.winfsp.FspFileSystemSetMountPoint(
      fileSystem,
      mountpoint === undefined ? null : wideString(mountpoint),
    );
    expectSuccess(
      status,
      mountpoint === undefined
        ? "no drive is free"
        : `"${mountpoint}" cannot be mounted at`,
    );
  }

  /** Where the volume is, as the library says. */
  #place(fileSystem: Pointer): string {
    const pointer = this.#libraries.winfsp.FspFileSystemMountPointF(fileSystem);
    if (pointer === null) return this.#volume.mountpoint ?? "";
    const view = new Deno.UnsafePointerView(pointer);
    let text = "";
    for (let at = 0;; at += 2) {
      const unit = view.getUint16(at);
      if (unit === 0) return text;
      text += String.fromCharCode(unit);
    }
  }

  async #idle(): Promise<void> {
    this.#isStopping = true;
    while (this.#openTickets > 0) {
      await new Promise<void>((resolve) => this.#onIdle = resolve);
    }
  }
}

/** The bytes of a request, which the library takes back when the callback returns. */
function copyRequest(pointer: Deno.PointerValue): Bytes {
  if (pointer === null) return new Uint8Array(0);
  const view = new Deno.UnsafePointerView(pointer);
  const bytes = new Uint8Array(view.getUint16(requestLayout.Size));
  view.copyInto(bytes);
  return bytes;
}

function statusIn(response: Bytes): number {
  const view = new DataView(response.buffer, response.byteOffset);
  return view.getUint32(responseLayout["IoStatus.Status"], true);
}

/** FSP_FILE_SYSTEM_INTERFACE, of which only the end of the dispatcher is ours. */
function interfaceTable(stopped: Pointer): Bytes {
  const table = new Uint8Array(interfaceLayout.bytes);
  new DataView(table.buffer).setBigUint64(
    interfaceLayout.DispatcherStopped,
    Deno.UnsafePointer.value(stopped),
    true,
  );
  return table;
}

function expectSuccess(status: number, what: string): void {
  if (status < 0x80000000) return;
  const code = status === statuses.ACCESS_DENIED ? "permission-denied" : "io";
  throw new Failure(
    code,
    `Cannot mount: ${what} (status 0x${status.toString(16)})`,
  );
}
