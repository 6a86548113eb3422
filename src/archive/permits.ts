// Permits: a fixed number of them, given out in the order of asking, so that nobody who asks for many
// waits for ever behind those who ask for few.

import { assert, present } from "../base/assert.ts";

/** Counts what may be in use at once. */
export class Permits {
  readonly #total: number;
  #left: number;
  readonly #waiting: { count: number; resolve: () => void }[] = [];

  /** `total` permits, all free. */
  constructor(total: number) {
    this.#total = total;
    this.#left = total;
  }

  /** Takes `count` permits; undefined when they are had at once. */
  acquire(count: number): Promise<void> | undefined {
    assert(count <= this.#total, "nobody needs more permits than there are");
    if (this.#waiting.length === 0 && count <= this.#left) {
      this.#left -= count;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  /** Gives `count` permits back. */
  release(count: number): void {
    this.#left += count;
    assert(this.#left <= this.#total, "permits are given back once");
    while (this.#waiting.length > 0) {
      const next = present(this.#waiting[0], "somebody waits");
      if (next.count > this.#left) return;
      this.#left -= next.count;
      this.#waiting.shift();
      next.resolve();
    }
  }
}
