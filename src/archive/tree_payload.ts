// Tree payload: the content of a tree's files, one after the other in the order of the file table.
// Says where in it each file lies, and which pieces of which files a run of rows is made of.

import {
  blockDataShards,
  type Geometry,
  payloadOffsetOf,
  type RowRun,
  runLength,
} from "../format/geometry.ts";
import type { DataRange } from "../format/file_row.ts";
import type { FileSource } from "./tree_walk.ts";
import type { SourcePiece } from "./worker_protocol.ts";

/** Where everything of some files lies. */
export class TreePayload {
  readonly bytes: number;
  readonly #files: readonly FileSource[];
  /** Where each range of data begins in the payload; one more for the end. */
  readonly #starts: Float64Array<ArrayBuffer>;
  /** The file of each range. */
  readonly #fileOf: Uint32Array<ArrayBuffer>;
  /** The first range of each file. */
  readonly #firstOf: Uint32Array<ArrayBuffer>;

  /** Lays out the files. */
  constructor(files: readonly FileSource[]) {
    const count = files.reduce((sum, file) => sum + rangeCountOf(file), 0);
    this.#files = files;
    this.#starts = new Float64Array(count + 1);
    this.#fileOf = new Uint32Array(count);
    this.#firstOf = new Uint32Array(files.length);
    let payloadOffset = 0, range = 0;
    files.forEach((source, file) => {
      this.#firstOf[file] = range;
      for (let index = 0; index < rangeCountOf(source); index++) {
        this.#starts[range] = payloadOffset;
        this.#fileOf[range++] = file;
        payloadOffset += source.ranges?.[index]?.bytes ?? source.row.bytes;
      }
    });
    this.#starts[range] = payloadOffset;
    this.bytes = payloadOffset;
  }

  /** Where the data of a file lies; a new array. */
  dataOf(file: number): DataRange[] {
    const source = this.#files[file]!;
    const first = this.#firstOf[file]!;
    return Array.from({ length: rangeCountOf(source) }, (_, index) => ({
      payloadOffset: this.#starts[first + index]!,
      fileOffset: source.ranges?.[index]?.offset ?? 0,
      bytes: this.#starts[first + index + 1]! - this.#starts[first + index]!,
    }));
  }

  /** What the data shards of a run are made of, in payload order of each shard. */
  piecesOf(geometry: Geometry, run: RowRun): SourcePiece[] {
    const pieces: SourcePiece[] = [];
    const shardOffset = run.firstRow * geometry.leafBytes;
    for (let shard = 0; shard < blockDataShards(geometry, run.block); shard++) {
      const bytes = runLength(geometry, run, shard);
      if (bytes === 0) continue;
      const start = payloadOffsetOf(geometry, run.block, shard, shardOffset);
      this.#addPieces(pieces, start, start + bytes);
    }
    return pieces;
  }

  /** Files of which no byte lies at that offset of the payload or behind it. */
  filesBefore(payloadOffset: number): number {
    const range = this.#rangeAt(payloadOffset);
    return range === this.#fileOf.length
      ? this.#files.length
      : this.#fileOf[range]!;
  }

  #addPieces(pieces: SourcePiece[], start: number, end: number): void {
    for (
      let range = this.#rangeAt(start);
      range < this.#fileOf.length && this.#starts[range]! < end;
      range++
    ) {
      const rangeStart = this.#starts[range]!;
      const from = Math.max(start, rangeStart);
      const to = Math.min(end, this.#starts[range + 1]!);
      const file = this.#fileOf[range]!;
      const { row, modifiedMs, changedMs, ranges } = this.#files[file]!;
      const offset = ranges?.[range - this.#firstOf[file]!]?.offset ?? 0;
      pieces.push({
        file,
        path: row.path,
        fileBytes: row.bytes,
        ...(modifiedMs === undefined ? {} : { modifiedMs }),
        ...(changedMs === undefined ? {} : { changedMs }),
        fileOffset: offset + from - rangeStart,
        payloadOffset: from,
        bytes: to - from,
      });
    }
  }

  /** The range that a byte of the payload lies in. */
  #rangeAt(payloadOffset: number): number {
    let low = 0, high = this.#fileOf.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle + 1]! > payloadOffset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function rangeCountOf({ row, ranges }: FileSource): number {
  return ranges?.length ?? (row.bytes > 0 ? 1 : 0);
}
