// Removal: what the commands that remove have in common: the question, the way through several
// removals of which one may fail, and what is said of them.

import type { EntrySummary, RemovalOutcome } from "../archive/report.ts";
import { Failure } from "../base/errors.ts";
import { exitCodes } from "./exit_code.ts";
import { formatTime } from "./list.ts";
import type { Session } from "./session.ts";
import { formatSize } from "./size.ts";

/** Whether a removal goes on without a question. */
export interface Consent {
  readonly confirmed: boolean;
  readonly dryRun: boolean;
}

/** What several removals came to. */
export interface Removals<T> {
  readonly removed: readonly T[];
  readonly failed: readonly { readonly item?: T; readonly failure: Failure }[];
  readonly exitCode: number;
}

/** @throws {Failure} `invalid-argument` where a question is needed and nobody can answer it */
export function assertCanAsk(consent: Consent, session: Session): void {
  const { output, ports } = session;
  if (consent.confirmed || consent.dryRun) return;
  if (ports.stdinIsTerminal && ports.stderr.isTerminal && !output.json) return;
  throw new Failure(
    "invalid-argument",
    "Cannot ask whether to remove: nobody is at a terminal; --yes removes without asking",
  );
}

/** Whether to go on; the answer is no unless it is yes. @throws {Failure} `interrupted` */
export async function confirmRemoval(
  what: string,
  consent: Consent,
  session: Session,
): Promise<boolean> {
  if (consent.confirmed) return true;
  session.output.question(`Remove ${what}? It cannot be undone. [y/N]`);
  const answer = await session.readAnswer();
  if (/^\s*y(?:es)?\s*$/i.test(answer ?? "")) return true;
  session.output.message("Nothing was removed");
  return false;
}

/** Goes through removals, telling each; an interruption ends them, and what is done stays done. */
export async function followRemovals<T>(
  outcomes: AsyncIterable<RemovalOutcome<T>>,
  session: Session,
  tell: (item: T) => void,
): Promise<Removals<T>> {
  const removed: T[] = [];
  const failed: { item?: T; failure: Failure }[] = [];
  let exitCode: number = exitCodes.done;
  try {
    for await (const outcome of outcomes) {
      if (outcome.kind === "removed") {
        removed.push(outcome.item);
        tell(outcome.item);
        continue;
      }
      const { item, failure } = outcome;
      failed.push({ item, failure });
      exitCode = exitCodes.operational;
      session.log.error(failure.message, { code: failure.code });
    }
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    failed.push({ failure });
    const isStop = failure.code === "interrupted";
    exitCode = isStop
      ? session.stopCode
      : failure.code === "locked"
      ? exitCodes.locked
      : exitCodes.operational;
    session.log.error(isStop ? "Interrupted" : failure.message, {
      code: failure.code,
    });
  }
  return { removed, failed, exitCode };
}

/** An entry in a sentence. */
export function describeEntry(entry: EntrySummary): string {
  return `${entry.name} (${formatSize(entry.payloadBytes)}, committed ` +
    `${formatTime(entry.created)} UTC, id ${entry.id})`;
}

/** Writes a removed entry to the log. */
export function logRemoved(entry: EntrySummary, session: Session): void {
  session.log.info(`Removed ${entry.name} (${entry.id})`, {
    name: entry.name,
    id: entry.id,
  });
}

/** Bytes that entries take. */
export function sumStored(entries: readonly EntrySummary[]): number {
  return entries.reduce((sum, entry) => sum + entry.storedBytes, 0);
}

/** Failures as JSON has them. */
export function errorsOf<T>(
  removals: Removals<T>,
  describe: (item: T) => Readonly<Record<string, unknown>>,
): Record<string, unknown>[] {
  return removals.failed.map(({ item, failure }) => ({
    ...(item === undefined ? {} : describe(item)),
    code: failure.code,
    message: failure.message,
  }));
}
