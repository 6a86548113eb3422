// Tree rows: the file table of a tree entry as nodes and folders. A further name of a file is the same
// node as the file.

import type { FileRow, FileTable } from "../archive/archive.ts";
import { present } from "../base/assert.ts";
import { encodeUtf8 } from "../base/bytes.ts";
import { parseTimeNs } from "../base/calendar.ts";
import { Failure } from "../base/errors.ts";
import { openRanges, type SourceFile } from "./payload_file.ts";
import type {
  NodeId,
  OpenFile,
  OpenFolder,
  ViewNode,
  ViewRow,
} from "./view.ts";

type Attributes = FileTable["header"]["root"];

/** Makes the node of a row, or of the tree itself (index -1, no row). */
export type NodeMaker = (index: number, row: FileRow | Attributes) => ViewNode;

/** Rows of one tree. */
export class TreeRows {
  readonly table: FileTable;
  readonly #nodeOf: NodeMaker;

  /** The rows of `table`. */
  constructor(table: FileTable, nodeOf: NodeMaker) {
    this.table = table;
    this.#nodeOf = nodeOf;
  }

  /** The node of a row; -1 is the tree itself. @throws {Failure} `not-found` */
  node(index: number): ViewNode {
    return index < 0
      ? this.#nodeOf(index, this.table.header.root)
      : this.#resolved(index, this.row(index));
  }

  /** The row with that index. @throws {Failure} `not-found` where a number was made up */
  row(index: number): FileRow {
    if (index >= this.table.rowCount) {
      throw new Failure("not-found", "There is no such file in the tree");
    }
    return this.table.rowAt(index);
  }

  /** The path of the folder with that index. @throws {Failure} `wrong-kind` */
  folderPath(index: number): string {
    if (index < 0) return "";
    const row = this.row(index);
    if (row.kind === "folder") return row.path;
    throw new Failure("wrong-kind", `"${row.path}" is no folder`);
  }

  /** The node of a name in a folder, or undefined. @throws {Failure} `wrong-kind` */
  lookup(folder: number, name: string): ViewNode | undefined {
    const path = this.folderPath(folder);
    if (name === "" || name.includes("/")) return undefined;
    const index = this.table.indexOf(path === "" ? name : `${path}/${name}`);
    return index === undefined ? undefined : this.node(index);
  }

  /** Rows of a folder from the row `from` on (0: the first). */
  *children(folder: string, from: number): Iterable<ViewRow> {
    const start = from === 0 ? undefined : from - 1;
    const nameStart = folder === "" ? 0 : folder.length + 1;
    for (const found of this.table.childrenFrom(folder, start)) {
      const { row, index, nextIndex } = found;
      const name = row.path.slice(nameStart);
      // A place that nobody was told, deeper in the tree: no name of this folder.
      if (name.includes("/")) return;
      const node = this.#resolved(index, row);
      yield { name, node, isWhole: true, next: nextIndex + 1 };
    }
  }

  /** Opens a file for reading; `open` gives the payload. @throws {Failure} `wrong-kind` */
  openFile(index: number, open: () => SourceFile): OpenFile {
    const row = this.row(index);
    const file = this.table.findFile(row.path);
    if (file === undefined) {
      throw new Failure("wrong-kind", `"${row.path}" is no file`);
    }
    return openRanges(open(), file.bytes, file.data);
  }

  #resolved(index: number, row: FileRow): ViewNode {
    if (row.kind !== "hardlink") return this.#nodeOf(index, row);
    const target = present(
      this.table.indexOf(row.target),
      "a table's links lead to its files",
    );
    return this.#nodeOf(target, this.table.rowAt(target));
  }
}

/** Opens a folder of a tree; -1 is the tree itself. @throws {Failure} `wrong-kind` */
export function openTreeFolder(rows: TreeRows, index: number): OpenFolder {
  const path = rows.folderPath(index);
  return { isFixed: true, rows: (from) => rows.children(path, from) };
}

/** The node of a row, changed when it says, or at `created`. */
export function rowNode(
  id: NodeId,
  row: FileRow | Attributes,
  created: string,
): ViewNode {
  const attributes: Attributes = "kind" in row && row.kind === "hardlink"
    ? {}
    : row as Attributes;
  const { mode, uid, gid, modified } = attributes;
  const base = {
    id,
    ...(mode === undefined ? {} : { mode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    modifiedNs: parseTimeNs(modified ?? created) ?? 0n,
    nameChanges: false,
  };
  if (!("kind" in row) || row.kind === "folder") {
    return { ...base, kind: "folder", bytes: 0, linkCount: 1 };
  }
  if (row.kind === "link") {
    const bytes = encodeUtf8(row.target).length;
    return { ...base, kind: "link", bytes, linkCount: 1 };
  }
  const isFile = row.kind === "file";
  return {
    ...base,
    kind: "file",
    bytes: isFile ? row.bytes : 0,
    linkCount: isFile ? row.nameCount : 1,
  };
}

/** The extended attributes that a row has stored; -1 is the tree itself. */
export function rowXattrs(
  table: FileTable,
  index: number,
): readonly { readonly name: string; readonly value: Uint8Array }[] {
  if (index < 0) return table.header.root.xattrs ?? [];
  const row = table.rowAt(index);
  return row.kind === "hardlink" ? [] : row.xattrs ?? [];
}
