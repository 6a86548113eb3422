// Lock: one command at a time that adds and removes entries ("writer"), and one that mends them
// ("repair"); who reads needs none. The file system's own lock decides where it reaches: it goes with
// its process. The record in the file says who holds it, and its beat is what is gone by where the
// file system has no locks, or keeps them to one machine.
//
// Locks keep order; what keeps entries whole are staging folders and renames. So a command that
// cannot have a lock for want of room or permission goes on without, and says so.

import { type Bytes, equalBytes } from "../base/bytes.ts";
import { Failure, isFailure, messageOf } from "../base/errors.ts";
import { lockBeatMs, lockRecordBytes, lockStaleMs } from "../base/limits.ts";
import {
  describeHolder,
  encodeLockRecord,
  type LockName,
  lockPath,
  type LockRecord,
  parseLockRecord,
} from "../format/lock_record.ts";
import type { LockAttempt, StoreFile } from "../store/store.ts";
import {
  type EngineContext,
  type LockSettings,
  throwIfInterrupted,
} from "./context.ts";

/** A lock that is held. Disposing gives it back. */
export interface HeldLock extends Disposable {
  /**
   * Whether nobody else holds it. With the writer's, no live command works in any staging folder
   * then, and what lies in one was left. False for a command that had to go on without the lock.
   */
  readonly isSure: boolean;
}

type OpenedLock = Exclude<LockAttempt, { kind: "busy" }>;

// What a command that waits tells of it: not of what is over at once.
const quietMs = 500;
const pollMsMin = 10;
const pollMsMax = 250;
// What looks whether a lock is free has it for a moment, and is no reason to give up.
const graceMs = 30;
// Longer than two commands take between looking at a record and writing theirs.
const settleMs = 1_000;

const loneProcess: LockSettings = {
  pid: 0,
  instance: "",
  host: "",
  waitMs: 0,
  pause: () => Promise.resolve(),
};

/** The locks of one archive, as one process takes them. */
export class Locks {
  readonly #context: EngineContext;
  readonly #settings: LockSettings;
  // Who waited in vain does not wait again for the next file of the same command.
  #patient = true;
  #takeCount = 0;

  /** Takes the locks of the context's archive. */
  constructor(context: EngineContext) {
    this.#context = context;
    this.#settings = context.locking ?? loneProcess;
  }

  /**
   * Takes a lock for `command`, waiting for whoever holds it.
   * @throws {Failure} `locked` after waiting in vain, `interrupted`, `offline`
   */
  async take(name: LockName, command: string): Promise<HeldLock> {
    const { clock, signal } = this.#context;
    const startMs = clock.monotonicMs();
    const waitMs = this.#patient ? this.#settings.waitMs : 0;
    const giveUpMs = Math.max(waitMs, graceMs);
    const watch = new Watch();
    let told = false;
    for (let pollMs = pollMsMin;; pollMs = Math.min(pollMs * 2, pollMsMax)) {
      throwIfInterrupted(this.#context);
      const held = await this.#try(name, command, watch);
      if (held !== undefined) {
        this.#patient = true;
        return held;
      }
      const waitedMs = clock.monotonicMs() - startMs;
      if (waitedMs >= giveUpMs && watch.isAlive) {
        this.#patient = false;
        throw lockedFailure(name, watch.holder, waitMs);
      }
      if (waitedMs >= quietMs && !told) {
        told = true;
        const message = `Waiting for ${describeHolder(watch.holder)} to finish`;
        this.#context.emit({ kind: "waiting", message });
      }
      await this.#settings.pause(pollMs, signal);
    }
  }

  /** Whether the lock could be had now; changes nothing. @throws {Failure} `offline` */
  isFree(name: LockName): boolean {
    const { store } = this.#context;
    try {
      if (store.stat(lockPath(name)) === undefined) return true;
      const tried = store.openLockFile(lockPath(name));
      if (tried.kind === "busy") return false;
      using file = tried.file;
      return this.#isGone(tried.kind, parseLockRecord(readAll(file)));
    } catch (error) {
      if (!isFailure(error) || error.code === "offline") throw error;
      return false;
    }
  }

  /** The lock, or undefined while it is another's. */
  async #try(
    name: LockName,
    command: string,
    watch: Watch,
  ): Promise<HeldLock | undefined> {
    const { store, clock } = this.#context;
    let tried: LockAttempt;
    try {
      tried = store.openLockFile(lockPath(name));
    } catch (error) {
      return this.#goWithout(error, command);
    }
    if (tried.kind === "busy") {
      watch.seeBusy(this.#readHolder(name));
      return undefined;
    }
    let kept: HeldLock | undefined;
    try {
      if (tried.kind === "unsupported" && !tried.writable) return withoutLock;
      const content = tried.created ? new Uint8Array(0) : readAll(tried.file);
      const holder = parseLockRecord(content);
      // One that was not there until now has no holder but us, whatever the file system can do.
      if (!tried.created && !this.#isGone(tried.kind, holder)) {
        watch.see(content, holder, clock.monotonicMs());
        if (!watch.isStale(clock.monotonicMs())) return undefined;
      }
      const record = this.#recordOf(tried.kind, command);
      if (!await this.#claim(tried, name, record)) return undefined;
      if (holder !== undefined) this.#tellTakeover(holder);
      kept = this.#hold(tried, name, record);
      return kept;
    } catch (error) {
      return this.#goWithout(error, command);
    } finally {
      if (kept === undefined) tried.file[Symbol.dispose]();
    }
  }

  /** Whether whoever wrote the record is gone for certain. */
  #isGone(
    kind: OpenedLock["kind"],
    holder: LockRecord | undefined,
  ): boolean {
    if (kind !== "held") return false;
    if (holder === undefined) return true;
    // Its lock would have kept us out, if it is of this machine.
    const { host } = this.#settings;
    return holder.advisory && host !== undefined && holder.host === host;
  }

  /** Writes the record; false where another was faster. @throws {Failure} */
  async #claim(
    opened: OpenedLock,
    name: LockName,
    record: LockRecord,
  ): Promise<boolean> {
    try {
      if (opened.writable) writeRecord(opened.file, record);
    } catch (error) {
      // A full disk: the lock holds all the same, where it is one of the file system. What little
      // could be written may be just what a repair needs.
      if (opened.kind === "unsupported" || !isFailure(error, "no-space")) {
        throw error;
      }
      attempt(() => opened.file.truncate(0));
    }
    if (opened.kind === "held" || opened.created) return true;
    await this.#settings.pause(settleMs, this.#context.signal);
    throwIfInterrupted(this.#context);
    return this.#readHolder(name)?.instance === record.instance;
  }

  #recordOf(kind: OpenedLock["kind"], command: string): LockRecord {
    const { pid, host, instance } = this.#settings;
    return {
      command,
      pid,
      ...(host === undefined ? {} : { host }),
      since: new Date(this.#context.clock.nowMs()).toISOString(),
      // One process may ask for the lock again while it has it.
      instance: `${instance}-${++this.#takeCount}`,
      advisory: kind === "held",
      beat: 0,
    };
  }

  /** Keeps the lock until disposed, beating all the while. */
  #hold(
    { file, writable }: OpenedLock,
    name: LockName,
    claimed: LockRecord,
  ): HeldLock {
    const { store, emit } = this.#context;
    let record = claimed;
    const isMine = () => {
      const found = parseLockRecord(readAll(file));
      return found === undefined || found.instance === record.instance;
    };
    const stop = writable
      ? everyBeat(() => {
        if (isMine()) {
          record = { ...record, beat: record.beat + 1 };
          writeRecord(file, record);
          return true;
        }
        const message = "Another command took the archive's lock over, as if " +
          "this one were gone: both are writing now, which loses nothing";
        emit({ kind: "warning", message });
        return false;
      })
      : () => {};
    return {
      isSure: true,
      [Symbol.dispose]: () => {
        stop();
        attempt(() => {
          if (isMine()) store.removeFile(lockPath(name));
        });
        file[Symbol.dispose]();
      },
    };
  }

