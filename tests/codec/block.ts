// Block: the shards of one block in WASM memory, as the tests lay them out: each at an odd distance
// from the next, between guard bytes that must stay as they are.

import { equal as assertEquals } from "node:assert/strict";
import { type Bytes, equalBytes } from "../../src/base/bytes.ts";
import type { Codec, Lease } from "../../src/codec/mod.ts";

const guardBytes = 5;
const guard = 0xcc;

/** Shards in memory; dispose gives the memory back. */
export class MemoryBlock implements Disposable {
  readonly offsets: number[];
  readonly bytes: number;
  readonly #lease: Lease;

  /** Room for `count` shards of `bytes` bytes, filled with the guard. */
  constructor(codec: Codec, count: number, bytes: number) {
    const distance = bytes + guardBytes;
    this.bytes = bytes;
    this.#lease = codec.lease(count * distance + guardBytes);
    this.offsets = Array.from(
      { length: count },
      (_, index) => this.#lease.offset + guardBytes + index * distance,
    );
    this.#lease.view().fill(guard);
  }

  write(index: number, shard: Bytes): void {
    this.#view(index).set(shard);
  }

  /** Overwrites a shard with what it is not. */
  destroy(index: number): void {
    const view = this.#view(index);
    for (let at = 0; at < view.length; at++) view[at]! ^= 0x5a;
  }

  flipBit(index: number, at: number): void {
    this.#view(index)[at]! ^= 1 << at % 8;
  }

  copy(index: number): Bytes {
    return this.#view(index).slice();
  }

  holds(index: number, shard: Bytes): boolean {
    return equalBytes(this.#view(index), shard);
  }

  /** Stops unless all shards are `shards` and nothing was written between them. */
  assertHolds(shards: readonly Bytes[], claim: string): void {
    for (const [index, shard] of shards.entries()) {
      assertEquals(this.holds(index, shard), true, `${claim}: shard ${index}`);
    }
    const all = this.#lease.view();
    for (let at = 0; at < all.length; at += this.bytes + guardBytes) {
      for (const byte of all.subarray(at, at + guardBytes)) {
        assertEquals(byte, guard, `${claim}: wrote outside a shard`);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#lease[Symbol.dispose]();
  }

  #view(index: number): Bytes {
    return this.#lease.view(
      this.offsets[index]! - this.#lease.offset,
      this.bytes,
    );
  }
}
