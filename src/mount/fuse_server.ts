// FUSE server: the kernel's requests to calls of a view, and their answers back. Knows no archive and
// no library; a slow answer holds up nobody else. Translates errors once, here.

import type { Bytes } from "../base/bytes.ts";
import { encodeUtf8, joinBytes } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import type { FuseAnswer } from "../../ffi/fuse_answers.ts";
import {
  type ErrorName,
  fileTypes,
  FolderReply,
  type NodeStat,
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
  /** An error. */
  replyError(ticket: Ticket, name: ErrorName): void;
  /** For a request that wants no answer. */
  replyNothing(ticket: Ticket): void;
  /** What was asked for; its bytes are free again when this returns. */
  reply(ticket: Ticket, answer: FuseAnswer): void;
  /** Bytes in parts that follow each other, as reply. */
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
  readonly #foreignLabel: ErrorName;
  readonly #onFault: (error: unknown) => void;
  readonly #files = new Map<bigint, OpenFile>();
  readonly #folders = new Map<bigint, ListedFolder>();
  #nextFile = 1n;

  /** A server; `onFault` hears of what is no Failure, which is a mistake of ours. */
  constructor(parts: {
    readonly view: View;
    readonly replier: Replier<Ticket>;
    readonly presentation: Presentation;
    /** The answer to who asks for an attribute of a kind that no file here has. */
    readonly foreignLabel: ErrorName;
    readonly onFault: (error: unknown) => void;
  }) {
    this.#view = parts.view;
    this.#replier = parts.replier;
    this.#presentation = parts.presentation;
    this.#foreignLabel = parts.foreignLabel;
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
    ) this.#replier.replyError(ticket, this.#foreignLabel);
    else {
      this.#answer(request).then(
        (answer) =>
          typeof answer === "string"
            ? this.#replier.replyError(ticket, answer)
            : this.#replier.reply(ticket, answer),
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

  /** The answer, or an error. */
  async #answer(
    request: Exclude<FuseRequest, { kind: "read" | "forget" }>,
  ): Promise<FuseAnswer | ErrorName> {
    switch (request.kind) {
      case "lookup": {
        const node = await this.#view.lookup(request.parent, request.name);
        return node === undefined
          ? { kind: "absence", seconds: nameSeconds }
          : this.#describe("entry", node);
      }
      case "getattr": {
        const node = await this.#view.node(request.node);
        return this.#describe("attributes", node);
      }
      case "readlink":
        return bytesOf(encodeUtf8(await this.#view.readLink(request.node)));
      case "open": {
        const file = await this.#view.openFile(request.node);
        return {
          kind: "open",
          file: this.#keep(this.#files, file),
          keepsPages: true,
          keepsRows: false,
        };
      }
      case "opendir": {
        const folder = await this.#view.openFolder(request.node);
        return {
          kind: "open",
          file: this.#keep(this.#folders, { folder, isBegun: false }),
          keepsPages: folder.isFixed,
          keepsRows: folder.isFixed,
        };
      }
      case "readdir":
      case "readdirplus":
        return bytesOf(await this.#list(request));
      case "release":
        this.#files.get(request.file)?.[Symbol.dispose]();
        this.#files.delete(request.file);
        return { kind: "done" };
      case "releasedir":
        this.#folders.delete(request.file);
        return { kind: "done" };
      case "statfs":
        return await this.#statistics();
      case "getxattr": {
        const value = await this.#view.label(request.node, request.name);
        if (value === undefined) return "ENODATA";
        return sizedReply(value, request.bytes);
      }
      case "listxattr": {
        const names = await this.#view.labels(request.node);
        const list = joinBytes(names.map((name) => encodeUtf8(`${name}\0`)));
        return sizedReply(list, request.bytes);
      }
      case "access":
        await this.#view.node(request.node);
        return { kind: "done" };
      case "write":
        return "EROFS";
      case "unintelligible":
        return "ENOENT";
    }
  }

  #describe(kind: "entry" | "attributes", node: ViewNode): FuseAnswer {
    return { kind, stat: this.#statOf(node), validity: validityOf(node) };
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
      const { offset, bytes } = request;
      const read = bytes <= readBytesMax
        ? file.read(offset, bytes)
        : readLong(file, offset, bytes);
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
      this.#replier.replyError(ticket, "EIO");
      return;
    }
    using bytes = read.bytes;
    if (bytes.parts.length === 0) {
      this.#replier.reply(ticket, bytesOf(new Uint8Array(0)));
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

  async #statistics(): Promise<FuseAnswer> {
    const { bytes, fileCount, freeBytes } = await this.#view.statistics();
    const freeCount = Math.floor((freeBytes ?? 0) / statBlockBytes);
    return {
      kind: "statistics",
      stat: {
        blockBytes: statBlockBytes,
        blockCount: Math.ceil(bytes / statBlockBytes) + freeCount,
        freeCount,
        fileCount,
        nameBytesMax,
      },
    };
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

/** A read of more than a view gives at once, where a kernel cannot be kept from it. */
async function readLong(
  file: OpenFile,
  offset: number,
  bytes: number,
): Promise<ViewRead> {
  using stack = new DisposableStack();
  const parts: Bytes[] = [];
  for (let length = 0; length < bytes;) {
    const wanted = Math.min(bytes - length, readBytesMax);
    const read = await file.read(offset + length, wanted);
    if (read.kind === "lost") return read;
    parts.push(...stack.use(read.bytes).parts);
    const got = read.bytes.parts.reduce((sum, part) => sum + part.length, 0);
    length += got;
    if (got < wanted) break;
  }
  const held = stack.move();
  return {
    kind: "bytes",
    bytes: { parts, [Symbol.dispose]: () => held.dispose() },
  };
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
function sizedReply(value: Bytes, bytesMax: number): FuseAnswer | ErrorName {
  if (bytesMax === 0) return { kind: "size", bytes: value.length };
  return value.length > bytesMax ? "ERANGE" : bytesOf(value);
}

function bytesOf(bytes: Bytes): FuseAnswer {
  return { kind: "bytes", bytes };
}
