import { deepStrictEqual as assertEquals } from "node:assert/strict";
import {
  addCounts,
  formatCounts,
  parseCargoSummary,
  parseDenoSummary,
} from "../../tools/summary.ts";

Deno.test("parseDenoSummary() reads the closing line, steps and colours included", () => {
  const rows: [string, { passed: number; failed: number; skipped: number }][] =
    [
      ["ok | 16 passed (8 steps) | 0 failed | 4 ignored (3s)", {
        passed: 16,
        failed: 0,
        skipped: 4,
      }],
      ["FAILED | 2 passed | 1 failed (44ms)", {
        passed: 2,
        failed: 1,
        skipped: 0,
      }],
      [
        "FAILED | 1 passed (1 step) | 3 failed (1 step) | 1 ignored (2 steps) (275ms)",
        { passed: 1, failed: 3, skipped: 3 },
      ],
      ["\x1b[32mok\x1b[0m | 1 passed | 0 failed \x1b[38;5;245m(6ms)\x1b[0m", {
        passed: 1,
        failed: 0,
        skipped: 0,
      }],
      ["ok | 1 passed (1 step) | 0 failed | 0 ignored (1 step) (1ms)", {
        passed: 1,
        failed: 0,
        skipped: 1,
      }],
    ];
  for (const [line, counts] of rows) {
    assertEquals(parseDenoSummary(`a ... ok (4ms)\n\n${line}\n\n`), counts);
  }
});

Deno.test("parseDenoSummary() takes the last closing line and invents none", () => {
  const nested = "ok | 9 passed | 0 failed (1ms)\nFAILED | 0 passed | 2 failed";
  assertEquals(parseDenoSummary(nested)?.failed, 2);
  assertEquals(parseDenoSummary("error: No test modules found"), undefined);
});

Deno.test("parseCargoSummary() adds the crate's targets up", () => {
  const output =
    "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n" +
    "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured\n";
  assertEquals(parseCargoSummary(output), {
    passed: 15,
    failed: 2,
    skipped: 1,
  });
  assertEquals(parseCargoSummary("error: could not compile"), undefined);
});

Deno.test("formatCounts() names skipped tests only where there are any", () => {
  assertEquals(
    formatCounts({ passed: 7, failed: 0, skipped: 0 }),
    "7 passed, 0 failed",
  );
  const sum = addCounts([
    { passed: 1, failed: 2, skipped: 3 },
    { passed: 4, failed: 0, skipped: 0 },
  ]);
  assertEquals(formatCounts(sum), "5 passed, 2 failed, 3 skipped");
});
