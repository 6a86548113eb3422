// WinFsp server: the driver's requests to calls of a view, and their answers back. Knows no archive and
// no library; a slow answer holds up nobody else. Translates errors once, here.
//
// The driver keeps pages of a file under its path for as long as anybody has it open, and all who open
// that path share them. So a path stays what it was at its first open until its last user is gone, also
// when a newer version has the name by then: two versions never mix.

import { assert } from "../base/assert.ts";
import { Failure, isFailure } from "../base/errors.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/ports.ts";
import {
  accessRights,
  createOptions,
  DirReply,
  dispositions,
  fileAttributes,
  type FileInfo,
  fileInfoReply,
  IO_REPARSE_TAG_SYMLINK,
  linkReply,
  linkTextMax,
  openedReply,
  reparseReply,
  type Reply,
  statuses,
  volumeInfoReply,
} from "../../ffi/winfsp_layout.ts";
import type {
  ListRequest,
  OpenRequest,
  ReadRequest,
  WinfspRequest,
} from "../../ffi/winfsp_requests.ts";
import { encodeWindowsName, foldWindowsName } from "../view/windows_names.ts";
import {
  type OpenFile,
  readBytesMax,
  type View,
  type ViewNode,
  type ViewRead,
} from "../view/view.ts";
import { statusOf } from "./ntstatus.ts";
import {
  nodeOf,
  pathOf,
  type Step,
  type WindowsFolder,
  WindowsTree,
} from "./windows_tree.ts";

/** Where answers go: exactly one for each ticket. */
export interface WinfspReplier<Ticket> {
  /** Answers a request. */
  reply(ticket: Ticket, reply: Reply): void;
  /** Copies bytes to memory that the request named; before its reply. */
  copy(ticket: Ticket, address: bigint, bytes: Bytes): void;
}

/** What a path is for as long as somebody has it open. */
interface Pin {
  readonly key: string;
  readonly number: bigint;
  readonly steps: readonly Step[];
  userCount: number;
  /** Opened by its first read: most opens only look at attributes. */
  file: OpenFile | Promise<OpenFile> | undefined;
}

/** One open of a path. */
interface Handle {
  readonly pin: Pin;
  /** The rows that a listing is under way through. */
  folder: WindowsFolder | undefined;
}

const changingRights = accessRights.FILE_WRITE_DATA |
  accessRights.FILE_APPEND_DATA | accessRights.FILE_WRITE_EA |
  accessRights.FILE_DELETE_CHILD | accessRights.FILE_WRITE_ATTRIBUTES |
  accessRights.DELETE | accessRights.WRITE_DAC | accessRights.WRITE_OWNER;

const readingRights = accessRights.FILE_GENERIC_READ |
  accessRights.FILE_GENERIC_EXECUTE;

const ownerWrites = 0o200;

/** Answers requests from a view. */
export class WinfspServer<Ticket> {
  readonly #view: View;
  readonly #replier: WinfspReplier<Ticket>;
  readonly #label: string;
  readonly #onFault: (error: unknown) => void;
  readonly #tree: WindowsTree;
  readonly #pins = new Map<string, Pin>();
  readonly #handles = new Map<bigint, Handle>();
  #nextNumber = 1n;

  /** A server; `onFault` hears of what is no Failure, which is a mistake of ours. */
  constructor(parts: {
    readonly view: View;
    readonly replier: WinfspReplier<Ticket>;
    /** What Windows calls the volume. */
    readonly label: string;
    readonly clock: Clock;
    readonly onFault: (error: unknown) => void;
  }) {
    this.#view = parts.view;
    this.#replier = parts.replier;
    this.#label = parts.label;
    this.#onFault = parts.onFault;
    this.#tree = new WindowsTree(parts.view, parts.clock);
  }

  /** Files and folders that are open, and paths that they keep. */
  get openCount(): { readonly files: number; readonly paths: number } {
    return { files: this.#handles.size, paths: this.#pins.size };
  }

  /** Answers a request, now or later. Never throws. */
  take(request: WinfspRequest, ticket: Ticket): void {
    const fail = (error: unknown) => {
      if (!(error instanceof Failure)) this.#onFault(error);
      // What an open does not find was never open; it went away a moment ago.
      const isMissing = request.kind === "open" &&
        isFailure(error, "not-found");
      this.#replier.reply(ticket, {
        status: isMissing ? missing["no-name"] : statusOf(error),
      });
    };
    try {
      const reply = request.kind === "read"
        ? this.#read(request, ticket)
        : this.#answerNow(request) ?? this.#answer(request, ticket);
      if (reply instanceof Promise) {
        reply.then((done) => this.#replier.reply(ticket, done)).catch(fail);
      } else this.#replier.reply(ticket, reply);
    } catch (error) {
      fail(error);
    }
  }

