// MemoryFile: one open file of a MemoryStore. Behaves as a DirFile does, so that a test which passes
// on one means something for the other: a disk that fills up keeps the first part of a write.

import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { formatAttempt, refusal } from "./failure.ts";
import type { FileNode, MemoryObserver } from "./memory_node.ts";
import type { FileMeasure, LockAttempt, StoreFile } from "./store.ts";
import { floorMs } from "./tree_store.ts";

/** What a store's files share: the room on the medium, and who watches. */
export interface MemoryMedium {
  readonly location: string;
  readonly observer: MemoryObserver;
  capacityBytes: number | undefined;
  readOnly: boolean;
  usedBytes: number;
}

/** An open file of a MemoryStore. */
export class MemoryFile implements StoreFile {
  readonly #node: FileNode;
  readonly #path: string;
  readonly #medium: MemoryMedium;
  readonly #writable: boolean;
  readonly #onClose: () => void;
  #open = true;

  /** Opens `node`; `path` is for messages, `onClose` is called once. */
  constructor(
    node: FileNode,
    path: string,
    medium: MemoryMedium,
    writable: boolean,
    onClose: () => void = () => {},
  ) {
    this.#onClose = onClose;
    this.#node = node;
    this.#path = path;
    this.#medium = medium;
    this.#writable = writable;
  }

  /** Reads at `offset` until `target` is full or the file ends. @throws {Failure} */
  readInto(target: Bytes, offset: number): number {
    assert(this.#open, "a file is read only while open");
    assertOffset(offset);
    this.#begin("read");
    return this.#node.readInto(target, offset);
  }

  /** Writes all of `source` at `offset`, or what there is room for. @throws {Failure} */
  writeFrom(source: Bytes, offset: number): void {
    assertOffset(offset);
    const attempt = this.#beginChange("write");
    const end = Math.min(offset + source.length, this.#endMax());
    const kept = end < offset ? 0 : end - offset;
    const part = kept === source.length ? source : source.subarray(0, kept);
    if (part.length > 0) {
      const before = this.#node.bytes;
      this.#node.writeFrom(part, offset);
      this.#account(this.#node.bytes - before);
      this.#medium.observer.wrote(this.#node, part, offset, attempt);
    }
    if (part.length < source.length) throw diskFull(attempt);
  }

  /** Cuts or extends to exactly `bytes`. @throws {Failure} */
  truncate(bytes: number): void {
    assertOffset(bytes);
    const attempt = this.#beginChange("resize");
    if (bytes > this.#endMax()) throw diskFull(attempt);
    this.#account(bytes - this.#node.bytes);
    this.#node.resize(bytes);
    this.#medium.observer.resized(this.#node, bytes, attempt);
  }

  /** The size now. @throws {Failure} */
  size(): number {
    assert(this.#open, "a file is measured only while open");
    this.#begin("look at");
    return this.#node.bytes;
  }

  /** Size and time now. @throws {Failure} */
  measure(): FileMeasure {
    assert(this.#open, "a file is measured only while open");
    this.#begin("look at");
    const { bytes, attributes: { modifiedNs } } = this.#node;
    return {
      bytes,
      ...(modifiedNs === undefined ? {} : { modifiedMs: floorMs(modifiedNs) }),
    };
  }

  /** Returns once content and size are on the medium. @throws {Failure} */
  sync(): void {
    assert(this.#open, "a file is synced only while open");
    const attempt = this.#begin("sync");
    this.#medium.observer.synced(this.#node, attempt);
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#onClose();
  }

  // The size that the medium lets this file grow to.
  #endMax(): number {
    const { capacityBytes, usedBytes } = this.#medium;
    if (capacityBytes === undefined) return Number.MAX_SAFE_INTEGER;
    return this.#node.bytes + Math.max(0, capacityBytes - usedBytes);
  }

  #account(growthBytes: number): void {
    // A removed file that is still open has given its room back already.
    if (this.#node.linkCount > 0) this.#medium.usedBytes += growthBytes;
  }

  #begin(verb: string): string {
    const attempt = formatAttempt(verb, this.#path, this.#medium.location);
    this.#medium.observer.begun(attempt);
    return attempt;
  }

  #beginChange(verb: string): string {
    assert(this.#open, "a file is written only while open");
    assert(this.#writable, "a file opened for reading is not written");
    const attempt = this.#begin(verb);
    if (this.#medium.readOnly) {
      throw refusal(attempt, "read-only", "the store is read-only");
    }
    return attempt;
  }
}

/** The lock of the file `node`, unless somebody has it. */
export function lockFile(
  node: FileNode,
  path: string,
  medium: MemoryMedium,
  created: boolean,
): LockAttempt {
  if (node.isLocked) return { kind: "busy" };
  node.isLocked = true;
  const file = new MemoryFile(node, path, medium, true, () => {
    node.isLocked = false;
  });
  return { kind: "held", file, created, writable: true };
}

function diskFull(attempt: string): Error {
  return refusal(attempt, "no-space", "the disk is full");
}

function assertOffset(offset: number): void {
  assert(
    Number.isSafeInteger(offset) && offset >= 0,
    "a file offset is a whole number from 0",
  );
}
