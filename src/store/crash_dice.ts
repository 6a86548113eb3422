// CrashDice: the decisions of one power loss. Always the same for "losing" and "keeping"; repeating
// with their seed for chance.

import type { Bytes } from "../base/bytes.ts";
import type { Chance } from "../base/ports.ts";

/** Decides what one power loss keeps. */
export interface CrashDice {
  /** Whether the next unsynced thing survives. */
  keeps(): boolean;
  /** How many of `count` unsynced steps in a row took effect. */
  countKept(count: number): number;
  /** Fills with what lay in sectors before they were given to a file; false for zeros. */
  fillStale(target: Bytes): boolean;
}

/** The dice for a fate. Chance draws first how kind this loss is, so that rare patterns occur. */
export function openDice(fate: "losing" | "keeping" | Chance): CrashDice {
  if (fate === "losing") {
    return { keeps: () => false, countKept: () => 0, fillStale: () => false };
  }
  if (fate === "keeping") {
    return {
      keeps: () => true,
      countKept: (count) => count,
      fillStale: () => false,
    };
  }
  const below = (bound: number) => drawBelow(fate, bound);
  const kindness = [1, 4, 8, 12, 15][below(5)]!;
  const fillsStale = below(2) === 0;
  return {
    keeps: () => below(16) < kindness,
    countKept: (count) => below(count + 1),
    fillStale: (target) => {
      if (fillsStale) fate.fill(target);
      return fillsStale;
    },
  };
}

// The bias of a remainder of 2^32 does not matter here.
function drawBelow(chance: Chance, bound: number): number {
  const bytes = new Uint8Array(4);
  chance.fill(bytes);
  return new DataView(bytes.buffer).getUint32(0, true) % bound;
}
