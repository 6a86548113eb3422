// Entry folders: what all folders of the archive are. Where there are many, those that an earlier run
// read are taken from the index; a sample of them is looked at from outside, and what looks changed
// is read again.

import { isFailure } from "../base/errors.ts";
import { indexSampleCount } from "../base/limits.ts";
import { metadataPath } from "../format/entry_path.ts";
import type { StoreName } from "../store/store.ts";
import type { EngineContext } from "./context.ts";
import { readFolder } from "./entry_folder.ts";
import { type OpenIndex, openIndex } from "./entry_index.ts";
import type { IndexedEntry } from "./index_page.ts";
import type { EntryProblem, EntrySummary } from "./report.ts";

/** What was found in the folders. */
export interface FoundFolders {
  readonly summaries: readonly EntrySummary[];
  readonly problems: readonly EntryProblem[];
  /** Whether part of it is what an earlier run saw. */
  readonly isHearsay: boolean;
}

/** What lies at these names. @throws {Failure} */
export function readFolders(
  names: readonly StoreName[],
  useIndex: boolean,
  context: EngineContext,
): FoundFolders {
  const found = new Collected(context);
  const { index } = context;
  if (!useIndex || index === undefined || names.length < index.entriesMin) {
    for (const name of names) found.read(name);
    return found;
  }
  using opened = openIndex({
    files: index.files,
    digest: (bytes) => context.codec.digest(bytes),
    note: (message) => context.emit({ kind: "note", message }),
  });
  if (opened === undefined) {
    for (const name of names) found.read(name);
  } else readWithIndex(names, opened, found, context);
  return found;
}

function readWithIndex(
  names: readonly StoreName[],
  { index, save }: OpenIndex,
  found: Collected,
  context: EngineContext,
): void {
  const suspects = drawSample(index.entries, context);
  const others = index.retain(names, (entry) => {
    if (!suspects.has(entry)) return true;
    const stat = lookAtManifest(entry.summary.folder, context);
    return stat?.manifestBytes === entry.manifestBytes &&
      stat.manifestMs === entry.manifestMs;
  });
  for (const { summary } of index.entries) found.summaries.push(summary);
  found.isHearsay = found.summaries.length > 0;
  const rows: IndexedEntry[] = [];
  for (const name of others) {
    // Looked at before it is read: what changes in between looks changed to the next run.
    const stat = lookAtManifest(name.name, context);
    const summary = found.read(name);
    if (summary !== undefined && stat !== undefined) {
      rows.push({ summary, ...stat });
    }
  }
  index.addAll(rows);
  save();
}

/** All, or as many as chance draws: those whose manifests are looked at from outside. */
function drawSample<T>(
  all: readonly T[],
  context: EngineContext,
): ReadonlySet<T> {
  if (all.length <= indexSampleCount) return new Set(all);
  const dice = new Uint32Array(indexSampleCount);
  context.chance.fill(new Uint8Array(dice.buffer));
  return new Set(Array.from(dice, (die) => all[die % all.length]!));
}

function lookAtManifest(
  folder: string,
  context: EngineContext,
): { manifestBytes: number; manifestMs: number } | undefined {
  try {
    const path = `${folder}/${metadataPath("", "manifest.json")}`;
    const stat = context.store.stat(path);
    if (stat?.kind !== "file") return undefined;
    return { manifestBytes: stat.bytes, manifestMs: stat.modifiedMs ?? -1 };
  } catch (error) {
    if (isFailure(error) && error.code !== "offline") return undefined;
    throw error;
  }
}

/** Entries and problems as they are found. */
class Collected implements FoundFolders {
  readonly summaries: EntrySummary[] = [];
  readonly problems: EntryProblem[] = [];
  isHearsay = false;
  readonly #context: EngineContext;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /** Reads one; gives the summary of an entry about which there is nothing to be said. */
  read({ name, kind }: StoreName): EntrySummary | undefined {
    const content = readFolder(name, kind, this.#context);
    if (content === undefined) return undefined;
    if (content.kind === "problem") {
      this.problems.push(content.problem);
      return undefined;
    }
    this.summaries.push(content.summary);
    return content.isPlain ? content.summary : undefined;
  }
}
