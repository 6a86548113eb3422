// Manifest copies: which description of an entry is to be believed. Any one good copy is enough;
// good copies that contradict each other are judged by what lies in the folder.

import { type Bytes, equalBytes } from "../base/bytes.ts";
import { manifestBytesMax } from "../base/limits.ts";
import {
  idOfFolder,
  metadataFolders,
  metadataPath,
} from "../format/entry_path.ts";
import {
  type DecodedManifest,
  decodeManifest,
  type Manifest,
} from "../format/manifest.ts";
import type { EngineContext } from "./context.ts";
import { causeOf } from "./damage_cause.ts";
import type { BadCopy } from "./metadata.ts";
import { readOutboard } from "./outboard_copies.ts";
import type { DamageCause } from "./report.ts";
import { countMatches } from "./stored_digests.ts";

/** A manifest that was found, and the copies that disagree with it. */
export interface FoundManifest {
  readonly kind: "found";
  readonly manifest: Manifest;
  /** The file's bytes, for making the other copies. */
  readonly bytes: Bytes;
  readonly badCopies: readonly BadCopy[];
}

/** Why a folder could not be read as an entry. */
export interface ManifestProblem {
  readonly kind: "problem";
  readonly code: "no-manifest" | "unsupported-format";
  readonly problem: string;
  /** Whether at least one file with a manifest's name is there. */
  readonly hasCopies: boolean;
}

/** Reads one copy where that is beyond doubt; for listings. */
export function readAnyManifest(
  folder: string,
  context: EngineContext,
): FoundManifest | ManifestProblem {
  const first = readCopy(
    `${folder}/${metadataPath("", "manifest.json")}`,
    context,
  );
  if (first.kind === "read" && first.decoded.kind === "valid") {
    const { manifest } = first.decoded;
    if (manifest.id === idOfFolder(folder)) {
      return { kind: "found", manifest, bytes: first.bytes, badCopies: [] };
    }
  }
  return readManifest(folder, context);
}

/** Reads all copies and settles on the one that describes what is in the folder. */
export function readManifest(
  folder: string,
  context: EngineContext,
): FoundManifest | ManifestProblem {
  const copies: Copy[] = [];
  for (const metadataFolder of metadataFolders) {
    const path = `${folder}/${metadataPath(metadataFolder, "manifest.json")}`;
    copies.push(readCopy(path, context, copies));
  }
  const chosen = chooseCandidate(folder, copies, context);
  if (chosen === undefined) return problemOf(copies);
  const badCopies: BadCopy[] = [];
  copies.forEach((copy, index) => {
    const file = metadataPath(metadataFolders[index]!, "manifest.json");
    if (copy.kind === "bad") {
      badCopies.push({ file, role: "manifest", index, cause: copy.cause });
    } else if (copy.bytes !== chosen.bytes) {
      badCopies.push({ file, role: "manifest", index, cause: "rotten" });
    }
  });
  return {
    kind: "found",
    manifest: chosen.manifest,
    bytes: chosen.bytes,
    badCopies,
  };
}

// Copies with the same bytes are one object.
type Copy =
  | { readonly kind: "bad"; readonly cause: DamageCause }
  | {
    readonly kind: "read";
    readonly bytes: Bytes;
    readonly decoded: DecodedManifest;
  };

/** Reads a copy; one that has the bytes of `others` means what they mean. */
function readCopy(
  path: string,
  context: EngineContext,
  others: readonly Copy[] = [],
): Copy {
  const { store, codec } = context;
  try {
    using file = store.openFile(path, "read");
    const size = file.size();
    if (size > manifestBytesMax) return { kind: "bad", cause: "rotten" };
    const bytes = new Uint8Array(size);
    if (file.readInto(bytes, 0) !== size) {
      return { kind: "bad", cause: "truncated" };
    }
    const same = others.find((other) =>
      other.kind === "read" && equalBytes(other.bytes, bytes)
    );
    if (same !== undefined) return same;
    const decoded = decodeManifest(bytes, (part) => codec.digest(part));
    if (decoded.kind === "damaged") return { kind: "bad", cause: "rotten" };
    return { kind: "read", bytes, decoded };
  } catch (error) {
    return { kind: "bad", cause: causeOf(error) };
  }
}

/** A content that at least one good copy has. */
interface Candidate {
  readonly manifest: Manifest;
  readonly bytes: Bytes;
  readonly votes: number;
}

/**
 * The content that belongs to the folder, if that can be told. Good copies that differ are a file
 * that somebody put in the wrong place, so what decides is, in this order: the id in the folder's
 * name, the leaves that match, and the number of copies.
 */
function chooseCandidate(
  folder: string,
  copies: readonly Copy[],
  context: EngineContext,
): Candidate | undefined {
  // A newer version may be half-way through changing the entry: hands off.
  if (
    copies.some((copy) =>
      copy.kind === "read" && copy.decoded.kind === "unsupported"
    )
  ) {
    return undefined;
  }
  let candidates = candidatesOf(copies);
  if (candidates.length < 2) return candidates[0];
  const id = idOfFolder(folder);
  const named = candidates.filter((candidate) => candidate.manifest.id === id);
  if (named.length === 1) return named[0];
  if (named.length > 1) candidates = named;
  return single(
    candidates,
    (each) => evidenceFor(folder, each.manifest, context),
  ) ??
    single(candidates, (each) => each.votes);
}

function candidatesOf(copies: readonly Copy[]): Candidate[] {
  const candidates: Candidate[] = [];
  for (const copy of copies) {
    if (copy.kind === "bad" || copy.decoded.kind !== "valid") continue;
    if (candidates.some((each) => each.bytes === copy.bytes)) continue;
    const votes = copies.filter((other) => other === copy).length;
    candidates.push({
      manifest: copy.decoded.manifest,
      bytes: copy.bytes,
      votes,
    });
  }
  return candidates;
}

/** The one candidate that scores highest, and higher than zero; none where two do. */
function single(
  candidates: readonly Candidate[],
  scoreOf: (candidate: Candidate) => number,
): Candidate | undefined {
  const scores = candidates.map(scoreOf);
  const best = Math.max(...scores);
  const winners = candidates.filter((_, index) => scores[index] === best);
  return best > 0 && winners.length === 1 ? winners[0] : undefined;
}

function evidenceFor(
  folder: string,
  manifest: Manifest,
  context: EngineContext,
): number {
  const { outboard } = readOutboard(folder, manifest, context);
  return countMatches(folder, manifest.geometry, outboard, context);
}

function problemOf(copies: readonly Copy[]): ManifestProblem {
  const hasCopies = copies.some((copy) =>
    copy.kind === "read" || copy.cause !== "missing"
  );
  for (const copy of copies) {
    if (copy.kind === "read" && copy.decoded.kind === "unsupported") {
      const { problem } = copy.decoded;
      return {
        kind: "problem",
        code: "unsupported-format",
        problem,
        hasCopies,
      };
    }
  }
  const invalid = copies.flatMap((copy) =>
    copy.kind === "read" && copy.decoded.kind === "invalid"
      ? [copy.decoded.problem]
      : []
  );
  const isContradictory = candidatesOf(copies).length > 1;
  const problem = isContradictory
    ? "its manifest copies describe different entries, and its shards belong to none or to several"
    : invalid[0] === undefined
    ? `none of its ${metadataFolders.length} manifest copies can be read`
    : `its manifest contradicts the format: ${invalid[0]}`;
  return { kind: "problem", code: "no-manifest", problem, hasCopies };
}
