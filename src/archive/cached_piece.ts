// Pieces: how a range of the payload maps to the pieces that the reader's cache holds. Pure arithmetic
// over the geometry.

import { assert } from "../base/assert.ts";
import {
  blockDataShards,
  type Geometry,
  type RowRun,
  segmentCountOf,
  segmentLength,
} from "../format/geometry.ts";
import { pieceBytes } from "./leaf_cache.ts";

/** A piece of an entry. */
export interface Piece {
  /** Its number among all pieces of the entry, in payload order. */
  readonly index: number;
  readonly segment: number;
  /** Where it begins in its segment, bytes. */
  readonly segmentOffset: number;
  /** Where it begins in the payload, bytes. */
  readonly payloadOffset: number;
  readonly bytes: number;
}

/** Numbers that the pieces of an entry take, from 0 on. */
export function pieceCountOf(geometry: Geometry): number {
  return segmentCountOf(geometry) * piecesPerSegment(geometry);
}

/** The piece that holds the payload byte at `payloadOffset`. */
export function pieceAt(geometry: Geometry, payloadOffset: number): Piece {
  assert(
    payloadOffset >= 0 && payloadOffset < geometry.payloadBytes,
    "a piece lies in the payload",
  );
  const segment = Math.floor(payloadOffset / geometry.segmentBytes);
  const base = segment * geometry.segmentBytes;
  const place = Math.floor((payloadOffset - base) / pieceBytes);
  const segmentOffset = place * pieceBytes;
  return {
    index: segment * piecesPerSegment(geometry) + place,
    segment,
    segmentOffset,
    payloadOffset: base + segmentOffset,
    bytes: Math.min(
      pieceBytes,
      segmentLength(geometry, segment) - segmentOffset,
    ),
  };
}

function piecesPerSegment({ segmentBytes }: Geometry): number {
  return Math.ceil(segmentBytes / pieceBytes);
}

/** The pieces of `payloadOffset` and on, before `end`, in order. */
export function* piecesOf(
  geometry: Geometry,
  payloadOffset: number,
  end: number,
): Generator<Piece> {
  for (let offset = payloadOffset; offset < end;) {
    const piece = pieceAt(geometry, offset);
    yield piece;
    offset = piece.payloadOffset + piece.bytes;
  }
}

/** The rows of consecutive pieces of one segment, and the shard that the segment is. */
export function rowsOf(
  geometry: Geometry,
  first: Piece,
  bytes: number,
): { run: RowRun; shard: number } {
  const block = Math.floor(first.segment / geometry.dataShards);
  const shard = first.segment - block * geometry.dataShards;
  assert(
    shard < blockDataShards(geometry, block),
    "a segment is a data shard of its block",
  );
  const run = {
    block,
    firstRow: first.segmentOffset / geometry.leafBytes,
    rowCount: Math.ceil(bytes / geometry.leafBytes),
  };
  return { run, shard };
}
