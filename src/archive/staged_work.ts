// Staged work: the staging folder of one commit, new or taken over from a commit that was cut off,
// with its journal where it has one. Decides whether to go on, what is kept, and what is thrown away.

import type { Bytes } from "../base/bytes.ts";
import { equalBytes } from "../base/bytes.ts";
import { Failure, isFailure } from "../base/errors.ts";
import {
  entryFolders,
  shardFilesOf,
  stagingFolder,
} from "../format/entry_path.ts";
import { shardLength } from "../format/geometry.ts";
import { journalFiles } from "../format/journal.ts";
import type { EntryPlan, Payload } from "./commit.ts";
import type { EngineContext } from "./context.ts";
import {
  type CutOffCommit,
  digestPlan,
  findCutOff,
  Journal,
} from "./journal.ts";
import { makeFiles, newId, removeStaging, type Staging } from "./staging.ts";

/** Where a commit works. */
export interface StagedWork extends Staging {
  readonly id: string;
  /** Undefined where it is not worth while to go on later, or where nobody could. */
  journal?: Journal;
  /** Set where another commit's work is gone on with. */
  readonly cutOff?: CutOffCommit;
}

/**
 * Chooses a folder for a commit, and makes its files.
 * @throws {Failure} `not-found` where there is nothing to resume and that is insisted on
 */
export function openStagedWork(
  payload: Payload,
  plan: EntryPlan,
  context: EngineContext,
): StagedWork {
  const { geometry } = plan;
  const digest = planDigestOf(payload, plan, context);
  const cutOff = digest === undefined
    ? undefined
    : chooseCutOff(payload, digest, context);
  if (cutOff !== undefined) {
    const { folder, id } = cutOff;
    const { bytesDone } = cutOff;
    const bytesTotal = payload.bytes;
    const { name } = payload;
    context.emit({ kind: "resumed", folder, name, bytesDone, bytesTotal });
    return { folder, id, geometry, cutOff };
  }
  if (payload.resume === "require") throw nothingToResume(payload);
  const id = newId(context);
  return { folder: stagingFolder(id), id, geometry };
}

/** Makes the files of a new folder, or makes those of an old one as they must be. @throws {Failure} */
export function prepareStagedWork(
  work: StagedWork,
  payload: Payload,
  plan: EntryPlan,
  context: EngineContext,
): void {
  const digest = planDigestOf(payload, plan, context);
  const { folder, cutOff } = work;
  if (cutOff !== undefined) {
    mendFiles(work, context);
    work.journal = Journal.open(folder, cutOff.record.plan, context);
    return;
  }
  makeFiles(work, payload.feed, context);
  if (digest === undefined) return;
  const { name, label: source, bytes: payloadBytes } = payload;
  const record = { name, source, payloadBytes, plan: digest };
  work.journal = Journal.start(folder, record, context);
}

/** What of a commit that failed is worth keeping stays; the rest goes. Gives whether it stays. */
export function abandonStagedWork(
  work: StagedWork,
  error: unknown,
  payload: Payload,
  context: EngineContext,
): boolean {
  const { journal, cutOff, folder } = work;
  journal?.[Symbol.dispose]();
  const bytesDone = journal?.bytesDone ?? cutOff?.bytesDone ?? 0;
  const isWorthIt = cutOff !== undefined || journal?.isWorthKeeping === true;
  if (!isWorthIt || !isPassing(error)) {
    removeStaging(folder, context);
    return false;
  }
  const { name, bytes: bytesTotal } = payload;
  context.emit({ kind: "kept", folder, name, bytesDone, bytesTotal });
  return true;
}

/** Whether a failure says nothing against the work that was done. */
function isPassing(error: unknown): boolean {
  return isFailure(
    error,
    "interrupted",
    "no-space",
    "io",
    "offline",
    "source-unreadable",
  );
}

/** Undefined for a payload that is small, or that cannot be had twice. */
function planDigestOf(
  payload: Payload,
  plan: EntryPlan,
  context: EngineContext,
): Bytes | undefined {
  const { name, identity, bytes } = payload;
  const { resumeBytesMin = Infinity } = context.settings;
  return identity === undefined || bytes < resumeBytesMin
    ? undefined
    : digestPlan({ name, identity }, plan, context);
}

/** The commit to go on with: of those of the same plan the one that came farthest. */
function chooseCutOff(
  payload: Payload,
  plan: Bytes,
  context: EngineContext,
): CutOffCommit | undefined {
  if (payload.resume === "never") return undefined;
  const found = findCutOff(payload.name, context)
    .filter(({ record }) => record.source === payload.label)
    .toSorted((a, b) => b.bytesDone - a.bytesDone);
  const same = found.find(({ record }) => equalBytes(record.plan, plan));
  if (same === undefined && found[0] !== undefined) {
    const message =
      `"${payload.label}" or the settings changed since a commit of it was cut off: ` +
      `what that one left in ${found[0].folder} is of no use any more`;
    context.emit({ kind: "warning", message });
  }
  return same;
}

function nothingToResume(payload: Payload): Failure {
  return new Failure(
    "not-found",
    `Cannot resume the commit of "${payload.label}" as "${payload.name}": no commit of it, as it ` +
      `is now, was cut off after enough was written`,
  );
}

/** Makes a folder that was left hold all its files at their sizes, and nothing else. */
function mendFiles(staging: Staging, context: EngineContext): void {
  const { store } = context;
  const { folder, geometry } = staging;
  const folders = new Set(entryFolders(geometry));
  const shards = [...shardFilesOf(geometry)];
  const files = new Set<string>(Object.values(journalFiles));
  for (const { path } of shards) files.add(path);
  const sweep = (inner: string) => {
    for (const { name, kind } of store.list(join(folder, inner))) {
      const path = join(inner, name);
      if (kind === "folder" && folders.has(path)) sweep(path);
      else if (kind === "folder") store.removeTree(join(folder, path));
      else if (kind !== "file" || !files.has(path)) {
        store.removeFile(join(folder, path));
      }
    }
  };
  sweep("");
  for (const inner of folders) store.makeFolder(join(folder, inner));
  for (const { block, shard, path } of shards) {
    const bytes = shardLength(geometry, block, shard);
    if (store.stat(join(folder, path))?.bytes === bytes) continue;
    using file = store.openFile(join(folder, path), "ensure");
    file.truncate(bytes);
  }
}

function join(folder: string, name: string): string {
  return folder === "" || name === "" ? folder + name : `${folder}/${name}`;
}
