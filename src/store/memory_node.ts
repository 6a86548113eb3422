// Nodes: the files, folders and other things that a MemoryStore's tree is made of, and the medium
// that they share. A node has no name; folders name nodes, so that a file can have two names and
// keep its content when it is renamed. Knows no path and no rule of the Store interface.

import type { Bytes } from "../base/bytes.ts";
import type { DataRange, TreeKind, TreeStat } from "./tree_store.ts";

/** Anything that a folder can name. */
export type MemoryNode = FileNode | FolderNode | OtherNode;

/** What was set of a node besides its bytes. There is no clock here: an unset time is unknown. */
export interface NodeAttributes {
  readonly modifiedNs?: bigint;
  readonly mode?: number;
  /** Extended attributes by name. */
  readonly extended?: ReadonlyMap<string, Bytes>;
}

/** Whole blocks of zeros are holes, as on a file system that looks for them. */
const blockBytes = 4096;

let nextIdentity = 1;

/** A file's content, which grows as it is written. */
export class FileNode {
  readonly kind = "file";
  /** A number of its own, as an inode has. */
  readonly identity: string = String(nextIdentity++);
  /** Names that lead here. */
  linkCount = 0;
  /** What was set of them; a write makes the time unknown. */
  attributes: NodeAttributes = {};
  /** Whether somebody holds its lock; no copy of a file is locked. */
  isLocked = false;
  #buffer: Uint8Array<ArrayBuffer>;
  #bytes: number;

  /** Holds a copy of `content`. */
  constructor(content: Bytes = new Uint8Array()) {
    this.#buffer = content.slice() as Uint8Array<ArrayBuffer>;
    this.#bytes = content.length;
  }

