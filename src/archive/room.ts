// Room: what an entry or a file needs of a disk, what there is, and how that is said. What cannot fit
// is refused before anything is written; what was thought to fit and did not says what it lacked.

import { Failure, isFailure } from "../base/errors.ts";
import { digestBytes, metadataCopyCount } from "../base/limits.ts";
import { formatSize } from "../base/size.ts";
import {
  type Geometry,
  parityBytesOf,
  slotCountOf,
} from "../format/geometry.ts";
import { isInline, pageCountOf } from "../format/outboard.ts";
import type { Store } from "../store/store.ts";
import type { EngineContext } from "./context.ts";

/** A manifest but for its digests, which are in hexadecimal digits. */
const manifestBytes = 1024;
const digestTextBytes = 2 * digestBytes;

/** What a commit needs room for. */
export interface RoomRequest {
  /** What is committed, in the caller's words. */
  readonly label: string;
  readonly geometry: Geometry;
  /** Bytes that the source takes where it lies, holes left out, if known. */
  readonly allocatedBytes?: number;
  /** The share of it that is there already: 0 to 1. */
  readonly shareDone: number;
  /** Bytes that are there already besides. */
  readonly bytesThere: number;
}

/** Bytes that a whole entry takes: shards, and all copies of the metadata. */
export function entryBytesOf(geometry: Geometry): number {
  const slots = slotCountOf(geometry);
  const metadata = isInline(slots)
    ? manifestBytes + slots * digestTextBytes
    : manifestBytes + pageCountOf(slots) * digestTextBytes +
      slots * digestBytes;
  return geometry.payloadBytes + parityBytesOf(geometry) +
    metadataCopyCount * metadata;
}

/**
 * Refuses a large entry that cannot fit. Holes of the source need no room in the entry, and less in
 * its parity, so only what is certain is refused.
 * @throws {Failure} `no-space`
 */
export function refuseTooLarge(
  request: RoomRequest,
  context: EngineContext,
): void {
  const { label, geometry, allocatedBytes, shareDone, bytesThere } = request;
  const { preflightBytesMin = Infinity } = context.settings;
  // To ask takes longer than to write a small entry and to fail.
  if (geometry.payloadBytes < preflightBytesMin) return;
  const free = context.store.freeBytes();
  if (free === undefined) return;
  const whole = entryBytesOf(geometry);
  const { payloadBytes } = geometry;
  const solid = Math.min(payloadBytes, allocatedBytes ?? payloadBytes);
  const share = solid / payloadBytes * (1 - shareDone);
  const needed = Math.floor(whole * share) - bytesThere;
  if (needed <= free) return;
  throw new Failure(
    "no-space",
    `Cannot commit "${label}": it needs ${
      formatSize(needed)
    } on the archive's disk, of which ` +
      `${formatSize(free)} are free: ${
        formatSize(needed - free)
      } are missing. ` +
      `Nothing was written`,
  );
}

/** What is said of a full disk while an entry was made; any other error as it is. */
export function explainFullArchive(
  error: unknown,
  request: Pick<RoomRequest, "label" | "geometry">,
  isKept: boolean,
  context: EngineContext,
): unknown {
  if (!isFailure(error, "no-space")) return error;
  const room = describeRoom(entryBytesOf(request.geometry), context.store);
  const state = isKept ? "No entry was changed" : "The archive is as it was";
  return new Failure(
    "no-space",
    `Cannot commit "${request.label}": the archive's disk is full: ${room}. ${state}`,
    { cause: error },
  );
}

/** What is said of a full disk while a file was restored; any other error as it is. */
export function explainFullOutput(
  error: unknown,
  label: string,
  payloadBytes: number,
  store: Store,
): unknown {
  if (!isFailure(error, "no-space")) return error;
  const room = describeRoom(payloadBytes, store);
  return new Failure(
    "no-space",
    `Cannot restore to "${label}": the disk is full: ${room}. Nothing was left there`,
    { cause: error },
  );
}

function describeRoom(needed: number, store: Store): string {
  const free = store.freeBytes();
  const needs = `it needs about ${formatSize(needed)}`;
  return free === undefined
    ? needs
    : `${needs}, and ${formatSize(free)} are free`;
}
