// Archive view: the entries of an archive as files and folders. The root has one row a name: the newest
// version, a file or a tree. `.versions/NAME/ID` are all versions. What is committed or removed while
// somebody looks appears and vanishes; an open file stays readable while its bytes are there.
//
// A node's number is made from the entry's id (36 bits) and the row in the entry (28 bits), so that it
// is the same after a new start, and nothing has to be remembered of what was looked at.

import type { FileTable, LiveEntry } from "../archive/archive.ts";
import { present } from "../base/assert.ts";
import { encodeUtf8, formatHex } from "../base/bytes.ts";
import { parseTimeNs } from "../base/calendar.ts";
import { Failure } from "../base/errors.ts";
import { openWhole, type SourceFile } from "./payload_file.ts";
import { openTreeFolder, rowNode, rowXattrs, TreeRows } from "./tree_rows.ts";
import {
  labelPrefix,
  type NodeId,
  type OpenFile,
  type OpenFolder,
  rootId,
  type Soon,
  type View,
  type ViewNode,
  type ViewRow,
  type ViewStatistics,
} from "./view.ts";

/** Where entries and their bytes come from: an archive here, or one far away. */
export interface EntrySource {
  /** By name, then newest first; the same array while nothing changed. */
  entries(): Soon<readonly LiveEntry[]>;
  /** Verified random access to an entry's payload. */
  open(entry: LiveEntry): SourceFile;
  /** The file table of a tree; undefined for an entry that is a file. */
  table(entry: LiveEntry): Soon<FileTable | undefined>;
  /** What reads of the entry met so far, in one word. */
  healthOf(entry: LiveEntry): string;
  /** Bytes free on the medium, if known. */
  freeBytes(): number | undefined;
}

/** The folder of all versions, in the root. An entry of that name is found below it. */
export const versionsName = ".versions";

const versionsId: NodeId = 2n;
const rowBits = 28n;
const rowMask: bigint = (1n << rowBits) - 1n;
const baseMask: bigint = (1n << 36n) - 1n;

// What the low bits of a number say: a folder of versions, an entry itself, or a row of a tree.
const nameRow = 0n, entryRow = 1n, firstTreeRow = 2n;

const ownPrefix = `${labelPrefix}blockframe.`;

/** What a number stands for. */
type Place =
  | { readonly kind: "root" }
  | { readonly kind: "versions" }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "entry"; readonly entry: LiveEntry }
  | {
    readonly kind: "row";
    readonly entry: LiveEntry;
    readonly index: number;
  };

/** The entries of one archive as a file system. */
export class ArchiveView implements View {
  readonly #source: EntrySource;
  #seen: readonly LiveEntry[] = [];
  #newestCreated = "";
  /** Newest versions by name, then all versions by id. */
  #names: ReadonlyMap<string, ReadonlyMap<string, LiveEntry>> = new Map();
  readonly #entryBases = new Bases();
  readonly #nameBases = new Bases();
  #byBase = new Map<bigint, LiveEntry>();

  /** A view of what `source` has. */
  constructor(source: EntrySource) {
    this.#source = source;
  }

  /** The node with this number. @throws {Failure} `not-found` */
  async node(id: NodeId): Promise<ViewNode> {
    return await this.#nodeOf(await this.#locate(id));
  }

  /** The node of that name, or undefined. @throws {Failure} `wrong-kind` where there is no folder */
  async lookup(folder: NodeId, name: string): Promise<ViewNode | undefined> {
    const place = await this.#locate(folder);
    switch (place.kind) {
      case "root": {
        if (name === versionsName) return this.#folder(versionsId);
        const newest = this.#newest(name);
        return newest && await this.#entryNode(newest);
      }
      case "versions":
        return this.#names.has(name) ? this.#nameNode(name) : undefined;
      case "name": {
        const entry = this.#names.get(place.name)?.get(name);
        return entry && await this.#entryNode(entry);
      }
      case "entry":
      case "row": {
        const rows = await this.#rowsOf(place.entry);
        if (rows === undefined) {
          throw new Failure("wrong-kind", "A file holds no names");
        }
        return rows.lookup(indexOf(place), name);
      }
    }
  }

