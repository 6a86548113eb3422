// Lanes: pieces of work side by side, as many as there are lanes, started in their order. What each
// prints comes out as one piece, in the same order: the first that is not done prints at once, what
// the others print waits for their turn.

/** Where the output of one piece of work goes. */
export interface Printer {
  /** Passes bytes on to standard output or standard error. */
  write(bytes: Uint8Array, stream?: "stdout" | "stderr"): void;
  /** Passes a line on to standard output. */
  line(text: string): void;
}

/** Writes to the outer world, all of the bytes. */
export type Sink = (bytes: Uint8Array, stream: "stdout" | "stderr") => void;

/**
 * Runs all items, each in one lane, or alone where `isWide` says so, and gives what they came to in
 * their order. None starts before one that stands in front of it.
 * @throws what `run` throws, when all that had begun is over
 */
export async function runInLanes<Item, Outcome>(
  items: readonly Item[],
  options: {
    readonly laneCount: number;
    readonly isWide: (item: Item) => boolean;
    readonly sink: Sink;
  },
  run: (item: Item, printer: Printer) => Promise<Outcome>,
): Promise<Outcome[]> {
  const turns = new Turns(options.sink);
  const outcomes: Promise<Outcome>[] = [];
  const running = new Set<Promise<unknown>>();
  const waitUntil = async (count: number) => {
    while (running.size > count) await Promise.race(running);
  };
  for (const [index, item] of items.entries()) {
    const isWide = options.isWide(item);
    await waitUntil(isWide ? 0 : options.laneCount - 1);
    const outcome = run(item, turns.printerOf(index));
    outcomes.push(outcome);
    const over = outcome.catch(() => {}).then(() => {
      turns.end(index);
      running.delete(over);
    });
    running.add(over);
    if (isWide) await waitUntil(0);
  }
  await waitUntil(0);
  return await Promise.all(outcomes);
}

/** What everybody prints, one after the other. */
class Turns {
  readonly #sink: Sink;
  readonly #waiting: Map<number, Parameters<Sink>[]> = new Map();
  readonly #ended: Set<number> = new Set();
  #front = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  printerOf(index: number): Printer {
    const write: Printer["write"] = (bytes, stream = "stdout") => {
      if (index === this.#front) return this.#sink(bytes, stream);
      const waiting = this.#waiting.get(index) ?? [];
      waiting.push([bytes.slice(), stream]);
      this.#waiting.set(index, waiting);
    };
    return {
      write,
      line: (text) => write(new TextEncoder().encode(`${text}\n`)),
    };
  }

  end(index: number): void {
    this.#ended.add(index);
    while (this.#ended.has(this.#front)) {
      this.#front++;
      const waiting = this.#waiting.get(this.#front) ?? [];
      for (const [bytes, stream] of waiting) this.#sink(bytes, stream);
      this.#waiting.delete(this.#front);
    }
  }
}
