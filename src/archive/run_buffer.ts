// RunBuffer: the shards of one run of rows, side by side in WASM memory, one stride each. The memory
// beyond a shard's end is kept zero, because the code treats short shards as padded with zeros.

import type { Bytes } from "../base/bytes.ts";
import { digestBytes } from "../base/limits.ts";
import type { Codec, Coder, Lease } from "../codec/mod.ts";
import {
  blockDataShards,
  blockParityShards,
  type Geometry,
  payloadOffsetOf,
  type RowRun,
  runLength,
  shardLength,
} from "../format/geometry.ts";

/**
 * Shards that lie a power of two apart compete for the same cache sets: three cache lines between
 * them make encoding 7 to 14 % faster (docs/performance.md, "192 B between").
 */
const shardGapBytes = 192;

/** Leased memory for one run. Disposing gives it back. */
export class RunBuffer implements Disposable {
  readonly geometry: Geometry;
  readonly run: RowRun;
  /** Data shards of this block. */
  readonly dataShards: number;
  /** Parity shards of this block. */
  readonly parityShards: number;
  /** Data and parity shards of this block. */
  readonly shardCount: number;
  /** Bytes from one shard's start to the next one's. */
  readonly stride: number;
  readonly coder: Coder;
  readonly #codec: Codec;
  readonly #lease: Lease;
  readonly #digestLease: Lease;

  /** Leases memory for `run`; its content is arbitrary. */
  constructor(codec: Codec, geometry: Geometry, run: RowRun) {
    this.geometry = geometry;
    this.run = run;
    this.dataShards = blockDataShards(geometry, run.block);
    this.parityShards = blockParityShards(geometry, run.block);
    this.shardCount = this.dataShards + this.parityShards;
    this.stride = run.rowCount * geometry.leafBytes + shardGapBytes;
    this.coder = codec.coder(this.dataShards, this.parityShards);
    this.#codec = codec;
    this.#lease = codec.lease(this.stride * this.shardCount);
    this.#digestLease = codec.lease(run.rowCount * digestBytes);
  }

  /** Memory offset of a shard's rows, from row `rowIndex` of the run. */
  offsetOf(shard: number, rowIndex = 0): number {
    return this.#lease.offset + shard * this.stride +
      rowIndex * this.geometry.leafBytes;
  }

  /** Memory offsets of all shards, from row `rowIndex` of the run. */
  offsets(rowIndex = 0): number[] {
    return Array.from(
      { length: this.shardCount },
      (_, shard) => this.offsetOf(shard, rowIndex),
    );
  }

  /** Bytes that the shard has in this run. */
  lengthOf(shard: number): number {
    return runLength(this.geometry, this.run, shard);
  }

  /** Bytes that the longest shard has in this run: what the code works on. */
  codeLength(): number {
    return this.lengthOf(0);
  }

  /** A view of a shard's bytes; gone with the next lease. */
  view(
    shard: number,
    from = 0,
    length: number = this.lengthOf(shard) - from,
  ): Bytes {
    return this.#lease.view(shard * this.stride + from, length);
  }

  /** Zeroes the memory beyond the shard's end in this run. */
  padShard(shard: number): void {
    const length = this.lengthOf(shard);
    if (length < this.stride) {
      this.view(shard, length, this.stride - length).fill(0);
    }
  }

  /**
   * Digests of some rows of a shard, as its own stream (parity) or the payload's (data) has them.
   * A view that the next call overwrites.
   */
  digestRows(
    shard: number,
    firstIndex: number = 0,
    count: number = this.run.rowCount,
  ): Bytes {
    return this.digestRowsAs(shard, shard, firstIndex, count);
  }

  /** Digests of the bytes of shard `source`, as if they were those of shard `target`. */
  digestRowsAs(
    source: number,
    target: number,
    firstIndex: number = 0,
    count: number = this.run.rowCount,
  ): Bytes {
    const { geometry, run } = this;
    const from = firstIndex * geometry.leafBytes;
    const bytes = Math.max(
      0,
      Math.min(this.lengthOf(target) - from, count * geometry.leafBytes),
    );
    if (bytes === 0) return new Uint8Array(0);
    const isData = target < this.dataShards;
    const shardOffset = run.firstRow * geometry.leafBytes + from;
    const streamBytes = isData
      ? geometry.payloadBytes
      : shardLength(geometry, run.block, target);
    this.#codec.digestLeaves({
      source: this.offsetOf(source) + from,
      bytes,
      leafBytes: geometry.leafBytes,
      streamOffset: isData
        ? payloadOffsetOf(geometry, run.block, target, shardOffset)
        : shardOffset,
      target: this.#digestLease.offset,
      wholeStream: streamBytes <= geometry.leafBytes,
    });
    return this.#digestLease.view(
      0,
      Math.ceil(bytes / geometry.leafBytes) * digestBytes,
    );
  }

  /** Gives the memory back. */
  [Symbol.dispose](): void {
    this.#digestLease[Symbol.dispose]();
    this.#lease[Symbol.dispose]();
  }
}
