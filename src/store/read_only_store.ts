// ReadOnlyStore: another store of which nothing can change, whatever its user asks for. For checks
// and restores: what only reads is held to it by more than good intentions.

import type { Bytes } from "../base/bytes.ts";
import { formatAttempt, refusal } from "./failure.ts";
import { parsePath } from "./path.ts";
import type {
  FileAttributes,
  FileMeasure,
  LockAttempt,
  OpenMode,
  Store,
  StoreFile,
  StoreName,
  StoreStat,
} from "./store.ts";

/** Lets reads through to another store and refuses every change with `read-only`. */
export class ReadOnlyStore implements Store {
  readonly #inner: Store;

  /** Wraps `inner`, which others may still change. */
  constructor(inner: Store) {
    this.#inner = inner;
  }

  /** Where the inner store is. */
  get location(): string {
    return this.#inner.location;
  }

  /** What is at `path`, or undefined if nothing is. @throws {Failure} */
  stat(path: string): StoreStat | undefined {
    return this.#inner.stat(path);
  }

  /** The names in the folder, in byte order. @throws {Failure} */
  list(path: string): StoreName[] {
    return this.#inner.list(path);
  }

  /** Opens a plain file, for reading only. @throws {Failure} `read-only` for every other mode */
  openFile(path: string, mode: OpenMode): StoreFile {
    if (mode !== "read") throw this.#refusal("open", path, "for writing");
    return new ReadOnlyFile(this.#inner.openFile(path, "read"), (verb) => {
      throw this.#refusal(verb, path);
    });
  }

  /** Refuses: who only reads needs no lock. @throws {Failure} `read-only` */
  openLockFile(path: string): LockAttempt {
    throw this.#refusal("lock", path);
  }

  /** Never makes a folder, but is content with one that is there. @throws {Failure} `read-only` */
  makeFolder(path: string): void {
    if (this.#inner.stat(path)?.kind === "folder") return;
    throw this.#refusal("make the folder", path);
  }

  /** Refuses. @throws {Failure} `read-only` */
  rename(source: string, target: string): void {
    parsePath(target);
    throw this.#refusal("rename", source);
  }

  /** Refuses. @throws {Failure} `read-only` */
  removeFile(path: string): void {
    throw this.#refusal("remove", path);
  }

  /** Refuses. @throws {Failure} `read-only` */
  removeTree(path: string): void {
    throw this.#refusal("remove", path);
  }

  /** Passed on: it changes nothing that can be read. @throws {Failure} */
  syncFolder(path: string): void {
    this.#inner.syncFolder(path);
  }

  /** Passed on: it changes nothing that can be read. @throws {Failure} */
  syncFiles(paths: readonly string[]): Promise<void> {
    return this.#inner.syncFiles(paths);
  }

  /** Refuses. @throws {Failure} `read-only` */
  setAttributes(path: string, _attributes: FileAttributes): void {
    throw this.#refusal("set attributes of", path);
  }

  /** Nothing can be written. */
  freeBytes(): number {
    return 0;
  }

  // An unsafe path stays an unsafe path, for whoever looks at the code.
  #refusal(verb: string, path: string, how: string = ""): Error {
    parsePath(path);
    const attempt = formatAttempt(verb, path, this.location);
    const whole = how === "" ? attempt : `${attempt} ${how}`;
    return refusal(whole, "read-only", "it is to be read only");
  }
}

class ReadOnlyFile implements StoreFile {
  readonly #inner: StoreFile;
  readonly #refuse: (verb: string) => never;

  constructor(inner: StoreFile, refuse: (verb: string) => never) {
    this.#inner = inner;
    this.#refuse = refuse;
  }

  readInto(target: Bytes, offset: number): number {
    return this.#inner.readInto(target, offset);
  }

  writeFrom(_source: Bytes, _offset: number): void {
    this.#refuse("write");
  }

  truncate(_bytes: number): void {
    this.#refuse("resize");
  }

  size(): number {
    return this.#inner.size();
  }

  measure(): FileMeasure {
    return this.#inner.measure();
  }

  sync(): void {
    this.#inner.sync();
  }

  [Symbol.dispose](): void {
    this.#inner[Symbol.dispose]();
  }
}
