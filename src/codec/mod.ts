// Codec: the typed, synchronous face of the WebAssembly module: Reed-Solomon, BLAKE3, CRC32C over
// bytes that lie in its memory. Assumes one thread per instance (each thread that imports this has
// its own). Does no I/O, asks for no permission, and throws for nothing but mistakes of the caller.

import * as wasm from "./blockframe.wasm";
import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { digestBytes, leafBytesMax, leafBytesMin } from "../base/limits.ts";
import { assertLeased, type Lease, lease, offsetOf, viewOf } from "./arena.ts";
import { type Coder, createCoder } from "./coder.ts";

export type { Bytes, Coder, Lease };

/** Consecutive leaves of a stream, and where their digests go. */
export interface LeafRun {
  /** Memory offset of the first leaf. */
  readonly source: number;
  /** Bytes of all leaves together; every leaf but the last is full. */
  readonly bytes: number;
  /** Bytes of a full leaf: a power of two from 1 KiB to 64 KiB. */
  readonly leafBytes: number;
  /** Where the run begins in its stream; a multiple of `leafBytes`. */
  readonly streamOffset: number;
  /** Memory offset for 32 bytes per leaf. */
  readonly target: number;
  /**
   * Whether the run is the whole stream. The digest of a stream that is one leaf is its plain
   * BLAKE3 hash; other leaves get the chaining value of their place in the stream.
   */
  readonly wholeStream: boolean;
}

/** Coders kept for reuse; a process works with a handful of policies. */
const keptCodersMax = 64;

/** What a call copies into WASM memory at a time, of bytes that are not there yet. */
const pieceBytes = 256 * 1024;
const pieceDigests = leafBytesMax / digestBytes;

/** The BLAKE3 chunk: leaves are numbered in these (BLAKE3 paper, section 2.1). */
const chunkBytes = leafBytesMin;

/** The thread's codec: memory leases, digests, checksums, coders. */
export class Codec {
  static #instance: Codec | undefined;
  readonly #coders = new Map<string, Coder>();
  /**
   * Room for one piece and the digests of its leaves. Taken at once: a lease may grow the memory,
   * which would empty the views that callers pass to the methods below.
   */
  readonly #room: Lease = lease(pieceBytes + leafBytesMax);

  private constructor() {}

  /** The one codec of this thread. */
  static open(): Codec {
    return Codec.#instance ??= new Codec();
  }

  /**
   * Takes `bytes` bytes of WASM memory, whose content is undefined.
   * @throws {AssertionError} when all leases together would exceed 1 GiB
   */
  lease(bytes: number): Lease {
    return lease(bytes);
  }

  /** Writes the digest of every leaf of `run`: ceil(bytes / leafBytes) times 32 bytes. */
  digestLeaves(run: LeafRun): void {
    const { source, bytes, leafBytes, streamOffset, target, wholeStream } = run;
    assert(
      leafBytes >= leafBytesMin && leafBytes <= leafBytesMax &&
        (leafBytes & (leafBytes - 1)) === 0,
      "a leaf is a power of two from 1 KiB to 64 KiB",
    );
    assert(
      Number.isSafeInteger(streamOffset) && streamOffset >= 0 &&
        streamOffset % leafBytes === 0,
      "a run begins at a leaf",
    );
    assert(!wholeStream || streamOffset === 0, "a whole stream begins at 0");
    assertLeased(source, bytes);
    assertLeased(target, Math.ceil(bytes / leafBytes) * digestBytes);
    if (bytes === 0) return;
    const chunk = streamOffset / chunkBytes;
    wasm.digest_leaves(
      source,
      bytes,
      leafBytes,
      chunk >>> 0,
      Math.floor(chunk / 2 ** 32),
      target,
      wholeStream ? 1 : 0,
    );
  }

  /**
   * The root of the tree over the digests of all leaves of a stream, one after the other. The
   * root over one digest is that digest.
   */
  rootOf(leafDigests: Bytes): Bytes {
    assert(
      leafDigests.length >= digestBytes &&
        leafDigests.length % digestBytes === 0,
      "a root is over whole digests, at least one",
    );
    let level = leafDigests;
    while (level.length > leafBytesMax) level = this.#mergePieces(level);
    return this.#merge(level, true);
  }

  /** Plain BLAKE3 of any bytes. */
  digest(bytes: Bytes): Bytes {
    const leafCount = Math.max(1, Math.ceil(bytes.length / leafBytesMax));
    const digests = new Uint8Array(leafCount * digestBytes);
    const room = this.#room;
    const target = room.offset + pieceBytes;
    const wholeStream = bytes.length <= leafBytesMax ? 1 : 0;
    let at = 0;
    do {
      const piece = bytes.subarray(at, at + pieceBytes);
      const source = place(piece, room);
      const chunk = at / chunkBytes;
      wasm.digest_leaves(
        source,
        piece.length,
        leafBytesMax,
        chunk >>> 0,
        Math.floor(chunk / 2 ** 32),
        target,
        wholeStream,
      );
      const count = Math.max(1, Math.ceil(piece.length / leafBytesMax));
      digests.set(
        viewOf(target, count * digestBytes),
        at / leafBytesMax * digestBytes,
      );
      at += pieceBytes;
    } while (at < bytes.length);
    return this.rootOf(digests);
  }

  /** CRC32C of `bytes` that follow a run whose CRC32C is `seed` (default: none). */
  crc32c(bytes: Bytes, seed = 0): number {
    const room = this.#room;
    let checksum = seed;
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = bytes.subarray(at, at + pieceBytes);
      checksum = wasm.crc32c(place(piece, room), piece.length, checksum);
    }
    return checksum >>> 0;
  }

  /**
   * The coder for k data and m parity shards.
   * @throws {AssertionError} outside k >= 1, m >= 0, k+m <= 256
   */
  coder(dataShards: number, parityShards: number): Coder {
    const key = `${dataShards}+${parityShards}`;
    const kept = this.#coders.get(key);
    if (kept !== undefined) return kept;
    const coder = createCoder(dataShards, parityShards);
    if (this.#coders.size >= keptCodersMax) this.#coders.clear();
    this.#coders.set(key, coder);
    return coder;
  }

  /** One digest for each full or last piece of `level`: the roots of subtrees of equal height. */
  #mergePieces(level: Bytes): Bytes {
    const count = Math.ceil(level.length / leafBytesMax);
    const above = new Uint8Array(count * digestBytes);
    for (let index = 0; index < count; index++) {
      const at = index * leafBytesMax;
      const piece = level.subarray(at, at + leafBytesMax);
      above.set(this.#merge(piece, false), index * digestBytes);
    }
    return above;
  }

  #merge(values: Bytes, root: boolean): Bytes {
    const { offset } = this.#room;
    const count = values.length / digestBytes;
    assert(count <= pieceDigests, "a piece of digests fits its room");
    viewOf(offset, values.length).set(values);
    wasm.merge(offset, count, root ? 1 : 0);
    return viewOf(offset, digestBytes).slice();
  }
}

/** Where `piece` lies in WASM memory: where it is, if there already, else copied into `room`. */
function place(piece: Bytes, room: Lease): number {
  const offset = offsetOf(piece);
  if (offset !== undefined) return offset;
  viewOf(room.offset, piece.length).set(piece);
  return room.offset;
}