  /** Opens a folder. @throws {Failure} `wrong-kind`, `not-found` */
  async openFolder(folder: NodeId): Promise<OpenFolder> {
    const place = await this.#locate(folder);
    switch (place.kind) {
      case "root":
        return new ListedFolder([
          () => this.#folderRow(versionsName, this.#folder(versionsId)),
          ...[...this.#names].filter(([name]) => name !== versionsName)
            .map(([name, versions]) => () =>
              this.#entryRow(name, versions.values().next().value!)
            ),
        ]);
      case "versions":
        return new ListedFolder(
          [...this.#names.keys()].map((name) => () =>
            this.#folderRow(name, this.#nameNode(name))
          ),
        );
      case "name":
        return new ListedFolder(
          [...this.#names.get(place.name) ?? []].map(([id, entry]) => () =>
            this.#entryRow(id, entry)
          ),
        );
      case "entry":
      case "row": {
        const rows = await this.#rowsOf(place.entry);
        if (rows === undefined) {
          throw new Failure("wrong-kind", "A file is no folder");
        }
        return openTreeFolder(rows, indexOf(place));
      }
    }
  }

  /** Opens a file. @throws {Failure} `wrong-kind`, `not-found` */
  async openFile(file: NodeId): Promise<OpenFile> {
    const place = await this.#locate(file);
    if (place.kind === "entry") {
      if (isTree(place.entry)) {
        throw new Failure("wrong-kind", "A folder is no file");
      }
      return openWhole(this.#source.open(place.entry));
    }
    if (place.kind !== "row") {
      throw new Failure("wrong-kind", "A folder is no file");
    }
    const rows = await this.#rowsOf(place.entry);
    return present(rows, "rows are of trees")
      .openFile(place.index, () => this.#source.open(place.entry));
  }

  /** The target of a symbolic link. @throws {Failure} `wrong-kind`, `not-found` */
  async readLink(link: NodeId): Promise<string> {
    const place = await this.#locate(link);
    if (place.kind === "row") {
      const rows = await this.#rowsOf(place.entry);
      const row = rows?.table.rowAt(place.index);
      if (row?.kind === "link") return row.target;
    }
    throw new Failure("wrong-kind", "That is no symbolic link");
  }

  /** Names of the extended attributes: ours on entries, and what a tree's file had. */
  async labels(id: NodeId): Promise<readonly string[]> {
    return [...(await this.#labelsOf(id)).keys()];
  }

  /** The value of an extended attribute, or undefined. */
  async label(id: NodeId, name: string): Promise<Uint8Array | undefined> {
    if (!name.startsWith(labelPrefix)) return undefined;
    return (await this.#labelsOf(id)).get(name);
  }

  /** Sums over all entries, every version counted. */
  async statistics(): Promise<ViewStatistics> {
    await this.#refresh();
    let bytes = 0, fileCount = 0;
    for (const { manifest } of this.#seen) {
      bytes += manifest.files?.counts.contentBytes ??
        manifest.geometry.payloadBytes;
      fileCount += manifest.files?.counts.fileCount ?? 1;
    }
    return { bytes, fileCount, freeBytes: this.#source.freeBytes() };
  }

  async #labelsOf(id: NodeId): Promise<Map<string, Uint8Array>> {
    const labels = new Map<string, Uint8Array>();
    const place = await this.#locate(id);
    if (place.kind !== "entry" && place.kind !== "row") return labels;
    const { entry } = place;
    const rows = await this.#rowsOf(entry);
    if (rows !== undefined) {
      const index = indexOf(place);
      // Of a link Linux would list attributes of users, and give none: rsync -X would fail.
      if (index >= 0 && rows.row(index).kind === "link") return labels;
      for (const { name, value } of rowXattrs(rows.table, index)) {
        if (name.startsWith(labelPrefix)) labels.set(name, value);
      }
    }
    const put = (name: string, text: string) =>
      labels.set(ownPrefix + name, encodeUtf8(text));
    put("root", formatHex(entry.manifest.root));
    put("policy", entry.summary.policy);
    put("id", entry.manifest.id);
    put("health", this.#source.healthOf(entry));
    return labels;
  }

  /** Takes in what changed. */
  async #refresh(): Promise<void> {
    const entries = await this.#source.entries();
    if (entries === this.#seen) return;
    this.#seen = entries;
    this.#newestCreated = entries.reduce(
      (newest, { manifest: { created } }) =>
        created > newest ? created : newest,
      "",
    );
    const names = new Map<string, Map<string, LiveEntry>>();
    this.#byBase = new Map();
    for (const entry of entries) {
      const { name, id } = entry.manifest;
      const versions = names.get(name);
      if (versions === undefined) names.set(name, new Map([[id, entry]]));
      else versions.set(id, entry);
      this.#byBase.set(this.#baseOf(entry), entry);
    }
    this.#names = names;
    for (const name of names.keys()) this.#nameBases.of(name, hashOf(name));
  }

  #baseOf({ manifest: { id } }: LiveEntry): bigint {
    return this.#entryBases.of(id, BigInt(`0x${id}`) & baseMask);
  }

  #newest(name: string): LiveEntry | undefined {
    return this.#names.get(name)?.values().next().value;
  }

  async #locate(id: NodeId): Promise<Place> {
    await this.#refresh();
    if (id === rootId) return { kind: "root" };
    if (id === versionsId) return { kind: "versions" };
    const base = id >> rowBits, row = id & rowMask;
    if (row === nameRow) {
      const name = this.#nameBases.keyOf(base);
      if (name !== undefined && this.#names.has(name)) {
        return { kind: "name", name };
      }
    } else {
      const entry = this.#byBase.get(base);
      if (entry !== undefined) {
        return row === entryRow
          ? { kind: "entry", entry }
          : { kind: "row", entry, index: Number(row - firstTreeRow) };
      }
    }
    throw new Failure("not-found", "That is not in the archive any more");
  }

  async #nodeOf(place: Place): Promise<ViewNode> {
    switch (place.kind) {
      case "root":
        return this.#folder(rootId);
      case "versions":
        return this.#folder(versionsId);
      case "name":
        return this.#nameNode(place.name);
      case "entry":
        return await this.#entryNode(place.entry);
      case "row": {
        const rows = await this.#rowsOf(place.entry);
        return present(rows, "rows are of trees").node(place.index);
      }
    }
  }

  #folderRow(name: string, node: ViewNode): ListedRow {
    return { name, node, isTree: false };
  }

  #entryRow(name: string, entry: LiveEntry): ListedRow {
    const node = this.#plainNode(entry);
    return { name, node, isTree: isTree(entry) };
  }

