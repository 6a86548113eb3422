// Calendar: days, months and years of UTC in the proleptic Gregorian calendar, as arithmetic on
// milliseconds since 1970-01-01. Knows no zone, no leap second and no clock.

/** Milliseconds of an hour. */
export const hourMs = 3_600_000;

/** Milliseconds of a day of UTC: there are no other days here. */
export const dayMs: number = 24 * hourMs;

/** A length of time as people say it: months and years are as long as the calendar has them. */
export interface TimeSpan {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}

/** What a span may look like, for messages. */
export const timeSpanForms = "a duration such as 12h, 30d, 6m or 1y6m";

/** Years, months, weeks, days and hours in that order, each at most once. */
export const timeSpanPattern: RegExp =
  /^(?=.)(?:(\d{1,4})y)?(?:(\d{1,4})m)?(?:(\d{1,4})w)?(?:(\d{1,4})d)?(?:(\d{1,4})h)?$/;

/**
 * The span that `text` stands for: years, months, weeks, days and hours in that order
 * (`2y5m1w7d3h`), each at most once; undefined if it is none, or longer than 9999 of a unit.
 */
export function parseTimeSpan(text: string): TimeSpan | undefined {
  const parts = timeSpanPattern.exec(text);
  if (parts === null) return undefined;
  const [years, months, weeks, days, hours] = parts.slice(1).map((part) =>
    Number(part ?? 0)
  );
  return {
    years: years!,
    months: months!,
    days: 7 * weeks! + days!,
    hours: hours!,
  };
}

/**
 * The time that lies `span` before `timeMs`. A day that its month does not have runs over into the
 * next one: one month before March 31 is March 3, or 2 in leap years.
 */
export function subtractTimeSpan(timeMs: number, span: TimeSpan): number {
  const day = Math.floor(timeMs / dayMs);
  const civil = civilOf(day);
  const month = monthIndexOf(day) - 12 * span.years - span.months;
  const shifted = firstDayOf(month) + civil.day - 1 - span.days;
  return shifted * dayMs + (timeMs - day * dayMs) - span.hours * hourMs;
}

const timePattern =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z$/;

/** The time that an ISO 8601 text in UTC (`2025-06-01T12:30:00.5Z`) stands for; NaN for another. */
export function parseTime(text: string): number {
  const parts = timePattern.exec(text);
  if (parts === null) return NaN;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(
    Number,
  );
  const days = firstDayOf(12 * year! + month! - 1) + day! - 1;
  const millisecond = Number((parts[7] ?? "").slice(0, 3).padEnd(3, "0"));
  return days * dayMs + hour! * hourMs + minute! * 60_000 + second! * 1000 +
    millisecond;
}

/** Whether `text` is a time in UTC as {@link formatTimeNs} writes it, with up to nine digits of fraction. */
export function isTimeNs(text: string): boolean {
  return timePattern.test(text);
}

/** The time that an ISO 8601 text in UTC stands for, nanoseconds since 1970; undefined for another. */
export function parseTimeNs(text: string): bigint | undefined {
  const ms = parseTime(text);
  if (Number.isNaN(ms)) return undefined;
  const fraction = /\.(\d{1,9})Z$/.exec(text)?.[1] ?? "";
  const ns = BigInt(fraction.padEnd(9, "0"));
  return BigInt(Math.floor(ms / 1000)) * 1_000_000_000n + ns;
}

/**
 * A time as ISO 8601 in UTC, with nine digits of a second's fraction; undefined for one outside the
 * years 0 to 9999.
 */
export function formatTimeNs(ns: bigint): string | undefined {
  let seconds = ns / 1_000_000_000n;
  let rest = ns % 1_000_000_000n;
  if (rest < 0n) {
    seconds--;
    rest += 1_000_000_000n;
  }
  const date = new Date(Number(seconds) * 1000);
  const text = Number.isNaN(date.getTime()) ? "" : date.toISOString();
  if (!/^\d{4}-/.test(text)) return undefined;
  return `${text.slice(0, 19)}.${rest.toString().padStart(9, "0")}Z`;
}

/** Which hour, counted from 1970: equal for times of the same hour only. */
export function hourIndexOf(timeMs: number): number {
  return Math.floor(timeMs / hourMs);
}

/** Which day. */
export function dayIndexOf(timeMs: number): number {
  return Math.floor(timeMs / dayMs);
}

/** Which week of ISO 8601: from Monday to Sunday, whatever year ends in it. */
export function weekIndexOf(timeMs: number): number {
  // 1970-01-01 was a Thursday, three days into its week.
  return Math.floor((dayIndexOf(timeMs) + 3) / 7);
}

/** Which month of a day, counted from the year 0. */
export function monthIndexOf(day: number): number {
  const { year, month } = civilOf(day);
  return 12 * year + month - 1;
}

/** Which year of a day. */
export function yearOf(day: number): number {
  return civilOf(day).year;
}

// The year begins in March here, so that the leap day is its last one. An era is 400 years, 146097
// days; 719468 days lie between 0000-03-01 and 1970-01-01.
const eraDays = 146_097;
const epochDays = 719_468;

function civilOf(day: number): { year: number; month: number; day: number } {
  const shifted = day + epochDays;
  const era = Math.floor(shifted / eraDays);
  const dayOfEra = shifted - era * eraDays;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra -
    (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const march = Math.floor((5 * dayOfYear + 2) / 153);
  const month = march < 10 ? march + 3 : march - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * march + 2) / 5) + 1,
  };
}

/** The day on which a month begins. */
function firstDayOf(monthIndex: number): number {
  const year = Math.floor(monthIndex / 12);
  const month = monthIndex - 12 * year + 1;
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const march = month > 2 ? month - 3 : month + 9;
  const dayOfYear = Math.floor((153 * march + 2) / 5);
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) + dayOfYear;
  return era * eraDays + dayOfEra - epochDays;
}