  /** Ends what is still open. */
  closeAll(): void {
    for (const number of [...this.#handles.keys()]) this.#close(number);
  }

  /** The answers that nothing has to be asked for. */
  #answerNow(request: WinfspRequest): Reply | undefined {
    switch (request.kind) {
      case "close":
        this.#close(request.file);
        return { status: statuses.SUCCESS };
      case "cleanup":
        return { status: statuses.SUCCESS };
      case "write":
        return { status: statuses.MEDIA_WRITE_PROTECTED };
      case "unsupported":
        return { status: statuses.INVALID_DEVICE_REQUEST };
      case "unintelligible":
        return { status: statuses.OBJECT_NAME_INVALID };
      default:
        return undefined;
    }
  }

  async #answer(request: WinfspRequest, ticket: Ticket): Promise<Reply> {
    switch (request.kind) {
      case "open":
        return await this.#open(request);
      case "list":
        return await this.#list(request, ticket);
      case "info":
        return fileInfoReply(
          await this.#infoOf(this.#handle(request.file).pin.steps),
        );
      case "flush": {
        // Without a file all of the volume is meant, which never has anything to write.
        const handle = this.#handles.get(request.file);
        return handle === undefined
          ? { status: statuses.SUCCESS }
          : fileInfoReply(await this.#infoOf(handle.pin.steps));
      }
      case "link": {
        const node = nodeOf(this.#handle(request.file).pin.steps);
        if (node.kind !== "link") {
          return { status: statuses.NOT_A_REPARSE_POINT };
        }
        const target = windowsTarget(await this.#view.readLink(node.id));
        return target.length > linkTextMax
          ? { status: statuses.REPARSE_POINT_NOT_RESOLVED }
          : linkReply(target);
      }
      case "volume": {
        const { bytes, freeBytes } = await this.#view.statistics();
        return volumeInfoReply({
          bytes: bytes + (freeBytes ?? 0),
          freeBytes: freeBytes ?? 0,
          label: this.#label,
        });
      }
      default:
        throw new Failure("io", `No answer to ${request.kind}`);
    }
  }

  async #open(request: OpenRequest): Promise<Reply> {
    if (request.opensParent) return { status: statuses.MEDIA_WRITE_PROTECTED };
    const opensLink =
      (request.options & createOptions.FILE_OPEN_REPARSE_POINT) !== 0;
    const key = foldWindowsName(request.path);
    const pinned = this.#pins.get(key);
    if (
      pinned !== undefined &&
      (opensLink || nodeOf(pinned.steps).kind !== "link")
    ) return await this.#openPinned(request, pinned);
    const walk = await this.#tree.walk(request.path, opensLink);
    if (walk.kind === "leads") {
      const path = pathOf(walk.steps);
      return path.length > linkTextMax
        ? { status: statuses.REPARSE_POINT_NOT_RESOLVED }
        : reparseReply(path);
    }
    if (walk.kind !== "found") {
      const status = walk.kind === "no-name" && creates(request)
        ? statuses.MEDIA_WRITE_PROTECTED
        : missing[walk.kind];
      return { status };
    }
    return await this.#openPinned(request, this.#pin(key, walk.steps));
  }

  async #openPinned(request: OpenRequest, pin: Pin): Promise<Reply> {
    pin.userCount++;
    try {
      const info = await this.#infoOf(pin.steps);
      const refusal = refusalOf(request, info);
      if (refusal !== undefined) return { status: refusal };
      const file = this.#nextNumber++;
      this.#handles.set(file, { pin, folder: undefined });
      pin.userCount++;
      return openedReply({
        node: pin.number,
        file,
        access: grantedRights(request.access),
        info,
        path: pathOf(pin.steps),
      });
    } finally {
      this.#unpin(pin);
    }
  }

  /** The path's pin: the one that is there, if another open was sooner. */
  #pin(key: string, steps: readonly Step[]): Pin {
    const known = this.#pins.get(key);
    if (known !== undefined) return known;
    const number = this.#nextNumber++;
    const pin: Pin = { key, number, steps, userCount: 0, file: undefined };
    this.#pins.set(key, pin);
    return pin;
  }

