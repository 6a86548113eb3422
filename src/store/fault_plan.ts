// FaultPlan: which calls of a FaultyStore go wrong, and how. Deterministic: a fault waits for the
// nth call that it matches. It remembers which faults fired, because a test whose planned damage
// never happened has shown nothing.

import { assert } from "../base/assert.ts";
import type { FailureCode } from "../base/errors.ts";
import { refusal } from "./failure.ts";

/** The calls of a store and of its files, but for closing. */
export type StoreCall =
  | "stat"
  | "list"
  | "openFile"
  | "openLockFile"
  | "makeFolder"
  | "rename"
  | "removeFile"
  | "removeTree"
  | "syncFolder"
  | "syncFiles"
  | "setAttributes"
  | "statExactly"
  | "listExactly"
  | "readLink"
  | "makeLink"
  | "linkFile"
  | "moveName"
  | "setExactly"
  | "readExtended"
  | "setExtended"
  | "readDataRanges"
  | "syncTree"
  | "readInto"
  | "writeFrom"
  | "truncate"
  | "size"
  | "sync";

/** Which paths a fault is for: one path, or all that an expression matches. All, if left out. */
export type PathPattern = string | RegExp;

/** A call fails; nothing is done, or (`late`) all is done and only the report is bad. */
export interface FailFault {
  readonly kind: "fail";
  /** Any of them, if left out. */
  readonly call?: StoreCall;
  readonly path?: PathPattern;
  /** The first of the matching calls that fails: 1, the very first, if left out. */
  readonly nth?: number;
  /** How many matching calls fail from there on: 1 if left out; Infinity for a broken disk. */
  readonly times?: number;
  /** `io` if left out. */
  readonly code?: FailureCode;
  readonly late?: boolean;
}

/** Reads that touch bytes `from` to `to` of a file fail with `io`, as on bad sectors. */
export interface UnreadableFault {
  readonly kind: "unreadable";
  readonly path: PathPattern;
  readonly from: number;
  readonly to: number;
  /** Whether the disk has spare sectors: a write over the whole range makes it readable again. */
  readonly heals?: boolean;
}

/** Reads see a byte changed by exclusive or, until it is written again. */
export interface RottenFault {
  readonly kind: "rotten";
  readonly path: PathPattern;
  readonly offset: number;
  readonly mask: number;
}

/** One read gives at most `bytes`, as if the file ended there. */
export interface ShortReadFault {
  readonly kind: "short-read";
  readonly path?: PathPattern;
  readonly nth?: number;
  readonly bytes: number;
}

/** One write stores its first `bytes` and fails. */
export interface TornWriteFault {
  readonly kind: "torn-write";
  readonly path?: PathPattern;
  readonly nth?: number;
  readonly bytes: number;
  /** `io` if left out. */
  readonly code?: FailureCode;
}

/** One write succeeds, but stores byte `index` of what it was given changed by exclusive or. */
export interface FlippedWriteFault {
  readonly kind: "flipped-write";
  readonly path?: PathPattern;
  readonly nth?: number;
  readonly index: number;
  readonly mask: number;
}

/** A planned misfortune. */
export type Fault =
  | FailFault
  | UnreadableFault
  | RottenFault
  | ShortReadFault
  | TornWriteFault
  | FlippedWriteFault;

/** The planned faults, how often each was met, and the calls so far. */
export class FaultPlan {
  readonly #faults: Waiting[] = [];
  readonly #counts = new Map<StoreCall, number>();

  /** A plan of these faults; more may be added. */
  constructor(faults: readonly Fault[]) {
    for (const fault of faults) this.add(fault);
  }

  /** Adds a fault, which counts the calls from now on. */
  add(fault: Fault): void {
    if (fault.kind === "rotten" || fault.kind === "flipped-write") {
      assert(
        fault.mask > 0 && fault.mask < 256,
        "a mask changes at least one bit of a byte",
      );
    }
    this.#faults.push({ fault, metCount: 0, firedCount: 0, healed: new Set() });
  }

