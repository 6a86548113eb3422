// Tree text: what is in a folder that was committed, a line each, as `ls -l` has it.

import type { Archive } from "../archive/archive.ts";
import type { EntrySummary, FileRow, TreeCounts } from "../archive/report.ts";
import type { ShowCommand } from "./arguments.ts";
import { exitCodes } from "./exit_code.ts";
import { formatTime } from "./list.ts";
import type { Line } from "./output.ts";
import type { Session } from "./session.ts";
import { formatSize } from "./size.ts";
import { formatCount } from "./text.ts";

/** Runs `show --files`; gives the exit code. @throws {Failure} */
export async function showFiles(
  entry: EntrySummary,
  command: ShowCommand,
  archive: Archive,
  session: Session,
): Promise<number> {
  const { output } = session;
  const rows = await archive.files(entry, command.paths);
  if (output.json) {
    for (const row of rows) {
      output.document({ type: "file", ...documentOf(row) });
    }
  } else output.results(formatRows(rows));
  const exitCode = exitCodes.done;
  output.document({ type: "show", schema: 1, entry, exitCode });
  return exitCode;
}

/** `5 files, 3 folders, 1 link, 50.0 MiB` */
export function describeTree(counts: TreeCounts): string {
  const parts = [
    formatCount(counts.fileCount, "file"),
    formatCount(counts.folderCount, "folder"),
  ];
  if (counts.linkCount > 0) parts.push(formatCount(counts.linkCount, "link"));
  if (counts.hardLinkCount > 0) {
    parts.push(formatCount(counts.hardLinkCount, "hard link"));
  }
  return `${parts.join(", ")}, ${formatSize(counts.contentBytes)}`;
}

function* formatRows(rows: Iterable<FileRow>): Generator<Line> {
  for (const row of rows) yield [formatRow(row)];
}

/** `-rw-r--r--   10.0 KiB  2026-11-21 12:03:40  sub/deep/rand.bin` */
function formatRow(row: FileRow): string {
  const { path } = row;
  if (row.kind === "hardlink") {
    return `${"h".padEnd(45)}${path} = ${row.target}`;
  }
  const size = row.kind === "file" ? formatSize(row.bytes) : "";
  const time = row.modified === undefined ? "" : formatTime(row.modified);
  const target = row.kind === "link" ? ` -> ${row.target}` : "";
  return `${formatMode(row)}  ${size.padStart(10)}  ${
    time.padEnd(19)
  }  ${path}${target}`;
}

function formatMode(row: Exclude<FileRow, { kind: "hardlink" }>): string {
  const kind = { file: "-", folder: "d", link: "l" }[row.kind];
  const { mode } = row;
  if (mode === undefined) return kind.padEnd(10);
  let text = kind;
  for (let bit = 8; bit >= 0; bit--) {
    text += (mode >> bit & 1) === 1 ? "xwr".charAt(bit % 3) : "-";
  }
  return text;
}

function documentOf(row: FileRow): Record<string, unknown> {
  const { path, kind } = row;
  if (kind === "hardlink") return { path, kind, target: row.target };
  const { mode, modified, uid, gid } = row;
  return {
    path,
    kind,
    ...(kind === "file" ? { bytes: row.bytes } : {}),
    ...(kind === "link" ? { target: row.target } : {}),
    ...(mode === undefined ? {} : { mode: mode.toString(8).padStart(4, "0") }),
    modified,
    uid,
    gid,
    ...(kind === "file" ? { blake3: row.blake3 } : {}),
  };
}
