// Read-ahead: notices that somebody reads a payload from front to back and says what to load before it
// is asked for. The window doubles while the pattern holds, as in the kernel's own read-ahead, and
// ends with a jump. Holds what was loaded ahead until the reader has passed it.

/** The first window and the largest, bytes. */
const windowBytesMin = 1024 * 1024;
const windowBytesMax = 8 * 1024 * 1024;

/** Requests of one reader overtake each other by this much, bytes. */
const slackBytes = 1024 * 1024;

/** Front-to-back reads that make a pattern. */
const patternCountMin = 2;

/** What one reader of one payload has loaded ahead. */
export class ReadAhead implements Disposable {
  /** Where the next read of the pattern begins. */
  #nextOffset = 0;
  #patternCount = 0;
  #windowBytes = windowBytesMin;
  #aheadEnd = 0;
  /** By where their piece ends, in order. */
  readonly #kept: { readonly end: number; drop(): void }[] = [];
  #disposed = false;

  /**
   * Takes note of a read of `from` to `end`; says what to load now, at most `bytesMax` bytes beyond
   * `end`. With `wanted` false nothing is ever loaded ahead.
   */
  plan(
    from: number,
    end: number,
    bytesMax: number,
    wanted: boolean,
  ): { readonly from: number; readonly end: number } | undefined {
    const isNext = Math.abs(from - this.#nextOffset) <= slackBytes;
    if (!isNext) this.#reset(from);
    this.#patternCount++;
    this.#nextOffset = Math.max(this.#nextOffset, end);
    this.#dropPassed(from - slackBytes);
    if (!wanted || this.#disposed || this.#patternCount < patternCountMin) {
      return undefined;
    }
    const start = Math.max(this.#aheadEnd, this.#nextOffset);
    const target = end + Math.min(this.#windowBytes, bytesMax);
    // Whole jobs: half a window at a time, or the rest.
    const isRest = bytesMax <= this.#windowBytes;
    if (target <= start) return undefined;
    if (!isRest && target - start < this.#windowBytes / 2) return undefined;
    this.#windowBytes = Math.min(2 * this.#windowBytes, windowBytesMax);
    this.#aheadEnd = target;
    return { from: start, end: target };
  }

  /** Keeps something that was loaded ahead; `drop` is called when the reader is past `end`. */
  keep(end: number, drop: () => void): void {
    if (this.#disposed) drop();
    else this.#kept.push({ end, drop });
  }

  /** Drops all. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#reset(0);
  }

  #reset(offset: number): void {
    for (const each of this.#kept.splice(0)) each.drop();
    this.#nextOffset = offset;
    this.#patternCount = 0;
    this.#windowBytes = windowBytesMin;
    this.#aheadEnd = 0;
  }

  #dropPassed(offset: number): void {
    let count = 0;
    while (count < this.#kept.length && this.#kept[count]!.end <= offset) {
      this.#kept[count++]!.drop();
    }
    if (count > 0) this.#kept.splice(0, count);
  }
}
