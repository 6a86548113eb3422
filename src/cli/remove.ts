// Remove: deletes one entry, after a question that names it exactly. What is removed is the id that
// was confirmed, whatever happens to the archive while the question stands.

import type { Archive } from "../archive/archive.ts";
import type { EntrySummary } from "../archive/report.ts";
import { Failure } from "../base/errors.ts";
import type { RemoveCommand } from "./arguments.ts";
import { exitCodes } from "./exit_code.ts";
import { formatTime } from "./list.ts";
import { styled } from "./output.ts";
import type { Session } from "./session.ts";
import { formatSize } from "./size.ts";

/** Runs `remove`; gives the exit code. @throws {Failure} */
export async function runRemove(
  command: RemoveCommand,
  session: Session,
): Promise<number> {
  const { output, ports } = session;
  const canAsk = ports.stdinIsTerminal && ports.stderr.isTerminal &&
    !output.json;
  if (!command.confirmed && !command.dryRun && !canAsk) {
    throw new Failure(
      "invalid-argument",
      "Cannot ask whether to remove: nobody is at a terminal; --yes removes without asking",
    );
  }
  await using archive = await session.openArchive();
  const entry = selectEntry(archive, command.selector);
  if (command.dryRun) {
    output.document({ type: "remove", schema: 1, outcome: "dry-run", entry });
    output.result(`Would remove ${describe(entry)}`);
    return exitCodes.done;
  }
  if (!command.confirmed && !await confirm(entry, session)) {
    output.message("Nothing was removed");
    return exitCodes.done;
  }
  const removed = await archive.remove(entry.id);
  session.log.info(`Removed ${removed.name} (${removed.id})`, {
    name: removed.name,
    id: removed.id,
  });
  output.document({
    type: "remove",
    schema: 1,
    outcome: "removed",
    entry: removed,
  });
  output.goodNews(styled("green", "✓"), ` Removed ${describe(removed)}`);
  return exitCodes.done;
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

async function confirm(entry: EntrySummary, session: Session) {
  session.output.question(
    `Remove ${describe(entry)}? It cannot be undone. [y/N]`,
  );
  const answer = await session.readAnswer();
  return /^\s*y(?:es)?\s*$/i.test(answer ?? "");
}

function describe(entry: EntrySummary): string {
  return `${entry.name} (${formatSize(entry.payloadBytes)}, committed ` +
    `${formatTime(entry.created)} UTC, id ${entry.id})`;
}
