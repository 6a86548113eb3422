// Restore: gives an entry back as a file or a tree. Damage that was rebuilt on the way is said, because the
// archive still has it; holes of a partial restore are listed.

import type { RestoreReport } from "../archive/report.ts";
import type { RestoreCommand } from "./arguments.ts";
import {
  formatDamage,
  formatFile,
  formatRanges,
  listRanges,
} from "./damage_text.ts";
import { exitCodes } from "./exit_code.ts";
import { type Line, styled } from "./output.ts";
import type { Session } from "./session.ts";
import { formatSize } from "./size.ts";
import { formatCount } from "./text.ts";
import { tellTree } from "./tree_outcome.ts";

/** Runs `restore`; gives the exit code. @throws {Failure} */
export async function runRestore(
  command: RestoreCommand,
  session: Session,
): Promise<number> {
  await using archive = await session.openArchive();
  const report = await archive.restore({
    selector: command.selector,
    partial: command.partial,
    overwrite: command.overwrite,
    skipExisting: command.skipExisting,
    patterns: command.patterns,
    excludes: command.excludes,
    ...(command.output === undefined ? {} : { output: command.output }),
    ...(isStream(command)
      ? { output: "standard output", stream: session.ports.stdoutBytes }
      : {}),
  });
  const exitCode = planExitCode(report);
  session.output.document({ type: "restore", schema: 1, ...report, exitCode });
  session.log.info(`Restored ${report.name}`, {
    id: report.id,
    output: report.output,
    complete: report.complete,
    rebuiltLeafCount: report.rebuiltLeafCount,
    elapsedMs: report.elapsedMs,
  });
  if (report.tree !== undefined) tellTree(report, report.tree, session);
  // Into a pipe all is well in silence, as with cat.
  else if (!report.complete || !isStream(command)) {
    tellOutcome(report, lineWriter(command, session), session);
  }
  if (report.damage.length > 0) tellDamage(report, command, session);
  return exitCode;
}

function planExitCode(report: RestoreReport): number {
  // A name that cannot be made is no damage: the archive has what belongs there.
  const operational =
    report.tree !== undefined && report.tree.problems.length > 0
      ? exitCodes.operational
      : exitCodes.done;
  if (!report.complete) return exitCodes.damaged | operational;
  const damage = report.damage.length > 0 ? exitCodes.repaired : exitCodes.done;
  return damage | operational;
}

function isStream(command: RestoreCommand): boolean {
  return command.output === "-";
}

type TellLine = (...line: Line) => void;

/** Where the payload goes to standard output, nothing else may. */
function lineWriter(command: RestoreCommand, { output }: Session): TellLine {
  return isStream(command)
    ? (...line) => output.message(...line)
    : (...line) => output.result(...line);
}

function tellOutcome(
  report: RestoreReport,
  tellLine: TellLine,
  session: Session,
): void {
  const size = formatSize(report.payloadBytes);
  if (report.complete) {
    session.output.goodNews(
      styled("green", "✓"),
      ` ${report.name}: restored to ${report.output} (${size})`,
    );
    return;
  }
  if (report.output === undefined) {
    tellLine(styled("red", "✗"), ` ${report.name}: nothing was written`);
  } else {
    tellLine(
      styled("red", "✗"),
      ` ${report.name}: restored in part to ${report.output} (${size})`,
    );
  }
  if (report.holes.length === 0) return;
  tellLine(
    "  ",
    styled("red", "→"),
    ` Lost for good: ${formatRanges(report.holes)}` +
      (report.output === undefined ? "" : ", zeros in the file"),
  );
  for (const range of listRanges(report.holes)) {
    tellLine(`      ${range}`);
  }
}

function tellDamage(
  report: RestoreReport,
  command: RestoreCommand,
  session: Session,
): void {
  const rebuilt = report.rebuiltLeafCount === 0
    ? ""
    : `; ${formatCount(report.rebuiltLeafCount, "leaf", "leaves")} rebuilt`;
  session.log.warn(
    `The archive has damage in ${report.name}: ` +
      `${formatDamage(report.damage)}${rebuilt}`,
    { id: report.id, damage: report.damage },
  );
  if (session.verbose) {
    for (const item of report.damage) {
      session.output.message(`    ${formatFile(item)}`);
    }
  }
  const health = session.formatCommand("health", command.selector);
  session.log.hint(`\`${health}\` repairs what can be repaired`, "warn");
  if (report.output === undefined && !command.partial) {
    const partial = session.formatCommand(
      "restore",
      command.selector,
      "--partial",
    );
    session.log.hint(`\`${partial}\` writes what can be recovered`);
  }
}
