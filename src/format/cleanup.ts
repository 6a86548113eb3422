// Cleanup: which folders that a commit or a removal left may be taken away. A commit that runs writes
// into its folder all the time, so the age of the newest thing in it tells whether one may.

import { subtractTimeSpan, type TimeSpan } from "../base/calendar.ts";
import { leftoverAgeMsMin } from "../base/limits.ts";

/** "unknown": nothing in it has a time, so nobody can tell whether a commit is at work. */
export type CleanupVerdict = "remove" | "young" | "unknown";

/** What becomes of a folder in which the newest thing was changed at `newestMs`. */
export function planCleanup(
  newestMs: number | undefined,
  nowMs: number,
  olderThan: TimeSpan,
): CleanupVerdict {
  if (newestMs === undefined) return "unknown";
  const bound = Math.min(
    subtractTimeSpan(nowMs, olderThan),
    nowMs - leftoverAgeMsMin,
  );
  return newestMs <= bound ? "remove" : "young";
}
