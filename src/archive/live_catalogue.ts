// Live catalogue: the entries of an archive for somebody who looks again and again. A folder whose
// manifest was read once is not read again (a committed entry never changes); the archive's folder is
// listed only when its time of change says that names came or went. Digests are not kept: there may be
// very many entries.

import type { StoreKind, StoreName } from "../store/store.ts";
import type { EngineContext } from "./context.ts";
import type { Manifest } from "../format/manifest.ts";
import { orderEntries, type Versioned } from "./catalogue.ts";
import { readFolder } from "./entry_folder.ts";
import type { EntrySummary } from "./report.ts";

/** An entry as somebody who looks at many knows it. */
export interface KnownEntry {
  readonly folder: string;
  readonly summary: EntrySummary;
  readonly manifest: Omit<Manifest, "outboard">;
}

/** The same with its place among the versions of its name. */
export type LiveEntry = KnownEntry & Versioned;

/** Manifests that are read before anything else gets its turn. */
const readsPerTurn = 100;

/**
 * How long an answer is taken as it is, milliseconds: ten times what a listing took, so that very many
 * entries keep nobody waiting while the folder changes all the time (a repair's lock comes and goes).
 */
const freshMsMin = 250, freshMsMax = 2000, freshFactor = 10;

/** How long until what looks like an entry and cannot be read is looked at again, milliseconds. */
const retryMs = 10_000;

/** The coarsest clock of a file system that we know: FAT counts in 2 s. */
const timeGrainMs = 2000;

/** Entries of an archive, read again where they changed. */
export class LiveCatalogue {
  readonly #context: EngineContext;
  readonly #known = new Map<string, KnownEntry>();
  #entries: readonly LiveEntry[] = [];
  #reading: Promise<readonly LiveEntry[]> | undefined;
  #lookedMs = -Infinity;
  #freshMs = freshMsMin;
  /** The time of change of the archive's folder when it was listed, unless it may stand still. */
  #listedAt: number | undefined;
  /** Whether entries came or went since they were put in order. */
  #isChanged = false;
  /** When to list in any case, because something could not be read. */
  #retryAtMs = Infinity;

  /** A catalogue that has not looked yet. */
  constructor(context: EngineContext) {
    this.#context = context;
  }

  /**
   * The entries now, by name, then newest first; the same array while nothing changed. A promise
   * where many came at once.
   * @throws {Failure} when the archive's folder cannot be read
   */
  entries(): readonly LiveEntry[] | Promise<readonly LiveEntry[]> {
    if (this.#reading !== undefined) return this.#reading;
    const { clock, store } = this.#context;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lookedMs < this.#freshMs) return this.#entries;
    this.#lookedMs = nowMs;
    const changedMs = store.stat("")?.modifiedMs;
    const isDue = nowMs >= this.#retryAtMs;
    if (changedMs !== undefined && changedMs === this.#listedAt && !isDue) {
      return this.#entries;
    }
    // What fails from here on is done anew the next time.
    this.#listedAt = undefined;
    this.#retryAtMs = Infinity;
    // Within the grain of its clock a folder can change and look the same.
    const isSettled = changedMs !== undefined &&
      clock.nowMs() - changedMs > timeGrainMs;
    const finish = () => {
      if (isSettled) this.#listedAt = changedMs;
      return this.#order();
    };
    const added = this.#compareNames();
    const tookMs = clock.monotonicMs() - nowMs;
    this.#freshMs = Math.min(
      Math.max(freshFactor * tookMs, freshMsMin),
      freshMsMax,
    );
    if (added.length <= readsPerTurn) {
      for (const { name, kind } of added) this.#take(name, kind);
      return finish();
    }
    this.#reading = this.#readMany(added).then(finish).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Forgets what went; gives what came. @throws {Failure} `offline` when all of it went */
  #compareNames(): StoreName[] {
    const seen = new Set<string>();
    const added: StoreName[] = [];
    for (const each of this.#context.store.list("")) {
      if (each.name.startsWith(".")) continue;
      seen.add(each.name);
      if (!this.#known.has(each.name)) added.push(each);
    }
    const gone = [...this.#known.keys()].filter((folder) => !seen.has(folder));
    // A stick that was pulled leaves an empty folder, which says nothing of what is on the stick.
    if (gone.length > 0) this.#context.store.stat(gone[0]!);
    for (const folder of gone) {
      this.#known.delete(folder);
      this.#isChanged = true;
    }
    return added;
  }

  /**
   * Reads one folder. What is an entry by its name and cannot be read is tried again: it may still
   * be on its way, copied in from another archive, or the medium may have had a bad moment.
   */
  #take(name: string, kind: StoreKind): void {
    const found = readFolder(name, kind, this.#context);
    if (found?.kind === "problem") {
      this.#retryAtMs = this.#context.clock.monotonicMs() + retryMs;
    }
    if (found?.kind !== "entry") return;
    const { outboard: _, ...manifest } = found.manifest;
    const { folder, summary } = found;
    this.#known.set(name, { folder, summary, manifest });
    this.#isChanged = true;
  }

  #order(): readonly LiveEntry[] {
    if (this.#isChanged) {
      this.#entries = orderEntries([...this.#known.values()]);
      this.#isChanged = false;
    }
    return this.#entries;
  }

  async #readMany(names: readonly StoreName[]): Promise<void> {
    for (let first = 0; first < names.length; first += readsPerTurn) {
      for (const { name, kind } of names.slice(first, first + readsPerTurn)) {
        this.#take(name, kind);
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }
}
