// Tally: how many cases of which kind were judged, and the first that failed. Plain data, so that a
// worker can send it.

/** What jobs came to. */
export interface Tally {
  /** Cases that were judged, by operation and kind. */
  readonly counts: Record<string, number>;
  /** Cases whose disk was judged before, byte for byte. */
  repeatCount: number;
  /** The case that failed, and how. */
  failure?: { readonly name: string; readonly message: string };
}

/** A tally of nothing. */
export function emptyTally(): Tally {
  return { counts: {}, repeatCount: 0 };
}

/** All cases that were judged. */
export function sumOf({ counts }: Tally): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Adds `part` to `whole`. */
export function addTally(whole: Tally, part: Tally): void {
  for (const [key, count] of Object.entries(part.counts)) {
    whole.counts[key] = (whole.counts[key] ?? 0) + count;
  }
  whole.repeatCount += part.repeatCount;
  if (part.failure !== undefined) whole.failure ??= part.failure;
}

/** A line for each operation: its cases of each kind. */
export function formatTally(tally: Tally): string {
  const rows = new Map<string, string[]>();
  for (const key of Object.keys(tally.counts).sort()) {
    const [operation, kind] = key.split(": ");
    const row = rows.get(operation!) ?? [];
    rows.set(operation!, [...row, `${kind} ${tally.counts[key]}`]);
  }
  return [...rows].map(([operation, row]) =>
    `${operation.padEnd(14)} ${row.join(", ")}`
  ).join("\n");
}
