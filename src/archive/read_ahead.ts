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

  /** Drops all that is kept; whoever goes on reading is read ahead for anew. */
  drop(): void {
    for (const each of this.#kept.splice(0)) each.drop();
    this.#windowBytes = windowBytesMin;
    this.#aheadEnd = 0;
  }

  /** Drops all. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#reset(0);
  }

  #reset(offset: number): void {
    this.drop();
    this.#nextOffset = offset;
    this.#patternCount = 0;
  }

  #dropPassed(offset: number): void {
    let count = 0;
    while (count < this.#kept.length && this.#kept[count]!.end <= offset) {
      this.#kept[count++]!.drop();
    }
    if (count > 0) this.#kept.splice(0, count);
  }
}

/** Who has not read for so long makes room for those who do, milliseconds. */
const idleMs = 5000;

/** The readers for whom something is read ahead: files stay open that nobody reads any more. */
export class AheadUsers {
  /** When each read the last time; the one who did last at the end. */
  readonly #readMs = new Map<ReadAhead, number>();

  /** Somebody reads; with `isNew` something is read ahead for them from now on. */
  note(user: ReadAhead, nowMs: number, isNew: boolean): void {
    const isKnown = this.#readMs.delete(user);
    if (isKnown || isNew) this.#readMs.set(user, nowMs);
  }

  /** Drops what is kept for those who have not read for some time. */
  dropIdle(nowMs: number): void {
    for (const [user, readMs] of this.#readMs) {
      if (nowMs - readMs < idleMs) return;
      this.end(user);
    }
  }

  /** Drops what is kept for one of them. */
  end(user: ReadAhead): void {
    this.#readMs.delete(user);
    user.drop();
  }
}
