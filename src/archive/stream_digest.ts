// Stream digest: BLAKE3 of bytes that come piece by piece, of any length, in constant memory but
// for 32 bytes of every 64 KiB. For whole files; shards of our own have their outboard.

import type { Bytes } from "../base/bytes.ts";
import { digestBytes, leafBytesMax } from "../base/limits.ts";
import type { Codec, Lease } from "../codec/mod.ts";

const roomLeaves = 16;
const roomBytes = roomLeaves * leafBytesMax;

/** One stream. Holds a piece of WASM memory until it is disposed. */
export class StreamDigest implements Disposable {
  readonly #codec: Codec;
  readonly #room: Lease;
  #digests: Bytes = new Uint8Array(roomLeaves * digestBytes);
  #digestCount = 0;
  #filledBytes = 0;
  #streamOffset = 0;

  /** A stream of which nothing has come yet. */
  constructor(codec: Codec) {
    this.#codec = codec;
    this.#room = codec.lease(roomBytes + roomLeaves * digestBytes);
  }

  /** Takes in what comes next. */
  append(bytes: Bytes): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#filledBytes === roomBytes) this.#digestRoom();
      const piece = bytes.subarray(at, at + roomBytes - this.#filledBytes);
      this.#room.view(this.#filledBytes, piece.length).set(piece);
      this.#filledBytes += piece.length;
      at += piece.length;
    }
  }

  /** The digest of all that came; nothing may come after it. */
  finish(): Bytes {
    const isOneLeaf = this.#streamOffset === 0 &&
      this.#filledBytes <= leafBytesMax;
    if (isOneLeaf) {
      return this.#codec.digest(this.#room.view(0, this.#filledBytes));
    }
    this.#digestRoom();
    return this.#codec.rootOf(
      this.#digests.subarray(0, this.#digestCount * digestBytes),
    );
  }

  /** Gives the memory back. */
  [Symbol.dispose](): void {
    this.#room[Symbol.dispose]();
  }

  #digestRoom(): void {
    const bytes = this.#filledBytes;
    const count = Math.ceil(bytes / leafBytesMax);
    this.#codec.digestLeaves({
      source: this.#room.offset,
      bytes,
      leafBytes: leafBytesMax,
      streamOffset: this.#streamOffset,
      target: this.#room.offset + roomBytes,
      wholeStream: false,
    });
    const start = this.#digestCount * digestBytes;
    if (start + count * digestBytes > this.#digests.length) {
      const grown = new Uint8Array(2 * this.#digests.length);
      grown.set(this.#digests);
      this.#digests = grown;
    }
    this.#digests.set(this.#room.view(roomBytes, count * digestBytes), start);
    this.#digestCount += count;
    this.#streamOffset += bytes;
    this.#filledBytes = 0;
  }
}
