// Outboard: the digests of all leaves of an entry, in slots (see geometry.ts), and how they are kept
// verifiable: a small outboard lies inside the manifest; a larger one is a file whose 64 KiB pages
// the manifest lists by their BLAKE3, so that a good page of any copy can stand for a bad one.

import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import {
  digestBytes,
  outboardInlineBytesMax,
  outboardPageBytes,
} from "../base/limits.ts";
import {
  blockShardCount,
  type Geometry,
  type RowRun,
  runLength,
  slotCountOf,
  slotOf,
} from "./geometry.ts";
import { type Digester, planPages } from "./pages.ts";

/** What the manifest holds of an outboard. */
export type OutboardRecord =
  | { readonly kind: "inline"; readonly digests: Bytes }
  | { readonly kind: "pages"; readonly pageDigests: Bytes };

/** Slots of one page. */
export const pageSlotCount: number = outboardPageBytes / digestBytes;

/** Pages of an outboard of `slotCount` digests. */
export function pageCountOf(slotCount: number): number {
  return Math.ceil(slotCount / pageSlotCount);
}

/** Whether an outboard of `slotCount` digests lies inside the manifest. */
export function isInline(slotCount: number): boolean {
  return slotCount * digestBytes <= outboardInlineBytesMax;
}

/** The record of finished digests. */
export function planOutboardRecord(
  digests: Bytes,
  digest: Digester,
): OutboardRecord {
  const slotCount = digests.length / digestBytes;
  if (isInline(slotCount)) return { kind: "inline", digests };
  const { pageDigests } = planPages(digests, digest);
  return { kind: "pages", pageDigests };
}

/** The digests of an entry as far as they are known. A slot of zeros is unknown and matches nothing. */
export class Outboard {
  readonly #geometry: Geometry;
  /** All digests, slot by slot; owned by this object. */
  readonly digests: Bytes;

  /** An outboard with all slots unknown, or with the given digests, which it then owns. */
  constructor(geometry: Geometry, digests?: Bytes) {
    const bytes = slotCountOf(geometry) * digestBytes;
    assert(
      digests === undefined || digests.length === bytes,
      "an outboard has one digest a slot",
    );
    this.#geometry = geometry;
    this.digests = digests ?? new Uint8Array(bytes);
  }

  /** The digests of a run: all rows of its first shard, then of the next. A new array. */
  readRun(run: RowRun): Bytes {
    const shards = blockShardCount(this.#geometry, run.block);
    const stride = run.rowCount * digestBytes;
    const digests = new Uint8Array(shards * stride);
    for (let shard = 0; shard < shards; shard++) {
      digests.set(this.#slots(run, shard), shard * stride);
    }
    return digests;
  }

  /** The digests of a run in one shard, row by row. A new array. */
  readShard(run: RowRun, shard: number): Bytes {
    return this.#slots(run, shard).slice();
  }

  /** Takes the digests of a run, laid out as readRun gives them. */
  writeRun(run: RowRun, digests: Bytes): void {
    const shards = blockShardCount(this.#geometry, run.block);
    const stride = run.rowCount * digestBytes;
    assert(
      digests.length === shards * stride,
      "a run has one digest a row and shard",
    );
    for (let shard = 0; shard < shards; shard++) {
      const slots = this.#slots(run, shard);
      slots.set(
        digests.subarray(shard * stride, shard * stride + slots.length),
      );
    }
  }

  /** The slots of a run in one shard: fewer than its rows where the last segment is shorter. */
  #slots(run: RowRun, shard: number): Bytes {
    const geometry = this.#geometry;
    const first = slotOf(geometry, run.block, shard, run.firstRow);
    const rows = leafCountInRun(geometry, run, shard);
    return this.digests.subarray(
      first * digestBytes,
      (first + rows) * digestBytes,
    );
  }
}

/** Leaves of a run in one shard. */
export function leafCountInRun(
  geometry: Geometry,
  run: RowRun,
  shard: number,
): number {
  return Math.ceil(runLength(geometry, run, shard) / geometry.leafBytes);
}
