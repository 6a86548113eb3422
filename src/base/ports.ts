// Ports: the clock and the source of chance, as parameters. Only the composition root and the
// engine's opener take the system's; everything else is given one, so that tests repeat exactly.

import type { Bytes } from "./bytes.ts";

/** The time of day and a monotonic stopwatch. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  nowMs(): number;
  /** Milliseconds on a clock that never goes back; only differences mean anything. */
  monotonicMs(): number;
}

/** A source of bytes that nobody can guess (system) or that repeat from a seed (tests). */
export interface Chance {
  /** Fills all of `target`. */
  fill(target: Bytes): void;
}

/** The system's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** The system's cryptographic random generator. */
export const systemChance: Chance = {
  fill: (target) => {
    crypto.getRandomValues(target as Uint8Array<ArrayBuffer>);
  },
};
