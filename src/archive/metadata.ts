// Metadata: an entry's manifest and outboard as its copies on the disk have them. Reading takes what
// is good from any copy; writing makes all copies; repairing makes the bad ones like the good.

import { type Bytes, equalBytes } from "../base/bytes.ts";
import { isFailure, messageOf } from "../base/errors.ts";
import {
  digestBytes,
  manifestBytesMax,
  outboardPageBytes,
} from "../base/limits.ts";
import type { Codec } from "../codec/mod.ts";
import { metadataFolders, metadataPath } from "../format/entry_path.ts";
import { payloadLeafCount, slotCountOf } from "../format/geometry.ts";
import {
  type DecodedManifest,
  decodeManifest,
  type Manifest,
} from "../format/manifest.ts";
import { Outboard, pageCountOf, pageOf } from "../format/outboard.ts";
import type { Store } from "../store/store.ts";
import { causeOf } from "./damage_cause.ts";
import type { DamageCause, FileDamage } from "./report.ts";

/** One copy of a metadata file that is not as it should be. */
export interface BadCopy {
  readonly file: string;
  readonly role: "manifest" | "outboard";
  readonly index: number;
  readonly cause: DamageCause;
}

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

/** Reads the first good copy only; for listings. */
export function readAnyManifest(
  store: Store,
  folder: string,
  codec: Codec,
): FoundManifest | ManifestProblem {
  const first = readCopy(
    store,
    `${folder}/${metadataPath("", "manifest.json")}`,
    codec,
  );
  if (first.kind === "read" && first.decoded.kind === "valid") {
    const { manifest } = first.decoded;
    return { kind: "found", manifest, bytes: first.bytes, badCopies: [] };
  }
  return readManifest(store, folder, codec);
}

