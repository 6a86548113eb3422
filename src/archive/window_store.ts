// Window store: a store whose one file can be written at any offset, and of which a window stays in
// memory. For those who want some bytes of what writes many to their places.

import { AssertionError } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { ReadOnlyStore } from "../store/read_only_store.ts";
import type {
  FileMeasure,
  OpenMode,
  Store,
  StoreFile,
} from "../store/store.ts";

/** Every file that is opened for writing is the window. Reads go to another store. */
export class WindowStore extends ReadOnlyStore {
  readonly #offset: number;
  readonly #target: Bytes;

  /** A window of which `target` is what lies from `offset` on. */
  constructor(inner: Store, offset: number, target: Bytes) {
    super(inner);
    this.#offset = offset;
    this.#target = target;
  }

  /** Opens the window, or a file of the other store for reading. @throws {Failure} */
  override openFile(path: string, mode: OpenMode): StoreFile {
    return mode === "read"
      ? super.openFile(path, mode)
      : new WindowFile(this.#offset, this.#target);
  }
}

class WindowFile implements StoreFile {
  readonly #offset: number;
  readonly #target: Bytes;

  constructor(offset: number, target: Bytes) {
    this.#offset = offset;
    this.#target = target;
  }

  writeFrom(source: Bytes, offset: number): void {
    const at = offset - this.#offset;
    const skipped = Math.max(0, -at);
    const end = Math.max(0, this.#target.length - at);
    const seen = source.subarray(skipped, end);
    if (seen.length > 0) this.#target.set(seen, at + skipped);
  }

  size(): number {
    return this.#offset + this.#target.length;
  }

  measure(): FileMeasure {
    return { bytes: this.size() };
  }

  readInto(): number {
    return refuse("read");
  }

  truncate(): void {
    refuse("cut");
  }

  sync(): void {}

  [Symbol.dispose](): void {}
}

function refuse(verb: string): never {
  throw new AssertionError(`Broken invariant: a window is not ${verb}`);
}
