// FUSE server: the kernel's requests to calls of a view, and their answers back. Knows no archive and
// no library; a slow answer holds up nobody else. Translates errors once, here.

import type { Bytes } from "../base/bytes.ts";
import { encodeUtf8, joinBytes } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import {
  encodeAbsence,
  encodeAttributes,
  encodeEntry,
  encodeOpen,
  encodeStatistics,
  encodeXattrSize,
  errorNumbers,
  fileTypes,
  FolderReply,
  type NodeStat,
  openFlags,
  type Validity,
} from "../../ffi/fuse_layout.ts";
import type {
  FuseRequest,
  ListRequest,
  ReadRequest,
} from "../../ffi/fuse_requests.ts";
import {
  labelPrefix,
  type OpenFile,
  type OpenFolder,
  readBytesMax,
  type View,
  type ViewNode,
  type ViewRead,
} from "../view/view.ts";
import { errnoOf } from "./errno.ts";

/** How nodes look to users of a mount. */
export interface Presentation {
  /** Owner of everything; undefined: the stored one, or `ownUid` where none is stored. */
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly ownUid: number;
  readonly ownGid: number;
  /** Whether stored owners are shown. */
  readonly storedOwners: boolean;
  /** Permission bits of all files; folders get the right to enter where there is one to read. */
  readonly mode: number | undefined;
}

/** Where answers go: exactly one for each ticket. */
export interface Replier<Ticket> {
  /** An error number, or 0 for success without bytes. */
  replyError(ticket: Ticket, number: number): void;
  /** For a request that wants no answer. */
  replyNothing(ticket: Ticket): void;
  /** Bytes, which are free again when this returns. */
  replyBytes(ticket: Ticket, bytes: Bytes): void;
  /** Bytes in parts that follow each other, as replyBytes. */
  replyParts(ticket: Ticket, parts: readonly Bytes[]): void;
}

const fileModeDefault = 0o644, folderModeDefault = 0o755;

/** Content and attributes of a committed file never change. */
const foreverSeconds = 24 * 3600;

/** A name may lead to a newer version soon, or to nothing; how long the kernel may believe it. */
const nameSeconds = 1;

/** An open folder. */
interface ListedFolder {
  folder: OpenFolder;
  /** Whether its first rows were asked for. */
  isBegun: boolean;
}

const statBlockBytes = 4096;
const nameBytesMax = 255;

/** Answers requests from a view. */
export class FuseServer<Ticket> {
  readonly #view: View;
  readonly #replier: Replier<Ticket>;
  readonly #presentation: Presentation;
  readonly #onFault: (error: unknown) => void;
  readonly #files = new Map<bigint, OpenFile>();
  readonly #folders = new Map<bigint, ListedFolder>();
  #nextFile = 1n;

  /** A server; `onFault` hears of what is no Failure, which is a mistake of ours. */
  constructor(parts: {
    readonly view: View;
    readonly replier: Replier<Ticket>;
    readonly presentation: Presentation;
    readonly onFault: (error: unknown) => void;
  }) {
    this.#view = parts.view;
    this.#replier = parts.replier;
    this.#presentation = parts.presentation;
    this.#onFault = parts.onFault;
  }

  /** Files and folders that are open. */
  get openCount(): number {
    return this.#files.size + this.#folders.size;
  }

