// Catalogue: which entries an archive holds, and which of them a selector names. One folder that
// cannot be read as an entry is reported and never hides the others.

import { Failure } from "../base/errors.ts";
import { idPrefixDigitsMin } from "../base/limits.ts";
import {
  entryFolderPrefix,
  idOfFolder,
  isId,
  plainFolder,
  stagingPrefix,
} from "../format/entry_path.ts";
import type { Manifest } from "../format/manifest.ts";
import type { StoreName } from "../store/store.ts";
import type { EngineContext } from "./context.ts";
import { type FolderEntry, readFolder } from "./entry_folder.ts";
import { readFolders } from "./entry_folders.ts";
import type { ArchiveListing, EntryProblem, EntrySummary } from "./report.ts";

/** The place of an entry among the versions of its name. */
export interface Versioned {
  /** 0 is the newest entry of its name. */
  readonly versionIndex: number;
  /** Entries of its name. */
  readonly versionCount: number;
}

/** An entry of the archive. */
export interface CatalogueEntry extends Versioned {
  readonly folder: string;
  /** As it was when the entry was looked at last: who acts on it reads the manifest. */
  readonly summary: EntrySummary;
}

/** An entry whose manifest was read. */
export interface ReadEntry extends CatalogueEntry {
  readonly manifest: Manifest;
}

/** All that an archive holds. */
export interface Catalogue {
  /** By name, then newest first. */
  readonly entries: readonly CatalogueEntry[];
  readonly problems: readonly EntryProblem[];
  /** Staging folders that an interrupted commit left. */
  readonly leftovers: readonly string[];
  /** Whether part of it is what an earlier run saw, and nobody looked whether it still is so. */
  readonly isHearsay: boolean;
}

/**
 * Reads the archive: every manifest, or (`useIndex`, for what only shows entries) those that no
 * earlier run read. @throws {Failure} when its own folder cannot be read
 */
export function readCatalogue(
  context: EngineContext,
  { useIndex }: { readonly useIndex: boolean } = { useIndex: false },
): Catalogue {
  const leftovers: string[] = [], names: StoreName[] = [];
  for (const each of context.store.list("")) {
    if (each.name.startsWith(stagingPrefix)) leftovers.push(each.name);
    if (!each.name.startsWith(".")) names.push(each);
  }
  const { summaries, problems, isHearsay } = readFolders(
    names,
    useIndex,
    context,
  );
  const entries = orderEntries(
    summaries.map((summary) => ({ folder: summary.folder, summary })),
  );
  return { entries, problems, leftovers, isHearsay };
}

/**
 * The newest entry of a name. Reads the manifests of that name's folders only: a folder that somebody
 * renamed is not found. @throws {Failure}
 */
export function readNewest(
  name: string,
  context: EngineContext,
): ReadEntry | undefined {
  const prefix = entryFolderPrefix(name);
  const prefixes = [...new Set([prefix, plainFolder(prefix)])];
  const entries: FolderEntry[] = [];
  for (const { name: folder, kind } of context.store.list("")) {
    const isOfName = kind === "folder" &&
      prefixes.some((each) =>
        folder.startsWith(each) && isId(folder.slice(each.length))
      );
    if (!isOfName) continue;
    const found = readFolder(folder, kind, context);
    if (found?.kind === "entry" && found.summary.name === name) {
      entries.push(found);
    }
  }
  return orderEntries(entries)[0];
}

/** An entry with its manifest, if the folder still holds it. @throws {Failure} */
export function readEntry(
  entry: CatalogueEntry,
  context: EngineContext,
): ReadEntry | undefined {
  const found = readFolder(entry.folder, "folder", context);
  if (found?.kind !== "entry") return undefined;
  const { manifest, summary } = found;
  const isSame = summary.id === entry.summary.id &&
    summary.name === entry.summary.name;
  return isSame ? { ...entry, summary, manifest } : undefined;
}

