// MemoryStore: a store that lives in memory, for tests, and the base of the simulated disk. Same
// rules and refusals as a DirStore (one conformance suite holds both to them). The room on it may
// be bounded, it may be read-only, and a test may plant what an attacker would: links, pipes, a
// second name of a file.

import type { Bytes } from "../base/bytes.ts";
import { formatAttempt, refusal } from "./failure.ts";
import { lockFile, MemoryFile, type MemoryMedium } from "./memory_file.ts";
import {
  blindObserver,
  copyTree,
  FileNode,
  filesBelow,
  FolderNode,
  type MemoryNode,
  type MemoryObserver,
  OtherNode,
  putName,
  treeKindOf,
  treeStatOf,
} from "./memory_node.ts";
import {
  nothingThere,
  occupied,
  otherInTheWay,
  requireNoRoot,
} from "./memory_refusals.ts";
import { compareNames, parsePath } from "./path.ts";
import type {
  FileAttributes,
  LockAttempt,
  OpenMode,
  StoreFile,
  StoreName,
  StoreStat,
} from "./store.ts";

import {
  type DataRange,
  type ExtendedAttributes,
  floorMs,
  isKeptAttribute,
  nsPerMs,
  type TreeAttributes,
  type TreeCapabilities,
  type TreeName,
  type TreeStat,
  type TreeStore,
} from "./tree_store.ts";

/** What a MemoryStore may be given. */
export interface MemoryStoreOptions {
  /** Name in messages; "memory" if left out. */
  readonly location?: string;
  /** Bytes that all files together may hold; unbounded if left out. Names cost nothing. */
  readonly capacityBytes?: number;
  /** Refuses every change. */
  readonly readOnly?: boolean;
}

/** Files and folders in memory. */
export class MemoryStore implements TreeStore {
  readonly #medium: MemoryMedium;
  readonly #root: FolderNode;

  /** All is exact in memory, unless a test says otherwise. */
  capabilities: TreeCapabilities = {
    nanoseconds: true,
    extendedAttributes: true,
    holes: true,
  };

