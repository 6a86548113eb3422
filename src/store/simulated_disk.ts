// SimulatedDisk: a MemoryStore whose power can go off. It counts steps (changes and syncs), stops in
// the middle of a chosen one, and gives the disks that a power loss may leave. The base for tests
// that crash a commit, a repair or a removal at every step:
//
//   for (let step = 1;; step++) {
//     const disk = new SimulatedDisk(options, pristine.copyRoot());
//     disk.stopAfter(step);
//     try { work(disk); } catch { /* the machine stopped */ }
//     if (!disk.stopped) break; // the work has fewer steps
//     verify(disk.crash("losing")); verify(disk.crash(new Prng(step)));
//     disk.resume(); verify(disk); // only the process was killed
//   }

import { type CrashFate, DiskJournal } from "./disk_journal.ts";
import { FolderNode } from "./memory_node.ts";
import { MemoryStore, type MemoryStoreOptions } from "./memory_store.ts";

/** What a SimulatedDisk may be given. */
export interface SimulatedDiskOptions extends MemoryStoreOptions {
  /** What the disk writes as a whole or not at all: 512 if left out; 4096 on newer disks. */
  readonly sectorBytes?: number;
}

/** A disk in memory that can lose its power. */
export class SimulatedDisk extends MemoryStore {
  readonly #journal: DiskJournal;
  readonly #sectorBytes: number;

  /** An empty disk, or one that takes over the tree `root`, all of it durable. */
  constructor(
    options: SimulatedDiskOptions = {},
    root: FolderNode = new FolderNode(),
  ) {
    const sectorBytes = options.sectorBytes ?? 512;
    const journal = new DiskJournal(root, sectorBytes);
    super(options, root, journal);
    this.#journal = journal;
    this.#sectorBytes = sectorBytes;
  }

  /** Changes and syncs so far. */
  get stepCount(): number {
    return this.#journal.stepCount;
  }

  /** Whether the machine stands still: every call fails with `offline`. */
  get stopped(): boolean {
    return this.#journal.stopped;
  }

  /**
   * Stops in the middle of the step that comes `steps` after now (1 is the next): a change is made
   * but never reported, a sync promises nothing.
   */
  stopAfter(steps: number): void {
    this.#journal.stopAfter(steps);
  }

  /** Goes on after a stop as if only the process had been killed: nothing unsynced is lost. */
  resume(): void {
    this.releaseLocks();
    this.#journal.resume();
  }

  /** A disk as it may be found after a power loss now. This one stays as it is. */
  crash(fate: CrashFate): SimulatedDisk {
    return new SimulatedDisk(
      { ...this.options, sectorBytes: this.#sectorBytes },
      this.#journal.planCrash(fate),
    );
  }
}
