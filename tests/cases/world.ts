// World: the stores of one job, what the entries in them hold, and what an operation may do to them.
// Prepared once; every case works on copies.

import { ok } from "node:assert/strict";
import { type Bytes, equalBytes } from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { SimulatedDisk } from "../../src/store/simulated_disk.ts";
import type { Store } from "../../src/store/store.ts";
import { Bench, writeFile } from "../archive/harness.ts";
import type { Job } from "./case_id.ts";
import { type Shape, shapes } from "./shapes.ts";

/** What an entry must give back. */
export interface Content {
  readonly name: string;
  /** Fails unless a restore of the entry with this id gives back exactly this. */
  expectFrom(bench: Bench, id: string): Promise<void>;
}

/** The three places that an operation works with. */
export interface Stores {
  readonly archive: Store;
  readonly sources: Store;
  readonly outputs: Store;
}

/** The names of the places. */
export type Role = keyof Stores;

/**
 * Benches by number, which is the seed of their ids and the minute of their day: ids never repeat,
 * time never goes back, and a case that is run again meets the same.
 */
export const benchNumbers = { first: 1, run: 100, again: 200, look: 300 };

/** The stores of one job before its operation, and what they hold. */
export class World {
  readonly shape: Shape;
  readonly prng: Prng;
  readonly archive: SimulatedDisk;
  readonly sources: MemoryStore = new MemoryStore();
  readonly outputs: MemoryStore = new MemoryStore();
  /** Entries that are there before and after, by id. */
  readonly kept: Map<string, Content> = new Map();
  /** Entries that the operation takes away, by id. */
  readonly doomed: Map<string, Content> = new Map();
  /** Entries that the operation makes. */
  readonly wanted: Content[] = [];
  /** Entries that a fault may make the operation make: nothing is lost by them. */
  readonly tolerated: Content[] = [];
  /** Whether entries are damaged, within what can be rebuilt. */
  damaged = false;
  #benchCount = 0;

  /** The empty world of a job. */
  constructor(job: Job) {
    this.prng = new Prng(job.seed);
    const draw = shapes[job.shape];
    ok(draw !== undefined, `there is a shape "${job.shape}"`);
    this.shape = draw(this.prng);
    this.archive = new SimulatedDisk({ sectorBytes: this.shape.sectorBytes });
  }

  /** An engine over these stores. */
  open(stores: Stores, number: number): Bench {
    return new Bench({
      archive: stores.archive,
      sources: stores.sources,
      outputs: stores.outputs,
      settings: this.shape.settings,
      seed: number,
      startMs: Date.UTC(2026, 0, 1, 0, number),
    });
  }

  /** Random bytes of a size that the shape draws. */
  drawPayload(): Bytes {
    return this.prng.bytes(this.shape.payloadBytes());
  }

  /** Puts a file among the sources. */
  plantSource(path: string, bytes: Bytes): void {
    writeFile(this.sources, path, bytes);
    this.sources.setAttributes(path, { modifiedMs: 1_700_000_000_000 });
  }

  /** Commits `bytes` now; gives the id. */
  async store(name: string, bytes: Bytes, force = false): Promise<string> {
    this.plantSource("stored", bytes);
    const bench = this.open(this, benchNumbers.first + this.#benchCount++);
    const { id } = await commitFile(this, bench, "stored", name, force);
    this.sources.removeFile("stored");
    return id;
  }

  /** Commits random bytes now, which are kept. */
  async keep(name: string): Promise<string> {
    const bytes = this.drawPayload();
    const id = await this.store(name, bytes);
    this.kept.set(id, fileContent(name, bytes));
    return id;
  }
}

/** Commits a source under the shape's policy. */
export async function commitFile(
  world: World,
  bench: Bench,
  path: string,
  name: string,
  force = false,
): Promise<{ id: string; outcome: string }> {
  const { policy } = world.shape;
  return await bench.engine.commit({
    source: { root: "sources", path },
    sourceLabel: path,
    name,
    force,
    ...(policy === undefined ? {} : { policy }),
  });
}

/** The content of an entry that was a file. */
export function fileContent(name: string, payload: Bytes): Content {
  return {
    name,
    async expectFrom(bench, id) {
      const { bytes } = await bench.restore(id);
      ok(
        bytes !== undefined && equalBytes(bytes, payload),
        `"${name}" (${id}) gives back its bytes`,
      );
    },
  };
}
