// FaultyTreeStore: a store of a tree on which planned things go wrong, as FaultyStore is for any
// store. The calls that only a TreeStore has are counted and failed as the others are.

import type { Bytes } from "../base/bytes.ts";
import type { Fault } from "./fault_plan.ts";
import { FaultyStore } from "./faulty_store.ts";
import type {
  DataRange,
  ExtendedAttributes,
  TreeAttributes,
  TreeCapabilities,
  TreeName,
  TreeStat,
  TreeStore,
} from "./tree_store.ts";

/** Passes every call to another store of a tree, but for the planned faults. */
export class FaultyTreeStore extends FaultyStore implements TreeStore {
  readonly #inner: TreeStore;

  /** Wraps `inner` with the planned faults. */
  constructor(inner: TreeStore, faults: readonly Fault[] = []) {
    super(inner, faults);
    this.#inner = inner;
  }

  /** What the inner store can. */
  get capabilities(): TreeCapabilities {
    return this.#inner.capabilities;
  }

  /** What is at `path`. @throws {Failure} */
  statExactly(path: string): TreeStat | undefined {
    return this.call(
      "statExactly",
      "look at",
      path,
      () => this.#inner.statExactly(path),
    );
  }

  /** The names in the folder. @throws {Failure} */
  listExactly(path: string): TreeName[] {
    return this.call(
      "listExactly",
      "list",
      path,
      () => this.#inner.listExactly(path),
    );
  }

  /** The target of a link. @throws {Failure} */
  readLink(path: string): string {
    return this.call(
      "readLink",
      "read the link",
      path,
      () => this.#inner.readLink(path),
    );
  }

  /** Makes a symbolic link. @throws {Failure} */
  makeLink(path: string, target: string): void {
    this.call(
      "makeLink",
      "make the link",
      path,
      () => this.#inner.makeLink(path, target),
    );
  }

  /** Gives the file `existing` another name. @throws {Failure} */
  linkFile(existing: string, path: string): void {
    this.call(
      "linkFile",
      "link",
      path,
      () => this.#inner.linkFile(existing, path),
    );
  }

  /** As rename, but for links, too. @throws {Failure} */
  moveName(source: string, target: string): void {
    this.call(
      "moveName",
      "rename",
      source,
      () => this.#inner.moveName(source, target),
    );
  }

  /** Sets attributes of a file, a folder or a link itself. @throws {Failure} */
  setExactly(path: string, attributes: TreeAttributes): void {
    this.call(
      "setExactly",
      "set attributes of",
      path,
      () => this.#inner.setExactly(path, attributes),
    );
  }

  /** The extended attributes of a file or folder. @throws {Failure} */
  readExtended(path: string): ExtendedAttributes {
    return this.call(
      "readExtended",
      "read attributes of",
      path,
      () => this.#inner.readExtended(path),
    );
  }

  /** Sets one extended attribute of a file or folder. @throws {Failure} */
  setExtended(path: string, name: string, value: Bytes): void {
    this.call(
      "setExtended",
      "set an attribute of",
      path,
      () => this.#inner.setExtended(path, name, value),
    );
  }

  /** Where a file has data. @throws {Failure} */
  readDataRanges(path: string): DataRange[] {
    return this.call(
      "readDataRanges",
      "find the holes of",
      path,
      () => this.#inner.readDataRanges(path),
    );
  }

  /** Resolves once all in the folder is on the medium. @throws {Failure} */
  async syncTree(path: string): Promise<void> {
    // The inner work is waited for also where only its report is to be bad.
    let work: Promise<void> | undefined;
    try {
      this.call("syncTree", "sync", path, () => {
        work = this.#inner.syncTree(path);
      });
    } finally {
      await work;
    }
  }
}
