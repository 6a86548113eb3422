// Health: verifies entries, repairs them unless told not to, and tells of each as it is done.

import type { HealthReport } from "../archive/report.ts";
import type { HealthCommand } from "./arguments.ts";
import { exitCodeOfProblem, exitCodeOfState, exitCodes } from "./exit_code.ts";
import {
  describeHealth,
  formatSummary,
  type HealthCounts,
} from "./health_text.ts";
import type { Session } from "./session.ts";

type Counts = { -readonly [Key in keyof HealthCounts]: number };

/** Runs `health`; gives the exit code. @throws {Failure} */
export async function runHealth(
  command: HealthCommand,
  session: Session,
): Promise<number> {
  const { output, log } = session;
  const counts: Counts = {
    entryCount: 0,
    healthyCount: 0,
    repairedCount: 0,
    repairableCount: 0,
    lostCount: 0,
    problemCount: 0,
  };
  let exitCode: number = exitCodes.done;
  let lostName = "";
  const { legacy } = command;
  await using archive = await session.openArchive(
    legacy === undefined ? {} : { path: legacy },
  );
  const reports = legacy === undefined
    ? archive.health({
      ...(command.selectors.length === 0
        ? {}
        : { selectors: command.selectors }),
      repair: !command.checkOnly,
    })
    : archive.healthOfLegacy();
  for await (const report of reports) {
    exitCode |= exitCodeOfReport(report);
    countReport(report, counts);
    tellReport(report, session);
    if (report.state === "lost") {
      lostName = (report.versionCount ?? 1) > 1 ? report.id : report.name;
    }
  }
  const place = legacy ?? session.settings.archive;
  // An empty folder may be one where a disk should be: nobody may take that for health.
  const isEmpty = counts.entryCount === 0;
  if (isEmpty) exitCode |= exitCodes.operational;
  output.document({
    type: "summary",
    schema: 1,
    archive: place,
    ...counts,
    exitCode,
  });
  if (isEmpty) {
    log.error(`No entries in ${place}: nothing was verified`);
    log.hint("if there should be some, look whether its disk is mounted");
    return exitCode;
  }
  if (exitCode === exitCodes.done) output.goodNews(formatSummary(counts));
  else output.result(formatSummary(counts));
  log.info(formatSummary(counts), { ...counts, exitCode });
  hintNextSteps(command, counts, lostName, session);
  return exitCode;
}

function tellReport(report: HealthReport, session: Session): void {
  const { output } = session;
  output.document({ type: "entry", schema: 1, ...report });
  const isFine = report.state === "healthy" && report.problem === undefined;
  const lines = describeHealth(report, session.verbose);
  for (const line of lines) {
    if (isFine) output.goodNews(...line);
    else output.result(...line);
  }
  session.log.debug(`Examined ${report.name}: ${report.state}`, {
    id: report.id,
    folder: report.folder,
    state: report.state,
    elapsedMs: report.elapsedMs,
  });
}

function exitCodeOfReport(report: HealthReport): number {
  return report.problem === undefined
    ? exitCodeOfState(report.state)
    : exitCodeOfProblem(report.problemCode ?? "unreadable");
}

function countReport(report: HealthReport, counts: Counts): void {
  counts.entryCount++;
  if (report.problem !== undefined) counts.problemCount++;
  else if (report.state === "healthy") counts.healthyCount++;
  else if (report.state === "repaired") counts.repairedCount++;
  else if (report.state === "repairable") counts.repairableCount++;
  else counts.lostCount++;
}

function hintNextSteps(
  command: HealthCommand,
  counts: Counts,
  lostName: string,
  session: Session,
): void {
  if (command.legacy !== undefined) {
    if (counts.healthyCount + counts.repairableCount === 0) return;
    const words = session.formatCommand("import", command.legacy);
    session.log.hint(
      `\`${words}\` stores what can be read, rebuilt where it is damaged`,
    );
    return;
  }
  if (command.checkOnly && counts.repairableCount > 0) {
    const repair = session.formatCommand("health", ...command.selectors);
    session.log.hint(`\`${repair}\` repairs it`);
  }
  if (counts.lostCount > 0) {
    const partial = session.formatCommand(
      "restore",
      counts.lostCount === 1 ? lostName : "NAME",
      "--partial",
    );
    session.log.hint(`\`${partial}\` writes what can still be recovered`);
  }
}