  #readHolder(name: LockName): LockRecord | undefined {
    return attempt(() => {
      using file = this.#context.store.openFile(lockPath(name), "read");
      return parseLockRecord(readAll(file));
    });
  }

  #tellTakeover(holder: LockRecord): void {
    const message = `The lock of ${describeHolder(holder)} was left by a ` +
      `process that is gone; taking it over`;
    this.#context.emit({ kind: "warning", message });
  }

  /** No lock, and why that is no reason to stop. @throws {Failure} `offline`, `interrupted` */
  #goWithout(error: unknown, command: string): HeldLock {
    if (!isFailure(error)) throw error;
    if (["offline", "interrupted"].includes(error.code)) throw error;
    // What cannot be written says so itself, and what writes nothing after all needs no lock.
    if (!["read-only", "permission-denied"].includes(error.code)) {
      const message = `Going on with ${command} without the archive's lock: ` +
        messageOf(error);
      this.#context.emit({ kind: "warning", message });
    }
    return withoutLock;
  }
}

const withoutLock: HeldLock = { isSure: false, [Symbol.dispose]: () => {} };

/** What somebody who waits sees of the holder. */
class Watch {
  holder: LockRecord | undefined;
  /** Whether the holder is known to live: only then is it worth giving up. */
  isAlive = false;
  #content: Bytes | undefined;
  #sinceMs = 0;

  /** The file system says that somebody holds it. */
  seeBusy(holder: LockRecord | undefined): void {
    this.holder = holder;
    this.isAlive = true;
    this.#content = undefined;
  }

  /** Nothing but the record says that somebody holds it. */
  see(content: Bytes, holder: LockRecord | undefined, nowMs: number): void {
    this.holder = holder;
    if (this.#content !== undefined && equalBytes(this.#content, content)) {
      return;
    }
    this.isAlive = this.#content !== undefined;
    this.#content = content;
    this.#sinceMs = nowMs;
  }

  /** Whether the holder has said nothing for too long. */
  isStale(nowMs: number): boolean {
    return nowMs - this.#sinceMs >= lockStaleMs;
  }
}

function lockedFailure(
  name: LockName,
  holder: LockRecord | undefined,
  waitMs: number,
): Failure {
  const what = name === "writer"
    ? "Cannot write to the archive"
    : "Cannot repair the archive";
  const waited = waitMs > 0 ? ` after ${Math.round(waitMs / 1000)} s` : "";
  return new Failure(
    "locked",
    `${what}: ${describeHolder(holder)} is still at work in it${waited}`,
  );
}

function readAll(file: StoreFile): Bytes {
  const bytes = new Uint8Array(Math.min(file.size(), lockRecordBytes));
  return bytes.subarray(0, file.readInto(bytes, 0));
}

/** @throws {Failure} `no-space` and the like */
function writeRecord(file: StoreFile, record: LockRecord): void {
  const bytes = encodeLockRecord(record);
  file.writeFrom(bytes, 0);
}

/** Calls `beat` at intervals until it gives false or what this gives is called. */
function everyBeat(beat: () => boolean): () => void {
  const stop = () => clearInterval(timer);
  const timer = setInterval(() => {
    // A beat that fails (a full disk, a hiccup) is followed by the next one.
    if (attempt(beat) === false) stop();
  }, lockBeatMs);
  return stop;
}

/** What `work` gives, or undefined where the store failed. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!isFailure(error)) throw error;
    return undefined;
  }
}
