// Commit: each source becomes an entry of its own. A source that fails does not stop the next one.

import type { TreeWish } from "../archive/archive.ts";
import type { CommitReport, SkippedPath, TreeLoss } from "../archive/report.ts";
import { Failure } from "../base/errors.ts";
import type { CommitCommand } from "./arguments.ts";
import { exitCodeOf, exitCodes } from "./exit_code.ts";
import { styled } from "./output.ts";
import type { Session } from "./session.ts";
import { formatSize } from "./size.ts";
import { formatCount } from "./text.ts";

/** How a command line names standard input. */
const standardInput = "-";

interface FailedSource {
  readonly source: string;
  readonly failure: Failure;
}

/** Runs `commit`; gives the exit code. @throws {Failure} if the archive cannot be opened */
export async function runCommit(
  command: CommitCommand,
  session: Session,
): Promise<number> {
  const entries: CommitReport[] = [];
  const failed: FailedSource[] = [];
  await using archive = await session.openArchive({
    create: true,
    durability: command.durability,
  });
  for (const source of command.sources) {
    try {
      session.assertRunning();
      const report = await archive.commit({
        source,
        ...(source === standardInput ? { stream: session.ports.stdin } : {}),
        ...(command.name === undefined ? {} : { name: command.name }),
        ...(command.policy === undefined ? {} : { policy: command.policy }),
        ...(command.force ? { force: true } : {}),
        ...(command.resume ? { resume: "require" } : {}),
        ...(command.noResume ? { resume: "never" } : {}),
        ...wishOf(command),
      });
      entries.push(report);
      tellCommitted(report, session);
    } catch (failure) {
      if (!(failure instanceof Failure)) throw failure;
      failed.push({ source, failure });
      if (failure.code === "interrupted") break;
      session.log.error(failure.message, { code: failure.code, source });
      if (failure.code === "no-space") tellWaysToRoom(session);
      const way = wayAround(failure, source);
      if (way !== undefined) session.log.hint(way);
    }
  }
  const exitCode = planExitCode(failed, command.sources.length, session) |
    (entries.some(isPartial) ? exitCodes.partial : exitCodes.done);
  session.output.document({
    type: "commit",
    schema: 1,
    archive: session.settings.archive,
    entries,
    errors: failed.map(({ source, failure }) => ({
      source,
      code: failure.code,
      message: failure.message,
    })),
    exitCode,
  });
  return exitCode;
}

/** Of a folder: the option that goes on without what is in the way. */
function wayAround({ code, message }: Failure, source: string) {
  if (!message.startsWith(`Cannot commit "${source}": "`)) return undefined;
  if (code === "source-unreadable") {
    return "--skip-unreadable leaves out what cannot be read";
  }
  return code === "source-changed"
    ? "--skip-changed leaves out what changes"
    : undefined;
}

function tellWaysToRoom(session: Session): void {
  const prune = session.formatCommand("prune");
  const cleanup = session.formatCommand("cleanup");
  session.log.hint(
    `\`${prune}\` removes old versions, \`${cleanup}\` what commits left`,
  );
}

function tellCommitted(report: CommitReport, session: Session): void {
  if (report.outcome === "unchanged") {
    session.log.info(`Found ${report.name} unchanged since ${report.id}`, {
      source: report.source,
      name: report.name,
      id: report.id,
      elapsedMs: report.elapsedMs,
    });
    session.output.goodNews(
      styled("green", "="),
      ` ${report.name}: unchanged (${formatContent(report)}, ` +
        `id ${report.id}); --force stores it again`,
    );
    tellLeftOut(report, session);
    return;
  }
  session.log.info(`Committed ${report.name} as ${report.id}`, {
    source: report.source,
    name: report.name,
    id: report.id,
    payloadBytes: report.payloadBytes,
    storedBytes: report.storedBytes,
    elapsedMs: report.elapsedMs,
  });
  const tier = report.tier === 0 ? "" : `tier ${report.tier}, `;
  session.output.goodNews(
    styled("green", "✓"),
    ` ${report.name}: committed (${formatContent(report)}, ` +
      `${tier}${report.policy}, id ${report.id})`,
  );
  if (session.verbose) {
    session.output.result(`    ${formatSize(report.storedBytes)} stored`);
    if (report.resumedBytes !== undefined) {
      const kept = formatSize(report.resumedBytes);
      session.output.result(`    ${kept} kept from before it was cut off`);
    }
    session.output.result(`    BLAKE3 ${report.root}`);
  }
  tellLeftOut(report, session);
}

