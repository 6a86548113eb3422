// FUSE system: what of a mount through libfuse differs between Linux and macOS. The session, the server
// and the order of things are the same; everything else about a system is in its one file
// (linux_fuse.ts, darwin_fuse.ts).

import type { Bytes } from "../base/bytes.ts";
import { Failure, messageOf } from "../base/errors.ts";
import type { View } from "../view/view.ts";
import type { StructAnswer } from "../../ffi/fuse_answers.ts";
import { bufferLayout, type ErrorName } from "../../ffi/fuse_layout.ts";
import type { FuseCalls, FuseLibraries } from "../../ffi/fuse_library.ts";
import type { FuseCallback } from "../../ffi/fuse_requests.ts";

/** A request that waits for its reply: exactly one call of a reply method. */
export type Ticket = Deno.PointerObject;

/** How a mount is asked for, in the words of its user. */
export interface MountStyle {
  /** What the system's list of mounts calls it: the archive's path. */
  readonly label: string;
  readonly allowOther: boolean;
}

/** A system that libfuse mounts on. Disposing it gives its libraries back. */
export interface FuseSystem extends Disposable {
  readonly fuse: FuseCalls;
  /** The callbacks for what reads, and how many members libfuse's table of callbacks has. */
  readonly callbacks: readonly FuseCallback[];
  readonly callbackCount: number;
  /** The answer to who asks for an attribute of a kind that no file here has. */
  readonly foreignLabel: ErrorName;
  readonly ownUid: number;
  readonly ownGid: number;
  /** What must be there where libfuse cannot mount, for a message. */
  readonly needed: string;
  /** The view with names as the programs of this system ask for them. */
  adaptView(view: View): View;
  /** What libfuse is told with `-o`. */
  optionsOf(style: MountStyle): string[];
  /** Takes away what a process that was killed left mounted. @throws {Failure} `io` */
  clearDead(mountpoint: string): void;
  /** What is mounted there already and must not be hidden, in words with a way out, or undefined. */
  findMount(path: string): string | undefined;
  /** Agrees with the kernel on how to speak: struct fuse_conn_info. */
  negotiate(connection: Deno.PointerObject): void;
  /** The number of an error. */
  errorNumber(name: ErrorName): number;
  /** Answers in the system's own structs. */
  reply(ticket: Ticket, answer: StructAnswer): void;
  /** Where requests come from, once the session is mounted. @throws {Failure} `io` */
  openPump(session: Deno.PointerObject, path: string): RequestPump;
}

/** Where requests come from. Disposing it gives its memory and descriptors back. */
export interface RequestPump extends Disposable {
  /** Whether programs can use the file system. */
  readonly isReady: boolean;
  /**
   * Waits for requests and has libfuse call back with them, on this thread; may also come back because
   * it became ready. False when the file system is gone, or as it was told to stop. @throws {Failure}
   */
  next(): Promise<boolean>;
  /** Has next() say false soon. */
  stop(): void;
  /** Ends what is still under way, also after a failure. */
  finish(): Promise<void>;
}

/** What is the same on both: the libraries, and who we are. */
export class LoadedFuse<
  System extends { geteuid(): number; getegid(): number },
> implements Disposable {
  readonly fuse: FuseCalls;
  readonly ownUid: number;
  readonly ownGid: number;
  protected readonly libraries: FuseLibraries<System>;

  /** Takes the libraries over. */
  constructor(libraries: FuseLibraries<System>) {
    this.libraries = libraries;
    this.fuse = libraries.fuse;
    this.ownUid = libraries.system.geteuid();
    this.ownGid = libraries.system.getegid();
  }

  [Symbol.dispose](): void {
    this.libraries[Symbol.dispose]();
  }
}

/** A value of an option: commas separate options, and libfuse takes a backslash before one. */
export function escapeOption(text: string): string {
  return text.replace(/[\\,]/g, "\\$&");
}

/** Why there is no mount where libfuse gives none: it prints the reason by itself. */
export function refusal({ needed }: FuseSystem, path: string): Failure {
  return new Failure(
    "permission-denied",
    `Cannot mount at "${path}": the system refused, for the reason that libfuse printed` +
      (needed === "" ? "" : `. ${needed}`),
  );
}

/**
 * Whether the process behind a mount is gone; a live mount does not look like one. `errors` are what
 * the system says then: names and numbers.
 */
export function isDead(
  mountpoint: string,
  errors: Readonly<Record<string, number>>,
): boolean {
  try {
    // Who opens a pipe waits for whoever writes to it.
    if (!Deno.statSync(mountpoint).isDirectory) return false;
    // Opening asks the process behind it; what stat says may be remembered by the kernel.
    Deno.openSync(mountpoint).close();
    return false;
  } catch (error) {
    const { code } = error as { code?: string };
    const number = /os error (\d+)/.exec(messageOf(error))?.[1];
    return Object.entries(errors).some(([name, value]) =>
      code === name || number === String(value)
    );
  }
}

/** Gives back the memory that libfuse took for requests: a struct fuse_buf points to it. */
export function freeBuffer(
  buffer: Bytes,
  system: { free(memory: Deno.PointerValue): void },
): void {
  const view = new DataView(buffer.buffer, buffer.byteOffset);
  const memory = view.getBigUint64(bufferLayout.mem, true);
  if (memory !== 0n) system.free(Deno.UnsafePointer.create(memory));
}