  #unpin(pin: Pin): void {
    if (--pin.userCount > 0) return;
    this.#pins.delete(pin.key);
    const { file } = pin;
    if (file instanceof Promise) {
      file.then((open) => open[Symbol.dispose](), () => {});
    } else file?.[Symbol.dispose]();
  }

  #handle(number: bigint): Handle {
    const handle = this.#handles.get(number);
    if (handle === undefined) {
      throw new Failure("invalid-argument", "The file is not open");
    }
    return handle;
  }

  #close(number: bigint): void {
    const handle = this.#handles.get(number);
    if (handle === undefined) return;
    this.#handles.delete(number);
    this.#unpin(handle.pin);
  }

  /** At once where the bytes are at hand. */
  #read(request: ReadRequest, ticket: Ticket): Reply | Promise<Reply> {
    const { pin } = this.#handle(request.file);
    const node = nodeOf(pin.steps);
    if (node.kind !== "file") {
      return { status: statuses.INVALID_DEVICE_REQUEST };
    }
    const count = Math.min(request.bytes, node.bytes - request.offset);
    if (count <= 0) {
      return {
        status: request.bytes === 0 ? statuses.SUCCESS : statuses.END_OF_FILE,
      };
    }
    const { file } = pin;
    if (
      file === undefined || file instanceof Promise || count > readBytesMax
    ) return this.#readPieces(pin, request, count, ticket);
    const read = file.read(request.offset, count);
    return read instanceof Promise
      ? this.#readPieces(pin, request, count, ticket, read)
      : this.#finishRead(this.#copyRead(read, 0, request, ticket), count);
  }

  /** Reads piece after piece; `first` is the first one where it is under way. */
  async #readPieces(
    pin: Pin,
    request: ReadRequest,
    count: number,
    ticket: Ticket,
    first?: Promise<ViewRead>,
  ): Promise<Reply> {
    pin.userCount++; // the file stays open until it is read, whatever is closed meanwhile
    try {
      const file = await this.#fileOf(pin);
      let done = 0;
      while (done < count) {
        const bytes = Math.min(readBytesMax, count - done);
        const read = done === 0 && first !== undefined
          ? await first
          : await file.read(request.offset + done, bytes);
        const copied = this.#copyRead(read, done, request, ticket);
        if (copied !== bytes) return this.#finishRead(copied, bytes);
        done += copied;
      }
      return this.#finishRead(done, count);
    } finally {
      this.#unpin(pin);
    }
  }

  async #fileOf(pin: Pin): Promise<OpenFile> {
    if (pin.file !== undefined) return await pin.file;
    const opening = Promise.resolve(this.#view.openFile(nodeOf(pin.steps).id));
    pin.file = opening;
    try {
      pin.file = await opening;
      return pin.file;
    } catch (error) {
      pin.file = undefined;
      throw error;
    }
  }

  /** Copies what was read to `done` bytes behind the request's memory; undefined where it is lost. */
  #copyRead(
    read: ViewRead,
    done: number,
    request: ReadRequest,
    ticket: Ticket,
  ): number | undefined {
    if (read.kind === "lost") return undefined;
    using bytes = read.bytes;
    let count = 0;
    for (const part of bytes.parts) {
      const address = request.address + BigInt(done + count);
      assert(
        done + count + part.length <= request.bytes,
        "no more is read than was asked for",
      );
      this.#replier.copy(ticket, address, part);
      count += part.length;
    }
    return count;
  }

  // A short answer would mean the file's end: where any byte of a request is lost all of it fails.
  #finishRead(copied: number | undefined, wanted: number): Reply {
    if (copied === undefined) return { status: statuses.CRC_ERROR };
    return copied === wanted
      ? { status: statuses.SUCCESS, information: wanted }
      : { status: statuses.IO_DEVICE_ERROR };
  }

  async #list(request: ListRequest, ticket: Ticket): Promise<Reply> {
    const handle = this.#handle(request.file);
    const { steps } = handle.pin;
    const node = nodeOf(steps);
    if (node.kind !== "folder") return { status: statuses.INVALID_PARAMETER };
    if (request.marker === undefined || handle.folder === undefined) {
      handle.folder = await this.#tree.folder(node);
    }
    const { rows } = handle.folder;
    const reply = new DirReply(Math.min(request.bytes, readBytesMax));
    const dots = steps.length === 1 ? [] : [".", ".."];
    const marked = request.marker === undefined
      ? -1
      : dots.indexOf(request.marker);
    let isFull = false;
    if (request.marker === undefined || marked >= 0) {
      for (const [index, name] of dots.entries()) {
        if (index <= marked || isFull) continue;
        const info = await this.#infoOf(steps.slice(0, steps.length - index));
        isFull = !reply.add(name, info);
      }
    }
    const start = request.marker === undefined || marked >= 0
      ? 0
      : indexAfter(rows, foldWindowsName(request.marker));
    for (let index = start; index < rows.length && !isFull; index++) {
      const { windowsName, row } = rows[index]!;
      const info = this.#infoOf([...steps, { windowsName, node: row.node }]);
      isFull = !reply.add(
        windowsName,
        info instanceof Promise ? await info : info,
      );
    }
    if (!isFull) reply.end();
    const bytes = reply.finish();
    // No rows at all would mean the end.
    if (isFull && bytes.length === 0) {
      return { status: statuses.BUFFER_TOO_SMALL };
    }
    this.#replier.copy(ticket, request.address, bytes);
    return { status: statuses.SUCCESS, information: bytes.length };
  }

  /** Later only for links, whose look depends on where they lead. */
  #infoOf(steps: readonly Step[]): FileInfo | Promise<FileInfo> {
    const node = nodeOf(steps);
    if (node.kind === "link") return this.#linkInfo(steps);
    const isReadOnly = node.mode !== undefined &&
      (node.mode & ownerWrites) === 0;
    const attributes = node.kind === "folder"
      ? fileAttributes.DIRECTORY
      : isReadOnly
      ? fileAttributes.READONLY
      : fileAttributes.NORMAL;
    return { ...commonInfo(node), attributes, reparseTag: 0 };
  }

  async #linkInfo(steps: readonly Step[]): Promise<FileInfo> {
    const walk = await this.#tree.follow(steps);
    const isFolder = "steps" in walk && nodeOf(walk.steps).kind === "folder";
    return {
      ...commonInfo(nodeOf(steps)),
      bytes: 0,
      attributes: fileAttributes.REPARSE_POINT |
        (isFolder ? fileAttributes.DIRECTORY : 0),
      reparseTag: IO_REPARSE_TAG_SYMLINK,
    };
  }
}

