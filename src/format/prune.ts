// Prune: which versions of one name a policy keeps, and why, in the manner of restic's forget. A
// version stays if any rule keeps it. Never gives a plan that leaves nothing: the newest always
// stays. Periods are those of UTC; weeks are those of ISO 8601.

import { assert } from "../base/assert.ts";
import {
  dayIndexOf,
  hourIndexOf,
  monthIndexOf,
  parseTime,
  subtractTimeSpan,
  type TimeSpan,
  weekIndexOf,
  yearOf,
} from "../base/calendar.ts";

/** The rules that count, in the order in which they are told. */
export const countRules = [
  "last",
  "hourly",
  "daily",
  "weekly",
  "monthly",
  "yearly",
] as const;

/** A rule that keeps the newest version of each of so many periods. */
export type CountRule = typeof countRules[number];

/** What to keep; a count may be Infinity, and 0 is no rule. */
export interface KeepRules
  extends Partial<Readonly<Record<CountRule, number>>> {
  /** Keep what is younger than the newest version by less than this. */
  readonly within?: TimeSpan;
}

/** Why a version stays. "oldest-…": there is nothing older with which to fill the count. */
export type KeepReason =
  | "within"
  | CountRule
  | `oldest-${Exclude<CountRule, "last">}`;

/** What becomes of a version: it goes where there is no reason to keep it. */
export interface PruneVerdict {
  readonly reasons: readonly KeepReason[];
}

/** Whether there is a rule that keeps anything. */
export function hasKeepRule(rules: KeepRules): boolean {
  return rules.within !== undefined ||
    countRules.some((rule) => (rules[rule] ?? 0) > 0);
}

/**
 * The verdicts on the versions of one name, whose times of creation (ISO 8601, UTC) come newest
 * first. There must be a rule.
 */
export function planPrune(
  created: readonly string[],
  rules: KeepRules,
): PruneVerdict[] {
  assert(hasKeepRule(rules), "a prune has a rule that keeps something");
  const times = created.map(parseTime);
  const buckets = countRules.map((rule) => ({
    rule,
    left: rules[rule] ?? 0,
    period: undefined as number | undefined,
  }));
  const cutoff = rules.within === undefined || times.length === 0
    ? Infinity
    : subtractTimeSpan(times[0]!, rules.within);
  const verdicts = times.map((timeMs, index) => {
    const reasons: KeepReason[] = [];
    if (index === 0 ? cutoff < Infinity : timeMs > cutoff) {
      reasons.push("within");
    }
    for (const bucket of buckets) {
      if (bucket.left <= 0) continue;
      const period = periodOf(bucket.rule, timeMs, index);
      const isNew = period !== bucket.period;
      const isOldest = index === times.length - 1;
      if (!isNew && !isOldest) continue;
      bucket.period = period;
      bucket.left--;
      if (isNew || bucket.rule === "last") reasons.push(bucket.rule);
      else reasons.push(`oldest-${bucket.rule}`);
    }
    return { reasons };
  });
  assert(
    verdicts.length === 0 || verdicts[0]!.reasons.length > 0,
    "the newest version stays",
  );
  return verdicts;
}

function periodOf(rule: CountRule, timeMs: number, index: number): number {
  switch (rule) {
    case "last":
      return index;
    case "hourly":
      return hourIndexOf(timeMs);
    case "daily":
      return dayIndexOf(timeMs);
    case "weekly":
      return weekIndexOf(timeMs);
    case "monthly":
      return monthIndexOf(dayIndexOf(timeMs));
    case "yearly":
      return yearOf(dayIndexOf(timeMs));
  }
}
