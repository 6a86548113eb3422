// Spool: a stream written down in a folder of its own, because its size, and so its shape as an
// entry, is known only at its end. The pieces are as long as the longest segments: those of a large
// stream become the segments of the entry by a rename, and are not written twice.

import type { ByteReader } from "../base/byte_stream.ts";
import type { Bytes } from "../base/bytes.ts";
import { Failure, isFailure, messageOf } from "../base/errors.ts";
import { planGeometry } from "../format/geometry.ts";
import type { Store, StoreFile } from "../store/store.ts";
import {
  type EngineContext,
  throwIfInterrupted,
  untilInterrupted,
} from "./context.ts";
import { StreamDigest } from "./stream_digest.ts";

/** A stream's bytes, in pieces that are all full but the last. */
export interface Spool {
  /** The folder of the archive that holds the pieces. */
  readonly folder: string;
  readonly pieceBytes: number;
  readonly bytes: number;
  /** Plain BLAKE3 of the stream, as it came. */
  readonly root: Bytes;
}

/** What comes out of a pipe at once is 64 KiB; out of a file, more. */
const readBytes = 1024 * 1024;

/** Buffers that begin here in their page are read into at full speed. */
const alignedOffset = 48;

/**
 * Reads a stream to its end, into `folder`, which it makes.
 * @throws {Failure} `source-unreadable`, `no-space`, `interrupted`
 */
export async function fillSpool(
  stream: { readonly reader: ByteReader; readonly label: string },
  folder: string,
  context: EngineContext,
): Promise<Spool> {
  const { segmentBytes, leafBytesMax } = context.settings;
  const pieceBytes = planGeometry({
    payloadBytes: 0,
    dataShards: 1,
    parityShards: 0,
    segmentBytesMax: segmentBytes,
    leafBytesMax,
  }).segmentBytes;
  context.store.makeFolder(folder);
  const room = new Uint8Array(
    new ArrayBuffer(alignedOffset + readBytes),
    alignedOffset,
  );
  using digest = new StreamDigest(context.codec);
  using pieces = new PieceWriter(folder, pieceBytes, context.store);
  let bytes = 0;
  while (true) {
    const count = await readSome(stream, room, context);
    if (count === 0) break;
    const came = room.subarray(0, count);
    digest.append(came);
    pieces.append(came);
    bytes += count;
    context.emit({ kind: "progress", bytesDone: bytes });
  }
  await hearSignals(context);
  return { folder, pieceBytes, bytes, root: digest.finish() };
}

/**
 * Reads spooled bytes from `offset` on until `target` is full or the spool ends; gives their count.
 * @throws {Failure}
 */
export function readSpool(
  store: Store,
  spool: { readonly folder: string; readonly pieceBytes: number },
  target: Bytes,
  offset: number,
): number {
  let count = 0;
  while (count < target.length) {
    const at = offset + count;
    const index = Math.floor(at / spool.pieceBytes);
    const inPiece = at - index * spool.pieceBytes;
    const wanted = Math.min(target.length - count, spool.pieceBytes - inPiece);
    using file = store.openFile(piecePath(spool.folder, index), "read");
    const part = target.subarray(count, count + wanted);
    const read = file.readInto(part, inPiece);
    count += read;
    if (read < wanted) break;
  }
  return count;
}

/** Path of a piece of the spool in `folder`. */
export function piecePath(folder: string, index: number): string {
  return `${folder}/piece_${index}`;
}

/** Writes pieces one after the other. Disposing closes the open one. */
class PieceWriter implements Disposable {
  readonly #folder: string;
  readonly #pieceBytes: number;
  readonly #store: Store;
  #file: StoreFile | undefined;
  #count = 0;
  #filledBytes = 0;

  constructor(folder: string, pieceBytes: number, store: Store) {
    this.#folder = folder;
    this.#pieceBytes = pieceBytes;
    this.#store = store;
  }

  append(bytes: Bytes): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#filledBytes === this.#pieceBytes) this[Symbol.dispose]();
      this.#file ??= this.#openNext();
      const room = this.#pieceBytes - this.#filledBytes;
      const part = bytes.subarray(at, at + room);
      this.#file.writeFrom(part, this.#filledBytes);
      this.#filledBytes += part.length;
      at += part.length;
    }
  }

  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]();
    this.#file = undefined;
    this.#filledBytes = 0;
  }

  #openNext(): StoreFile {
    const path = piecePath(this.#folder, this.#count++);
    return this.#store.openFile(path, "create");
  }
}

/** One read. A stop is heard while nothing comes, too. */
async function readSome(
  stream: { readonly reader: ByteReader; readonly label: string },
  target: Bytes,
  context: EngineContext,
): Promise<number> {
  try {
    return await untilInterrupted(stream.reader.read(target), context);
  } catch (error) {
    if (isFailure(error)) throw error;
    throw new Failure(
      "source-unreadable",
      `Cannot commit "${stream.label}": it cannot be read: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** What Ctrl-C sends to a whole pipeline ends the stream and stops us: the end may be seen first. */
const signalDelayMs = 10;

async function hearSignals(context: EngineContext): Promise<void> {
  if (context.signal === undefined) return;
  await new Promise((resolve) => setTimeout(resolve, signalDelayMs));
  throwIfInterrupted(context);
}
