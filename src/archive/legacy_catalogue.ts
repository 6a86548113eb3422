// Legacy catalogue: which entries of blockframe-rs a folder holds. One that cannot be read is
// reported and hides no other; no link is followed, and the folder's name must say what the
// manifest says, because nothing else vouches for the two.

import { Failure, isFailure, messageOf } from "../base/errors.ts";
import type { Bytes } from "../base/bytes.ts";
import { manifestBytesMax } from "../base/limits.ts";
import {
  decodeLegacyManifest,
  type LegacyEntry,
  parseLegacyFolder,
} from "../format/legacy/manifest.ts";
import type { Store } from "../store/store.ts";
import type { EngineContext } from "./context.ts";
import type { EntryProblem } from "./report.ts";

/** A folder that is named like an entry. */
export interface LegacyCandidate {
  readonly folder: string;
  readonly name: string;
  readonly originalHash: string;
  /** What it is. */
  readonly found:
    | { readonly kind: "entry"; readonly entry: LegacyEntry }
    | { readonly kind: "problem"; readonly problem: EntryProblem };
}

/** Suffix of a folder in which blockframe-rs was making an entry. */
const unfinishedSuffix = "_computing";

/** The entries in byte order of their folders. @throws {Failure} when the folder cannot be read */
export function* readLegacyCatalogue(
  store: Store,
  context: EngineContext,
): Generator<LegacyCandidate> {
  for (const { name: folder, kind } of store.list("")) {
    if (kind === "folder" && folder.endsWith(unfinishedSuffix)) {
      mentionUnfinished(folder, context);
      continue;
    }
    const parsed = parseLegacyFolder(folder);
    if (parsed === undefined) continue;
    const found = kind === "folder"
      ? readEntry(store, folder, parsed, context)
      : problemOf(
        folder,
        "unreadable",
        "it is not a folder; links are not followed",
      );
    yield { folder, ...parsed, found };
  }
}

function mentionUnfinished(folder: string, context: EngineContext): void {
  context.emit({
    kind: "warning",
    message:
      `"${folder}" was left by a commit that was interrupted; it is skipped`,
  });
}

/** What the folder holds. */
function readEntry(
  store: Store,
  folder: string,
  parsed: { name: string; originalHash: string },
  context: EngineContext,
): LegacyCandidate["found"] {
  let bytes: Bytes | undefined;
  try {
    bytes = readManifest(store, `${folder}/manifest.json`);
  } catch (error) {
    if (!(error instanceof Failure) || error.code === "offline") throw error;
    return problemOf(folder, "unreadable", messageOf(error));
  }
  if (bytes === undefined) {
    return problemOf(
      folder,
      "no-manifest",
      "it has no manifest: that is lost, or its commit was interrupted",
    );
  }
  const decoded = decodeLegacyManifest(
    bytes,
    (each) => context.codec.digest(each),
  );
  switch (decoded.kind) {
    case "unsupported":
      return problemOf(folder, "unsupported-format", decoded.problem);
    case "invalid":
      return problemOf(folder, "unreadable", decoded.problem);
    case "valid":
      break;
  }
  const { entry } = decoded;
  // Some file systems compose or decompose letters of a name.
  const isNamedSo = parsed.name.normalize() === entry.name.normalize() &&
    parsed.originalHash === entry.originalHash;
  return isNamedSo ? { kind: "entry", entry } : problemOf(
    folder,
    "unreadable",
    "its manifest is not valid: the folder is named by another name or hash",
  );
}

function readManifest(store: Store, path: string): Bytes | undefined {
  try {
    using file = store.openFile(path, "read");
    const bytes = file.size();
    if (bytes > manifestBytesMax) {
      throw new Failure("invalid-argument", "its manifest is too large");
    }
    const content = new Uint8Array(bytes);
    return content.subarray(0, file.readInto(content, 0));
  } catch (error) {
    if (isFailure(error, "not-found")) return undefined;
    throw error;
  }
}

function problemOf(
  folder: string,
  code: EntryProblem["code"],
  problem: string,
): LegacyCandidate["found"] {
  return { kind: "problem", problem: { folder, code, problem } };
}
