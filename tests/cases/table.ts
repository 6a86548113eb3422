// Table: which jobs there are. An operation and its shapes come from operations.ts; seeds are given.

import type { Job } from "./case_id.ts";
import { operations } from "./operations.ts";
import { shapes } from "./shapes.ts";

/** All pairs of an operation and a shape; damage is done to every shape. */
const pairs: readonly Omit<Job, "seed">[] = [
  ...Object.entries(operations).flatMap(([operation, { shapes }]) =>
    shapes.map((shape) => ({ operation, shape }))
  ),
  ...Object.keys(shapes).map((shape) => ({ operation: "damage", shape })),
];

/** Seeds of the pairs that need more of them to meet as many geometries. */
const seedsPerRound: Readonly<Record<string, number>> = { damage: 15 };

/** Every pair with every seed of rounds 1 to `rounds`, beginning after `firstSeed`. */
export function* jobsOf(firstSeed: number, rounds: number): Generator<Job> {
  for (let round = 0; round < rounds; round++) {
    for (const { operation, shape } of pairs) {
      const count = seedsPerRound[operation] ?? 1;
      for (let index = 1; index <= count; index++) {
        yield { operation, shape, seed: firstSeed + round * count + index };
      }
    }
  }
}
