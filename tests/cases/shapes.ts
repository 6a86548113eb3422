// Shapes: how the entries of a case are protected and how big they are. A seed draws the details, so
// that many seeds meet many geometries, all of them some kilobytes small.

import type { EngineSettings } from "../../src/archive/context.ts";
import type { Prng } from "../../src/base/prng.ts";

const kib = 1024;

const settings: EngineSettings = {
  tiers: { tier1Max: 2 * kib, tier2Max: 6 * kib, tier3Max: 15 * kib },
  segmentBytes: 1 * kib,
  leafBytesMax: 1 * kib,
  durable: true,
  runBytesMax: 40 * kib,
};

/** Settings and sizes that a seed has drawn. */
export interface Shape {
  readonly settings: EngineSettings;
  /** Undefined: the tier decides by size. */
  readonly policy: string | undefined;
  /** Sizes of payloads; draws the next one. */
  payloadBytes(): number;
  /** Shards of each row that may be lost. */
  readonly parityShards: number;
  /** What the disk writes as a whole. */
  readonly sectorBytes: number;
  /** 1: every step and call is tried; 7: every seventh, as the seed has it. */
  readonly stride: number;
}

/** Tiers and policies, by name. */
export const shapes: Readonly<Record<string, (prng: Prng) => Shape>> = {
  "tier 1": (prng) => tiered(prng, 3, 0, 2 * kib - 1),
  "tier 2": (prng) => tiered(prng, 3, 2 * kib, 6 * kib - 1),
  "tier 3": (prng) => tiered(prng, 3, 6 * kib, 14 * kib),
  "tier 4": (prng) => {
    const blocks = 1 + prng.below(3);
    const shape = tiered(prng, 3, 15 * kib, blocks * 30 * kib);
    // Whole blocks need small segments.
    const fine = { ...shape.settings, segmentBytes: 1 * kib };
    return { ...shape, settings: fine, stride: 13 };
  },
  "erasure": (prng) => {
    const data = 1 + prng.below(6), parity = 1 + prng.below(3);
    return shapeOf(prng, `erasure:${data}+${parity}`, parity, 0, 9 * kib);
  },
  "replicate": (prng) => {
    const copies = 2 + prng.below(3);
    return shapeOf(prng, `replicate:${copies}`, copies - 1, 0, 5 * kib);
  },
  "bare": (prng) =>
    shapeOf(prng, `erasure:${1 + prng.below(4)}+0`, 0, 0, 6 * kib),
};

function tiered(prng: Prng, parity: number, min: number, max: number): Shape {
  return shapeOf(prng, undefined, parity, min, max);
}

function shapeOf(
  prng: Prng,
  policy: string | undefined,
  parityShards: number,
  min: number,
  max: number,
): Shape {
  const segmentBytes = kib << prng.below(3);
  return {
    settings: {
      ...settings,
      segmentBytes,
      // Some commits that are cut off are gone on with by the next one, at once or after a while.
      ...(prng.below(2) === 0 ? {} : { resumeBytesMin: prng.below(2000) }),
    },
    policy,
    payloadBytes: () => drawSize(prng, min, max),
    parityShards,
    sectorBytes: prng.below(4) === 0 ? 4096 : 512,
    stride: 1,
  };
}

// The edges of leaves and the ends of the range are where mistakes live.
function drawSize(prng: Prng, min: number, max: number): number {
  const any = min + prng.below(max - min + 1);
  switch (prng.below(6)) {
    case 0:
      return min;
    case 1:
      return Math.max(min, any - any % kib);
    case 2:
      return Math.max(min, any - any % kib - 1);
    default:
      return any;
  }
}
