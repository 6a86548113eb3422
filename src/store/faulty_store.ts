// FaultyStore: another store on which planned things go wrong. For tests of everything above a
// store: what is damaged is decided by the plan alone, the inner store keeps its pristine bytes
// unless a planned write spoils them. Ask unfired() at the end of each test.

import type { Bytes } from "../base/bytes.ts";
import { formatAttempt, refusal } from "./failure.ts";
import { type Fault, FaultPlan, type StoreCall } from "./fault_plan.ts";
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

/** Passes every call to another store, but for the planned faults. */
export class FaultyStore implements Store {
  readonly #inner: Store;
  readonly #plan: FaultPlan;

  /** Wraps `inner` with the planned faults. */
  constructor(inner: Store, faults: readonly Fault[] = []) {
    this.#inner = inner;
    this.#plan = new FaultPlan(faults);
  }

  /** Where the inner store is. */
  get location(): string {
    return this.#inner.location;
  }

  /** Adds a fault, which counts the calls from now on. */
  plan(fault: Fault): void {
    this.#plan.add(fault);
  }

  /** Calls so far, of one kind or all together; closing a file and freeBytes do not count. */
  callCount(call?: StoreCall): number {
    return this.#plan.callCount(call);
  }

  /** The planned faults that never fired: a test with any has shown nothing. */
  unfired(): Fault[] {
    return this.#plan.unfired();
  }

  /** How often a planned fault fired. */
  firedCount(fault: Fault): number {
    return this.#plan.firedCount(fault);
  }