  /** Calls so far, of one kind or all together. */
  callCount(call?: StoreCall): number {
    if (call !== undefined) return this.#counts.get(call) ?? 0;
    let total = 0;
    for (const count of this.#counts.values()) total += count;
    return total;
  }

  /** The faults that never fired. */
  unfired(): Fault[] {
    return this.#faults
      .filter(({ firedCount }) => firedCount === 0)
      .map(({ fault }) => fault);
  }

  /** How often a fault fired. */
  firedCount(fault: Fault): number {
    return this.#faults.find((waiting) => waiting.fault === fault)
      ?.firedCount ?? 0;
  }

  /**
   * Counts a call and fails it if that is planned; gives the failure to throw once the call is
   * done, if that is planned.
   * @throws {Failure}
   */
  begin(
    call: StoreCall,
    paths: readonly string[],
    attempt: string,
  ): Error | undefined {
    this.#counts.set(call, this.callCount(call) + 1);
    let early: Error | undefined;
    let late: Error | undefined;
    // Every fault counts every call that it matches, also one that another fault fails.
    for (const waiting of this.#faults) {
      const { fault } = waiting;
      if (fault.kind !== "fail") continue;
      if (fault.call !== undefined && fault.call !== call) continue;
      if (!matchesAny(fault.path, paths)) continue;
      if (!isDue(waiting, fault.nth, fault.times)) continue;
      const failure = plannedFailure(attempt, fault.code);
      if (fault.late === true) late ??= failure;
      else early ??= failure;
    }
    if (early !== undefined) throw early;
    return late;
  }

  /**
   * The fault of this kind that is due for this call on a file, if one is; it has fired then. Calls
   * of which a fault would spare every byte are none that it waits for: `length` is what they move.
   */
  take<Kind extends OnceKind>(
    kind: Kind,
    path: string,
    length: number,
  ): Extract<Fault, { kind: Kind }> | undefined {
    let due: Extract<Fault, { kind: Kind }> | undefined;
    for (const waiting of this.#faults) {
      const fault = waiting.fault as Extract<Fault, { kind: OnceKind }>;
      if (fault.kind !== kind || !matchesAny(fault.path, [path])) continue;
      const spared = fault.kind === "flipped-write" ? fault.index : fault.bytes;
      if (length > spared && isDue(waiting, fault.nth, 1)) {
        due = fault as Extract<Fault, { kind: Kind }>;
      }
    }
    return due;
  }

  /** Fails if bytes `from` to `to` of a file cannot be read. @throws {Failure} */
  refuseUnreadable(
    path: string,
    from: number,
    to: number,
    attempt: string,
  ): void {
    for (const waiting of this.#faults) {
      const { fault, healed } = waiting;
      if (fault.kind !== "unreadable" || healed.has(path)) continue;
      if (!matchesAny(fault.path, [path])) continue;
      if (from >= fault.to || to <= fault.from) continue;
      waiting.firedCount++;
      throw plannedFailure(attempt, "io");
    }
  }

  /** Changes what was read from `offset` of a file as the rot on it does. */
  rot(path: string, read: Uint8Array, offset: number): void {
    for (const waiting of this.#faults) {
      const { fault, healed } = waiting;
      if (fault.kind !== "rotten" || healed.has(path)) continue;
      const index = fault.offset - offset;
      if (!matchesAny(fault.path, [path])) continue;
      if (index < 0 || index >= read.length) continue;
      waiting.firedCount++;
      read[index] = read[index]! ^ fault.mask;
    }
  }

  /** Bytes `from` to `to` of a file were written, or all of it is another file now. */
  heal(path: string, from: number = 0, to: number = Infinity): void {
    for (const { fault, healed } of this.#faults) {
      if (fault.kind === "rotten") {
        if (from <= fault.offset && fault.offset < to) healed.add(path);
      } else if (fault.kind === "unreadable" && fault.heals === true) {
        if (from <= fault.from && fault.to <= to) healed.add(path);
      }
    }
  }
}

type OnceKind = "short-read" | "torn-write" | "flipped-write";

interface Waiting {
  readonly fault: Fault;
  metCount: number;
  firedCount: number;
  /** Paths on which the fault is gone. */
  readonly healed: Set<string>;
}

function isDue(waiting: Waiting, nth: number = 1, times: number = 1): boolean {
  waiting.metCount++;
  const due = waiting.metCount >= nth && waiting.metCount < nth + times;
  if (due) waiting.firedCount++;
  return due;
}

function matchesAny(
  pattern: PathPattern | undefined,
  paths: readonly string[],
): boolean {
  if (pattern === undefined) return true;
  if (typeof pattern === "string") return paths.includes(pattern);
  // search() keeps no state, whatever flags the expression has.
  return paths.some((path) => path.search(pattern) >= 0);
}

function plannedFailure(attempt: string, code: FailureCode = "io"): Error {
  return refusal(attempt, code, "a planned fault");
}
