// Remove: takes a folder out of sight by one rename, then frees its space. A crash in between leaves
// an invisible folder, never half an entry.

import { Failure, isFailure } from "../base/errors.ts";
import { removalFolder } from "../format/entry_path.ts";
import { type EngineContext, throwIfInterrupted } from "./context.ts";
import { readFolder } from "./entry_folder.ts";
import type { EntryProblem, EntrySummary, RemovalOutcome } from "./report.ts";

/** What is to be removed: a folder of the archive, and the id in it. */
export interface Removable {
  readonly folder: string;
  readonly id: string;
}

/** Removes an entry, or what a commit left. @throws {Failure} `read-only`, `permission-denied`, … */
export function removeFolder(
  { folder, id }: Removable,
  context: EngineContext,
): void {
  const { store, settings } = context;
  const hidden = removalFolder(id);
  // What an earlier removal left is out of sight already.
  if (folder !== hidden) {
    if (store.stat(hidden) !== undefined) store.removeTree(hidden);
    store.rename(folder, hidden);
    if (settings.durable) store.syncFolder("");
  }
  store.removeTree(hidden);
  if (settings.durable) store.syncFolder("");
}

/**
 * Removes entries in this order, each as if alone; one that cannot be removed does not stop the next.
 * Only what is still the entry that was asked for is removed.
 * @throws {Failure} `offline`, `interrupted`
 */
export function* removeEntries(
  entries: readonly EntrySummary[],
  context: EngineContext,
): Generator<RemovalOutcome<EntrySummary>> {
  for (const item of entries) {
    throwIfInterrupted(context);
    yield attemptRemoval(item, () => {
      const found = readFolder(item.folder, "folder", context);
      if (found?.kind === "problem") throw unreadable(item, found.problem);
      if (found?.summary.id !== item.id) {
        throw new Failure(
          "not-found",
          `Cannot remove "${item.name}" (${item.id}): it is not there any more`,
        );
      }
      removeFolder(item, context);
    });
  }
}

/** The outcome of one removal. @throws {Failure} `offline`, `interrupted` */
export function attemptRemoval<T>(
  item: T,
  work: () => void,
): RemovalOutcome<T> {
  try {
    work();
    return { kind: "removed", item };
  } catch (failure) {
    if (!isFailure(failure)) throw failure;
    if (["offline", "interrupted"].includes(failure.code)) throw failure;
    return { kind: "failed", item, failure };
  }
}

function unreadable(item: EntrySummary, { problem }: EntryProblem): Failure {
  return new Failure(
    "not-found",
    `Cannot remove "${item.name}" (${item.id}): it cannot be read any more: ${problem}`,
  );
}
