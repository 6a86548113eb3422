// Outboard copies: the digests of an entry, put together from four files of which any page may be
// bad. What the copies cannot give is looked for in the shards.

import { type Bytes, equalBytes } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import { digestBytes } from "../base/limits.ts";
import type { Codec } from "../codec/mod.ts";
import {
  payloadLeafCount,
  planAllRuns,
  slotCountOf,
} from "../format/geometry.ts";
import type { Manifest } from "../format/manifest.ts";
import { Outboard } from "../format/outboard.ts";
import { pageOf } from "../format/pages.ts";
import { type EngineContext, throwIfInterrupted } from "./context.ts";
import type { BadCopy } from "./metadata.ts";
import {
  acceptPage,
  chooseSlots,
  type FoundPages,
  mostFrequent,
  type PagedFile,
  readPaged,
  readRawPages,
  voteSlots,
} from "./paged_copies.ts";
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
  const paged = pagedOutboard(manifest);
  if (paged === undefined) return { ...inlineOutboard(manifest) };
  const found = readPaged(folder, paged, context);
  return { ...found, outboard: new Outboard(geometry, found.bytes) };
}

function inlineOutboard(manifest: Manifest): FoundOutboard {
  const { geometry, outboard } = manifest;
  const digests = outboard.kind === "inline"
    ? outboard.digests.slice()
    : undefined;
  return {
    outboard: new Outboard(geometry, digests),
    badCopies: [],
    lostPages: [],
  };
}

/** The outboard as a file in copies; undefined where it lies in the manifest. */
export function pagedOutboard(manifest: Manifest): PagedFile | undefined {
  const { geometry, outboard } = manifest;
  if (outboard.kind === "inline") return undefined;
  return {
    name: "outboard.bin",
    role: "outboard",
    record: {
      bytes: slotCountOf(geometry) * digestBytes,
      pageDigests: outboard.pageDigests,
    },
  };
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
  const paged = pagedOutboard(manifest);
  const found = paged === undefined
    ? inlineOutboard(manifest)
    : recoverOutboard(folder, manifest, paged, context);
  if (
    found.lostPages.length === 0 &&
    !verifyRoot(manifest, found.outboard, context.codec)
  ) {
    throw new Failure(
      "damaged",
      `The digests of "${folder}" contradict its root`,
    );
  }
  return found;
}

/** Reads the outboard; tries to find out the pages that no copy has right. */
function recoverOutboard(
  folder: string,
  manifest: Manifest,
  paged: PagedFile,
  context: EngineContext,
): FoundOutboard {
  const found: FoundPages = readPaged(folder, paged, context);
  const outboard = new Outboard(manifest.geometry, found.bytes);
  const { lostPages, badCopies } = found;
  if (lostPages.length === 0) return { outboard, badCopies, lostPages };
  const isLost = (page: number, candidates: readonly Bytes[]) =>
    !acceptPage(found, page, candidates, paged.record, context.codec);
  const copies = new Map(
    lostPages.map((page) => [page, readRawPages(folder, paged, page, context)]),
  );
  let left = lostPages.filter((page) =>
    isLost(page, [voteSlots(copies.get(page)!)])
  );
  if (left.length > 0) {
    const shards = digestShards(folder, manifest, context);
    left = left.filter((page) => {
      const stored = pageOf(shards.stored, page);
      const encoded = pageOf(shards.encoded, page);
      const mixed = mixSlots(copies.get(page)!, [stored, encoded]);
      return isLost(page, [stored, encoded, mixed]);
    });
  }
  return { outboard, badCopies, lostPages: left };
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

/** Digests of all that is stored, and with the parity's computed from the stored data. */
function digestShards(
  folder: string,
  manifest: Manifest,
  context: EngineContext,
): { stored: Bytes; encoded: Bytes } {
  const { geometry } = manifest;
  const stored = new Outboard(geometry), encoded = new Outboard(geometry);
  for (const run of planAllRuns(geometry, context.settings.runBytesMax)) {
    throwIfInterrupted(context);
    const digests = digestStored(folder, geometry, run, context);
    stored.writeRun(run, digests.stored);
    encoded.writeRun(run, digests.encoded);
  }
  return { stored: stored.digests, encoded: encoded.digests };
}