  /** An empty store, or one that takes over the tree `root`; `observer` sees all that is done. */
  constructor(
    options: MemoryStoreOptions = {},
    root: FolderNode = new FolderNode(),
    observer: MemoryObserver = blindObserver,
  ) {
    let usedBytes = 0;
    for (const file of filesBelow(root)) usedBytes += file.bytes;
    this.#root = root;
    this.#medium = {
      location: options.location ?? "memory",
      observer,
      capacityBytes: options.capacityBytes,
      readOnly: options.readOnly ?? false,
      usedBytes,
    };
  }

  /** For messages: where this store is. */
  get location(): string {
    return this.#medium.location;
  }

  /** Whether every change is refused; may be turned on and off, also while files are open. */
  get readOnly(): boolean {
    return this.#medium.readOnly;
  }
  set readOnly(readOnly: boolean) {
    this.#medium.readOnly = readOnly;
  }

  /** Bytes that all files together may hold; may be changed at any time. */
  get capacityBytes(): number | undefined {
    return this.#medium.capacityBytes;
  }
  set capacityBytes(bytes: number | undefined) {
    this.#medium.capacityBytes = bytes;
  }

  /** Bytes that all files together hold. */
  get usedBytes(): number {
    return this.#medium.usedBytes;
  }

  /** What is at `path`, or undefined if nothing is. @throws {Failure} */
  stat(path: string): StoreStat | undefined {
    const attempt = this.#begin("look at", path);
    const node = this.#find(attempt, path, "stat");
    if (node === undefined) return undefined;
    if (node.kind !== "file") {
      return { kind: node.kind, bytes: 0, linkCount: 1 };
    }
    const { bytes, linkCount, attributes: { modifiedNs, mode } } = node;
    return {
      kind: "file",
      bytes,
      linkCount,
      ...(modifiedNs === undefined ? {} : { modifiedMs: floorMs(modifiedNs) }),
      ...(mode === undefined ? {} : { mode }),
    };
  }

  /** The names in the folder, in byte order. @throws {Failure} */
  list(path: string): StoreName[] {
    const attempt = this.#begin("list", path);
    const names: StoreName[] = [];
    for (const [name, { kind }] of this.#folder(attempt, path).names) {
      names.push({ name, kind });
    }
    return names.sort((left, right) => compareNames(left.name, right.name));
  }

  /** Opens a plain file. @throws {Failure} */
  openFile(path: string, mode: OpenMode): StoreFile {
    const verb = mode === "create" ? "create" : "open";
    const attempt = this.#begin(verb, path);
    const node = this.#find(attempt, path, "use");
    if (node !== undefined) {
      if (mode === "create") throw occupied(attempt);
      if (node.kind !== "file") {
        throw refusal(attempt, "wrong-kind", `it is a ${node.kind}`);
      }
      if (mode !== "read") this.#requireWritable(attempt);
      return new MemoryFile(node, path, this.#medium, mode !== "read");
    }
    if (mode === "read" || mode === "update") throw nothingThere(attempt);
    const created = new FileNode();
    this.#name(attempt, path, created);
    return new MemoryFile(created, path, this.#medium, true);
  }

  /** Opens a plain file, made where nothing is, and takes its lock. @throws {Failure} */
  openLockFile(path: string): LockAttempt {
    const attempt = this.#begin("lock", path);
    const found = this.#find(attempt, path, "use");
    if (found !== undefined) {
      if (found.kind !== "file") {
        throw refusal(attempt, "wrong-kind", `it is a ${found.kind}`);
      }
      return lockFile(found, path, this.#medium, false);
    }
    const made = new FileNode();
    this.#name(attempt, path, made);
    return lockFile(made, path, this.#medium, true);
  }

  /** Makes the folder, unless it is there. @throws {Failure} */
  makeFolder(path: string): void {
    const attempt = this.#begin("make the folder", path);
    const node = this.#find(attempt, path, "use");
    if (node?.kind === "folder") return;
    if (node !== undefined) {
      throw refusal(attempt, "wrong-kind", `it is a ${node.kind}`);
    }
    this.#name(attempt, path, new FolderNode());
  }

  /** Gives `source` the name `target` in one step. @throws {Failure} */
  rename(source: string, target: string): void {
    this.#rename(source, target, "use");
  }

  #rename(source: string, target: string, purpose: "stat" | "use"): void {
    const attempt = `${this.#begin("rename", source)} to ${
      JSON.stringify(target)
    }`;
    requireNoRoot(attempt, source);
    requireNoRoot(attempt, target);
    const moved = this.#find(attempt, source, purpose);
    const replaced = this.#find(attempt, target, purpose);
    if (moved === undefined) throw nothingThere(attempt);
    if (replaced !== undefined && source !== target) {
      if (moved.kind === "folder") throw occupied(attempt);
      if (replaced.kind !== "file" && treeKindOf(replaced) !== "link") {
        throw refusal(attempt, "wrong-kind", `it is a ${replaced.kind}`);
      }
    }
    if (`${target}/`.startsWith(`${source}/`) && source !== target) {
      throw refusal(
        attempt,
        "invalid-argument",
        "a folder cannot lie in itself",
      );
    }
    const from = this.#slot(attempt, source);
    const into = this.#slot(attempt, target);
    this.#requireWritable(attempt);
    // As rename(2) has it: two names of one file both stay.
    if (replaced === moved) return;
    this.#release(replaced);
    putName({ ...into, node: moved });
    putName({ ...from, node: undefined });
    const changes = [{ ...from, node: undefined }, { ...into, node: moved }];
    this.#medium.observer.named(changes, attempt);
  }

  /** Removes a file, or a link itself. @throws {Failure} */
  removeFile(path: string): void {
    const attempt = this.#begin("remove", path);
    const node = this.#find(attempt, path, "remove");
    if (node === undefined) throw nothingThere(attempt);
    if (node.kind === "folder") {
      throw refusal(attempt, "wrong-kind", "it is a folder");
    }
    this.#name(attempt, path, undefined);
  }

  /** Removes a folder and all below it, or a link itself. @throws {Failure} */
  removeTree(path: string): void {
    const attempt = this.#begin("remove", path);
    requireNoRoot(attempt, path);
    const node = this.#find(attempt, path, "remove");
    if (node === undefined) throw nothingThere(attempt);
    if (node.kind === "file") {
      throw refusal(attempt, "wrong-kind", "it is a file");
    }
    this.#removeAll(attempt, path, node);
  }

  /** Returns once the names in the folder are on the medium. @throws {Failure} */
  syncFolder(path: string): void {
    const attempt = this.#begin("sync", path);
    this.#medium.observer.syncedFolder(this.#folder(attempt, path), attempt);
  }

  /** Resolves once the content of all these files is on the medium. @throws {Failure} */
  async syncFiles(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      await Promise.resolve();
      using file = this.openFile(path, "read");
      file.sync();
    }
  }

  /** Sets the attributes of a plain file; a write forgets when it was changed. @throws {Failure} */
  setAttributes(path: string, attributes: FileAttributes): void {
    const attempt = this.#begin("set attributes of", path);
    const node = this.#find(attempt, path, "use");
    if (node === undefined) throw nothingThere(attempt);
    if (node.kind !== "file") {
      throw refusal(attempt, "wrong-kind", `it is a ${node.kind}`);
    }
    this.#requireWritable(attempt);
    const { modifiedMs, mode } = attributes;
    node.attributes = {
      ...node.attributes,
      ...(modifiedMs === undefined
        ? {}
        : { modifiedNs: BigInt(Math.floor(modifiedMs)) * nsPerMs }),
      ...(mode === undefined ? {} : { mode }),
    };
  }

  /** What is at `path`, or undefined if nothing is. @throws {Failure} */
  statExactly(path: string): TreeStat | undefined {
    const attempt = this.#begin("look at", path);
    const node = this.#find(attempt, path, "stat");
    return node && treeStatOf(node);
  }

  /** The names in the folder, in byte order. @throws {Failure} */
  listExactly(path: string): TreeName[] {
    const attempt = this.#begin("list", path);
    const names = [...this.#folder(attempt, path).names];
    return names.map(([name, node]) => ({ name, kind: treeKindOf(node) }))
      .sort((left, right) => compareNames(left.name, right.name));
  }

  /** The target of a link. @throws {Failure} */
  readLink(path: string): string {
    const attempt = this.#begin("read the link", path);
    const node = this.#find(attempt, path, "stat");
    if (node === undefined) throw nothingThere(attempt);
    if (node.kind !== "other" || node.target === undefined) {
      throw refusal(attempt, "wrong-kind", `it is a ${treeKindOf(node)}`);
    }
    return node.target;
  }

  /** Makes a symbolic link. @throws {Failure} */
  makeLink(path: string, target: string): void {
    const attempt = this.#begin("make the link", path);
    if (target === "" || target.includes("\0") || !target.isWellFormed()) {
      throw refusal(attempt, "invalid-name", "no link has such a target");
    }
    this.#requireFree(attempt, path);
    this.#name(attempt, path, new OtherNode(target));
  }

  /** Gives the file `existing` another name. @throws {Failure} */
  linkFile(existing: string, path: string): void {
    const attempt = this.#begin("link", existing);
    const node = this.#find(attempt, existing, "use");
    if (node === undefined) throw nothingThere(attempt);
    if (node.kind !== "file") {
      throw refusal(attempt, "wrong-kind", `it is a ${node.kind}`);
    }
    this.#requireFree(attempt, path);
    this.#name(attempt, path, node);
  }

  /** As rename, but links are moved and replaced, too. @throws {Failure} */
  moveName(source: string, target: string): void {
    this.#rename(source, target, "stat");
  }

  /** Sets attributes of a file, a folder or a link itself. @throws {Failure} */
  setExactly(path: string, attributes: TreeAttributes): void {
    const attempt = this.#begin("set attributes of", path);
    const node = this.#find(attempt, path, "stat");
    if (node === undefined) throw nothingThere(attempt);
    const kind = treeKindOf(node);
    if (kind === "other") {
      throw refusal(attempt, "unsafe-path", "it is a special file");
    }
    this.#requireWritable(attempt);
    const { modifiedNs, mode } = attributes;
    node.attributes = {
      ...node.attributes,
      ...(modifiedNs === undefined ? {} : { modifiedNs }),
      ...(mode === undefined || kind === "link" ? {} : { mode }),
    };
  }

  /** The extended attributes of a file or folder. @throws {Failure} */
  readExtended(path: string): ExtendedAttributes {
    const attempt = this.#begin("read attributes of", path);
    const node = this.#find(attempt, path, "stat");
    if (node === undefined) throw nothingThere(attempt);
    const values = [...node.attributes.extended ?? []];
    values.sort(([left], [right]) => compareNames(left, right));
    return { values: new Map(values), skipped: [] };
  }

  /** Sets one extended attribute of a file or folder. @throws {Failure} */
  setExtended(path: string, name: string, value: Bytes): void {
    const attempt = this.#begin("set an attribute of", path);
    const node = this.#find(attempt, path, "use");
    if (node === undefined) throw nothingThere(attempt);
    if (node.kind === "other" || !isKeptAttribute(name)) {
      throw refusal(
        attempt,
        "invalid-argument",
        `the attribute ${JSON.stringify(name)} is not for it`,
      );
    }
    this.#requireWritable(attempt);
    const extended = new Map(node.attributes.extended);
    extended.set(name, value.slice());
    node.attributes = { ...node.attributes, extended };
  }

  /** Where a file has more than whole blocks of zeros. @throws {Failure} */
  readDataRanges(path: string): DataRange[] {
    const attempt = this.#begin("find the holes of", path);
    const node = this.#find(attempt, path, "use");
    if (node === undefined) throw nothingThere(attempt);
    if (node.kind === "file") return node.dataRanges();
    throw refusal(attempt, "wrong-kind", `it is a ${node.kind}`);
  }

  /** Resolves once all in the folder is on the medium. @throws {Failure} */
  async syncTree(path: string): Promise<void> {
    for (const { name, kind } of this.listExactly(path)) {
      const below = path === "" ? name : `${path}/${name}`;
      if (kind === "folder") await this.syncTree(below);
      else if (kind === "file") await this.syncFiles([below]);
    }
    this.syncFolder(path);
  }

  /** Bytes that can still be written, or undefined if there is no bound. */
  freeBytes(): number | undefined {
    const { capacityBytes, usedBytes } = this.#medium;
    if (capacityBytes === undefined) return undefined;
    return Math.max(0, capacityBytes - usedBytes);
  }

  /** A store of its own with the same content, as a backup for comparing or going on from. */
  clone(): MemoryStore {
    return new MemoryStore(this.options, this.copyRoot());
  }

  /** Paths of all files and other things (not folders), in byte order within each folder. */
  filePaths(): string[] {
    const found: string[] = [];
    const walk = (folder: FolderNode, prefix: string) => {
      const names = [...folder.names].sort(([left], [right]) =>
        compareNames(left, right)
      );
      for (const [name, node] of names) {
        if (node.kind === "folder") walk(node, `${prefix}${name}/`);
        else found.push(prefix + name);
      }
    };
    walk(this.#root, "");
    return found;
  }

  /** A copy of a file's content. @throws {Failure} `not-found` */
  contentOf(path: string): Uint8Array<ArrayBuffer> {
    const attempt = formatAttempt("read", path, this.location);
    const node = this.#find(attempt, path, "use");
    if (node?.kind !== "file") throw nothingThere(attempt);
    return node.copy();
  }

  /** Puts a file there from outside, with the folders that it needs, in place of what was there. */
  plantFile(path: string, content: Bytes): void {
    this.#plant(path, new FileNode(content));
  }

  /** Puts a folder there from outside, with the folders that it needs. */
  plantFolder(path: string): void {
    this.#plant(path, new FolderNode());
  }

  /** Puts a thing there that is neither file nor folder: a pipe, a device, or a link to `target`. */
  plantOther(path: string, target?: string): void {
    this.#plant(path, new OtherNode(target));
  }

  /** Gives the file `existing` a second name. @throws {Failure} `not-found` */
  plantHardLink(path: string, existing: string): void {
    const attempt = formatAttempt("link", existing, this.location);
    const node = this.#find(attempt, existing, "use");
    if (node?.kind !== "file") throw nothingThere(attempt);
    this.#plant(path, node);
  }

  /** A copy of the whole tree, sharing nothing with this store. */
  copyRoot(): FolderNode {
    return copyTree(this.#root);
  }

  /** Lets go of all locks, as the death of whoever held them does. */
  protected releaseLocks(): void {
    for (const file of filesBelow(this.#root)) file.isLocked = false;
  }

  /** What a store of the same kind would be made with. */
  protected get options(): MemoryStoreOptions {
    const { location, capacityBytes, readOnly } = this.#medium;
    return capacityBytes === undefined
      ? { location, readOnly }
      : { location, readOnly, capacityBytes };
  }

  #begin(verb: string, path: string): string {
    const attempt = formatAttempt(verb, path, this.location);
    this.#medium.observer.begun(attempt);
    return attempt;
  }

  // As DirStore's: nothing but folders on the way, and no link at the end of what is to be used.
  #find(
    attempt: string,
    path: string,
    purpose: "stat" | "remove" | "use",
  ): MemoryNode | undefined {
    let node: MemoryNode = this.#root;
    const names = parsePath(path);
    for (const [index, name] of names.entries()) {
      if (node.kind === "file") {
        if (purpose === "stat") return undefined;
        throw refusal(
          attempt,
          "wrong-kind",
          "a file lies where a folder is needed",
        );
      }
      if (node.kind === "other") throw otherInTheWay(attempt);
      const next: MemoryNode | undefined = node.names.get(name);
      if (next === undefined) return undefined;
      node = next;
      if (node.kind === "other" && purpose === "use") {
        throw otherInTheWay(attempt);
      }
      if (index === names.length - 1) return node;
    }
    return node;
  }

  #folder(attempt: string, path: string): FolderNode {
    const node = this.#find(attempt, path, "use");
    if (node === undefined) throw nothingThere(attempt);
    if (node.kind === "folder") return node;
    throw refusal(attempt, "wrong-kind", `it is a ${node.kind}`);
  }

  // The folder that holds, or is to hold, the last component, and that component.
  #slot(attempt: string, path: string): { folder: FolderNode; name: string } {
    const cut = path.lastIndexOf("/");
    const parent = cut < 0 ? "" : path.slice(0, cut);
    return { folder: this.#folder(attempt, parent), name: path.slice(cut + 1) };
  }

  #requireFree(attempt: string, path: string): void {
    requireNoRoot(attempt, path);
    if (this.#find(attempt, path, "stat") !== undefined) {
      throw occupied(attempt);
    }
  }

  #name(attempt: string, path: string, node: MemoryNode | undefined): void {
    const slot = this.#slot(attempt, path);
    this.#requireWritable(attempt);
    this.#release(slot.folder.names.get(slot.name));
    const change = { ...slot, node };
    putName(change);
    this.#medium.observer.named([change], attempt);
  }

  // One step for each name, innermost first, as a file system does it.
  #removeAll(attempt: string, path: string, node: MemoryNode): void {
    if (node.kind === "folder") {
      for (const [name, child] of [...node.names]) {
        this.#removeAll(attempt, `${path}/${name}`, child);
      }
    }
    this.#name(attempt, path, undefined);
  }

  // Gives back the room of a file that is about to lose its last name.
  #release(node: MemoryNode | undefined): void {
    if (node?.kind === "file" && node.linkCount === 1) {
      this.#medium.usedBytes -= node.bytes;
    }
  }

  #requireWritable(attempt: string): void {
    if (this.#medium.readOnly) {
      throw refusal(attempt, "read-only", "the store is read-only");
    }
  }

  #plant(path: string, node: MemoryNode): void {
    const attempt = formatAttempt("plant", path, this.location);
    requireNoRoot(attempt, path);
    const names = parsePath(path);
    let folder = this.#root;
    for (const name of names.slice(0, -1)) {
      let next = folder.names.get(name);
      if (next === undefined) {
        next = new FolderNode();
        this.#plantName({ folder, name, node: next });
      }
      if (next.kind !== "folder") {
        throw refusal(attempt, "wrong-kind", `${name} is no folder`);
      }
      folder = next;
    }
    this.#plantName({ folder, name: names.at(-1)!, node });
  }

  #plantName(
    change: { folder: FolderNode; name: string; node: MemoryNode },
  ): void {
    const former = change.folder.names.get(change.name);
    this.#release(former);
    if (change.node.kind === "file" && change.node.linkCount === 0) {
      this.#medium.usedBytes += change.node.bytes;
    }
    putName(change);
    this.#medium.observer.planted(change);
  }
}
