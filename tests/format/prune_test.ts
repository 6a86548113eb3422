import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { parseTimeSpan } from "../../src/base/calendar.ts";
import {
  countRules,
  hasKeepRule,
  type KeepRules,
  planPrune,
} from "../../src/format/prune.ts";
import { Prng } from "../../src/base/prng.ts";

/** Reasons per version, joined; "" is what goes. */
function judge(created: readonly string[], rules: KeepRules): string[] {
  const times = created.map((time) =>
    time.length === 10 ? `${time}T12:00:00.000Z` : time
  );
  return planPrune(times, rules).map(({ reasons }) => reasons.join(" "));
}

for (
  const [what, rules, rows] of [
    ["the newest N", { last: 2 }, [
      ["2025-06-03", "last"],
      ["2025-06-02", "last"],
      ["2025-06-01", ""],
    ]],
    ["all of them with a count that has no end", { last: Infinity }, [
      ["2025-06-03", "last"],
      ["2025-06-02", "last"],
      ["2025-06-01", "last"],
    ]],
    ["the newest of each hour", { hourly: 2 }, [
      ["2025-06-03T10:59:59.999Z", "hourly"],
      ["2025-06-03T10:00:00.000Z", ""],
      ["2025-06-03T09:59:59Z", "hourly"],
      ["2025-06-03T08:30:00Z", ""],
    ]],
    ["the newest of each day, over the turn of a year", { daily: 3 }, [
      ["2025-01-01T00:00:00.000Z", "daily"],
      ["2024-12-31T23:59:59.999Z", "daily"],
      ["2024-12-31T00:00:00.000Z", ""],
      ["2024-12-29T10:00:00.000Z", "daily"],
      ["2024-12-28T10:00:00.000Z", ""],
    ]],
    ["days that have versions, not days of the calendar", { daily: 2 }, [
      ["2025-06-03", "daily"],
      ["2024-01-01", "daily"],
      ["2020-01-01", ""],
    ]],
    ["the newest of each ISO week, also of one that spans two years", {
      weekly: 2,
    }, [
      ["2025-01-05", "weekly"], // Sunday of 2025-W01
      ["2024-12-30", ""], // Monday of 2025-W01
      ["2024-12-29", "weekly"], // Sunday of 2024-W52
      ["2024-12-22", ""],
    ]],
    ["the newest of week 53", { weekly: 2 }, [
      ["2021-01-04", "weekly"], // 2021-W01
      ["2021-01-03", "weekly"], // 2020-W53
      ["2020-12-28", ""], // 2020-W53
      ["2020-12-27", ""],
    ]],
    ["the newest of each month, not of twelve months apart", { monthly: 3 }, [
      ["2025-03-31", "monthly"],
      ["2025-03-01", ""],
      ["2025-02-28", "monthly"],
      ["2024-02-29", "monthly"],
      ["2024-02-01", ""],
    ]],
    ["the newest of each year", { yearly: 2 }, [
      ["2025-01-01", "yearly"],
      ["2024-12-31", "yearly"],
      ["2024-01-01", ""],
      ["2023-12-31", ""],
    ]],
    ["the oldest, too, where a count is not used up", { daily: 3 }, [
      ["2025-06-03T20:00:00Z", "daily"],
      ["2025-06-03T10:00:00Z", ""],
      ["2025-06-03T05:00:00Z", "oldest-daily"],
    ]],
    ["what any rule keeps", { last: 1, daily: 2, monthly: 2, yearly: 1 }, [
      ["2025-06-03T20:00:00Z", "last daily monthly yearly"],
      ["2025-06-03T10:00:00Z", ""],
      ["2025-06-02T10:00:00Z", "daily"],
      ["2025-06-01T10:00:00Z", ""],
      ["2025-05-31T10:00:00Z", "monthly"],
      ["2025-05-30T10:00:00Z", ""],
    ]],
    ["nothing by a rule of 0", { last: 1, daily: 0 }, [
      ["2025-06-03", "last"],
      ["2025-06-02", ""],
    ]],
    ["what is younger than a span before the newest, whatever the clock", {
      within: parseTimeSpan("2d")!,
    }, [
      ["2125-06-03T12:00:00Z", "within"],
      ["2125-06-01T12:00:00.001Z", "within"],
      ["2125-06-01T12:00:00.000Z", ""],
    ]],
    ["the newest by a span of nothing", { within: parseTimeSpan("0d")! }, [
      ["2025-06-03", "within"],
      ["2025-06-02", ""],
    ]],
    ["a version from before 1970 and one without fractions", { yearly: 1 }, [
      ["1969-12-31T23:59:59Z", "yearly"],
      ["1969-01-01T00:00:00.5Z", ""],
    ]],
    ["nothing of nothing", { last: 1 }, []],
  ] as [string, KeepRules, [string, string][]][]
) {
  Deno.test(`planPrune() keeps ${what}`, () => {
    deepStrictEqual(
      judge(rows.map(([created]) => created), rules),
      rows.map(([, reasons]) => reasons),
    );
  });
}

Deno.test("planPrune() never lets the newest go, and more rules never keep less", () => {
  const prng = new Prng(5);
  const pick = (count: number) => prng.bytes(1)[0]! % count;
  for (let round = 0; round < 500; round++) {
    const times: number[] = [];
    for (let each = 0; each <= pick(20); each++) {
      times.push(Date.UTC(2020 + pick(3), pick(12), pick(28), pick(24)));
    }
    const created = times.sort((a, b) => b - a).map((ms) =>
      new Date(ms).toISOString()
    );
    const rules: Record<string, number> = {};
    for (const rule of countRules) rules[rule] = pick(4);
    if (!hasKeepRule(rules)) continue;
    const verdicts = planPrune(created, rules);
    ok(verdicts[0]!.reasons.length > 0);
    const more = planPrune(created, { ...rules, weekly: 200 });
    verdicts.forEach(({ reasons }, index) => {
      if (reasons.length > 0) ok(more[index]!.reasons.length > 0);
    });
    const kept = created.filter((_, index) =>
      verdicts[index]!.reasons.length > 0
    );
    // A second run removes nothing more, but for what was only kept as the oldest.
    const again = planPrune(kept, rules);
    again.forEach(({ reasons }) => ok(reasons.length > 0));
  }
});

Deno.test("planPrune() without a rule is our mistake", () => {
  strictEqual(hasKeepRule({}), false);
  strictEqual(hasKeepRule({ last: 0 }), false);
  strictEqual(hasKeepRule({ within: parseTimeSpan("1d")! }), true);
  throws(() => planPrune(["2025-06-03T00:00:00Z"], { last: 0 }), {
    name: "AssertionError",
  });
});
