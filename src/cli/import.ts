// Import: entries of blockframe-rs become entries of this archive. One that fails does not stop the
// next one.

import type { Archive } from "../archive/archive.ts";
import type { ImportReport } from "../archive/report.ts";
import { unreachable } from "../base/assert.ts";
import { isFailure } from "../base/errors.ts";
import type { ImportCommand } from "./arguments.ts";
import { formatDamage, formatRanges } from "./damage_text.ts";
import { exitCodeOfProblem, exitCodes } from "./exit_code.ts";
import { type Line, styled } from "./output.ts";
import type { Session } from "./session.ts";
import { formatSize } from "./size.ts";
import { formatCount } from "./text.ts";

/** Runs `import`; gives the exit code. @throws {Failure} if a folder cannot be opened */
export async function runImport(
  command: ImportCommand,
  session: Session,
): Promise<number> {
  const { source, dryRun } = command;
  const reports: ImportReport[] = [];
  let exitCode: number = exitCodes.done;
  await using archive = await openTarget(command, session);
  for await (const report of archive.import({ source, dryRun })) {
    reports.push(report);
    exitCode |= exitCodeOfImport(report);
    tellImport(report, session);
  }
  session.output.document({
    type: "import-summary",
    schema: 1,
    source,
    archive: session.settings.archive,
    dryRun,
    ...countImports(reports),
    exitCode,
  });
  tellSummary(source, reports, exitCode, session);
  return exitCode;
}

/** A dry run makes no archive: where there is none yet, nothing is present. */
async function openTarget(
  { source, dryRun }: ImportCommand,
  session: Session,
): Promise<Archive> {
  if (!dryRun) {
    // Else a wrong word would leave an empty archive behind.
    await (await session.openArchive({ path: source }))[Symbol.asyncDispose]();
    return await session.openArchive({ create: true });
  }
  try {
    return await session.openArchive();
  } catch (error) {
    if (!isFailure(error, "not-found")) throw error;
    return await session.openArchive({ path: source });
  }
}

interface ImportCounts {
  readonly entryCount: number;
  readonly importedCount: number;
  readonly importableCount: number;
  readonly presentCount: number;
  readonly lostCount: number;
  readonly failedCount: number;
}

function countImports(reports: readonly ImportReport[]): ImportCounts {
  const count = (outcome: ImportReport["outcome"]) =>
    reports.filter((report) => report.outcome === outcome).length;
  return {
    entryCount: reports.length,
    importedCount: count("imported"),
    importableCount: count("importable"),
    presentCount: count("present"),
    lostCount: count("lost"),
    failedCount: count("failed"),
  };
}

/** The bits that one entry adds to the exit code. */
function exitCodeOfImport(report: ImportReport): number {
  switch (report.outcome) {
    case "imported":
    case "importable":
      return report.damage.length > 0 ? exitCodes.repaired : exitCodes.done;
    case "present":
      return exitCodes.done;
    case "lost":
      return exitCodes.damaged;
    case "failed":
      return exitCodeOfFailed(report.problemCode);
    default:
      return unreachable(report.outcome);
  }
}

function exitCodeOfFailed(code: ImportReport["problemCode"]): number {
  return code === "no-manifest" || code === "unreadable" ||
      code === "unsupported-format"
    ? exitCodeOfProblem(code)
    : exitCodes.operational;
}

function tellImport(report: ImportReport, session: Session): void {
  const { output, log } = session;
  output.document({ type: "import", schema: 1, ...report });
  const isFine = report.damage.length === 0 &&
    ["imported", "importable", "present"].includes(report.outcome);
  for (const line of describeImport(report)) {
    if (isFine) output.goodNews(...line);
    else output.result(...line);
  }
  const fields = {
    folder: report.folder,
    outcome: report.outcome,
    payloadBytes: report.payloadBytes,
    elapsedMs: report.elapsedMs,
  };
  log.info(`Import of ${report.name}: ${report.outcome}`, fields);
}

/** The report as lines. */
function describeImport(report: ImportReport): Line[] {
  const { name, damage } = report;
  const size = formatSize(report.payloadBytes);
  const found = formatDamage(damage);
  const rebuilt: Line[] = found === ""
    ? []
    : [["  ", styled("green", "→"), ` Worked around: ${found}`]];
  switch (report.outcome) {
    case "imported":
      return [
        [
          styled("green", "✓"),
          ` ${name}: imported (${size}, id ${report.entry?.id ?? ""})`,
        ],
        ...rebuilt,
      ];
    case "importable":
      return [
        [styled("green", "✓"), ` ${name}: would be imported (${size})`],
        ...rebuilt,
      ];
    case "present": {
      const id = report.entry?.id ?? "";
      return [[styled("green", "✓"), ` ${name}: already there (id ${id})`]];
    }
    case "lost":
      return [
        [
          styled("red", "✗"),
          ` ${name}: not imported: ${
            report.problem ?? `${found || "damaged"}, beyond repair`
          }`,
        ],
        ...(report.lostRanges.length === 0 ? [] : [[
          "  ",
          styled("red", "→"),
          ` Lost for good: ${formatRanges(report.lostRanges)}`,
        ]] as Line[]),
      ];
    case "failed":
      return [[
        styled("red", "✗"),
        ` ${name}: not imported: ${report.problem ?? "it failed"}`,
      ]];
    default:
      return unreachable(report.outcome);
  }
}

function tellSummary(
  source: string,
  reports: readonly ImportReport[],
  exitCode: number,
  session: Session,
): void {
  const { output, log } = session;
  const counts = countImports(reports);
  if (counts.entryCount === 0) {
    if (!output.quiet) {
      output.message(`No entries of blockframe-rs in ${source}`);
    }
    return;
  }
  const parts: string[] = [];
  const add = (count: number, words: string) => {
    if (count > 0) parts.push(`${count} ${words}`);
  };
  add(counts.importedCount, "imported");
  add(counts.importableCount, "would be imported");
  add(counts.presentCount, "already there");
  add(counts.lostCount, "damaged beyond repair");
  add(counts.failedCount, "failed");
  const total = formatCount(counts.entryCount, "entry", "entries");
  const text = `${total}: ${parts.join(", ")}`;
  if (exitCode === exitCodes.done) output.goodNews(text);
  else output.result(text);
  log.info(text, { ...counts, exitCode });
}
