// Exit code: what a run tells its caller in one number. The bits are fsck's: codes of several
// entries are joined with OR. docs/cli.md has the table per situation.

import type { EntryProblem, HealthReport } from "../archive/report.ts";
import { unreachable } from "../base/assert.ts";
import type { FailureCode } from "../base/errors.ts";

/** The codes and their bits. */
export const exitCodes = {
  /** Nothing wrong. */
  done: 0,
  /** Damage was found and repaired (restore: worked around). */
  repaired: 1,
  /** Files of a tree were left out because they changed or could not be read. */
  partial: 2,
  /** Damage is left. */
  damaged: 4,
  /** Something outside the archive's content went wrong: a full disk, a missing file. */
  operational: 8,
  /** The command line or the configuration is wrong. */
  usage: 16,
  /** Another command writes to the archive. */
  locked: 32,
  /** SIGINT, as shells have it: 128 + 2. */
  interrupted: 130,
  /** The reader of our output went away: 128 + 13, as for any program that SIGPIPE ends. */
  outputClosed: 141,
  /** SIGTERM: 128 + 15. */
  terminated: 143,
} as const;

/** The exit code of a run that ended in a Failure with `code`. */
export function exitCodeOf(code: FailureCode): number {
  switch (code) {
    case "invalid-argument":
    case "invalid-config":
    case "invalid-name":
      return exitCodes.usage;
    case "damaged":
      return exitCodes.damaged;
    case "interrupted":
      return exitCodes.interrupted;
    case "locked":
      return exitCodes.locked;
    case "not-found":
    case "exists":
    case "permission-denied":
    case "no-space":
    case "read-only":
    case "io":
    case "offline":
    case "unsafe-path":
    case "wrong-kind":
    case "ambiguous":
    case "source-changed":
    case "source-unreadable":
    case "unsupported-format":
      return exitCodes.operational;
    default:
      return unreachable(code);
  }
}

/** The bits that the health of one entry that could be examined adds to the exit code. */
export function exitCodeOfState(state: HealthReport["state"]): number {
  switch (state) {
    case "healthy":
      return exitCodes.done;
    case "repaired":
      return exitCodes.repaired;
    case "repairable":
    case "lost":
      return exitCodes.damaged;
    default:
      return unreachable(state);
  }
}

/** The bits that a folder which cannot be read as an entry adds to the exit code. */
export function exitCodeOfProblem(code: EntryProblem["code"]): number {
  switch (code) {
    case "no-manifest":
    case "unreadable":
      return exitCodes.damaged;
    case "unsupported-format":
      return exitCodes.operational;
    default:
      return unreachable(code);
  }
}
