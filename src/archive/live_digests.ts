// Live digests: the digests of an entry for somebody who reads some of it: pages of its outboard, each
// read and verified when it is needed, and a few of them kept. So that what an entry takes in memory,
// and the time until its first byte, do not grow with its size.

import type { Bytes } from "../base/bytes.ts";
import { digestBytes, outboardPageBytes } from "../base/limits.ts";
import { blockShardCount, type RowRun, slotOf } from "../format/geometry.ts";
import type { Manifest } from "../format/manifest.ts";
import { leafCountInRun, Outboard } from "../format/outboard.ts";
import { pageOf } from "../format/pages.ts";
import type { EngineContext } from "./context.ts";
import {
  type FoundOutboard,
  openOutboard,
  pagedOutboard,
} from "./outboard_copies.ts";
import { type PagedFile, readOnePage } from "./paged_copies.ts";
import type { RunDigests } from "./scan_entry.ts";

/** Pages of one entry that are kept: a page has the digests of 128 MiB with leaves of 64 KiB. */
const pagesKept = 64;

/** Digests by run and shard. */
export interface LiveDigests extends RunDigests {
  /** The digests of a run in one shard, row by row. */
  readShard(run: RowRun, shard: number): Bytes;
}

/** The digests of the entry in `folder`. */
export function openLiveDigests(
  folder: string,
  manifest: Manifest,
  context: EngineContext,
): LiveDigests {
  const { outboard } = manifest;
  if (outboard.kind === "inline") {
    return new Outboard(manifest.geometry, outboard.digests);
  }
  return new PagedDigests(folder, manifest, pagedOutboard(manifest)!, context);
}

class PagedDigests implements LiveDigests {
  readonly #folder: string;
  readonly #manifest: Manifest;
  readonly #paged: PagedFile;
  readonly #context: EngineContext;
  /** The page used last at the end. */
  readonly #pages = new Map<number, Bytes>();
  /** All of them, once a page was bad in every copy. */
  #recovered: FoundOutboard | undefined;

  constructor(
    folder: string,
    manifest: Manifest,
    paged: PagedFile,
    context: EngineContext,
  ) {
    this.#folder = folder;
    this.#manifest = manifest;
    this.#paged = paged;
    this.#context = context;
  }

  readShard(run: RowRun, shard: number): Bytes {
    const { geometry } = this.#manifest;
    const first = slotOf(geometry, run.block, shard, run.firstRow);
    const rows = leafCountInRun(geometry, run, shard);
    const digests = new Uint8Array(rows * digestBytes);
    const start = first * digestBytes;
    for (let done = 0; done < digests.length;) {
      const index = Math.floor((start + done) / outboardPageBytes);
      const page = this.#page(index);
      const from = start + done - index * outboardPageBytes;
      const part = page.subarray(from, from + digests.length - done);
      digests.set(part, done);
      done += part.length;
    }
    return digests;
  }

  readRun(run: RowRun): Bytes {
    const shards = blockShardCount(this.#manifest.geometry, run.block);
    const stride = run.rowCount * digestBytes;
    const digests = new Uint8Array(shards * stride);
    for (let shard = 0; shard < shards; shard++) {
      digests.set(this.readShard(run, shard), shard * stride);
    }
    return digests;
  }

  #page(index: number): Bytes {
    const known = this.#pages.get(index);
    if (known !== undefined) {
      this.#pages.delete(index);
      this.#pages.set(index, known);
      return known;
    }
    const page = this.#readPage(index);
    // Copies that are lost together may be back together, with the medium: so this is not kept.
    if (page === undefined) return new Uint8Array(outboardPageBytes);
    this.#pages.set(index, page);
    if (this.#pages.size > pagesKept) {
      this.#pages.delete(this.#pages.keys().next().value!);
    }
    return page;
  }

  /** Undefined where nobody has it: zeros match nothing. */
  #readPage(index: number): Bytes | undefined {
    if (this.#recovered?.lostPages.includes(index) !== false) {
      const read = readOnePage(this.#folder, this.#paged, index, this.#context);
      if (read !== undefined) return read;
    }
    // What health would make of it.
    this.#recovered ??= openOutboard(
      this.#folder,
      this.#manifest,
      this.#context,
    );
    return this.#recovered.lostPages.includes(index)
      ? undefined
      : pageOf(this.#recovered.outboard.digests, index);
  }
}
