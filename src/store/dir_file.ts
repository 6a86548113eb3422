// DirFile: one open file of a DirStore. The hot path: a blocking read straight into the caller's
// memory. It tracks the position, so that sequential access needs no seek. Owns the handle until
// disposed; a file that is used after that, or written when open for reading, is a mistake of ours.

import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { errnoOf, failureOf, formatAttempt, refusal } from "./failure.ts";
import type { FileMeasure, StoreFile } from "./store.ts";

/** What every file system holds. */
const smallFileBytes = 2 ** 31 - 1;

/** A plain file that a DirStore has opened. */
export class DirFile implements StoreFile {
  readonly #file: Deno.FsFile;
  readonly #path: string;
  readonly #location: string;
  readonly #writable: boolean;
  #position = 0;
  #open = true;

  /** Takes over `file`, whose position is 0; `path` and `location` are for messages. */
  constructor(
    file: Deno.FsFile,
    path: string,
    location: string,
    writable: boolean,
  ) {
    this.#file = file;
    this.#path = path;
    this.#location = location;
    this.#writable = writable;
  }

  /** Reads at `offset` until `target` is full or the file ends. @throws {Failure} */
  readInto(target: Bytes, offset: number): number {
    assert(this.#open, "a file is read only while open");
    let count = 0;
    try {
      this.#seek(offset);
      while (count < target.length) {
        const rest = count === 0 ? target : target.subarray(count);
        const part = retryInterrupted(() => this.#file.readSync(rest));
        if (part === null || part === 0) break;
        count += part;
      }
    } catch (error) {
      this.#position = -1;
      throw this.#failureOf("read", error);
    }
    this.#position += count;
    return count;
  }

  /** Writes all of `source` at `offset`. @throws {Failure} */
  writeFrom(source: Bytes, offset: number): void {
    this.#assertWritable();
    let count = 0;
    try {
      this.#seek(offset);
      while (count < source.length) {
        const rest = count === 0 ? source : source.subarray(count);
        const part = retryInterrupted(() => this.#file.writeSync(rest));
        if (part === 0) {
          throw refusal(
            formatAttempt("write", this.#path, this.#location),
            "io",
            "the system stored none of the bytes",
          );
        }
        count += part;
      }
    } catch (error) {
      this.#position = -1;
      // Linux does not even go to a place that no file can have: FAT32 ends at 4 GiB.
      if (offset >= smallFileBytes && errnoOf(error) === "EINVAL") {
        throw refusal(
          formatAttempt("write", this.#path, this.#location),
          "no-space",
          "the file system holds no larger file",
        );
      }
      throw this.#failureOf("write", error);
    }
    this.#position += count;
  }

  /** Cuts or extends to exactly `bytes`. @throws {Failure} */
  truncate(bytes: number): void {
    this.#assertWritable();
    try {
      this.#file.truncateSync(bytes);
    } catch (error) {
      throw this.#failureOf("resize", error);
    }
  }

  /** The size now. @throws {Failure} */
  size(): number {
    assert(this.#open, "a file is measured only while open");
    try {
      return this.#file.statSync().size;
    } catch (error) {
      throw this.#failureOf("look at", error);
    }
  }

  /** Size and time now. @throws {Failure} */
  measure(): FileMeasure {
    assert(this.#open, "a file is measured only while open");
    try {
      const { size, mtime, ctime } = this.#file.statSync();
      return {
        bytes: size,
        ...(mtime === null ? {} : { modifiedMs: mtime.getTime() }),
        ...(ctime === null ? {} : { changedMs: ctime.getTime() }),
      };
    } catch (error) {
      throw this.#failureOf("look at", error);
    }
  }

  /** Returns once content and size are on the medium. @throws {Failure} */
  sync(): void {
    assert(this.#open, "a file is synced only while open");
    try {
      // fdatasync: leaves out only what a reader does not need (times), never the size.
      this.#file.syncDataSync();
    } catch (error) {
      throw this.#failureOf("sync", error);
    }
  }

  /** Closes the file; what was not synced may be lost. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#file.close();
  }

  #seek(offset: number): void {
    assert(
      Number.isSafeInteger(offset) && offset >= 0,
      "a file offset is a whole number from 0",
    );
    if (offset === this.#position) return;
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    this.#position = offset;
  }

  #assertWritable(): void {
    assert(this.#open, "a file is written only while open");
    assert(this.#writable, "a file opened for reading is not written");
  }

  #failureOf(verb: string, error: unknown): Error {
    return failureOf(formatAttempt(verb, this.#path, this.#location), error);
  }
}

// A signal may interrupt a call on a network or FUSE file system; nothing was transferred then.
function retryInterrupted<T>(call: () => T): T {
  while (true) {
    try {
      return call();
    } catch (error) {
      if (errnoOf(error) !== "EINTR") throw error;
    }
  }
}
