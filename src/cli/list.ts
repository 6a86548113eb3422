// List and find: entries as a table. Folders that could not be read as entries are said on standard
// error and in the exit code; they never hide the others.

import type { Archive } from "../archive/archive.ts";
import type {
  ArchiveListing,
  EntryProblem,
  EntrySummary,
  Leftover,
  ListedEntry,
} from "../archive/report.ts";
import { idPrefixDigitsMin } from "../base/limits.ts";
import type { FindCommand, ListCommand } from "./arguments.ts";
import { exitCodeOfProblem, exitCodes } from "./exit_code.ts";
import { type Line, styled } from "./output.ts";
import type { Session } from "./session.ts";
import { formatSize } from "./size.ts";
import { escapeText, formatCount, measureColumns, padText } from "./text.ts";

/** Runs `list` or `find`; gives the exit code. @throws {Failure} */
export async function runList(
  command: ListCommand | FindCommand,
  session: Session,
): Promise<number> {
  await using archive = await session.openArchive();
  const found = command.command === "list"
    ? archive.list()
    : archive.find(command.pattern);
  const entries = found.entries.filter((entry) => isShown(entry, command));
  const listing = { ...found, entries };
  const leftovers = command.command === "list" && command.all
    ? archive.leftovers()
    : [];
  const exitCode = planExitCode(listing.problems);
  session.output.document({
    type: command.command,
    schema: 1,
    archive: session.settings.archive,
    ...(command.command === "find" ? { pattern: command.pattern } : {}),
    all: command.all,
    entries,
    problems: listing.problems,
    ...(command.command === "list" && command.all ? { leftovers } : {}),
    exitCode,
  });
  tellEntries(listing, command.all, session);
  for (const leftover of leftovers) {
    session.output.result(
      styled("yellow", "left over or in use:"),
      ` ${describeLeftover(leftover)}`,
    );
  }
  if (listing.entries.length === 0 && !session.output.quiet) {
    session.output.message(
      command.command === "list"
        ? `No entries in ${session.settings.archive}`
        : `No entry in ${session.settings.archive} matches ${command.pattern}`,
    );
    if (command.command === "find") hintTrees(archive, session);
  }
  return exitCode;
}

/** Who looks for a file may not know that only names of entries are looked at. */
function hintTrees(archive: Archive, session: Session): void {
  const tree = archive.list().entries.find((entry) => entry.tree !== undefined);
  if (tree === undefined) return;
  const words = session.formatCommand("show", tree.name, "--files", "*.jpg");
  session.log.hint(`\`${words}\` looks for files in a folder's entry`);
}

/** `2025-06-01 12:30:00` of an ISO 8601 time; anything else as it is. */
export function formatTime(iso: string): string {
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/.exec(iso);
  return parts === null ? iso : `${parts[1]} ${parts[2]}`;
}

/** A leftover in a sentence. */
export function describeLeftover(leftover: Leftover): string {
  const written = leftover.modified === undefined
    ? "written nobody knows when"
    : `last written ${formatTime(leftover.modified)} UTC`;
  const { commit } = leftover;
  const what = commit === undefined
    ? ""
    : `; commit of ${commit.name} from ${commit.source}, ` +
      `${formatSize(commit.bytesDone)} of ${formatSize(commit.payloadBytes)} ` +
      `written: the same commit goes on with it`;
  return `${leftover.folder} (${formatSize(leftover.bytes)} in ` +
    `${formatCount(leftover.fileCount, "file")}, ${written}${what})`;
}

/** The bits of folders that cannot be read as entries. */
export function planExitCode(problems: readonly EntryProblem[]): number {
  return problems.reduce<number>(
    (code, problem) => code | exitCodeOfProblem(problem.code),
    exitCodes.done,
  );
}

// What an older version's id was given for is that version.
function isShown(
  entry: ListedEntry,
  command: ListCommand | FindCommand,
): boolean {
  if (command.all || entry.versionIndex === 0) return true;
  return command.command === "find" &&
    command.pattern.length >= idPrefixDigitsMin &&
    entry.id.startsWith(command.pattern.toLowerCase());
}

/** Says which folders cannot be read as entries. */
export function tellProblems(
  problems: readonly EntryProblem[],
  session: Session,
): void {
  for (const problem of problems) {
    session.log.error(
      `Cannot read ${problem.folder} as an entry: ${problem.problem}`,
      { folder: problem.folder, code: problem.code },
    );
  }
}

// A longer name pushes its own row aside, and not all the others.
const nameColumnsMax = 60;

const columns = [
  { title: "NAME", side: "end" },
  { title: "SIZE", side: "start" },
  { title: "TIER", side: "start" },
  { title: "POLICY", side: "end" },
  { title: "CREATED (UTC)", side: "end" },
  { title: "ID", side: "end" },
] as const;

function tellEntries(
  listing: ArchiveListing,
  all: boolean,
  session: Session,
): void {
  if (!session.output.json && listing.entries.length > 0) {
    session.output.results(formatTable(listing.entries, all));
  }
  tellProblems(listing.problems, session);
}

function* formatTable(
  entries: readonly ListedEntry[],
  all: boolean,
): Generator<Line> {
  const rows = entries.map(formatRow);
  const widths = columns.map((column, index) =>
    rows.reduce((width, row) => {
      const own = measureColumns(row[index]!);
      return index === 0 && own > nameColumnsMax ? width : Math.max(width, own);
    }, column.title.length)
  );
  const format = (cells: readonly string[]) =>
    cells.map((cell, index) =>
      padText(cell, widths[index]!, columns[index]!.side)
    ).join("  ");
  const titles = columns.map((column) => column.title);
  const notes = entries.map((entry) =>
    [formatTree(entry), all ? "" : formatVersion(entry)]
      .filter((note) => note !== "").join(", ")
  );
  const hasNotes = notes.some((note) => note !== "");
  const head = format(titles);
  yield [styled("bold", hasNotes ? `${head}  NOTE` : head.trimEnd())];
  for (const [index, row] of rows.entries()) {
    const note = notes[index]!;
    yield note === ""
      ? [format(row).trimEnd()]
      : [format(row), styled("dim", `  ${note}`)];
  }
}

function formatTree({ tree }: EntrySummary): string {
  return tree === undefined ? "" : formatCount(tree.fileCount, "file");
}

function formatVersion({ versionIndex, versionCount }: ListedEntry): string {
  if (versionCount === 1) return "";
  return versionIndex === 0
    ? `newest of ${versionCount} versions`
    : `version ${versionCount - versionIndex} of ${versionCount}`;
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
