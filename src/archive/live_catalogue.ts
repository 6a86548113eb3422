// Live catalogue: the entries of an archive for somebody who looks again and again. A folder whose
// manifest was read once is not read again (a committed entry never changes); the archive's folder is
// listed only when its time of change says that names came or went.

import type { EngineContext } from "./context.ts";
import { orderEntries, type ReadEntry } from "./catalogue.ts";
import { type FolderEntry, readFolder } from "./entry_folder.ts";

/** How long an answer is taken as it is, milliseconds. */
const freshMs = 250;

/** The coarsest clock of a file system that we know: FAT counts in 2 s. */
const timeGrainMs = 2000;

/** Entries of an archive, read again where they changed. */
export class LiveCatalogue {
  readonly #context: EngineContext;
  readonly #known = new Map<string, FolderEntry>();
  #entries: readonly ReadEntry[] = [];
  #lookedMs = -Infinity;
  /** The time of change of the archive's folder when it was listed, unless it may stand still. */
  #listedAt: number | undefined;

  /** A catalogue that has not looked yet. */
  constructor(context: EngineContext) {
    this.#context = context;
  }

  /**
   * The entries now, by name, then newest first; the same array while nothing changed.
   * @throws {Failure} when the archive's folder cannot be read
   */
  entries(): readonly ReadEntry[] {
    const { clock, store } = this.#context;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lookedMs < freshMs) return this.#entries;
    this.#lookedMs = nowMs;
    const changedMs = store.stat("")?.modifiedMs;
    if (changedMs !== undefined && changedMs === this.#listedAt) {
      return this.#entries;
    }
    if (this.#readNames()) {
      this.#entries = orderEntries([...this.#known.values()]);
    }
    // Within the grain of its clock a folder can change and look the same.
    const isSettled = changedMs !== undefined &&
      clock.nowMs() - changedMs > timeGrainMs;
    this.#listedAt = isSettled ? changedMs : undefined;
    return this.#entries;
  }

  /** Takes in what came and went; gives whether anything did. */
  #readNames(): boolean {
    let changed = false;
    const seen = new Set<string>();
    for (const { name, kind } of this.#context.store.list("")) {
      if (name.startsWith(".")) continue;
      seen.add(name);
      if (this.#known.has(name)) continue;
      const found = readFolder(name, kind, this.#context);
      if (found?.kind !== "entry") continue;
      this.#known.set(name, found);
      changed = true;
    }
    for (const folder of this.#known.keys()) {
      if (seen.has(folder)) continue;
      this.#known.delete(folder);
      changed = true;
    }
    return changed;
  }
}