  /** The size of the content. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A copy of the content. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#bytes);
  }

  /** Reads what there is at `offset`; gives the count of bytes. */
  readInto(target: Bytes, offset: number): number {
    const end = Math.min(this.#bytes, offset + target.length);
    if (offset >= end) return 0;
    target.set(this.#buffer.subarray(offset, end));
    return end - offset;
  }

  /** Writes all of `source`, with zeros before it where the content was shorter. */
  writeFrom(source: Bytes, offset: number): void {
    if (source.length === 0) return;
    const end = offset + source.length;
    if (end > this.#bytes) this.resize(end);
    this.#buffer.set(source, offset);
    this.#forgetTime();
  }

  /** Cuts, or extends with zeros. */
  resize(bytes: number): void {
    if (bytes > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(bytes, this.#buffer.length * 2));
      grown.set(this.#buffer.subarray(0, this.#bytes));
      this.#buffer = grown;
    }
    // What was cut off must not come back when the file grows again.
    if (bytes < this.#bytes) this.#buffer.fill(0, bytes, this.#bytes);
    this.#bytes = bytes;
    this.#forgetTime();
  }

  /** Where the content is not whole blocks of zeros. */
  dataRanges(): DataRange[] {
    const ranges: DataRange[] = [];
    let from: number | undefined;
    for (let offset = 0; offset < this.#bytes; offset += blockBytes) {
      const end = Math.min(this.#bytes, offset + blockBytes);
      const isData = this.#buffer.subarray(offset, end).some((byte) => byte);
      if (isData) from ??= offset;
      if (from === undefined || isData && end < this.#bytes) continue;
      const bytes = (isData ? end : offset) - from;
      ranges.push({ offset: from, bytes });
      from = undefined;
    }
    return ranges;
  }

  #forgetTime(): void {
    const { modifiedNs: _, ...rest } = this.attributes;
    this.attributes = rest;
  }
}

/** Names, each leading to a node. */
export class FolderNode {
  readonly kind = "folder";
  /** What was set of it; other than that of a file, a change below does not touch it. */
  attributes: NodeAttributes = {};
  /** What the folder holds; changed by {@link putName} alone. */
  readonly names: Map<string, MemoryNode> = new Map();
}

/** A link or a special file: there, and of no use but to who knows trees. */
export class OtherNode {
  readonly kind = "other";
  /** What was set of it. */
  attributes: NodeAttributes = {};
  /** What a link leads to; undefined for a special file. */
  readonly target: string | undefined;

  /** A link to `target`, or a special file. */
  constructor(target?: string) {
    this.target = target;
  }

  /** A node of its own that is the same. */
  copy(): OtherNode {
    const copy = new OtherNode(this.target);
    copy.attributes = this.attributes;
    return copy;
  }
}

/** One name of one folder: what it leads to from now on, or undefined for nothing. */
export interface NameChange {
  readonly folder: FolderNode;
  readonly name: string;
  readonly node: MemoryNode | undefined;
}

/** Makes one name lead to a node or to nothing, and counts the names of files. */
export function putName({ folder, name, node }: NameChange): void {
  const former = folder.names.get(name);
  if (former?.kind === "file") former.linkCount--;
  if (node?.kind === "file") node.linkCount++;
  if (node === undefined) folder.names.delete(name);
  else folder.names.set(name, node);
}

/** What a node is, to who knows links. */
export function treeKindOf(node: MemoryNode): TreeKind {
  if (node.kind !== "other") return node.kind;
  return node.target === undefined ? "other" : "link";
}

/** What is known of a node. */
export function treeStatOf(node: MemoryNode): TreeStat {
  const { modifiedNs, mode } = node.attributes;
  const known = {
    kind: treeKindOf(node),
    device: "memory",
    ...(modifiedNs === undefined ? {} : { modifiedNs }),
    ...(mode === undefined ? {} : { mode }),
  };
  if (node.kind !== "file") return { ...known, bytes: 0, linkCount: 1 };
  const { bytes, linkCount, identity } = node;
  let allocatedBytes = 0;
  for (const range of node.dataRanges()) allocatedBytes += range.bytes;
  return { ...known, bytes, linkCount, identity, allocatedBytes };
}

/** A copy of the tree below `root` that shares nothing with it; two names of one file stay so. */
export function copyTree(root: FolderNode): FolderNode {
  const copies = new Map<FileNode, FileNode>();
  const copyNode = (node: MemoryNode): MemoryNode => {
    if (node.kind === "other") return node.copy();
    if (node.kind === "folder") return copyFolder(node);
    const copy = copies.get(node) ?? new FileNode(node.copy());
    copy.attributes = node.attributes;
    copies.set(node, copy);
    return copy;
  };
  const copyFolder = (source: FolderNode): FolderNode => {
    const folder = new FolderNode();
    folder.attributes = source.attributes;
    for (const [name, node] of source.names) {
      putName({ folder, name, node: copyNode(node) });
    }
    return folder;
  };
  return copyFolder(root);
}

/** The files below `folder`, each once. */
export function filesBelow(
  folder: FolderNode,
  found: Set<FileNode> = new Set(),
): Set<FileNode> {
  for (const node of folder.names.values()) {
    if (node.kind === "file") found.add(node);
    else if (node.kind === "folder") filesBelow(node, found);
  }
  return found;
}

/**
 * Sees every change and sync of a store, each after it was done to the tree and before the caller
 * hears of it. May throw a Failure, which the caller then gets although the change was done.
 */
export interface MemoryObserver {
  /** A call begins. */
  begun(attempt: string): void;
  /** `source` was written into a file. */
  wrote(file: FileNode, source: Bytes, offset: number, attempt: string): void;
  /** A file was cut or extended. */
  resized(file: FileNode, bytes: number, attempt: string): void;
  /** Names changed, all in one step. */
  named(changes: readonly NameChange[], attempt: string): void;
  /** A file's content is to be durable. */
  synced(file: FileNode, attempt: string): void;
  /** A folder's names are to be durable. */
  syncedFolder(folder: FolderNode, attempt: string): void;
  /** A name and what it leads to were put there from outside, as if they had always been there. */
  planted(change: NameChange): void;
}

/** An observer that lets everything pass. */
export const blindObserver: MemoryObserver = {
  begun: () => {},
  wrote: () => {},
  resized: () => {},
  named: () => {},
  synced: () => {},
  syncedFolder: () => {},
  planted: () => {},
};
