// Prune: removes the versions that no rule keeps, after showing which. What is removed is what was
// shown, the oldest of a name first, whatever happens to the archive in between.

import type { Archive } from "../archive/archive.ts";
import type { EntrySummary, PrunePlan } from "../archive/report.ts";
import type { PruneCommand } from "./arguments.ts";
import { exitCodes } from "./exit_code.ts";
import { formatTime, planExitCode, tellProblems } from "./list.ts";
import { type Line, styled } from "./output.ts";
import {
  assertCanAsk,
  confirmRemoval,
  describeEntry,
  errorsOf,
  followRemovals,
  logRemoved,
  sumStored,
} from "./removal.ts";
import type { Session } from "./session.ts";
import { formatSize } from "./size.ts";
import { formatCount } from "./text.ts";

/** Runs `prune`; gives the exit code. @throws {Failure} */
export async function runPrune(
  command: PruneCommand,
  session: Session,
): Promise<number> {
  assertCanAsk(command, session);
  await using archive = await session.openArchive();
  const plan = archive.planPrune({
    rules: command.rules,
    ...(command.names.length === 0 ? {} : { names: command.names }),
  });
  const problemCode = planExitCode(plan.problems);
  const doomed = plan.names.flatMap(({ versions }) =>
    versions.filter(({ reasons }) => reasons.length === 0)
      .map(({ entry }) => entry).toReversed()
  );
  const kept = plan.names.flatMap(({ versions }) =>
    versions.filter(({ reasons }) => reasons.length > 0)
  );
  const document = {
    type: "prune",
    schema: 1,
    archive: session.settings.archive,
    kept,
    problems: plan.problems,
  };
  const count = formatCount(doomed.length, "version");
  const what = `${count} (${formatSize(sumStored(doomed))}), keeping ` +
    `${kept.length} of ${formatCount(plan.names.length, "name")}`;
  tellProblems(plan.problems, session);
  if (command.dryRun || !command.confirmed || session.verbose) {
    tellPlan(plan, session, command.dryRun);
  }
  if (command.dryRun) {
    session.output.document({
      ...document,
      outcome: "dry-run",
      removed: doomed,
      freedBytes: sumStored(doomed),
      errors: [],
      exitCode: problemCode,
    });
    session.output.result(`Would remove ${what}`);
    return problemCode;
  }
  if (doomed.length > 0 && !await confirmRemoval(what, command, session)) {
    return problemCode;
  }
  return await removeDoomed(
    doomed,
    { document, problemCode },
    archive,
    session,
  );
}

async function removeDoomed(
  doomed: readonly EntrySummary[],
  { document, problemCode }: {
    readonly document: Readonly<Record<string, unknown>>;
    readonly problemCode: number;
  },
  archive: Archive,
  session: Session,
): Promise<number> {
  const removals = await followRemovals(
    archive.removeEach(doomed),
    session,
    (entry) => {
      logRemoved(entry, session);
      session.output.goodNews(
        styled("green", "✓"),
        ` Removed ${describeEntry(entry)}`,
      );
    },
  );
  const { removed } = removals;
  const exitCode = joinCodes(removals.exitCode, problemCode);
  session.output.document({
    ...document,
    outcome: "pruned",
    removed,
    freedBytes: sumStored(removed),
    errors: errorsOf(removals, ({ id, name }) => ({ id, name })),
    exitCode,
  });
  session.output.goodNews(
    `${formatCount(removed.length, "version")} removed, ` +
      `${formatSize(sumStored(removed))} freed`,
  );
  return exitCode;
}

/** The code of a run that was stopped says only that. */
function joinCodes(code: number, problemCode: number): number {
  return code >= exitCodes.interrupted ? code : code | problemCode;
}

// Before a question the plan goes where the question goes, and is seen whatever becomes of the output.
function tellPlan(plan: PrunePlan, session: Session, isResult: boolean): void {
  const { output } = session;
  const tell = (...line: Line) =>
    isResult ? output.result(...line) : output.message(...line);
  for (const { name, versions } of plan.names) {
    const kept = versions.filter(({ reasons }) => reasons.length > 0).length;
    if (kept === versions.length && !session.verbose) continue;
    const count = formatCount(versions.length, "version");
    tell(styled("bold", `${name}: ${kept} of ${count} stay`));
    for (const { entry, reasons } of versions) {
      const size = formatSize(entry.storedBytes).padStart(8);
      const facts = `${formatTime(entry.created)}  ${size}  ${entry.id}`;
      if (reasons.length === 0) tell(styled("red", "  remove  "), facts);
      else tell("  keep    ", facts, `  ${reasons.join(", ")}`);
    }
  }
}
