// Catalogue: which entries an archive holds, and which of them a selector names. One folder that
// cannot be read as an entry is reported and never hides the others.

import { Failure, messageOf } from "../base/errors.ts";
import { idPrefixDigitsMin } from "../base/limits.ts";
import {
  entryFolderPrefix,
  idOfFolder,
  isId,
  stagingPrefix,
} from "../format/entry_path.ts";
import type { Manifest } from "../format/manifest.ts";
import type { EngineContext } from "./context.ts";
import { readAnyManifest } from "./manifest_copies.ts";
import type { ArchiveListing, EntryProblem, EntrySummary } from "./report.ts";
import { summarize } from "./summary.ts";

/** An entry of the archive. */
export interface CatalogueEntry {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly summary: EntrySummary;
  /** 0 is the newest entry of its name. */
  readonly versionIndex: number;
  /** Entries of its name. */
  readonly versionCount: number;
}

/** An entry as its own folder tells, without a place among others. */
export type FoundEntry = Omit<CatalogueEntry, "versionIndex" | "versionCount">;

/** All that an archive holds. */
export interface Catalogue {
  /** By name, then newest first. */
  readonly entries: readonly CatalogueEntry[];
  readonly problems: readonly EntryProblem[];
  /** Staging folders that an interrupted commit left. */
  readonly leftovers: readonly string[];
}

/** Reads the whole archive. @throws {Failure} when its own folder cannot be read */
export function readCatalogue(context: EngineContext): Catalogue {
  const entries: FoundEntry[] = [];
  const problems: EntryProblem[] = [];
  const leftovers: string[] = [];
  for (const { name, kind } of context.store.list("")) {
    if (name.startsWith(stagingPrefix)) leftovers.push(name);
    if (name.startsWith(".")) continue;
    const found = readFolder(name, kind === "folder", context);
    if (found === undefined) continue;
    if ("manifest" in found) entries.push(found);
    else problems.push(found);
  }
  return { entries: orderEntries(entries), problems, leftovers };
}

/**
 * The newest entry of a name. Reads the manifests of that name's folders only: a folder that somebody
 * renamed is not found. @throws {Failure}
 */
export function readNewest(
  name: string,
  context: EngineContext,
): CatalogueEntry | undefined {
  const prefix = entryFolderPrefix(name);
  const entries: FoundEntry[] = [];
  for (const { name: folder, kind } of context.store.list("")) {
    if (kind !== "folder" || !folder.startsWith(prefix)) continue;
    if (!isId(folder.slice(prefix.length))) continue;
    const found = readFolder(folder, true, context);
    if (found === undefined || !("manifest" in found)) continue;
    if (found.manifest.name === name) entries.push(found);
  }
  return orderEntries(entries)[0];
}

/** By name, newest first, each with its place among the versions of its name. */
export function orderEntries(entries: readonly FoundEntry[]): CatalogueEntry[] {
  const sorted = entries.toSorted((a, b) =>
    compareText(a.manifest.name, b.manifest.name) ||
    compareText(b.manifest.created, a.manifest.created) ||
    compareText(a.manifest.id, b.manifest.id)
  );
  const counts = new Map<string, number>();
  const indices = sorted.map(({ manifest: { name } }) => {
    const index = counts.get(name) ?? 0;
    counts.set(name, index + 1);
    return index;
  });
  return sorted.map((entry, place) => ({
    ...entry,
    versionIndex: indices[place]!,
    versionCount: counts.get(entry.manifest.name)!,
  }));
}

/** What a folder of the archive is; undefined for what is evidently none of ours. @throws {Failure} */
export function readFolder(
  folder: string,
  isFolder: boolean,
  context: EngineContext,
): FoundEntry | EntryProblem | undefined {
  const looksLikeEntry = idOfFolder(folder) !== undefined;
  if (!isFolder) {
    if (!looksLikeEntry) return undefined;
    return {
      folder,
      code: "unreadable",
      problem: "it is not a folder; links are not followed",
    };
  }
  try {
    const found = readAnyManifest(folder, context);
    if (found.kind === "found") {
      const summary = summarize(found.manifest, folder, found.bytes.length);
      return { folder, manifest: found.manifest, summary };
    }
    if (!looksLikeEntry && !found.hasCopies) return undefined;
    // Removed since the archive was listed.
    if (context.store.stat(folder) === undefined) return undefined;
    return { folder, code: found.code, problem: found.problem };
  } catch (error) {
    if (!(error instanceof Failure) || error.code === "offline") throw error;
    return { folder, code: "unreadable", problem: messageOf(error) };
  }
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
    entry.manifest.name === selector
  );
  if (named.length > 0) return named;
  const inFolder = catalogue.entries.filter((entry) =>
    entry.folder === selector
  );
  if (inFolder.length > 0) return inFolder;
  const withId = matchesId(catalogue, selector);
  if (withId.length === 1) return withId;
  if (withId.length > 1) {
    const ids = withId.map((entry) => entry.manifest.id).join(", ");
    throw new Failure(
      "ambiguous",
      `"${selector}" begins the ids of several entries: ${ids}`,
    );
  }
  throw new Failure(
    "not-found",
    `There is no entry "${selector}" in the archive`,
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
    const ids = entries.map((entry) => entry.manifest.id).join(", ");
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
    entry.manifest.id.startsWith(digits)
  );
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