/** What there was in a tree and is not in its entry, in numbers: each was told when it was met. */
function tellLeftOut(report: CommitReport, session: Session): void {
  const { skipped = [], excludedCount = 0, notKept = [] } = report;
  const parts: string[] = [];
  if (excludedCount > 0) parts.push(`${excludedCount} excluded`);
  for (const [reason, words] of Object.entries(skippedWords)) {
    const count = skipped.filter((each) => each.reason === reason).length;
    if (count === 0) continue;
    parts.push(
      reason === "special"
        ? formatCount(count, "device, pipe or socket", words)
        : `${count} ${words}`,
    );
  }
  if (parts.length > 0) {
    session.output.goodNews(`    left out: ${parts.join(", ")}`);
  }
  if (notKept.length > 0) {
    session.output.goodNews(`    not kept: ${formatLosses(notKept)}`);
  }
}

const skippedWords: Readonly<Record<SkippedPath["reason"], string>> = {
  unreadable: "unreadable",
  changed: "changed while they were read",
  vanished: "vanished",
  special: "devices, pipes or sockets",
  "other-file-system": "on other file systems",
  archive: "the archive itself",
};

/** In one line, with what to do about it where something can be done. */
function formatLosses(losses: readonly TreeLoss[]): string {
  const ofSandbox: string[] = [], others: string[] = [];
  for (const loss of losses) {
    if (loss === "nanoseconds") ofSandbox.push("times below a millisecond");
    else if (loss === "extended-attributes") {
      ofSandbox.push("extended attributes");
    } else if (loss === "holes") ofSandbox.push("holes of sparse files");
    else others.push(loss.slice("attribute:".length));
  }
  if (ofSandbox.length > 0) {
    const last = ofSandbox.pop();
    ofSandbox.push(`${last} (on Linux, --allow-ffi keeps them)`);
  }
  return [...ofSandbox, ...others].join(", ");
}

function formatContent(report: CommitReport): string {
  const size = formatSize(report.payloadBytes);
  return report.tree === undefined
    ? size
    : `${formatCount(report.tree.fileCount, "file")}, ${size}`;
}

/** Whether something is missing that the user would have wanted. */
function isPartial({ skipped = [] }: CommitReport): boolean {
  return skipped.some(({ reason }) =>
    reason === "unreadable" || reason === "changed" || reason === "vanished"
  );
}

/** What is asked of a folder, if anything is. */
function wishOf(command: CommitCommand): { tree?: TreeWish } {
  const { excludes, excludeFiles } = command;
  const tree = {
    ...(excludes.length === 0 ? {} : { excludes }),
    ...(excludeFiles.length === 0 ? {} : { excludeFiles }),
    ...(command.oneFileSystem ? { oneFileSystem: true } : {}),
    ...(command.skipChanged ? { skipChanged: true } : {}),
    ...(command.skipUnreadable ? { skipUnreadable: true } : {}),
  };
  return Object.keys(tree).length === 0 ? {} : { tree };
}

// 8 if any failed, and 32 if the archive was locked; a mistake of the command line (a name that cannot be, say) is 16 only where it is
// all that happened.
function planExitCode(
  failed: readonly FailedSource[],
  sourceCount: number,
  session: Session,
): number {
  if (failed.length === 0) return exitCodes.done;
  const codes = failed.map(({ failure }) => exitCodeOf(failure.code));
  if (codes.includes(exitCodes.interrupted)) {
    session.log.error("Interrupted", { code: "interrupted" });
    return session.stopCode;
  }
  const allUsage = codes.length === sourceCount &&
    codes.every((code) => code === exitCodes.usage);
  if (allUsage) return exitCodes.usage;
  return codes.reduce<number>(
    (joined, code) =>
      joined |
      (code === exitCodes.locked ? code : exitCodes.operational),
    exitCodes.done,
  );
}