const missing = {
  "no-name": statuses.OBJECT_NAME_NOT_FOUND,
  "no-path": statuses.OBJECT_PATH_NOT_FOUND,
  "no-target": statuses.REPARSE_POINT_NOT_RESOLVED,
} as const;

/** Whether the opener would make what is not there. */
function creates({ disposition }: OpenRequest): boolean {
  return disposition !== dispositions.FILE_OPEN &&
    disposition !== dispositions.FILE_OVERWRITE;
}

/** Why something that is there is not opened as it is asked for. */
function refusalOf(
  { disposition, options, access, namesFolder }: OpenRequest,
  info: FileInfo,
): number | undefined {
  if (disposition === dispositions.FILE_CREATE) {
    return statuses.OBJECT_NAME_COLLISION;
  }
  const isFolder = (info.attributes & fileAttributes.DIRECTORY) !== 0;
  if (isFolder && (options & createOptions.FILE_NON_DIRECTORY_FILE) !== 0) {
    return statuses.FILE_IS_A_DIRECTORY;
  }
  const wantsFolder = namesFolder ||
    (options & createOptions.FILE_DIRECTORY_FILE) !== 0;
  if (!isFolder && wantsFolder) return statuses.NOT_A_DIRECTORY;
  const overwrites = disposition !== dispositions.FILE_OPEN &&
    disposition !== dispositions.FILE_OPEN_IF;
  const deletes = (options & createOptions.FILE_DELETE_ON_CLOSE) !== 0;
  return overwrites || deletes || (access & changingRights) !== 0
    ? statuses.MEDIA_WRITE_PROTECTED
    : undefined;
}

function grantedRights(access: number): number {
  const wanted = access & ~accessRights.MAXIMUM_ALLOWED;
  const all = (access & accessRights.MAXIMUM_ALLOWED) !== 0;
  return (all ? wanted | readingRights : wanted) >>> 0;
}

function commonInfo(
  node: ViewNode,
): Pick<FileInfo, "bytes" | "modifiedNs" | "index"> {
  return { bytes: node.bytes, modifiedNs: node.modifiedNs, index: node.id };
}

/** Where a link leads, as Windows writes it. */
function windowsTarget(target: string): string {
  return target.split("/").map((name) =>
    name === "." || name === ".." ? name : encodeWindowsName(name)
  ).join("\\");
}

/** The first row behind `folded`, by binary search. */
function indexAfter(rows: WindowsFolder["rows"], folded: string): number {
  let low = 0, high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows[middle]!.folded <= folded) low = middle + 1;
    else high = middle;
  }
  return low;
}
