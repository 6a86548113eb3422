// Syncs: files that are being made durable while the operation that writes them goes on, so that
// the disk works while the processor does.

import type { Store } from "../store/store.ts";
import type { EngineContext } from "./context.ts";

/** Bytes after which what was written so far is sent to the disk. */
const syncBytes = 128 * 1024 * 1024;

/** Syncs under way. Nothing is durable before finish() has returned. */
export class Syncs {
  readonly #store: Store;
  readonly #durable: boolean;
  readonly #running: Promise<void>[] = [];
  #last: Promise<void> = Promise.resolve();
  #bytesStarted = 0;

  /** Syncs of files in `store`; none at all where the settings ask for no durability. */
  constructor(store: Store, context: EngineContext) {
    this.#store = store;
    this.#durable = context.settings.durable;
  }

  /** Whether enough was written since the last time that this said so. */
  isDue(bytesDone: number): boolean {
    if (bytesDone - this.#bytesStarted < syncBytes) return false;
    this.#bytesStarted = bytesDone;
    return true;
  }

  /** Starts to sync files that stay there until settle() has returned. */
  start(paths: readonly string[]): void {
    if (!this.#durable) return;
    // One after the other: each opens several files, and there may be very many blocks.
    const sync = this.#last.then(() => this.#store.syncFiles(paths));
    this.#last = sync.catch(() => {}); // finish() throws it
    this.#running.push(sync);
  }

  /** Waits for all. @throws {Failure} the first that failed */
  async finish(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Waits for all, whatever becomes of them: files that are being synced cannot be removed. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#running);
  }
}
