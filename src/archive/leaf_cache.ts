// Leaf cache: verified payload bytes in memory that all threads see, in slots of one piece each. A
// piece is up to 64 KiB of consecutive bytes of one segment: one leaf, or several small ones. Bytes in
// a slot are believed once they are marked right; what is being loaded is loaded once for all who wait
// (single flight). The memory is taken at once and filled as it is used.

import { assert, present } from "../base/assert.ts";
import { Failure } from "../base/errors.ts";
import { leafBytesMax } from "../base/limits.ts";
import { formatSize } from "../base/size.ts";
import { TinyLfu } from "./tiny_lfu.ts";
import type { SharedBytes } from "./worker_protocol.ts";

/** Bytes of a slot. */
export const pieceBytes: number = leafBytesMax;

/** The smallest cache: some requests of 1 MiB side by side and their read-ahead. */
export const cacheBytesMin: number = 16 * 1024 * 1024;

/** The largest: what one SharedArrayBuffer can be counted on to hold. */
export const cacheBytesMax: number = 4 * 1024 * 1024 * 1024 - pieceBytes;

/** What a piece turned out to be: which of its rows are lost. With none, all bytes are right. */
export type LostRows = readonly number[];

const none: LostRows = [];

/** A piece in its slot, pinned by whoever holds this. */
export interface HeldPiece {
  readonly slot: number;
  /** Settled once every byte is right, or known to be lost. */
  readonly lost: LostRows | Promise<LostRows>;
}

/** A slot that is to be filled. */
export interface NewPiece extends HeldPiece {
  /** Says how it ended; a rejected promise fails for all who wait. */
  settle(outcome: LostRows | Promise<never>): void;
}

/** Verified pieces by key. */
export class LeafCache {
  readonly #memory: SharedArrayBuffer;
  readonly #directory: TinyLfu;
  /** Pieces by slot that are not known to be right: under way, or lost. */
  readonly #states = new Map<number, LostRows | Promise<LostRows>>();
  #pinnedCount = 0;

  /** A cache of at most `bytes` bytes. @throws {Failure} `invalid-argument` outside the bounds */
  constructor(bytes: number) {
    if (!(bytes >= cacheBytesMin && bytes <= cacheBytesMax)) {
      throw new Failure(
        "invalid-argument",
        `The cache must be from ${
          formatSize(cacheBytesMin)
        } to just below 4 GiB, ` +
          `not ${formatSize(bytes)}`,
      );
    }
    const slotCount = Math.floor(bytes / pieceBytes);
    this.#memory = new SharedArrayBuffer(slotCount * pieceBytes);
    this.#directory = new TinyLfu(slotCount);
  }

  /** How many pieces it can hold. */
  get slotCount(): number {
    return this.#directory.slotCount;
  }

  /** Pins held now, for tests: 0 when nobody reads. */
  get pinnedCount(): number {
    return this.#pinnedCount;
  }

  /** Whether the piece is here or under way; counted as no access. */
  has(key: number): boolean {
    return this.#directory.has(key);
  }

  /** The piece, pinned, if it is here or under way. */
  take(key: number): HeldPiece | undefined {
    const slot = this.#directory.find(key);
    if (slot === undefined) return undefined;
    this.#directory.pin(slot);
    this.#pinnedCount++;
    return { slot, lost: this.#states.get(slot) ?? none };
  }

  /**
   * A slot for a piece that is not here, pinned; others who ask for it wait until it is settled.
   * Undefined when every slot is pinned.
   */
  add(key: number): NewPiece | undefined {
    const slot = this.#directory.insert(key);
    if (slot === undefined) return undefined;
    this.#pinnedCount++;
    const { promise, resolve } = Promise.withResolvers<LostRows>();
    promise.catch(() => {}); // everybody who waits hears of it; there may be nobody
    this.#states.set(slot, promise);
    return {
      slot,
      lost: promise,
      settle: (outcome) => {
        assert(this.#states.get(slot) === promise, "a piece is settled once");
        if (!(outcome instanceof Promise) && outcome.length === 0) {
          this.#states.delete(slot);
        } else this.#states.set(slot, outcome);
        resolve(outcome);
      },
    };
  }

  /** Gives back a pin. What is not right is forgotten with the last one, and read anew next time. */
  release(piece: HeldPiece): void {
    this.#pinnedCount--;
    const left = this.#directory.unpin(piece.slot);
    if (left > 0 || !this.#states.has(piece.slot)) return;
    this.#states.delete(piece.slot);
    this.#directory.remove(piece.slot);
  }

  /** The memory of a slot, from `from` on. */
  memoryOf(slot: number, from: number, bytes: number): SharedBytes {
    assert(
      slot >= 0 && slot < this.slotCount && from >= 0 && bytes >= 0 &&
        from + bytes <= pieceBytes,
      "a part of a piece lies in its slot",
    );
    return {
      buffer: present(this.#memory, "the cache has memory"),
      offset: slot * pieceBytes + from,
      bytes,
    };
  }
}
