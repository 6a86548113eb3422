// Entry folder: what one folder of the archive is: an entry, one that cannot be read, or none of ours.

import { Failure, isFailure, messageOf } from "../base/errors.ts";
import { idOfFolder, metadataPath } from "../format/entry_path.ts";
import type { Manifest } from "../format/manifest.ts";
import type { StoreKind } from "../store/store.ts";
import type { EngineContext } from "./context.ts";
import { readAnyManifest } from "./manifest_copies.ts";
import type { EntryProblem, EntrySummary } from "./report.ts";
import { summarize } from "./summary.ts";

/** An entry as its own folder tells. */
export interface FolderEntry {
  readonly kind: "entry";
  readonly folder: string;
  readonly summary: EntrySummary;
  readonly manifest: Manifest;
  /** Whether its first manifest copy is the one that was believed, as far as anybody looked. */
  readonly isPlain: boolean;
}

/** What a folder is. */
export type FolderContent = FolderEntry | {
  readonly kind: "problem";
  readonly problem: EntryProblem;
};

/** What lies at a name of the archive; undefined for what is evidently none of ours. @throws {Failure} */
export function readFolder(
  folder: string,
  kind: StoreKind,
  context: EngineContext,
): FolderContent | undefined {
  const looksLikeEntry = idOfFolder(folder) !== undefined;
  if (kind !== "folder") {
    if (!looksLikeEntry) return undefined;
    return problemOf(folder, "it is not a folder; links are not followed");
  }
  try {
    const found = readAnyManifest(folder, context);
    if (found.kind === "found") {
      const { manifest, bytes } = found;
      return {
        kind: "entry",
        folder,
        summary: summarize(manifest, folder, bytes.length),
        manifest,
        isPlain: found.badCopies.length === 0 &&
          manifest.id === idOfFolder(folder),
      };
    }
    if (!looksLikeEntry && !found.hasCopies) return undefined;
    // Removed since the archive was listed.
    if (context.store.stat(folder) === undefined) return undefined;
    const { code, problem } = found;
    const denied = code === "no-manifest"
      ? findDenial(folder, context)
      : undefined;
    return denied === undefined
      ? { kind: "problem", problem: { folder, code, problem } }
      : problemOf(folder, denied);
  } catch (error) {
    if (!(error instanceof Failure) || error.code === "offline") throw error;
    return problemOf(folder, messageOf(error));
  }
}

function problemOf(folder: string, problem: string): FolderContent {
  return {
    kind: "problem",
    problem: { folder, code: "unreadable", problem },
  };
}

/** What keeps this user from reading a folder, if that is what does. @throws {Failure} */
function findDenial(
  folder: string,
  context: EngineContext,
): string | undefined {
  const { store } = context;
  try {
    store.list(folder);
    using _file = store.openFile(
      `${folder}/${metadataPath("", "manifest.json")}`,
      "read",
    );
    return undefined;
  } catch (error) {
    return isFailure(error, "permission-denied") ? error.message : undefined;
  }
}
