// Outboard copies: the digests of an entry, put together from four files of which any page may be
// bad. A page is believed only when it matches the digest that the manifest has for it.

import { type Bytes, equalBytes } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import { digestBytes, outboardPageBytes } from "../base/limits.ts";
import type { Codec } from "../codec/mod.ts";
import { metadataFolders, metadataPath } from "../format/entry_path.ts";
import {
  payloadLeafCount,
  planRowRuns,
  slotCountOf,
} from "../format/geometry.ts";
import type { Manifest } from "../format/manifest.ts";
import { Outboard, pageCountOf } from "../format/outboard.ts";
import { pageOf } from "../format/pages.ts";
import type { Store } from "../store/store.ts";
import { type EngineContext, throwIfInterrupted } from "./context.ts";
import { causeOf } from "./damage_cause.ts";
import type { BadCopy } from "./metadata.ts";
import type { DamageCause } from "./report.ts";
import { digestStored } from "./stored_digests.ts";

/** Digests of an entry as far as any copy has them, the bad copies, and the pages nobody has. */
export interface FoundOutboard {
  readonly outboard: Outboard;
  readonly badCopies: readonly BadCopy[];
  readonly lostPages: readonly number[];
}

/** Reads the outboard of an entry: every page from whichever copy has it right. */
export function readOutboard(
  folder: string,
  manifest: Manifest,
  context: EngineContext,
): FoundOutboard {
  const { geometry } = manifest;
  const { store, codec } = context;
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
function pageDigestOf(manifest: Manifest, page: number): Bytes {
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
function verifyRoot(
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

/**
 * Reads the outboard from its copies. Pages that no copy has right are put together from what the
 * copies and the shards say, and believed if they match the digest that the manifest has for them.
 * @throws {Failure} `damaged` when the digests do not lead to the root
 */
export function openOutboard(
  folder: string,
  manifest: Manifest,
  context: EngineContext,
): FoundOutboard {
  const found = readOutboard(folder, manifest, context);
  const lostPages = found.lostPages.length === 0
    ? []
    : recoverPages(folder, manifest, found, context);
  if (
    lostPages.length === 0 &&
    !verifyRoot(manifest, found.outboard, context.codec)
  ) {
    throw new Failure(
      "damaged",
      `The digests of "${folder}" contradict its root`,
    );
  }
  return { ...found, lostPages };
}

/** Tries to find out the lost pages; gives those that stay lost. */
function recoverPages(
  folder: string,
  manifest: Manifest,
  found: FoundOutboard,
  context: EngineContext,
): number[] {
  const { digests } = found.outboard;
  const accept = (page: number, candidate: Bytes) => {
    const digest = context.codec.digest(candidate);
    if (!equalBytes(digest, pageDigestOf(manifest, page))) return false;
    pageOf(digests, page).set(candidate);
    return true;
  };
  const copies = found.lostPages.map((page) =>
    readRawPages(folder, page, digests, context)
  );
  const isLost = (index: number, candidates: readonly Bytes[]) =>
    !candidates.some((candidate) => accept(found.lostPages[index]!, candidate));
  let left = found.lostPages.map((_, index) => index)
    .filter((index) => isLost(index, [voteSlots(copies[index]!)]));
  if (left.length === 0) return [];
  const shards = digestShards(folder, manifest, context);
  left = left.filter((index) => {
    const page = found.lostPages[index]!;
    const stored = pageOf(shards.stored, page),
      encoded = pageOf(shards.encoded, page);
    const mixed = mixSlots(copies[index]!, [stored, encoded]);
    return isLost(index, [stored, encoded, mixed]);
  });
  return left.map((index) => found.lostPages[index]!);
}

/** A page as each copy has it, right or wrong; short copies are filled with zeros. */
function readRawPages(
  folder: string,
  page: number,
  digests: Bytes,
  context: EngineContext,
): Bytes[] {
  const pages: Bytes[] = [];
  for (const metadataFolder of metadataFolders) {
    const target = new Uint8Array(pageOf(digests, page).length);
    try {
      const path = `${folder}/${metadataPath(metadataFolder, "outboard.bin")}`;
      using file = context.store.openFile(path, "read");
      file.readInto(target, page * outboardPageBytes);
      pages.push(target);
    } catch (error) {
      causeOf(error);
    }
  }
  return pages;
}

/** Slot by slot, the digest that most copies have. */
function voteSlots(copies: readonly Bytes[]): Bytes {
  return chooseSlots(copies, (slots) => mostFrequent(slots));
}

/** Slot by slot: a shard's digest that a copy confirms, else what most copies have. */
function mixSlots(copies: readonly Bytes[], shards: readonly Bytes[]): Bytes {
  return chooseSlots([...copies, ...shards], (slots) => {
    const fromCopies = slots.slice(0, copies.length),
      fromShards = slots.slice(copies.length);
    const confirmed = fromShards.find((slot) =>
      fromCopies.some((copy) => equalBytes(copy, slot))
    );
    return confirmed ??
      mostFrequent(fromCopies.length > 0 ? fromCopies : fromShards);
  });
}

function chooseSlots(
  pages: readonly Bytes[],
  choose: (slots: Bytes[]) => Bytes,
): Bytes {
  const chosen = new Uint8Array(pages[0]?.length ?? 0);
  for (let offset = 0; offset < chosen.length; offset += digestBytes) {
    const slots = pages.map((page) =>
      page.subarray(offset, offset + digestBytes)
    );
    chosen.set(choose(slots), offset);
  }
  return chosen;
}

function mostFrequent(slots: readonly Bytes[]): Bytes {
  const votes = (slot: Bytes) =>
    slots.filter((other) => equalBytes(other, slot)).length;
  return slots.reduce((best, slot) => votes(slot) > votes(best) ? slot : best);
}

/** Digests of all that is stored, and with the parity's computed from the stored data. */
function digestShards(
  folder: string,
  manifest: Manifest,
  context: EngineContext,
): { stored: Bytes; encoded: Bytes } {
  const { geometry } = manifest;
  const stored = new Outboard(geometry), encoded = new Outboard(geometry);
  for (const run of planRowRuns(geometry, context.settings.runBytesMax)) {
    throwIfInterrupted(context);
    const digests = digestStored(folder, geometry, run, context);
    stored.writeRun(run, digests.stored);
    encoded.writeRun(run, digests.encoded);
  }
  return { stored: stored.digests, encoded: encoded.digests };
}
