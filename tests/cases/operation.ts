// Operation: what a row of the table of cases says of something that the engine does.

import type { Store } from "../../src/store/store.ts";
import type { MemoryStore } from "../../src/store/memory_store.ts";
import type { Bench } from "../archive/harness.ts";
import type { Role, World } from "./world.ts";

/** An operation of the engine, prepared and run. */
export interface Operation {
  /** The shapes that it is run with. */
  readonly shapes: readonly string[];
  /** The store that crashes and fills up; none for what writes nothing. */
  readonly writes?: Role;
  /** The stores whose calls fail. */
  readonly fails: readonly Role[];
  /** Whether it works on a disk without a free byte. */
  readonly needsNoRoom?: boolean;
  /** Whether it writes what cannot be read anew. */
  readonly mends?: boolean;
  /** Fills the world; gives the operation that is to be run in it. */
  prepare(world: World): Promise<Run>;
}

/** A prepared operation. */
export interface Run {
  /** Does it; whether all of it was done. Nothing of the world changes but the bench's stores. */
  run(bench: Bench): Promise<boolean>;
  /** What else must be true whenever it was stopped or failed, of the stores without faults. */
  expectAlways?(stores: { archive: Store; outputs: MemoryStore }): void;
  /** What else must be true once it was done. */
  expectDone?(stores: { archive: Store; outputs: MemoryStore }): void;
}
