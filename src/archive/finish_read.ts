// Finish a read: from pieces that are loaded to the bytes that were asked for. Knows no store; the
// pieces stay pinned until what it gives is disposed.

import type { Geometry } from "../format/geometry.ts";
import type { Piece } from "./cached_piece.ts";
import type { HeldPiece, LeafCache, LostRows } from "./leaf_cache.ts";
import { VerifiedBytes, type VerifiedRead } from "./verified_read.ts";

/** The bytes of a range whose pieces are loaded, unless some of them are lost. */
export function finishRead(
  { leafBytes }: Geometry,
  pieces: readonly Piece[],
  held: readonly HeldPiece[],
  lost: readonly LostRows[],
  payloadOffset: number,
  end: number,
  memory: { readonly cache: LeafCache; readonly release: () => void },
): VerifiedRead {
  for (const [index, piece] of pieces.entries()) {
    for (const row of lost[index]!) {
      const from = piece.payloadOffset + row * leafBytes;
      const to = Math.min(
        from + leafBytes,
        piece.payloadOffset + piece.bytes,
      );
      if (to <= payloadOffset || from >= end) continue;
      memory.release();
      const range = { payloadOffset: from, bytes: to - from };
      return { kind: "lost", range };
    }
  }
  const parts = pieces.map((piece, index) => {
    const from = Math.max(payloadOffset - piece.payloadOffset, 0);
    const to = Math.min(end - piece.payloadOffset, piece.bytes);
    const { buffer, offset } = memory.cache.memoryOf(
      held[index]!.slot,
      from,
      to - from,
    );
    return new Uint8Array(buffer, offset, to - from);
  });
  return { kind: "bytes", bytes: new VerifiedBytes(parts, memory.release) };
}

/**
 * All results, once every one is there: a slot of which another thread is still writing must not be
 * given away because a piece beside it failed.
 */
export async function settled(
  waits: readonly (LostRows | Promise<LostRows>)[],
): Promise<LostRows[]> {
  const results = await Promise.allSettled(waits);
  return results.map((each) => {
    if (each.status === "rejected") throw each.reason;
    return each.value;
  });
}
