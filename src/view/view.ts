// View: a file system to look at, whatever is behind it. Mounts and servers speak this and nothing
// else: nodes with numbers, folders with rows, files with verified bytes. Answers may come at once or
// later, so that what is behind it can be far away. Nothing can be changed through it.

/** A node's number: the same for the same thing as long as it is there, also after a new start. */
export type NodeId = bigint;

/** The folder that everything is in. */
export const rootId: NodeId = 1n;

/** A value, or the promise of one. */
export type Soon<T> = T | Promise<T>;

/** A file, a folder or a symbolic link. */
export interface ViewNode {
  readonly id: NodeId;
  readonly kind: "file" | "folder" | "link";
  /** Size of a file, length of a link's target; 0 of a folder. */
  readonly bytes: number;
  /** Permission bits, if known. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Nanoseconds since 1970-01-01 UTC. */
  readonly modifiedNs: bigint;
  /** Names that it has. */
  readonly linkCount: number;
  /** Whether the same name in the same folder may lead elsewhere later, or nowhere. */
  readonly nameChanges: boolean;
  /** Whether names may come to a folder, or go; where nothing is said they do not. */
  readonly rowsChange?: boolean;
}

/** A row of a folder. */
export interface ViewRow {
  readonly name: string;
  readonly node: ViewNode;
  /** Whether all of the node is as node() gives it; else only its number and kind are. */
  readonly isWhole: boolean;
  /** Where the next row is, for rows(). */
  readonly next: number;
}

/** A folder that is being listed: what came or went since it was opened may show or not. */
export interface OpenFolder {
  /** Whether its rows are the same whenever it is opened. */
  readonly isFixed: boolean;
  /** Rows from `from` on: 0 for the first, or the `next` of a row. */
  rows(from: number): Iterable<ViewRow>;
}

/** Bytes in parts that follow each other; they stay as they are until this is disposed. */
export interface ViewBytes extends Disposable {
  readonly parts: readonly Uint8Array[];
}

/** What a read came to. */
export type ViewRead =
  | { readonly kind: "bytes"; readonly bytes: ViewBytes }
  /** Some of the bytes are lost for good. */
  | { readonly kind: "lost" };

/** A file that is being read. Disposing ends it. */
export interface OpenFile extends Disposable {
  /** Bytes from `offset` on: as many as asked for (at most readBytesMax), or up to the end. */
  read(offset: number, bytes: number): Soon<ViewRead>;
}

/** The most that one read may ask for, bytes. */
export const readBytesMax: number = 1024 * 1024;

/** Sums over all of it. */
export interface ViewStatistics {
  readonly bytes: number;
  readonly fileCount: number;
  /** Bytes free on the medium behind it, if known. */
  readonly freeBytes: number | undefined;
}

/** What the names of all extended attributes begin with. */
export const labelPrefix = "user.";

/** A read-only file system. Every call may throw a Failure; `not-found` is what is not there. */
export interface View {
  /** The node with this number. */
  node(id: NodeId): Soon<ViewNode>;
  /** The node of that name in a folder, or undefined. */
  lookup(folder: NodeId, name: string): Soon<ViewNode | undefined>;
  /** Opens a folder for listing. */
  openFolder(folder: NodeId): Soon<OpenFolder>;
  /** Opens a file for reading. */
  openFile(file: NodeId): Soon<OpenFile>;
  /** The target of a symbolic link, as it was stored. */
  readLink(link: NodeId): Soon<string>;
  /** Names of a node's extended attributes. */
  labels(id: NodeId): Soon<readonly string[]>;
  /** The value of an extended attribute, or undefined. */
  label(id: NodeId, name: string): Soon<Uint8Array | undefined>;
  /** Sums over all of it. */
  statistics(): Soon<ViewStatistics>;
}
