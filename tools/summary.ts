// Summary: counts of tests out of what a test runner printed, and the last line of a run. Pure, so
// that tests/house can try it on saved output.

/** How many tests came to what. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Counts of a `deno test` run from its closing line, such as
 * `FAILED | 2 passed (3 steps) | 1 failed | 1 ignored (1 step) (44ms)`. Ignored steps count as
 * skipped tests, so that nothing is skipped unseen. `undefined` where there is no such line.
 */
export function parseDenoSummary(output: string): Counts | undefined {
  const line = stripColours(output).match(/^(ok|FAILED) \| .*$/gm)?.at(-1);
  if (line === undefined) return undefined;
  return {
    passed: numberBefore(line, / passed/),
    failed: numberBefore(line, / failed/),
    skipped: numberBefore(line, / ignored/) +
      numberBefore(line, / steps?\)/, / ignored \(/),
  };
}

/** Counts of a `cargo test` run: the sum of its `test result:` lines; `undefined` without any. */
export function parseCargoSummary(output: string): Counts | undefined {
  const lines = stripColours(output).match(/^test result: .*$/gm);
  if (lines === null) return undefined;
  return addCounts(lines.map((line) => ({
    passed: numberBefore(line, / passed/),
    failed: numberBefore(line, / failed/),
    skipped: numberBefore(line, / ignored/),
  })));
}

/** The sum of all counts. */
export function addCounts(all: readonly Counts[]): Counts {
  let passed = 0, failed = 0, skipped = 0;
  for (const counts of all) {
    passed += counts.passed;
    failed += counts.failed;
    skipped += counts.skipped;
  }
  return { passed, failed, skipped };
}

/** The line that ends a run; machines read it. */
export function formatCounts(counts: Counts): string {
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
  return `${counts.passed} passed, ${counts.failed} failed${skipped}`;
}

function numberBefore(line: string, after: RegExp, before?: RegExp): number {
  const pattern = `${before?.source ?? ""}(\\d+)${after.source}`;
  return Number(line.match(new RegExp(pattern))?.[1] ?? 0);
}

function stripColours(text: string): string {
  // deno-lint-ignore no-control-regex -- colours are control sequences
  return text.replace(/\x1b\[[0-9;]*m/g, "");
}