  /** What is at `path`, or undefined if nothing is. @throws {Failure} */
  stat(path: string): StoreStat | undefined {
    return this.call("stat", "look at", path, () => this.#inner.stat(path));
  }

  /** The names in the folder, in byte order. @throws {Failure} */
  list(path: string): StoreName[] {
    return this.call("list", "list", path, () => this.#inner.list(path));
  }

  /** Opens a plain file. @throws {Failure} */
  openFile(path: string, mode: OpenMode): StoreFile {
    const attempt = formatAttempt("open", path, this.location);
    const late = this.#plan.begin("openFile", [path], attempt);
    const file = this.#inner.openFile(path, mode);
    if (late !== undefined) {
      file[Symbol.dispose]();
      throw late;
    }
    return new FaultyFile(file, path, this.location, this.#plan);
  }

  /** Opens a file and takes its lock. @throws {Failure} */
  openLockFile(path: string): LockAttempt {
    const attempt = formatAttempt("lock", path, this.location);
    const late = this.#plan.begin("openLockFile", [path], attempt);
    const tried = this.#inner.openLockFile(path);
    if (tried.kind === "busy") {
      if (late !== undefined) throw late;
      return tried;
    }
    if (late !== undefined) {
      tried.file[Symbol.dispose]();
      throw late;
    }
    const { file } = tried;
    return {
      ...tried,
      file: new FaultyFile(file, path, this.location, this.#plan),
    };
  }

  /** Makes the folder, unless it is there. @throws {Failure} */
  makeFolder(path: string): void {
    this.call(
      "makeFolder",
      "make the folder",
      path,
      () => this.#inner.makeFolder(path),
    );
  }

  /** Gives `source` the name `target` in one step. @throws {Failure} */
  rename(source: string, target: string): void {
    const attempt = formatAttempt("rename", source, this.location);
    const late = this.#plan.begin("rename", [source, target], attempt);
    this.#inner.rename(source, target);
    this.#plan.heal(source);
    this.#plan.heal(target);
    if (late !== undefined) throw late;
  }

  /** Removes a file, or a link itself. @throws {Failure} */
  removeFile(path: string): void {
    this.call("removeFile", "remove", path, () => {
      this.#inner.removeFile(path);
      this.#plan.heal(path);
    });
  }

  /** Removes a folder and all below it, or a link itself. @throws {Failure} */
  removeTree(path: string): void {
    this.call(
      "removeTree",
      "remove",
      path,
      () => this.#inner.removeTree(path),
    );
  }

  /** Returns once the names in the folder are on the medium. @throws {Failure} */
  syncFolder(path: string): void {
    this.call("syncFolder", "sync", path, () => this.#inner.syncFolder(path));
  }

  /** Resolves once the content of all these files is on the medium. @throws {Failure} */
  async syncFiles(paths: readonly string[]): Promise<void> {
    const attempt = `Cannot sync ${paths.length} files of ${this.location}`;
    const late = this.#plan.begin("syncFiles", paths, attempt);
    await this.#inner.syncFiles(paths);
    if (late !== undefined) throw late;
  }

  /** Sets the attributes of a plain file. @throws {Failure} */
  setAttributes(path: string, attributes: FileAttributes): void {
    this.call(
      "setAttributes",
      "set attributes of",
      path,
      () => this.#inner.setAttributes(path, attributes),
    );
  }

  /** What the inner store says. */
  freeBytes(): number | undefined {
    return this.#inner.freeBytes();
  }

  /** One call: counted, failed as planned, else done by `body`. @throws {Failure} */
  protected call<T>(
    call: StoreCall,
    verb: string,
    path: string,
    body: () => T,
  ): T {
    const attempt = formatAttempt(verb, path, this.location);
    const late = this.#plan.begin(call, [path], attempt);
    const result = body();
    if (late !== undefined) throw late;
    return result;
  }
}

class FaultyFile implements StoreFile {
  readonly #inner: StoreFile;
  readonly #path: string;
  readonly #location: string;
  readonly #plan: FaultPlan;

  constructor(
    inner: StoreFile,
    path: string,
    location: string,
    plan: FaultPlan,
  ) {
    this.#inner = inner;
    this.#path = path;
    this.#location = location;
    this.#plan = plan;
  }

  readInto(target: Bytes, offset: number): number {
    return this.#call("readInto", "read", (attempt) => {
      const end = offset + target.length;
      this.#plan.refuseUnreadable(this.#path, offset, end, attempt);
      const left = Math.max(0, this.#inner.size() - offset);
      const short = this.#plan.take(
        "short-read",
        this.#path,
        Math.min(left, target.length),
      );
      const wanted = short === undefined
        ? target
        : target.subarray(0, short.bytes);
      const count = this.#inner.readInto(wanted, offset);
      this.#plan.rot(this.#path, wanted.subarray(0, count), offset);
      return count;
    });
  }

  writeFrom(source: Bytes, offset: number): void {
    this.#call("writeFrom", "write", (attempt) => {
      const torn = this.#plan.take("torn-write", this.#path, source.length);
      const flipped = this.#plan.take(
        "flipped-write",
        this.#path,
        source.length,
      );
      let stored = source;
      if (flipped !== undefined) {
        stored = source.slice();
        stored[flipped.index] = stored[flipped.index]! ^ flipped.mask;
      }
      if (torn !== undefined) stored = stored.subarray(0, torn.bytes);
      this.#inner.writeFrom(stored, offset);
      this.#plan.heal(this.#path, offset, offset + stored.length);
      if (torn !== undefined) {
        throw refusal(attempt, torn.code ?? "io", "a planned fault");
      }
    });
  }

  truncate(bytes: number): void {
    this.#call("truncate", "resize", () => {
      this.#inner.truncate(bytes);
      this.#plan.heal(this.#path, bytes);
    });
  }

  size(): number {
    return this.#call("size", "look at", () => this.#inner.size());
  }

  measure(): FileMeasure {
    return this.#call("size", "look at", () => this.#inner.measure());
  }

  sync(): void {
    this.#call("sync", "sync", () => this.#inner.sync());
  }

  [Symbol.dispose](): void {
    this.#inner[Symbol.dispose]();
  }

  #call<T>(call: StoreCall, verb: string, body: (attempt: string) => T): T {
    const attempt = formatAttempt(verb, this.#path, this.#location);
    const late = this.#plan.begin(call, [this.#path], attempt);
    const result = body(attempt);
    if (late !== undefined) throw late;
    return result;
  }
}
