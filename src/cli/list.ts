// List and find: entries as a table. Folders that could not be read as entries are said on standard
// error and in the exit code; they never hide the others.

import type {
  ArchiveListing,
  EntryProblem,
  EntrySummary,
} from "../archive/report.ts";
import type { FindCommand, ListCommand } from "./arguments.ts";
import { exitCodeOfProblem, exitCodes } from "./exit_code.ts";
import { styled } from "./output.ts";
import type { Session } from "./session.ts";
import { formatSize } from "./size.ts";
import { escapeText, measureColumns, padText } from "./text.ts";

/** Runs `list` or `find`; gives the exit code. @throws {Failure} */
export async function runList(
  command: ListCommand | FindCommand,
  session: Session,
): Promise<number> {
  await using archive = await session.openArchive();
  const listing = command.command === "list"
    ? archive.list()
    : archive.find(command.pattern);
  const exitCode = planExitCode(listing.problems);
  session.output.document({
    type: command.command,
    schema: 1,
    archive: session.settings.archive,
    ...(command.command === "find" ? { pattern: command.pattern } : {}),
    entries: listing.entries,
    problems: listing.problems,
    exitCode,
  });
  tellEntries(listing, session);
  if (listing.entries.length === 0 && !session.output.quiet) {
    session.output.message(
      command.command === "list"
        ? `No entries in ${session.settings.archive}`
        : `No entry in ${session.settings.archive} matches ${command.pattern}`,
    );
  }
  return exitCode;
}

/** `2025-06-01 12:30:00` of an ISO 8601 time; anything else as it is. */
export function formatTime(iso: string): string {
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/.exec(iso);
  return parts === null ? iso : `${parts[1]} ${parts[2]}`;
}

function planExitCode(problems: readonly EntryProblem[]): number {
  return problems.reduce<number>(
    (code, problem) => code | exitCodeOfProblem(problem.code),
    exitCodes.done,
  );
}

const columns = [
  { title: "NAME", side: "end" },
  { title: "SIZE", side: "start" },
  { title: "TIER", side: "start" },
  { title: "POLICY", side: "end" },
  { title: "CREATED (UTC)", side: "end" },
  { title: "ID", side: "end" },
] as const;

function tellEntries(listing: ArchiveListing, session: Session): void {
  const rows = listing.entries.map(formatRow);
  const widths = columns.map((column, index) =>
    rows.reduce(
      (width, row) => Math.max(width, measureColumns(row[index]!)),
      column.title.length,
    )
  );
  const format = (cells: readonly string[]) =>
    cells.map((cell, index) =>
      padText(cell, widths[index]!, columns[index]!.side)
    ).join("  ").trimEnd();
  if (rows.length > 0) {
    session.output.result(
      styled("bold", format(columns.map((column) => column.title))),
    );
  }
  for (const row of rows) session.output.result(format(row));
  for (const problem of listing.problems) {
    session.log.error(
      `Cannot read ${problem.folder} as an entry: ${problem.problem}`,
      { folder: problem.folder, code: problem.code },
    );
  }
}

function formatRow(entry: EntrySummary): string[] {
  return [
    // Escaped before it is measured: an escape is wider than the character that it stands for.
    escapeText(entry.name),
    formatSize(entry.payloadBytes),
    entry.tier === 0 ? "-" : String(entry.tier),
    entry.policy,
    formatTime(entry.created),
    entry.id,
  ];
}
