// Restore: an entry's payload into a file, every leaf verified, lost ones rebuilt on the way. The
// archive is only read, so that it works the same from a read-only medium. The bytes go to a
// temporary name beside the output, which gets its true name only when it is complete (or, with
// `partial`, when everything recoverable is in it).

import { encodeUtf8, formatHex } from "../base/bytes.ts";
import { Failure, isFailure } from "../base/errors.ts";
import type { Store } from "../store/store.ts";
import type { ReadEntry } from "./catalogue.ts";
import type { EngineContext } from "./context.ts";
import type { Ledger } from "./ledger.ts";
import { readManifest } from "./manifest_copies.ts";
import { type BadCopy, copyDamage } from "./metadata.ts";
import { openOutboard } from "./outboard_copies.ts";
import type { FileDamage, RestoreReport } from "./report.ts";
import { explainFullOutput } from "./room.ts";
import { planFileOutput, scanBytesOf, scanEntry } from "./scan_entry.ts";
import { Syncs } from "./syncs.ts";
import type { StorePath } from "./worker_protocol.ts";

/** Where to restore to, with the output resolved to a store. */
export interface ResolvedOutput {
  readonly target: StorePath;
  /** The output as the caller named it, for messages and the report. */
  readonly label: string;
  readonly overwrite: boolean;
  readonly partial: boolean;
}

/** @throws {Failure} `exists`, `no-space`, `interrupted`, … ; damage is in the report instead */
export async function restoreEntry(
  entry: ReadEntry,
  output: ResolvedOutput,
  context: EngineContext,
): Promise<RestoreReport> {
  const startMs = context.clock.monotonicMs();
  const { name, id, geometry } = entry.manifest;
  const store = context.storeOf(output.target.root);
  refuseExisting(store, output);
  context.emit({
    kind: "start",
    operation: "restore",
    name,
    bytesTotal: scanBytesOf(geometry, "data"),
  });
  const temporary = temporaryName(id, output, context);
  const syncs = new Syncs(store, context);
  let outcome: Outcome;
  let kept = false;
  try {
    makeTemporary(store, temporary, output);
    outcome = await fillTemporary(
      entry,
      { ...output.target, path: temporary },
      syncs,
      context,
    );
    await syncs.finish();
    if (outcome.complete || output.partial) {
      finishOutput(store, temporary, entry, output, context);
      kept = true;
    }
  } catch (error) {
    await syncs.settle();
    removeTemporary(store, temporary);
    const { payloadBytes } = geometry;
    throw explainFullOutput(error, output.label, payloadBytes, store);
  } finally {
    await syncs.settle();
    if (!kept) removeTemporary(store, temporary);
  }
  context.emit({ kind: "finish", operation: "restore" });
  return {
    id,
    name,
    ...(kept ? { output: output.label } : {}),
    payloadBytes: geometry.payloadBytes,
    damage: outcome.damage,
    rebuiltLeafCount: outcome.ledger.rebuiltLeafCount(),
    holes: outcome.ledger.lostRanges(),
    complete: outcome.complete,
    elapsedMs: context.clock.monotonicMs() - startMs,
  };
}

interface Outcome {
  readonly ledger: Ledger;
  readonly damage: readonly FileDamage[];
  readonly complete: boolean;
}

async function fillTemporary(
  entry: ReadEntry,
  temporary: StorePath,
  syncs: Syncs,
  context: EngineContext,
): Promise<Outcome> {
  const { folder, manifest } = entry;
  const found = openOutboard(folder, manifest, context);
  await using executor = context.openExecutor({
    workBytes: 2 * manifest.geometry.payloadBytes,
    write: [temporary.root],
    read: [temporary.root],
  });
  const onBytes = (bytesDone: number) => {
    if (syncs.isDue(bytesDone)) syncs.start([temporary.path]);
  };
  const ledger = await scanEntry(
    { folder, manifest, outboard: found.outboard },
    {
      shards: "data",
      repair: false,
      output: planFileOutput(temporary),
      onBytes,
    },
    executor,
    context,
  );
  const damage = [
    ...ledger.records().map((record) => ledger.damageOf(record, false)),
    ...metadataDamage(folder, found.badCopies, context),
  ];
  for (const each of damage) {
    context.emit({ kind: "damage", folder, damage: each });
  }
  return { ledger, damage, complete: ledger.lostRanges().length === 0 };
}

/** Damage of an entry's metadata, of which the bad copies of the outboard are known. */
export function metadataDamage(
  folder: string,
  badOutboards: readonly BadCopy[],
  context: EngineContext,
): FileDamage[] {
  const badCopies = [...badOutboards];
  const manifests = readManifest(folder, context);
  if (manifests.kind === "found") badCopies.push(...manifests.badCopies);
  return badCopies.map((copy) => copyDamage(copy, true, false));
}

/** Hidden, of bounded length, and the same for the same output: an interrupted restore's is reused. */
function temporaryName(
  id: string,
  output: ResolvedOutput,
  context: EngineContext,
): string {
  const digest = context.codec.digest(encodeUtf8(output.target.path));
  return `.${id}-${formatHex(digest.subarray(0, 4))}.blockframe-part`;
}

function refuseExisting(store: Store, output: ResolvedOutput): void {
  const found = store.stat(output.target.path);
  if (found === undefined) return;
  if (found.kind === "folder") {
    throw new Failure(
      "wrong-kind",
      `Cannot restore to "${output.label}": it is a folder`,
    );
  }
  if (found.kind === "other") {
    throw new Failure(
      "unsafe-path",
      `Cannot restore to "${output.label}": it is a link or a special file`,
    );
  }
  if (!output.overwrite) {
    throw new Failure(
      "exists",
      `Cannot restore to "${output.label}": it exists already`,
    );
  }
}

function makeTemporary(
  store: Store,
  temporary: string,
  output: ResolvedOutput,
): void {
  // A temporary file of an interrupted restore is ours to remove: its name has the entry's id.
  removeTemporary(store, temporary);
  try {
    store.openFile(temporary, "create")[Symbol.dispose]();
  } catch (error) {
    if (!isFailure(error)) throw error;
    throw new Failure(
      error.code,
      `Cannot restore to "${output.label}": ${error.message}`,
      {
        cause: error,
      },
    );
  }
}

function finishOutput(
  store: Store,
  temporary: string,
  entry: ReadEntry,
  output: ResolvedOutput,
  context: EngineContext,
): void {
  const { geometry, source } = entry.manifest;
  {
    using file = store.openFile(temporary, "update");
    file.truncate(geometry.payloadBytes);
    if (context.settings.durable) file.sync();
  }
  store.setAttributes(temporary, {
    ...(source.modified === undefined
      ? {}
      : { modifiedMs: Date.parse(source.modified) }),
    ...(source.mode === undefined
      ? {}
      : { mode: parseInt(source.mode, 8) & 0o777 }),
  });
  refuseExisting(store, output);
  store.rename(temporary, output.target.path);
  if (context.settings.durable) store.syncFolder("");
}

function removeTemporary(store: Store, temporary: string): void {
  try {
    if (store.stat(temporary) !== undefined) store.removeFile(temporary);
  } catch (error) {
    if (!isFailure(error)) throw error;
  }
}