/** Reads all copies and settles on one: the content that most good copies have. */
export function readManifest(
  store: Store,
  folder: string,
  codec: Codec,
): FoundManifest | ManifestProblem {
  const copies = metadataFolders.map((metadataFolder) =>
    readCopy(
      store,
      `${folder}/${metadataPath(metadataFolder, "manifest.json")}`,
      codec,
    )
  );
  const chosen = mostCommon(copies);
  if (chosen === undefined) return problemOf(copies);
  const badCopies: BadCopy[] = [];
  copies.forEach((copy, index) => {
    const file = metadataPath(metadataFolders[index]!, "manifest.json");
    if (copy.kind === "bad") {
      badCopies.push({ file, role: "manifest", index, cause: copy.cause });
    } else if (!equalBytes(copy.bytes, chosen.bytes)) {
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

type Copy =
  | { readonly kind: "bad"; readonly cause: DamageCause }
  | {
    readonly kind: "read";
    readonly bytes: Bytes;
    readonly decoded: DecodedManifest;
  };

function readCopy(store: Store, path: string, codec: Codec): Copy {
  try {
    using file = store.openFile(path, "read");
    const size = file.size();
    if (size > manifestBytesMax) return { kind: "bad", cause: "rotten" };
    const bytes = new Uint8Array(size);
    if (file.readInto(bytes, 0) !== size) {
      return { kind: "bad", cause: "truncated" };
    }
    const decoded = decodeManifest(bytes, (part) => codec.digest(part));
    if (decoded.kind === "damaged") return { kind: "bad", cause: "rotten" };
    return { kind: "read", bytes, decoded };
  } catch (error) {
    return { kind: "bad", cause: causeOf(error) };
  }
}

function mostCommon(
  copies: readonly Copy[],
): { manifest: Manifest; bytes: Bytes } | undefined {
  let best: { manifest: Manifest; bytes: Bytes; votes: number } | undefined;
  for (const copy of copies) {
    if (copy.kind === "bad" || copy.decoded.kind !== "valid") continue;
    const votes = copies.filter((other) =>
      other.kind === "read" && equalBytes(other.bytes, copy.bytes)
    )
      .length;
    if (best === undefined || votes > best.votes) {
      best = { manifest: copy.decoded.manifest, bytes: copy.bytes, votes };
    }
  }
  return best;
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
  const problem = invalid[0] === undefined
    ? `none of its ${metadataFolders.length} manifest copies can be read`
    : `its manifest contradicts the format: ${invalid[0]}`;
  return { kind: "problem", code: "no-manifest", problem, hasCopies };
}

/** Digests of an entry as far as any copy has them, the bad copies, and the pages nobody has. */
export interface FoundOutboard {
  readonly outboard: Outboard;
  readonly badCopies: readonly BadCopy[];
  readonly lostPages: readonly number[];
}

/** Reads the outboard of an entry: every page from whichever copy has it right. */
export function readOutboard(
  store: Store,
  folder: string,
  manifest: Manifest,
  codec: Codec,
): FoundOutboard {
  const { geometry } = manifest;
  if (manifest.outboard.kind === "inline") {
    return {
      outboard: new Outboard(geometry, manifest.outboard.digests.slice()),
      badCopies: [],
      lostPages: [],
    };
  }
  const outboard = new Outboard(geometry);
  const known = new Set<number>();
  const badCopies: BadCopy[] = [];
  metadataFolders.forEach((metadataFolder, index) => {
    const file = metadataPath(metadataFolder, "outboard.bin");
    const cause = readPages(
      store,
      `${folder}/${file}`,
      manifest,
      codec,
      outboard,
      known,
    );
    if (cause !== undefined) {
      badCopies.push({ file, role: "outboard", index, cause });
    }
  });
  const pages = pageCountOf(slotCountOf(geometry));
  const lostPages = Array.from({ length: pages }, (_, page) => page)
    .filter((page) => !known.has(page));
  return { outboard, badCopies, lostPages };
}

/** Takes over the good pages of one copy; gives what is wrong with the copy, if anything. */
function readPages(
  store: Store,
  path: string,
  manifest: Manifest,
  codec: Codec,
  outboard: Outboard,
  known: Set<number>,
): DamageCause | undefined {
  const { digests } = outboard;
  const page = new Uint8Array(outboardPageBytes);
  let fault: DamageCause | undefined;
  try {
    using file = store.openFile(path, "read");
    const size = file.size();
    if (size !== digests.length) {
      fault = size < digests.length ? "truncated" : "overlong";
    }
    for (
      let index = 0;
      index < pageCountOf(digests.length / digestBytes);
      index++
    ) {
      const target = pageOf(digests, index);
      const source = page.subarray(0, target.length);
      const pageFault = readPage(file, index, source, manifest, codec);
      if (pageFault === undefined && !known.has(index)) {
        target.set(source);
        known.add(index);
      }
      fault ??= pageFault;
    }
  } catch (error) {
    fault ??= causeOf(error);
  }
  return fault;
}

function readPage(
  file: { readInto(target: Bytes, offset: number): number },
  index: number,
  target: Bytes,
  manifest: Manifest,
  codec: Codec,
): DamageCause | undefined {
  try {
    if (file.readInto(target, index * outboardPageBytes) !== target.length) {
      return "truncated";
    }
  } catch (error) {
    return causeOf(error);
  }
  return equalBytes(codec.digest(target), pageDigestOf(manifest, index))
    ? undefined
    : "rotten";
}

/** The digest that the manifest has for a page of the outboard. */
export function pageDigestOf(manifest: Manifest, page: number): Bytes {
  const { outboard } = manifest;
  const digests = outboard.kind === "pages"
    ? outboard.pageDigests
    : new Uint8Array(0);
  return digests.subarray(page * digestBytes, (page + 1) * digestBytes);
}

/**
 * Whether the payload digests lead to the root. With all pages verified this can only fail for an
 * entry that somebody made up.
 */
export function verifyRoot(
  manifest: Manifest,
  outboard: Outboard,
  codec: Codec,
): boolean {
  const leaves = payloadLeafCount(manifest.geometry);
  const root = leaves === 0
    ? codec.digest(new Uint8Array(0))
    : codec.rootOf(outboard.digests.subarray(0, leaves * digestBytes));
  return equalBytes(root, manifest.root);
}

/** Writes and syncs one metadata file; makes no folder. @throws {Failure} */
function writeMetadataFile(
  store: Store,
  path: string,
  bytes: Bytes,
): void {
  const found = store.stat(path);
  // Another name of the same file, or a link, must not be written through: the name is freed first.
  const isShared = found?.kind === "file" && found.linkCount > 1;
  if (found?.kind === "other" || isShared) store.removeFile(path);
  using file = store.openFile(path, "ensure");
  file.writeFrom(bytes, 0);
  file.truncate(bytes.length);
  file.sync();
}

/** Makes the bad copies like the good; gives the damage with what became of each. */
export function repairCopies(
  store: Store,
  folder: string,
  badCopies: readonly BadCopy[],
  contentOf: (role: BadCopy["role"]) => Bytes | undefined,
): FileDamage[] {
  return badCopies.map((copy): FileDamage => {
    const content = contentOf(copy.role);
    if (content === undefined) return copyDamage(copy, false, false);
    try {
      const slash = copy.file.lastIndexOf("/");
      if (slash > 0) store.makeFolder(`${folder}/${copy.file.slice(0, slash)}`);
      writeMetadataFile(store, `${folder}/${copy.file}`, content);
      store.syncFolder(
        slash > 0 ? `${folder}/${copy.file.slice(0, slash)}` : folder,
      );
      if (slash > 0) store.syncFolder(folder);
      return copyDamage(copy, true, true);
    } catch (error) {
      if (!isFailure(error)) throw error;
      return { ...copyDamage(copy, true, false), obstacle: messageOf(error) };
    }
  });
}

/** The report of a bad copy. */
export function copyDamage(
  copy: BadCopy,
  rebuilt: boolean,
  repaired: boolean,
): FileDamage {
  const { file, role, index, cause } = copy;
  const rebuiltLeafCount = rebuilt ? 1 : 0;
  return {
    file,
    role,
    index,
    block: 0,
    cause,
    leafCount: 1,
    rebuiltLeafCount,
    repaired,
  };
}
