// Byte mutations: what happens to bytes on disks and by hand, as data, so that a failing list of them
// can be made shorter. Places are fractions: they fit whatever is left of the bytes.

import fc from "fast-check";
import { type Bytes, joinBytes } from "../../src/base/bytes.ts";

/** One change of some bytes. */
export type ByteMutation =
  | { readonly how: "flip"; readonly at: number; readonly bit: number }
  | { readonly how: "set"; readonly at: number; readonly bytes: Bytes }
  | { readonly how: "insert"; readonly at: number; readonly bytes: Bytes }
  | { readonly how: "remove"; readonly at: number; readonly length: number }
  | { readonly how: "repeat"; readonly at: number; readonly length: number }
  | { readonly how: "cut"; readonly at: number }
  | { readonly how: "zero"; readonly at: number; readonly length: number };

const at = fc.double({ min: 0, max: 1, noNaN: true });
const length = fc.oneof(fc.nat(16), fc.nat(3000));
const bytes = fc.uint8Array({ maxLength: 40 });

/** One change. */
export const byteMutation: fc.Arbitrary<ByteMutation> = fc.oneof(
  fc.record({ how: fc.constant("flip" as const), at, bit: fc.nat(7) }),
  fc.record({ how: fc.constant("set" as const), at, bytes }),
  fc.record({ how: fc.constant("insert" as const), at, bytes }),
  fc.record({ how: fc.constant("remove" as const), at, length }),
  fc.record({ how: fc.constant("repeat" as const), at, length }),
  fc.record({ how: fc.constant("cut" as const), at }),
  fc.record({ how: fc.constant("zero" as const), at, length }),
);

/** Some changes, the later ones of what the earlier ones left. */
export const byteMutations: fc.Arbitrary<ByteMutation[]> = fc.array(
  byteMutation,
  { minLength: 1, maxLength: 6 },
);

/** `source` with all changes, as a new array. */
export function mutateBytes(
  source: Bytes,
  mutations: readonly ByteMutation[],
): Bytes {
  return mutations.reduce(mutateOnce, source.slice());
}

function mutateOnce(source: Bytes, mutation: ByteMutation): Bytes {
  const at = Math.floor(mutation.at * source.length);
  const before = source.subarray(0, at), after = source.subarray(at);
  switch (mutation.how) {
    case "flip": {
      const flipped = source.slice();
      if (at < flipped.length) flipped[at]! ^= 1 << mutation.bit;
      return flipped;
    }
    case "set":
      return joinBytes([
        before,
        mutation.bytes,
        after.subarray(mutation.bytes.length),
      ]);
    case "insert":
      return joinBytes([before, mutation.bytes, after]);
    case "remove":
      return joinBytes([before, after.subarray(mutation.length)]);
    case "repeat":
      return joinBytes([before, after.subarray(0, mutation.length), after]);
    case "cut":
      return before.slice();
    case "zero": {
      const zeroed = source.slice();
      zeroed.fill(0, at, at + mutation.length);
      return zeroed;
    }
  }
}
