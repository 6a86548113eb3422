import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  dayIndexOf,
  formatTimeNs,
  monthIndexOf,
  parseTime,
  parseTimeNs,
  parseTimeSpan,
  subtractTimeSpan,
  weekIndexOf,
  yearOf,
} from "../../src/base/calendar.ts";

Deno.test("parseTime(), months and years agree with Date on every day of 900 years", () => {
  for (
    let ms = Date.UTC(1600, 0, 1, 13, 14, 15, 160);
    ms < Date.UTC(2500, 0, 1);
    ms += 86_400_000
  ) {
    const date = new Date(ms);
    const text = date.toISOString();
    if (parseTime(text) !== ms) strictEqual(parseTime(text), ms, text);
    const day = dayIndexOf(ms);
    const month = 12 * date.getUTCFullYear() + date.getUTCMonth();
    if (monthIndexOf(day) !== month) {
      strictEqual(monthIndexOf(day), month, text);
    }
    if (yearOf(day) !== date.getUTCFullYear()) {
      strictEqual(yearOf(day), date.getUTCFullYear(), text);
    }
  }
});

Deno.test("parseTime() takes every precision and nothing that is not UTC", () => {
  strictEqual(parseTime("1970-01-01T00:00:01Z"), 1000);
  strictEqual(parseTime("1970-01-01T00:00:00.5Z"), 500);
  strictEqual(parseTime("1970-01-01T00:00:00.123456789Z"), 123);
  for (const text of ["", "1970-01-01", "1970-01-01T00:00:00+01:00"]) {
    strictEqual(parseTime(text), NaN, text);
  }
});

for (
  const [left, right, same] of [
    ["2024-12-30", "2025-01-05", true], // 2025-W01, Monday to Sunday
    ["2024-12-29", "2024-12-30", false],
    ["2020-12-28", "2021-01-03", true], // 2020-W53
    ["2021-01-03", "2021-01-04", false],
    ["2026-12-28", "2027-01-03", true], // 2026-W53
    ["1969-12-29", "1970-01-04", true], // across the epoch
    ["1969-12-28", "1969-12-29", false],
  ] as const
) {
  Deno.test(`weekIndexOf() has ${left} and ${right} in ${same ? "one week" : "two weeks"}`, () => {
    const week = (day: string) => weekIndexOf(parseTime(`${day}T23:00:00Z`));
    strictEqual(week(left) === week(right), same);
  });
}

for (
  const [text, span] of [
    ["30d", [0, 0, 30, 0]],
    ["12h", [0, 0, 0, 12]],
    ["2y5m7d3h", [2, 5, 7, 3]],
    ["1w", [0, 0, 7, 0]],
    ["0h", [0, 0, 0, 0]],
    ["", undefined],
    ["30", undefined],
    ["d", undefined],
    ["3d2y", undefined],
    ["3d3d", undefined],
    ["-3d", undefined],
    ["1.5d", undefined],
    ["10s", undefined],
    ["99999d", undefined],
    ["3D", undefined],
  ] as const
) {
  Deno.test(`parseTimeSpan() takes ${JSON.stringify(text)} as ${span}`, () => {
    const found = parseTimeSpan(text);
    deepStrictEqual(
      found && [found.years, found.months, found.days, found.hours],
      span,
    );
  });
}

for (
  const [from, span, to] of [
    ["2025-03-31T10:00:00.000Z", "1m", "2025-03-03T10:00:00.000Z"],
    ["2024-03-31T10:00:00.000Z", "1m", "2024-03-02T10:00:00.000Z"],
    ["2024-02-29T00:00:00.000Z", "1y", "2023-03-01T00:00:00.000Z"],
    ["2025-01-15T00:30:00.000Z", "2m", "2024-11-15T00:30:00.000Z"],
    ["2025-01-01T00:30:00.000Z", "1h", "2024-12-31T23:30:00.000Z"],
    ["2025-01-01T00:30:00.250Z", "1y1m1d1h", "2023-11-29T23:30:00.250Z"],
    ["2025-01-08T00:00:00.000Z", "1w", "2025-01-01T00:00:00.000Z"],
  ] as const
) {
  Deno.test(`subtractTimeSpan() goes ${span} back from ${from}`, () => {
    const ms = subtractTimeSpan(parseTime(from), parseTimeSpan(span)!);
    strictEqual(new Date(ms).toISOString(), to);
  });
}

Deno.test("formatTimeNs() and parseTimeNs() undo each other to the nanosecond, before 1970, too", () => {
  const rows: [bigint, string][] = [
    [0n, "1970-01-01T00:00:00.000000000Z"],
    [-1n, "1969-12-31T23:59:59.999999999Z"],
    [1_795_255_200_123_456_789n, "2026-11-21T10:00:00.123456789Z"],
    [-2_208_988_800_000_000_001n, "1899-12-31T23:59:59.999999999Z"],
  ];
  for (const [ns, text] of rows) {
    strictEqual(formatTimeNs(ns), text);
    strictEqual(parseTimeNs(text), ns);
  }
  strictEqual(parseTimeNs("2026-11-21T10:00:00Z"), 1_795_255_200_000_000_000n);
  strictEqual(
    parseTimeNs("2026-11-21T10:00:00.5Z"),
    1_795_255_200_500_000_000n,
  );
  strictEqual(parseTimeNs("2026-11-21"), undefined);
  strictEqual(formatTimeNs(2n ** 62n * 1000n), undefined);
  strictEqual(formatTimeNs(-(2n ** 62n) * 1000n), undefined);
});
