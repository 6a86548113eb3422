// File row: one line of the file table (see file_table.ts): a file, a folder, a symbolic link, or a
// further name of a file. Whatever can be judged of a line alone is judged here.

import { type Bytes, encodeUtf8 } from "../base/bytes.ts";
import { isTimeNs } from "../base/calendar.ts";
import {
  digestBytes,
  payloadBytesMax,
  treePathBytesMax,
  xattrsBytesMax,
} from "../base/limits.ts";
import {
  Invalid,
  memberOf,
  type Members,
  readInteger,
  readObject,
} from "./members.ts";
import { treePathProblem } from "./tree_path.ts";

/** An extended attribute. */
export interface Xattr {
  readonly name: string;
  readonly value: Bytes;
}

/** What is known of something in a tree besides its content; what is missing is not known. */
export interface RowAttributes {
  /** Permission bits, 0 to 0o7777. */
  readonly mode?: number;
  /** Modification time, ISO 8601 in UTC, with up to nine digits of a second's fraction. */
  readonly modified?: string;
  /** Number of the owner, and of the group. */
  readonly uid?: number;
  readonly gid?: number;
  /** In the byte order of their names. */
  readonly xattrs?: readonly Xattr[];
}

/** Where some bytes of a file are. What no range covers is a hole: zeros that are not stored. */
export interface DataRange {
  readonly payloadOffset: number;
  readonly fileOffset: number;
  /** At least 1. */
  readonly bytes: number;
}

/** A plain file. */
export interface PlainFileRow extends RowAttributes {
  readonly kind: "file";
  readonly path: string;
  /** Its size, holes included. */
  readonly bytes: number;
  /** In the order of the file; none overlaps another in it. */
  readonly data: readonly DataRange[];
  /** Names that it has in the table: 1, and one for each hard link to it. */
  readonly nameCount: number;
  /** Plain BLAKE3 of the content, hexadecimal. Writers leave it out of files with vast holes. */
  readonly blake3?: string;
}

/** A folder. */
export interface FolderRow extends RowAttributes {
  readonly kind: "folder";
  readonly path: string;
}

/** A symbolic link. Its target is text and nothing more: nobody follows it. */
export interface LinkRow extends RowAttributes {
  readonly kind: "link";
  readonly path: string;
  readonly target: string;
}

/** A further name of a file that comes earlier in the table. */
export interface HardLinkRow {
  readonly kind: "hardlink";
  readonly path: string;
  /** The path of that file. */
  readonly target: string;
}

/** What a line of the table says. */
export type FileRow = PlainFileRow | FolderRow | LinkRow | HardLinkRow;

/** The line of a row, without its end. */
export function formatRow(row: FileRow): string {
  const { path, kind } = row;
  switch (kind) {
    case "file":
      return JSON.stringify({
        path,
        kind,
        bytes: row.bytes,
        ...writeAttributes(row),
        ...(row.nameCount === 1 ? {} : { names: row.nameCount }),
        ...(row.blake3 === undefined ? {} : { blake3: row.blake3 }),
        ...(row.data.length === 0 ? {} : { data: row.data.map(formatRange) }),
      });
    case "folder":
      return JSON.stringify({ path, kind, ...writeAttributes(row) });
    case "link":
      return JSON.stringify({
        path,
        kind,
        target: row.target,
        ...writeAttributes(row),
      });
    case "hardlink":
      return JSON.stringify({ path, kind, target: row.target });
  }
}

/** The row that a line of the table of a payload of that size is. @throws {Invalid} */
export function parseRow(line: string, payloadBytes: number): FileRow {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Invalid("it is not JSON");
  }
  const members = readObject(value, "it");
  const path = readPath(members, "path");
  const kind = memberOf(members, "kind");
  switch (kind) {
    case "file":
      return { kind, path, ...readFile(members, payloadBytes) };
    case "folder":
      return { kind, path, ...readAttributes(members) };
    case "link": {
      const target = readTarget(members);
      return { kind, path, target, ...readAttributes(members) };
    }
    case "hardlink":
      return { kind, path, target: readPath(members, "target") };
    default:
      throw new Invalid(`"kind" is none that is known`);
  }
}

