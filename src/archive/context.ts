// Context: what every operation of the engine is given. No operation reaches for a global.

import { assert } from "../base/assert.ts";
import type { Chance, Clock } from "../base/ports.ts";
import { Failure } from "../base/errors.ts";
import type { Codec } from "../codec/mod.ts";
import type { TierLimits } from "../format/policy.ts";
import type { PageFiles } from "../store/page_file.ts";
import type { Owners } from "../store/owners.ts";
import type { Store } from "../store/store.ts";
import type { TreeStore } from "../store/tree_store.ts";
import type { Executor } from "./executor.ts";
import type { ArchiveEvent } from "./report.ts";

/** Settings of new entries and of the work itself. */
export interface EngineSettings {
  readonly tiers: TierLimits;
  /** Upper bound of a segment. */
  readonly segmentBytes: number;
  /** Upper bound of a leaf. */
  readonly leafBytesMax: number;
  /** Whether files and folders are synced. */
  readonly durable: boolean;
  /** Upper bound of the shards of one run together: the memory of one thread. */
  readonly runBytesMax: number;
  /** Payload bytes from which on a commit can be gone on with after it was cut off. Default: none. */
  readonly resumeBytesMin?: number;
  /** Payload bytes from which on it is looked whether there is room. Default: it never is. */
  readonly preflightBytesMin?: number;
}

/** What an operation's threads will do, for deciding how many and what they may touch. */
export interface ExecutorRequest {
  /** Bytes that they will read or write. */
  readonly workBytes: number;
  /** Paths outside the archive that they read. */
  readonly read?: readonly string[];
  /** Paths outside the archive that they write. */
  readonly write?: readonly string[];
}

/** How this process takes the locks of an archive. */
export interface LockSettings {
  readonly pid: number;
  /** The machine's name, where the sandbox lets it be known. */
  readonly host?: string;
  /** Different for every opening of an archive anywhere. */
  readonly instance: string;
  /** How long to wait for another command, milliseconds. */
  readonly waitMs: number;
  /** Resolves after `ms`, or sooner once `signal` is aborted. */
  pause(ms: number, signal: AbortSignal | undefined): Promise<void>;
}

/** Everything an operation works with. */
export interface EngineContext {
  /** The archive. */
  readonly store: Store;
  /** The archive's root, by which jobs name its store. */
  readonly root: string;
  readonly codec: Codec;
  readonly settings: EngineSettings;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Default: as a process of its own that never waits. */
  readonly locking?: LockSettings;
  /** Whether it is known that no other command adds or removes anything. Default: it is not. */
  readonly isAlone?: boolean;
  /** Where the index of a large archive is kept. Default: there is none. */
  readonly index?: {
    readonly files: PageFiles;
    /** An archive of fewer entries has no index. */
    readonly entriesMin: number;
  };
  /** What was made for root in folders of others, where the store has owners. */
  readonly owners?: Pick<Owners, "waitMs" | "giveBack">;
  readonly emit: (event: ArchiveEvent) => void;
  readonly signal?: AbortSignal;
  /** Threads for one operation. */
  openExecutor(request: ExecutorRequest): Executor;
  /** The store with this root: the archive's, a source's or an output's. */
  storeOf(root: string): Store;
  /** The same, where it holds somebody's tree: a source or an output. On the calling thread only. */
  treeStoreOf(root: string): TreeStore;
}

/** Stops an operation that was told to stop. @throws {Failure} `interrupted` */
export function throwIfInterrupted(context: EngineContext): void {
  if (context.signal?.aborted) {
    throw new Failure("interrupted", "Stopped on request");
  }
}

/** What `work` gives, or at once `interrupted`; the work is then left to itself. @throws {Failure} */
export async function untilInterrupted<T>(
  work: Promise<T>,
  context: EngineContext,
): Promise<T> {
  throwIfInterrupted(context);
  const { signal } = context;
  if (signal === undefined) return await work;
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  const listener = () => stop();
  signal.addEventListener("abort", listener, { once: true });
  try {
    const first = await Promise.race([
      work.then((value) => ({ value })),
      stopped,
    ]);
    throwIfInterrupted(context);
    assert(first !== undefined, "only a stop comes before the work");
    return first.value;
  } finally {
    signal.removeEventListener("abort", listener);
  }
}
