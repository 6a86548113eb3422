// Remove: deletes one entry, or all versions of a name, after a question that names them exactly.
// What is removed is what was confirmed, whatever happens to the archive while the question stands.

import type { Archive } from "../archive/archive.ts";
import type { EntrySummary } from "../archive/report.ts";
import { Failure } from "../base/errors.ts";
import { idPrefixDigitsMin } from "../base/limits.ts";
import type { RemoveCommand } from "./arguments.ts";
import { exitCodes } from "./exit_code.ts";
import { formatTime } from "./list.ts";
import { styled } from "./output.ts";
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

/** Runs `remove`; gives the exit code. @throws {Failure} */
export async function runRemove(
  command: RemoveCommand,
  session: Session,
): Promise<number> {
  assertCanAsk(command, session);
  await using archive = await session.openArchive();
  return command.allVersions
    ? await removeVersions(command, archive, session)
    : await removeOne(command, archive, session);
}

async function removeOne(
  command: RemoveCommand,
  archive: Archive,
  session: Session,
): Promise<number> {
  const { output } = session;
  const entry = command.version === undefined
    ? selectEntry(archive, command.selector)
    : selectVersion(archive, command.selector, command.version);
  if (command.dryRun) {
    output.document({ type: "remove", schema: 1, outcome: "dry-run", entry });
    output.result(`Would remove ${describeEntry(entry)}`);
    return exitCodes.done;
  }
  const isWanted = await confirmRemoval(describeEntry(entry), command, session);
  if (!isWanted) return exitCodes.done;
  for await (const outcome of archive.removeEach([entry])) {
    if (outcome.kind === "failed") throw outcome.failure;
  }
  logRemoved(entry, session);
  output.document({ type: "remove", schema: 1, outcome: "removed", entry });
  output.goodNews(styled("green", "✓"), ` Removed ${describeEntry(entry)}`);
  return exitCodes.done;
}

async function removeVersions(
  command: RemoveCommand,
  archive: Archive,
  session: Session,
): Promise<number> {
  const { output } = session;
  const entries = listVersions(archive, command.selector);
  const document = { type: "remove", schema: 1, name: command.selector };
  if (command.dryRun) {
    output.document({ ...document, outcome: "dry-run", entries });
    for (const entry of entries) {
      output.result(`Would remove ${describeEntry(entry)}`);
    }
    return exitCodes.done;
  }
  const what = `all ${entries.length} versions of ${command.selector} (` +
    `${formatSize(sumStored(entries))} stored, committed ` +
    `${formatTime(entries.at(-1)!.created)} to ` +
    `${formatTime(entries[0]!.created)} UTC)`;
  if (!await confirmRemoval(what, command, session)) return exitCodes.done;
  // The oldest first: until the last step the newest one answers to the name.
  const outcomes = archive.removeEach(entries.toReversed());
  const removals = await followRemovals(outcomes, session, (entry) => {
    logRemoved(entry, session);
    output.goodNews(styled("green", "✓"), ` Removed ${describeEntry(entry)}`);
  });
  output.document({
    ...document,
    outcome: "removed",
    entries: removals.removed,
    errors: errorsOf(removals, ({ id, name }) => ({ id, name })),
    exitCode: removals.exitCode,
  });
  return removals.exitCode;
}

/** All versions of a name, newest first. @throws {Failure} `not-found` */
function listVersions(archive: Archive, name: string): EntrySummary[] {
  const versions = archive.list().entries.filter((entry) =>
    entry.name === name
  );
  if (versions.length > 0) return versions;
  throw new Failure("not-found", `There is no entry named "${name}"`);
}

/** @throws {Failure} `not-found`, `ambiguous`, `invalid-argument` */
function selectVersion(
  archive: Archive,
  name: string,
  id: string,
): EntrySummary {
  const digits = id.toLowerCase();
  if (digits.length < idPrefixDigitsMin) {
    throw new Failure(
      "invalid-argument",
      `An id is given by ${idPrefixDigitsMin} of its digits at least, not by "${id}"`,
    );
  }
  const found = listVersions(archive, name).filter((entry) =>
    entry.id.startsWith(digits)
  );
  if (found.length === 1) return found[0]!;
  if (found.length === 0) {
    throw new Failure(
      "not-found",
      `There is no version of "${name}" whose id is "${id}"`,
    );
  }
  throw new Failure(
    "ambiguous",
    `"${id}" begins the ids of several versions of "${name}": ` +
      found.map((entry) => entry.id).join(", "),
  );
}

// The newest of several versions is what restore wants; to remove one of them it must be named.
function selectEntry(archive: Archive, selector: string): EntrySummary {
  const versions = archive.list().entries.filter((entry) =>
    entry.name === selector
  );
  if (versions.length > 1) {
    const ids = versions.slice(0, 5).map((entry) =>
      `${entry.id} of ${formatTime(entry.created)}`
    );
    const rest = versions.length > 5 ? ", ..." : "";
    throw new Failure(
      "ambiguous",
      `Cannot remove "${selector}": ${versions.length} entries have this name ` +
        `(${ids.join(", ")}${rest})`,
    );
  }
  return archive.show(selector);
}