/** The members of a line that stand for attributes. */
export function writeAttributes(
  attributes: RowAttributes,
): Record<string, unknown> {
  const { mode, modified, uid, gid, xattrs } = attributes;
  return {
    ...(mode === undefined ? {} : { mode: mode.toString(8).padStart(4, "0") }),
    ...(modified === undefined ? {} : { modified }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(xattrs === undefined || xattrs.length === 0 ? {} : {
      xattrs: Object.fromEntries(
        xattrs.map(({ name, value }) => [name, encodeBase64(value)]),
      ),
    }),
  };
}

/** The attributes that members of a line stand for. @throws {Invalid} */
export function readAttributes(members: Members): RowAttributes {
  const mode = memberOf(members, "mode");
  if (
    mode !== undefined &&
    (typeof mode !== "string" || !/^[0-7]{1,4}$/.test(mode))
  ) throw new Invalid(`"mode" is not octal digits`);
  const modified = memberOf(members, "modified");
  if (
    modified !== undefined &&
    (typeof modified !== "string" || !isTimeNs(modified))
  ) throw new Invalid(`"modified" is not a time in UTC`);
  const attributes: { -readonly [Name in keyof RowAttributes]: unknown } = {};
  if (mode !== undefined) attributes.mode = parseInt(mode, 8);
  if (modified !== undefined) attributes.modified = modified;
  for (const owner of ["uid", "gid"] as const) {
    if (memberOf(members, owner) === undefined) continue;
    attributes[owner] = readInteger(members, owner, 0, 0xffff_ffff);
  }
  const xattrs = readXattrs(memberOf(members, "xattrs") ?? {});
  if (xattrs.length > 0) attributes.xattrs = xattrs;
  return attributes as RowAttributes;
}

function formatRange(range: DataRange): number[] {
  return [range.payloadOffset, range.fileOffset, range.bytes];
}

function readFile(
  members: Members,
  payloadBytes: number,
): Omit<PlainFileRow, "kind" | "path"> {
  const bytes = readInteger(members, "bytes", 0, payloadBytesMax);
  const blake3 = memberOf(members, "blake3");
  if (
    blake3 !== undefined &&
    (typeof blake3 !== "string" || blake3.length !== 2 * digestBytes ||
      !digitsPattern.test(blake3))
  ) throw new Invalid(`"blake3" is not ${2 * digestBytes} hexadecimal digits`);
  const nameCount = memberOf(members, "names") === undefined
    ? 1
    : readInteger(members, "names", 1, 0xffff_ffff);
  const data = readRanges(memberOf(members, "data") ?? [], bytes, payloadBytes);
  return {
    bytes,
    data,
    nameCount,
    ...(blake3 === undefined ? {} : { blake3 }),
    ...readAttributes(members),
  };
}

const digitsPattern = /^[0-9a-f]+$/;

/** Ranges inside the payload and inside the file, in the file's order, none over another. */
function readRanges(
  value: unknown,
  fileBytes: number,
  payloadBytes: number,
): DataRange[] {
  if (!Array.isArray(value)) throw new Invalid(`"data" is not a list`);
  let fileEnd = 0;
  return value.map((range) => {
    if (!Array.isArray(range) || range.length !== 3) {
      throw new Invalid(`"data" has a member that is not three numbers`);
    }
    if (!range.every((part) => Number.isSafeInteger(part) && part >= 0)) {
      throw new Invalid(`"data" has a number that is no size`);
    }
    const [payloadOffset, fileOffset, bytes] = range as [
      number,
      number,
      number,
    ];
    if (bytes === 0) throw new Invalid(`"data" has an empty range`);
    if (fileOffset < fileEnd) {
      throw new Invalid(`"data" is out of order, or overlaps`);
    }
    // Differences, not sums: a sum of safe integers may not be one.
    if (fileOffset > fileBytes || bytes > fileBytes - fileOffset) {
      throw new Invalid(`"data" goes beyond the file's end`);
    }
    if (payloadOffset > payloadBytes || bytes > payloadBytes - payloadOffset) {
      throw new Invalid(`"data" goes beyond the payload's end`);
    }
    fileEnd = fileOffset + bytes;
    return { payloadOffset, fileOffset, bytes };
  });
}

function readPath(members: Members, member: string): string {
  const path = memberOf(members, member);
  if (typeof path !== "string") throw new Invalid(`"${member}" is not text`);
  const problem = treePathProblem(path);
  if (problem !== undefined) {
    throw new Invalid(`"${member}" cannot be a path in a tree: ${problem}`);
  }
  return path;
}

/** A link may lead anywhere, as text; but what no file system can hold is no link. */
function readTarget(members: Members): string {
  const target = memberOf(members, "target");
  const isTarget = typeof target === "string" && target !== "" &&
    !target.includes("\0") && target.isWellFormed() &&
    encodeUtf8(target).length <= treePathBytesMax;
  if (!isTarget) throw new Invalid(`"target" cannot be what a link leads to`);
  return target;
}

function readXattrs(value: unknown): Xattr[] {
  const xattrs: Xattr[] = [];
  let bytesTotal = 0;
  for (const [name, text] of Object.entries(readObject(value, `"xattrs"`))) {
    const bytes = typeof text === "string" ? decodeBase64(text) : undefined;
    if (bytes === undefined) throw new Invalid(`"xattrs" has no base64`);
    const nameLength = encodeUtf8(name).length;
    if (name.includes("\0") || !name.isWellFormed() || nameLength === 0) {
      throw new Invalid(`"xattrs" has a name that cannot be`);
    }
    bytesTotal += nameLength + bytes.length;
    if (bytesTotal > xattrsBytesMax) throw new Invalid(`"xattrs" are too many`);
    xattrs.push({ name, value: bytes });
  }
  return xattrs;
}

function encodeBase64(bytes: Bytes): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function decodeBase64(text: string): Bytes | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
