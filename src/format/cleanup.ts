// Cleanup: which folders that a commit or a removal left may be taken away. Where nobody can be at
// work in them, all that are as old as is wished. Else a commit that runs writes into its folder all
// the time, so the age of the newest thing in it tells whether one may.

import { subtractTimeSpan, type TimeSpan } from "../base/calendar.ts";
import { leftoverAgeMsMin } from "../base/limits.ts";

/** "unknown": nothing in it has a time, so nobody can tell whether a commit is at work. */
export type CleanupVerdict = "remove" | "young" | "unknown";

/** What becomes of a folder in which the newest thing was changed at `newestMs`. */
export function planCleanup(
  newestMs: number | undefined,
  nowMs: number,
  { olderThan, isIdle }: {
    readonly olderThan: TimeSpan;
    /** Whether it is known that nobody works in the folder. */
    readonly isIdle: boolean;
  },
): CleanupVerdict {
  if (newestMs === undefined) return "unknown";
  const wished = subtractTimeSpan(nowMs, olderThan);
  const bound = isIdle ? wished : Math.min(wished, nowMs - leftoverAgeMsMin);
  return newestMs <= bound ? "remove" : "young";
}
