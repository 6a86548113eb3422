// Arena: who owns which run of the WebAssembly module's memory. The only file that touches
// `memory.buffer`: growing the memory detaches every view of it without a word, so views are made
// where they are used and kept by nobody. Assumes one thread, as each has an instance of its own.

import * as wasm from "./blockframe.wasm";
import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";

/** A run of WASM memory; dispose gives it back. */
export interface Lease extends Disposable {
  /** Where it begins in WASM memory; a multiple of 64. */
  readonly offset: number;
  /** How long it is. */
  readonly bytes: number;
  /**
   * A view of `length` bytes (default: to the end) from `from` on (default: 0). Never hold it
   * across an await or another lease() call: the memory may grow, which empties the view.
   */
  view(from?: number, length?: number): Bytes;
}

/** Most memory that leases can take together. */
export const arenaBytesMax: number = 1024 * 1024 * 1024;

/** What leases are aligned to: a cache line, so that no vector load of a shard straddles two. */
const alignmentBytes = 64;
const pageBytes = 64 * 1024;

interface Gap {
  offset: number;
  bytes: number;
}

const start = roundUp(wasm.arena_start(), alignmentBytes);

/** Free runs, by offset; no two touch. Everything from `end` on has never been leased. */
const gaps: Gap[] = [];
let end = start;

/**
 * Takes `bytes` bytes, whose content is undefined.
 * @throws {AssertionError} when all leases together would exceed `arenaBytesMax`
 */
export function lease(bytes: number): Lease {
  assert(Number.isSafeInteger(bytes) && bytes >= 0, "a lease has a size");
  const reserved = Math.max(roundUp(bytes, alignmentBytes), alignmentBytes);
  const offset = takeGap(reserved) ?? extend(reserved);
  let held = true;
  return {
    offset,
    bytes,
    view(from = 0, length = bytes - from): Bytes {
      assert(held, "a lease is not used after it was given back");
      assert(
        from >= 0 && length >= 0 && from + length <= bytes,
        "a view lies within its lease",
      );
      return viewOf(offset + from, length);
    },
    [Symbol.dispose]() {
      if (held) giveBack(offset, reserved);
      held = false;
    },
  };
}

/** A view of any bytes of the memory, for the time until something may lease again. */
export function viewOf(offset: number, bytes: number): Bytes {
  return new Uint8Array(wasm.memory.buffer, offset, bytes);
}

/** Writes 32-bit words, such as a list of offsets. `offset` is a multiple of 4. */
export function writeWords(
  offset: number,
  words: ArrayLike<number>,
): void {
  new Uint32Array(wasm.memory.buffer, offset, words.length).set(words);
}

/** Where `bytes` lie in WASM memory, or `undefined` if they lie in the JavaScript heap. */
export function offsetOf(bytes: Bytes): number | undefined {
  return bytes.buffer === wasm.memory.buffer ? bytes.byteOffset : undefined;
}

/**
 * Stops a caller who passes a place that leases cannot have given it.
 * @throws {AssertionError}
 */
export function assertLeased(offset: number, bytes: number): void {
  assert(
    offset >= start && bytes >= 0 && offset + bytes <= end,
    "an offset passed to the codec lies in leased memory",
  );
}

/** The first gap that is long enough, which keeps the arena's end low. */
function takeGap(bytes: number): number | undefined {
  const index = gaps.findIndex((gap) => gap.bytes >= bytes);
  const gap = gaps[index];
  if (gap === undefined) return undefined;
  const { offset } = gap;
  gap.offset += bytes;
  gap.bytes -= bytes;
  if (gap.bytes === 0) gaps.splice(index, 1);
  return offset;
}

function extend(bytes: number): number {
  const offset = end;
  assert(offset + bytes - start <= arenaBytesMax, "leases stay within 1 GiB");
  const missing = offset + bytes - wasm.memory.buffer.byteLength;
  if (missing > 0) wasm.memory.grow(Math.ceil(missing / pageBytes));
  end = offset + bytes;
  return offset;
}

function giveBack(offset: number, bytes: number): void {
  let index = gaps.findIndex((gap) => gap.offset > offset);
  if (index < 0) index = gaps.length;
  gaps.splice(index, 0, { offset, bytes });
  joinGaps(index);
  if (index > 0) joinGaps(index - 1);
  const last = gaps.at(-1);
  if (last !== undefined && last.offset + last.bytes === end) {
    end = last.offset;
    gaps.pop();
  }
}

/** Joins the gap at `index` with the next one if they touch. */
function joinGaps(index: number): void {
  const gap = gaps[index];
  const next = gaps[index + 1];
  if (gap === undefined || next === undefined) return;
  if (gap.offset + gap.bytes !== next.offset) return;
  gap.bytes += next.bytes;
  gaps.splice(index + 1, 1);
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