  /** Answers a request, now or later. Never throws. */
  take(request: FuseRequest, ticket: Ticket): void {
    if (request.kind === "read") this.#read(request, ticket);
    else if (request.kind === "forget") this.#replier.replyNothing(ticket);
    // Labels and access lists, which ls -l asks of every file: that nothing here can have them ends
    // that with the first one; that this file has none would not.
    else if (
      request.kind === "getxattr" && !request.name.startsWith(labelPrefix)
    ) this.#replier.replyError(ticket, errorNumbers.EOPNOTSUPP);
    else {
      this.#answer(request).then(
        (answer) =>
          typeof answer === "number"
            ? this.#replier.replyError(ticket, answer)
            : this.#replier.replyBytes(ticket, answer),
        (error) => this.#fail(ticket, error),
      );
    }
  }

  /** Ends what is still open. */
  closeAll(): void {
    for (const file of this.#files.values()) file[Symbol.dispose]();
    this.#files.clear();
    this.#folders.clear();
  }

  /** The bytes of an answer, or an error number (0: success without bytes). */
  async #answer(
    request: Exclude<FuseRequest, { kind: "read" | "forget" }>,
  ): Promise<Bytes | number> {
    switch (request.kind) {
      case "lookup": {
        const node = await this.#view.lookup(request.parent, request.name);
        return node === undefined
          ? encodeAbsence(nameSeconds)
          : encodeEntry(this.#statOf(node), validityOf(node));
      }
      case "getattr": {
        const node = await this.#view.node(request.node);
        return encodeAttributes(this.#statOf(node), validityOf(node));
      }
      case "readlink":
        return encodeUtf8(await this.#view.readLink(request.node));
      case "open": {
        const file = await this.#view.openFile(request.node);
        return encodeOpen(this.#keep(this.#files, file), openFlags.keepCache);
      }
      case "opendir": {
        const folder = await this.#view.openFolder(request.node);
        const flags = folder.isFixed
          ? openFlags.keepCache | openFlags.cacheFolder
          : 0;
        const listed = { folder, isBegun: false };
        return encodeOpen(this.#keep(this.#folders, listed), flags);
      }
      case "readdir":
      case "readdirplus":
        return await this.#list(request);
      case "release":
        this.#files.get(request.file)?.[Symbol.dispose]();
        this.#files.delete(request.file);
        return 0;
      case "releasedir":
        this.#folders.delete(request.file);
        return 0;
      case "statfs":
        return await this.#statistics();
      case "getxattr": {
        const value = await this.#view.label(request.node, request.name);
        if (value === undefined) return errorNumbers.ENODATA;
        return sizedReply(value, request.bytes);
      }
      case "listxattr": {
        const names = await this.#view.labels(request.node);
        const list = joinBytes(names.map((name) => encodeUtf8(`${name}\0`)));
        return sizedReply(list, request.bytes);
      }
      case "access":
        await this.#view.node(request.node);
        return 0;
      case "write":
        return errorNumbers.EROFS;
      case "unintelligible":
        return errorNumbers.ENOENT;
    }
  }

  #keep<T>(open: Map<bigint, T>, value: T): bigint {
    const file = this.#nextFile++;
    open.set(file, value);
    return file;
  }

  /** Answers at once where the bytes are at hand. */
  #read(
    request: ReadRequest,
    ticket: Ticket,
  ): void {
    try {
      const file = this.#files.get(request.file);
      if (file === undefined) {
        throw new Failure("invalid-argument", "The file is not open");
      }
      const bytes = Math.min(request.bytes, readBytesMax);
      const read = file.read(request.offset, bytes);
      if (read instanceof Promise) {
        read.then((done) => this.#finishRead(done, ticket))
          .catch((error) => this.#fail(ticket, error));
      } else this.#finishRead(read, ticket);
    } catch (error) {
      this.#fail(ticket, error);
    }
  }

  // A short answer would mean the file's end to the kernel, which would show zeros: where any byte of
  // a request is lost all of it fails. The kernel then asks again, page by page.
  #finishRead(read: ViewRead, ticket: Ticket): void {
    if (read.kind === "lost") {
      this.#replier.replyError(ticket, errorNumbers.EIO);
      return;
    }
    using bytes = read.bytes;
    if (bytes.parts.length === 0) {
      this.#replier.replyBytes(ticket, new Uint8Array(0));
    } else this.#replier.replyParts(ticket, bytes.parts);
  }

  async #list(request: ListRequest): Promise<Bytes> {
    const listed = this.#folders.get(request.file);
    if (listed === undefined) {
      throw new Failure("invalid-argument", "The folder is not open");
    }
    // rewinddir(3) shows what came and went since.
    if (request.offset === 0 && listed.isBegun && !listed.folder.isFixed) {
      listed.folder = await this.#view.openFolder(request.node);
    }
    listed.isBegun = true;
    const { folder } = listed;
    const reply = new FolderReply(
      Math.min(request.bytes, readBytesMax),
      request.kind === "readdirplus",
    );
    for (const row of folder.rows(request.offset)) {
      const { name, node, isWhole, next } = row;
      const stat = this.#statOf(node);
      const fits = reply.add(
        { name, stat, isWhole, validity: validityOf(node) },
        next,
      );
      if (!fits) break;
    }
    return reply.finish();
  }

  async #statistics(): Promise<Bytes> {
    const { bytes, fileCount, freeBytes } = await this.#view.statistics();
    const freeCount = Math.floor((freeBytes ?? 0) / statBlockBytes);
    return encodeStatistics({
      blockBytes: statBlockBytes,
      blockCount: Math.ceil(bytes / statBlockBytes) + freeCount,
      freeCount,
      fileCount,
      nameBytesMax,
    });
  }

  #statOf(node: ViewNode): NodeStat {
    const { uid, gid, ownUid, ownGid, storedOwners, mode } = this.#presentation;
    return {
      node: node.id,
      bytes: node.bytes,
      mode: fileTypes[node.kind] | permissionsOf(node, mode),
      linkCount: node.linkCount,
      uid: uid ?? (storedOwners ? node.uid : undefined) ?? ownUid,
      gid: gid ?? (storedOwners ? node.gid : undefined) ?? ownGid,
      modifiedNs: node.modifiedNs,
    };
  }

  #fail(ticket: Ticket, error: unknown): void {
    if (!(error instanceof Failure)) this.#onFault(error);
    this.#replier.replyError(ticket, errnoOf(error));
  }
}

function permissionsOf(node: ViewNode, mode: number | undefined): number {
  if (node.kind === "link") return 0o777;
  if (node.kind === "file") return mode ?? node.mode ?? fileModeDefault;
  if (mode === undefined) return node.mode ?? folderModeDefault;
  return mode | (mode & 0o444) >> 2;
}

function validityOf({ nameChanges, kind }: ViewNode): Validity {
  return {
    nameSeconds: nameChanges ? nameSeconds : foreverSeconds,
    // A folder's rows may change with its name; a file's content cannot.
    attributeSeconds: nameChanges && kind === "folder"
      ? nameSeconds
      : foreverSeconds,
  };
}

/** A value where there is room for it, or its size where that was asked for. */
function sizedReply(value: Bytes, bytesMax: number): Bytes | number {
  if (bytesMax === 0) return encodeXattrSize(value.length);
  return value.length > bytesMax ? errorNumbers.ERANGE : value;
}
