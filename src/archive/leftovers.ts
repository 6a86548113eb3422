// Leftovers: the folders in which commits and removals work, and which they leave when they are
// interrupted. Who holds the writer's lock knows that nobody works in them; without it only the age of
// what was written tells a commit that runs from one that is dead.

import { assert } from "../base/assert.ts";
import { isFailure } from "../base/errors.ts";
import type { TimeSpan } from "../base/calendar.ts";
import { planCleanup } from "../format/cleanup.ts";
import { idOfStaging } from "../format/entry_path.ts";
import { type EngineContext, throwIfInterrupted } from "./context.ts";
import { readCutOff } from "./journal.ts";
import { attemptRemoval, removeFolder } from "./remove.ts";
import type { CleanupItem, Leftover, RemovalOutcome } from "./report.ts";

/** All leftovers, by folder. @throws {Failure} */
export function readLeftovers(context: EngineContext): Leftover[] {
  return measureAll(context).map(({ leftover }) => leftover);
}

/** What makes a leftover one to be removed. */
export interface LeftoverRule {
  readonly olderThan: TimeSpan;
  /** Whether it is known that nobody works in any. */
  readonly isIdle: boolean;
}

/** All leftovers, and which of them are older than a span. @throws {Failure} */
export function judgeLeftovers(
  rule: LeftoverRule,
  context: EngineContext,
): CleanupItem[] {
  const nowMs = context.clock.nowMs();
  return measureAll(context).map(({ leftover, newestMs }) => ({
    leftover,
    verdict: planCleanup(newestMs, nowMs, rule),
  }));
}

/**
 * Removes leftovers. Each is looked at again: one that is gone, or that somebody has written to, is
 * passed over in silence. @throws {Failure} `offline`, `interrupted`
 */
export function* removeLeftovers(
  leftovers: readonly Leftover[],
  rule: LeftoverRule,
  context: EngineContext,
): Generator<RemovalOutcome<Leftover>> {
  for (const { folder } of leftovers) {
    throwIfInterrupted(context);
    const id = idOfStaging(folder);
    assert(id !== undefined, "a leftover is a staging folder");
    const found = measure(folder, context);
    if (found === undefined) continue;
    const nowMs = context.clock.nowMs();
    if (planCleanup(found.newestMs, nowMs, rule) !== "remove") continue;
    // First out of sight: a commit that should still own it can then not publish half of it.
    yield attemptRemoval(
      found.leftover,
      () => removeFolder({ folder, id }, context),
    );
  }
}

interface Measured {
  readonly leftover: Leftover;
  readonly newestMs: number | undefined;
}

function measureAll(context: EngineContext): Measured[] {
  const all: Measured[] = [];
  for (const { name, kind } of context.store.list("")) {
    if (kind !== "folder" || idOfStaging(name) === undefined) continue;
    const found = measure(name, context);
    if (found !== undefined) all.push(found);
  }
  return all;
}

/** Undefined for a folder that is not there: whoever works in it may have finished. */
function measure(folder: string, context: EngineContext): Measured | undefined {
  const { store } = context;
  let newestMs: number | undefined;
  let bytes = 0, fileCount = 0;
  const visit = (path: string): boolean => {
    const stat = store.stat(path);
    if (stat === undefined) return false;
    if (stat.modifiedMs !== undefined) {
      newestMs = Math.max(newestMs ?? -Infinity, stat.modifiedMs);
    }
    if (stat.kind === "folder") {
      for (const { name } of namesIn(path, context)) visit(`${path}/${name}`);
    } else {
      bytes += stat.bytes;
      fileCount++;
    }
    return true;
  };
  if (!visit(folder)) return undefined;
  const modified = newestMs === undefined
    ? {}
    : { modified: new Date(newestMs).toISOString() };
  const commit = commitIn(folder, context);
  return {
    leftover: { folder, bytes, fileCount, ...modified, ...commit },
    newestMs,
  };
}

function commitIn(
  folder: string,
  context: EngineContext,
): Pick<Leftover, "commit"> {
  const found = readCutOff(folder, context);
  if (found === undefined) return {};
  const { name, source, payloadBytes } = found.record;
  const { bytesDone } = found;
  return { commit: { name, source, payloadBytes, bytesDone } };
}

function namesIn(path: string, context: EngineContext) {
  try {
    return context.store.list(path);
  } catch (error) {
    if (isFailure(error, "not-found")) return [];
    throw error;
  }
}
