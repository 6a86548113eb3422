// Staged reader: bytes of a payload from its segments, as they lie in a staging folder. Verifies nothing:
// for what this process has just written. Reads of what others may have touched go through scan_run.

import type { Bytes } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import { shardPath } from "../format/entry_path.ts";
import type { Geometry } from "../format/geometry.ts";
import type { Store, StoreFile } from "../store/store.ts";

/** Reads anywhere in a payload. Holds the last segment open until disposed. */
export class StagedReader implements Disposable {
  readonly #store: Store;
  readonly #folder: string;
  readonly #geometry: Geometry;
  #segment = -1;
  #file: StoreFile | undefined;

  /** A reader of the entry in `folder`. */
  constructor(store: Store, folder: string, geometry: Geometry) {
    this.#store = store;
    this.#folder = folder;
    this.#geometry = geometry;
  }

  /** Fills all of `target`. @throws {Failure} */
  read(target: Bytes, payloadOffset: number): void {
    const { segmentBytes } = this.#geometry;
    for (let done = 0; done < target.length;) {
      const offset = payloadOffset + done;
      const segment = Math.floor(offset / segmentBytes);
      const segmentOffset = offset - segment * segmentBytes;
      const part = target.subarray(done, done + segmentBytes - segmentOffset);
      const file = this.#open(segment);
      if (file.readInto(part, segmentOffset) !== part.length) {
        throw new Failure(
          "io",
          `Segment ${segment} of "${this.#folder}" is shorter than it was written`,
        );
      }
      done += part.length;
    }
  }

  /** Closes what is open. */
  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]();
    this.#file = undefined;
  }

  #open(segment: number): StoreFile {
    if (this.#file !== undefined && this.#segment === segment) {
      return this.#file;
    }
    this[Symbol.dispose]();
    const { dataShards } = this.#geometry;
    const block = Math.floor(segment / dataShards);
    const shard = segment - block * dataShards;
    const path = shardPath(this.#geometry, block, shard);
    this.#segment = segment;
    return this.#file = this.#store.openFile(`${this.#folder}/${path}`, "read");
  }
}
