// Prng: numbers that look random and repeat from their seed. For tests, benchmarks and the
// simulated disk; never for ids or keys.

import type { Bytes } from "./bytes.ts";
import type { Chance } from "./ports.ts";

/**
 * xoshiro128** seeded by splitmix32 (Blackman and Vigna, "Scrambled Linear Pseudorandom Number
 * Generators", 2018).
 */
export class Prng implements Chance {
  #state: Uint32Array<ArrayBuffer>;

  /** A generator whose whole sequence follows from `seed` (any integer). */
  constructor(seed: number) {
    this.#state = new Uint32Array(4);
    let mix = seed >>> 0;
    for (let index = 0; index < 4; index++) {
      mix = (mix + 0x9e3779b9) >>> 0;
      let word = mix;
      word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
      word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
      this.#state[index] = (word ^ (word >>> 16)) >>> 0;
    }
  }

  /** The next 32 bits as an unsigned integer. */
  nextU32(): number {
    const state = this.#state;
    const s0 = state[0]!, s1 = state[1]!, s2 = state[2]!, s3 = state[3]!;
    const scrambled = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    const t2 = s2 ^ s0, t3 = s3 ^ s1;
    state[1] = s1 ^ t2;
    state[0] = s0 ^ t3;
    state[2] = t2 ^ (s1 << 9);
    state[3] = rotateLeft(t3, 11);
    return scrambled;
  }

  /** An integer from 0 up to, and not including, `bound` (at most 2^32). */
  below(bound: number): number {
    return Math.floor(this.nextU32() / 0x1_0000_0000 * bound);
  }

  /** Fills all of `target`. */
  fill(target: Bytes): void {
    for (let index = 0; index < target.length; index += 4) {
      const word = this.nextU32();
      target[index] = word;
      if (index + 1 < target.length) target[index + 1] = word >>> 8;
      if (index + 2 < target.length) target[index + 2] = word >>> 16;
      if (index + 3 < target.length) target[index + 3] = word >>> 24;
    }
  }

  /** A new array of `length` bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const target = new Uint8Array(length);
    this.fill(target);
    return target;
  }

  /** `count` different integers from 0 up to, and not including, `bound`, in random order. */
  sample(count: number, bound: number): number[] {
    const all = Array.from({ length: bound }, (_, index) => index);
    for (let index = 0; index < count; index++) {
      const other = index + this.below(bound - index);
      [all[index], all[other]] = [all[other]!, all[index]!];
    }
    return all.slice(0, count);
  }
}

function rotateLeft(word: number, count: number): number {
  return ((word << count) | (word >>> (32 - count))) >>> 0;
}