  /** The folder of the versions of a name. */
  #nameNode(name: string): ViewNode {
    const base = this.#nameBases.of(name, hashOf(name));
    return this.#folder(base << rowBits | nameRow, this.#newest(name));
  }

  /** A folder that no tree holds; it was changed when `newest`, or the newest of all, came. */
  #folder(id: NodeId, newest?: LiveEntry): ViewNode {
    const created = newest?.manifest.created ?? this.#newestCreated;
    return {
      id,
      kind: "folder",
      bytes: 0,
      modifiedNs: parseTimeNs(created) ?? 0n,
      linkCount: 1,
      nameChanges: true,
      rowsChange: true,
    };
  }

  /** A node of an entry; of a tree with what its table says of the root. */
  async #entryNode(entry: LiveEntry): Promise<ViewNode> {
    const rows = await this.#rowsOf(entry);
    if (rows === undefined) return this.#plainNode(entry);
    return { ...rows.node(-1), nameChanges: true };
  }

  /** A node of an entry from its manifest alone. */
  #plainNode(entry: LiveEntry): ViewNode {
    const { geometry, source, created } = entry.manifest;
    const tree = isTree(entry);
    const modifiedNs = parseTimeNs(source.modified ?? created) ?? 0n;
    return {
      id: this.#baseOf(entry) << rowBits | entryRow,
      kind: tree ? "folder" : "file",
      bytes: tree ? 0 : geometry.payloadBytes,
      ...(source.mode === undefined || tree
        ? {}
        : { mode: parseInt(source.mode, 8) }),
      modifiedNs,
      linkCount: 1,
      nameChanges: true,
    };
  }

  async #rowsOf(entry: LiveEntry): Promise<TreeRows | undefined> {
    if (!isTree(entry)) return undefined;
    const table = await this.#source.table(entry);
    const base = this.#baseOf(entry);
    return table && new TreeRows(table, (index, row) =>
      rowNode(
        base << rowBits |
          (index < 0 ? entryRow : firstTreeRow + BigInt(index)),
        row,
        entry.manifest.created,
      ));
  }
}

function isTree(entry: LiveEntry): boolean {
  return entry.manifest.files !== undefined;
}

/** The row of a place in a tree; -1 for the tree itself. */
function indexOf(place: Place): number {
  return place.kind === "row" ? place.index : -1;
}

/** Numbers of 36 bits for keys: the one that is wished for, or the next free one. Never 0. */
class Bases {
  readonly #byKey = new Map<string, bigint>();
  readonly #keys = new Map<bigint, string>();

  of(key: string, wish: bigint): bigint {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    let base = wish;
    while (base === 0n || this.#keys.has(base)) base = (base + 1n) & baseMask;
    this.#byKey.set(key, base);
    this.#keys.set(base, key);
    return base;
  }

  keyOf(base: bigint): string | undefined {
    return this.#keys.get(base);
  }
}

/** 36 bits of FNV-1a (64 bits) of the name. */
function hashOf(name: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of encodeUtf8(name)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash >> 28n;
}

interface ListedRow {
  readonly name: string;
  readonly node: ViewNode;
  readonly isTree: boolean;
}

/** A folder whose names are known; a row's node is made when it is asked for. */
class ListedFolder implements OpenFolder {
  readonly isFixed: boolean = false;
  readonly #rows: readonly (() => ListedRow)[];

  constructor(rows: readonly (() => ListedRow)[]) {
    this.#rows = rows;
  }

  *rows(from: number): Iterable<ViewRow> {
    for (let index = from; index < this.#rows.length; index++) {
      const { name, node, isTree } = this.#rows[index]!();
      // A tree's own attributes are in its table, which a listing does not read.
      yield { name, node, isWhole: !isTree, next: index + 1 };
    }
  }
}
