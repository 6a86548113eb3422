// Payload output: verified bytes of the payload on their way out, into one file or into the files of a
// tree that they belong to. Runs on the threads. Writes only below the root that it is given, and a
// file that is to be made never replaces anything.

import type { Bytes } from "../base/bytes.ts";
import { type FailureCode, isFailure } from "../base/errors.ts";
import type { Store, StoreFile } from "../store/store.ts";
import type { JobContext } from "./encode_run.ts";
import type {
  OutputFile,
  OutputPart,
  PayloadOutput,
  RefusedFile,
} from "./worker_protocol.ts";

/** Takes payload bytes. */
export interface OpenOutput extends Disposable {
  /** Writes all of `source`, which begins at that offset of the payload. @throws {Failure} */
  writeFrom(source: Bytes, payloadOffset: number): void;
  /** Makes what no byte was written to; gives the files that could not be made. @throws {Failure} */
  finish(): readonly RefusedFile[];
}

/** Opens what a job writes to. @throws {Failure} */
export function openOutput(
  output: PayloadOutput,
  context: JobContext,
): OpenOutput {
  if (output.kind === "tree") {
    return new TreeOutput(context.storeOf(output.root), output.files);
  }
  if (output.kind === "memory") return openMemory(output);
  const { root, path } = output.file;
  const file = context.storeOf(root).openFile(path, "update");
  return {
    writeFrom: (source, payloadOffset) => file.writeFrom(source, payloadOffset),
    finish: () => [],
    [Symbol.dispose]: () => file[Symbol.dispose](),
  };
}

function openMemory(
  { payloadOffset, target }: Extract<PayloadOutput, { kind: "memory" }>,
): OpenOutput {
  const bytes = new Uint8Array(target.buffer, target.offset, target.bytes);
  return {
    writeFrom: (source, sourceOffset) => {
      const at = sourceOffset - payloadOffset;
      const skipped = Math.max(0, -at);
      const seen = source.subarray(skipped, Math.max(0, bytes.length - at));
      if (seen.length > 0) bytes.set(seen, at + skipped);
    },
    finish: () => [],
    [Symbol.dispose]: () => {},
  };
}

/** Reasons for which one file cannot be made and the next one can. */
const ownReasons: readonly FailureCode[] = [
  "exists",
  "invalid-argument",
  "invalid-name",
  "unsafe-path",
  "wrong-kind",
];

/** A part of a file, among the parts of all. */
interface Piece extends OutputPart {
  readonly file: OutputFile;
}

class TreeOutput implements OpenOutput {
  readonly #store: Store;
  readonly #files: readonly OutputFile[];
  /** By payload offset. Two may hold the same bytes. */
  readonly #pieces: readonly Piece[];
  /** For each piece, where it and those before it end at most. */
  readonly #ends: Float64Array<ArrayBuffer>;
  readonly #made = new Set<number>();
  readonly #refused = new Map<number, RefusedFile>();
  #open: { readonly index: number; readonly file: StoreFile } | undefined;

  constructor(store: Store, files: readonly OutputFile[]) {
    this.#store = store;
    this.#files = files;
    this.#pieces = files.flatMap((file) =>
      file.parts.map((part) => ({ ...part, file }))
    ).sort((left, right) => left.payloadOffset - right.payloadOffset);
    this.#ends = runningEnds(
      this.#pieces.map((piece) => piece.payloadOffset),
      this.#pieces.map((piece) => piece.bytes),
    );
  }

  writeFrom(source: Bytes, payloadOffset: number): void {
    const end = payloadOffset + source.length;
    let index = firstBeyond(this.#ends, payloadOffset);
    for (; index < this.#pieces.length; index++) {
      const piece = this.#pieces[index]!;
      if (piece.payloadOffset >= end) break;
      const from = Math.max(piece.payloadOffset, payloadOffset);
      const to = Math.min(piece.payloadOffset + piece.bytes, end);
      if (from >= to) continue;
      this.#fileOf(piece.file, to - from)?.writeFrom(
        source.subarray(from - payloadOffset, to - payloadOffset),
        piece.fileOffset + from - piece.payloadOffset,
      );
    }
  }

  finish(): readonly RefusedFile[] {
    for (const file of this.#files) {
      if (file.isWhole && !this.#made.has(file.index)) this.#fileOf(file, 0);
    }
    this.#close();
    return [...this.#refused.values()];
  }

  [Symbol.dispose](): void {
    this.#close();
  }

  /** The file, opened or made, for writing so much; undefined if it cannot be. */
  #fileOf(target: OutputFile, writeBytes: number): StoreFile | undefined {
    const { index, path, bytes, isWhole } = target;
    if (this.#open?.index === index) return this.#open.file;
    if (this.#refused.has(index)) return undefined;
    this.#close();
    const isNew = isWhole && !this.#made.has(index);
    try {
      // Its size comes first, so that a file of which the end is lost or a hole has it, too.
      const file = isNew
        ? createFile(this.#store, path, writeBytes < bytes ? bytes : 0)
        : this.#store.openFile(path, "update");
      this.#open = { index, file };
      this.#made.add(index);
      return file;
    } catch (error) {
      // A file that is there was made for this.
      if (!isNew || !isFailure(error, ...ownReasons)) throw error;
      const { code, message } = error;
      this.#refused.set(index, { index, code, message });
      return undefined;
    }
  }

  #close(): void {
    this.#open?.file[Symbol.dispose]();
    this.#open = undefined;
  }
}

/** Makes a file of that size; leaves none where that fails. @throws {Failure} */
export function createFile(
  store: Store,
  path: string,
  bytes: number,
): StoreFile {
  const file = store.openFile(path, "create");
  try {
    if (bytes > 0) file.truncate(bytes);
    return file;
  } catch (error) {
    file[Symbol.dispose]();
    store.removeFile(path);
    throw error;
  }
}

/** For each piece of a list by offset, where it and those before it end at most. */
export function runningEnds(
  offsets: ArrayLike<number>,
  bytes: ArrayLike<number>,
): Float64Array<ArrayBuffer> {
  const ends = new Float64Array(offsets.length);
  let end = 0;
  for (let index = 0; index < ends.length; index++) {
    end = Math.max(end, offsets[index]! + bytes[index]!);
    ends[index] = end;
  }
  return ends;
}

/** The first piece from which on any may reach beyond `payloadOffset`. */
export function firstBeyond(
  ends: Float64Array<ArrayBuffer>,
  payloadOffset: number,
): number {
  let low = 0, high = ends.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ends[middle]! > payloadOffset) high = middle;
    else low = middle + 1;
  }
  return low;
}