/** By name, newest first, each with its place among the versions of its name. */
export function orderEntries<T extends { readonly summary: EntrySummary }>(
  entries: readonly T[],
): (T & Versioned)[] {
  const sorted = entries.toSorted(({ summary: a }, { summary: b }) =>
    compareText(a.name, b.name) || compareText(b.created, a.created) ||
    compareText(a.id, b.id) || compareText(a.folder, b.folder)
  );
  const ordered: (T & Versioned)[] = [];
  const nameAt = (place: number) => sorted[place]?.summary.name;
  for (let first = 0, end = 0; first < sorted.length; first = end) {
    while (nameAt(end) === nameAt(first)) end++;
    for (let place = first; place < end; place++) {
      ordered.push({
        ...sorted[place]!,
        versionIndex: place - first,
        versionCount: end - first,
      });
    }
  }
  return ordered;
}

/** The catalogue as callers see it. */
export function listingOf(catalogue: Catalogue): ArchiveListing {
  return {
    entries: catalogue.entries.map((
      { summary, versionIndex, versionCount },
    ) => ({ ...summary, versionIndex, versionCount })),
    problems: catalogue.problems,
  };
}

/**
 * The entries that a selector names: all of that exact name, newest first; else the one with that
 * id or unique prefix of an id; else the one in that folder.
 * @throws {Failure} `not-found`, `ambiguous`
 */
export function selectEntries(
  catalogue: Catalogue,
  selector: string,
): CatalogueEntry[] {
  const named = catalogue.entries.filter((entry) =>
    entry.summary.name === selector
  );
  if (named.length > 0) return named;
  const inFolder = catalogue.entries.filter((entry) =>
    entry.folder === selector
  );
  if (inFolder.length > 0) return inFolder;
  const withId = matchesId(catalogue, selector);
  if (withId.length === 1) return withId;
  if (withId.length > 1) {
    const ids = withId.map((entry) => entry.summary.id).join(", ");
    throw new Failure(
      "ambiguous",
      `"${selector}" begins the ids of several entries: ${ids}`,
    );
  }
  throw notFound(catalogue, selector);
}

/** That nothing has this name, or that what may have it cannot be read. */
function notFound(catalogue: Catalogue, selector: string): Failure {
  const isMeant = ({ folder }: EntryProblem) => {
    const id = idOfFolder(folder);
    return folder === selector || id !== undefined &&
        (folder === entryFolderPrefix(selector) + id ||
          selector.length >= idPrefixDigitsMin &&
            id.startsWith(selector.toLowerCase()));
  };
  const problem = catalogue.problems.find(isMeant);
  return new Failure(
    "not-found",
    problem === undefined
      ? `There is no entry "${selector}" in the archive`
      : `Cannot read "${problem.folder}" as the entry "${selector}": ${problem.problem}`,
  );
}

/** The one entry that a selector names: the newest of its name. @throws {Failure} */
export function selectNewest(
  catalogue: Catalogue,
  selector: string,
): CatalogueEntry {
  return selectEntries(catalogue, selector)[0]!;
}

/** The one entry that a selector names without doubt. @throws {Failure} `ambiguous`, `not-found` */
export function selectOnly(
  catalogue: Catalogue,
  selector: string,
): CatalogueEntry {
  const entries = selectEntries(catalogue, selector);
  if (entries.length > 1) {
    const ids = entries.map((entry) => entry.summary.id).join(", ");
    throw new Failure(
      "ambiguous",
      `There are ${entries.length} entries named "${selector}": give the id of one: ${ids}`,
    );
  }
  return entries[0]!;
}

/** The entries whose id begins with `prefix`, if that is long enough to be one. */
export function matchesId(
  catalogue: Catalogue,
  prefix: string,
): CatalogueEntry[] {
  if (prefix.length < idPrefixDigitsMin || !/^[0-9a-fA-F]+$/.test(prefix)) {
    return [];
  }
  const digits = prefix.toLowerCase();
  return catalogue.entries.filter((entry) =>
    entry.summary.id.startsWith(digits)
  );
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
