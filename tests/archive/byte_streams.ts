// Byte streams for tests: bytes that come in parts of chance sizes, and a place that remembers what
// was written to it.

import type { ByteReader, ByteWriter } from "../../src/base/byte_stream.ts";
import { type Bytes, joinBytes } from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";

/** A stream of `bytes`, in parts of up to `partBytesMax`, that then ends, or fails with `error`. */
export function streamOf(
  bytes: Bytes,
  partBytesMax = 5000,
  error?: Error,
): ByteReader {
  const chance = new Prng(bytes.length + 1);
  let at = 0;
  return {
    read: (target) => {
      const part = bytes.subarray(
        at,
        at + Math.min(target.length, 1 + chance.below(partBytesMax)),
      );
      if (part.length === 0 && error !== undefined) {
        return Promise.reject(error);
      }
      target.set(part);
      at += part.length;
      return Promise.resolve(part.length);
    },
  };
}

/** Takes everything; fails with `error` once it has `bytesMax` bytes. */
export class Collector implements ByteWriter {
  readonly #parts: Bytes[] = [];
  readonly #bytesMax: number;
  readonly #error: Error | undefined;
  byteCount = 0;
  writeCount = 0;

  constructor(bytesMax: number = Infinity, error?: Error) {
    this.#bytesMax = bytesMax;
    this.#error = error;
  }

  async write(source: Bytes): Promise<void> {
    if (this.byteCount + source.length > this.#bytesMax) throw this.#error;
    const copy = source.slice();
    await Promise.resolve();
    this.#parts.push(copy);
    this.byteCount += copy.length;
    this.writeCount++;
  }

  /** All that was written. */
  bytes(): Bytes {
    return joinBytes(this.#parts);
  }
}
