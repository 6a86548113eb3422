// Cleanup: removes the folders that interrupted commits and removals left, after showing which. Never
// one that was written to a short while ago: a commit may be at work in it.

import { Failure } from "../base/errors.ts";
import { parseTimeSpan } from "../base/calendar.ts";
import type { CleanupItem, Leftover } from "../archive/report.ts";
import type { CleanupCommand } from "./arguments.ts";
import { exitCodes } from "./exit_code.ts";
import { describeLeftover } from "./list.ts";
import { styled } from "./output.ts";
import {
  assertCanAsk,
  confirmRemoval,
  errorsOf,
  followRemovals,
} from "./removal.ts";
import type { Session } from "./session.ts";
import { formatSize } from "./size.ts";
import { formatCount } from "./text.ts";

/** Runs `cleanup`; gives the exit code. @throws {Failure} */
export async function runCleanup(
  command: CleanupCommand,
  session: Session,
): Promise<number> {
  const { output } = session;
  const olderThan = parseTimeSpan(command.olderThan);
  if (olderThan === undefined) {
    throw new Failure("invalid-argument", "--older-than is no duration");
  }
  await using archive = await session.openArchive();
  const items = archive.planCleanup(olderThan);
  const old = items.filter(({ verdict }) => verdict === "remove")
    .map(({ leftover }) => leftover);
  const kept = items.filter(({ verdict }) => verdict !== "remove");
  const document = {
    type: "cleanup",
    schema: 1,
    archive: session.settings.archive,
    kept: kept.map(({ leftover, verdict }) => ({
      ...leftover,
      reason: verdict,
    })),
  };
  for (const item of kept) tellKept(item, command.olderThan, session);
  if (command.dryRun) return showCleanup(old, document, session);
  // Where nothing goes nobody has to be asked.
  if (old.length > 0) assertCanAsk(command, session);
  if (!command.confirmed) {
    for (const leftover of old) output.message(describeLeftover(leftover));
  }
  const what = `${formatCount(old.length, "folder")} ` +
    `(${formatSize(sumBytes(old))})`;
  if (old.length > 0 && !await confirmRemoval(what, command, session)) {
    return exitCodes.done;
  }
  const outcomes = archive.cleanUp(old, olderThan);
  const removals = await followRemovals(outcomes, session, (leftover) => {
    session.log.info(`Removed ${leftover.folder}`, { ...leftover });
    output.goodNews(
      styled("green", "✓"),
      ` Removed ${describeLeftover(leftover)}`,
    );
  });
  const { removed, exitCode } = removals;
  output.document({
    ...document,
    outcome: "cleaned",
    removed,
    freedBytes: sumBytes(removed),
    errors: errorsOf(removals, ({ folder }) => ({ folder })),
    exitCode,
  });
  output.goodNews(
    old.length === 0
      ? "There is nothing to remove"
      : `${formatCount(removed.length, "folder")} removed, ` +
        `${formatSize(sumBytes(removed))} freed`,
  );
  return exitCode;
}

function showCleanup(
  old: readonly Leftover[],
  document: Readonly<Record<string, unknown>>,
  session: Session,
): number {
  for (const leftover of old) {
    session.output.result(`Would remove ${describeLeftover(leftover)}`);
  }
  session.output.document({
    ...document,
    outcome: "dry-run",
    removed: old,
    freedBytes: sumBytes(old),
    errors: [],
    exitCode: exitCodes.done,
  });
  session.output.result(`Would free ${formatSize(sumBytes(old))}`);
  return exitCodes.done;
}

function tellKept(
  { leftover, verdict }: CleanupItem,
  olderThan: string,
  session: Session,
): void {
  if (session.output.quiet) return;
  const why = verdict === "young"
    ? `not older than ${olderThan}; a commit may be at work in it`
    : "nobody knows how old it is";
  session.output.message(`Left ${describeLeftover(leftover)}: ${why}`);
}

function sumBytes(leftovers: readonly Leftover[]): number {
  return leftovers.reduce((sum, leftover) => sum + leftover.bytes, 0);
}
