// WinFsp layout: the structs that WinFsp's driver and a file system exchange (winfsp/fsctl.h), as
// offsets into bytes, and the numbers of Windows that lie in them. We speak the driver's protocol, and
// not the library's table of callbacks, because every request of it can be answered later.
// Little-endian, 64 bits. tests/winfsp compares every number here with WinFsp's published headers.

import { assert } from "../src/base/assert.ts";
import type { Bytes } from "../src/base/bytes.ts";

/** What Windows tells of a file, a folder or a link. */
export interface FileInfo {
  readonly attributes: number;
  /** What kind of link it is; 0 of everything else. */
  readonly reparseTag: number;
  readonly bytes: number;
  /** Last change of the content, nanoseconds since 1970-01-01 UTC. */
  readonly modifiedNs: bigint;
  readonly index: bigint;
}

/** Offsets in FSP_FSCTL_VOLUME_PARAMS, and where its bits are. */
export const volumeParamsLayout = {
  Version: 0,
  SectorSize: 2,
  SectorsPerAllocationUnit: 4,
  MaxComponentLength: 6,
  VolumeCreationTime: 8,
  VolumeSerialNumber: 16,
  FileInfoTimeout: 32,
  Prefix: 40,
  FileSystemName: 424,
  VolumeInfoTimeout: 460,
  DirInfoTimeout: 464,
  SecurityTimeout: 468,
  StreamInfoTimeout: 472,
  EaTimeout: 476,
  bytes: 504,
} as const;

/** Bits of the 32 at offset 36 of FSP_FSCTL_VOLUME_PARAMS. */
export const volumeFlags = {
  CasePreservedNames: 0x2,
  UnicodeOnDisk: 0x4,
  ReparsePoints: 0x10,
  ReadOnlyVolume: 0x200,
  PostCleanupWhenModifiedOnly: 0x400,
} as const;

/** Where volumeFlags lie. */
export const volumeFlagsOffset = 36;

/** Bits of the 32 at offset 456 of FSP_FSCTL_VOLUME_PARAMS: which of the timeouts are meant. */
export const volumeTimeoutFlags = {
  VolumeInfoTimeoutValid: 0x1,
  DirInfoTimeoutValid: 0x2,
  SecurityTimeoutValid: 0x4,
  StreamInfoTimeoutValid: 0x8,
  EaTimeoutValid: 0x10,
} as const;

/** Where volumeTimeoutFlags lie. */
export const volumeTimeoutFlagsOffset = 456;

/** Offsets in FSP_FSCTL_TRANSACT_REQ; `bytes` is where its buffer starts. */
export const requestLayout = {
  Size: 2,
  Kind: 4,
  Hint: 8,
  FileName: 80,
  Buffer: 88,
  bytes: 88,
} as const;

/** Offsets of members of the union in FSP_FSCTL_TRANSACT_REQ, by their whole names. */
export const requestMembers = {
  "Create.CreateOptions": 16,
  "Create.DesiredAccess": 48,
  "Create.NamedStream": 72,
  "Close.UserContext": 16,
  "Close.UserContext2": 24,
  "Cleanup.UserContext2": 24,
  "QueryInformation.UserContext2": 24,
  "FlushBuffers.UserContext2": 24,
  "Read.UserContext2": 24,
  "Read.Address": 32,
  "Read.Offset": 40,
  "Read.Length": 48,
  "QueryDirectory.UserContext2": 24,
  "QueryDirectory.Address": 32,
  "QueryDirectory.Length": 40,
  "QueryDirectory.Marker": 48,
  "FileSystemControl.UserContext2": 24,
  "FileSystemControl.FsControlCode": 32,
} as const;

/** Bits of the 32 at offset 64 of a Create request. */
export const createFlags = {
  OpenTargetDirectory: 0x10,
  HasTrailingBackslash: 0x40,
} as const;

/** Where createFlags lie. */
export const createFlagsOffset = 64;

/** Offsets in FSP_FSCTL_TRANSACT_BUF. */
export const bufferRangeLayout = { Offset: 0, Size: 2, bytes: 4 } as const;

/** Offsets in FSP_FSCTL_TRANSACT_RSP; `bytes` is where its buffer starts. */
export const responseLayout = {
  Size: 2,
  Kind: 4,
  Hint: 8,
  "IoStatus.Information": 16,
  "IoStatus.Status": 20,
  Rsp: 24,
  Buffer: 128,
  bytes: 128,
} as const;

/** Offsets of members of the union in FSP_FSCTL_TRANSACT_RSP, by their whole names. */
export const responseMembers = {
  "Create.Opened.UserContext": 24,
  "Create.Opened.UserContext2": 32,
  "Create.Opened.GrantedAccess": 40,
  "Create.Opened.FileInfo": 48,
  "Create.Opened.FileName": 120,
  "Create.Reparse.Buffer": 24,
  "QueryInformation.FileInfo": 24,
  "FlushBuffers.FileInfo": 24,
  "QueryVolumeInformation.VolumeInfo": 24,
  "FileSystemControl.Buffer": 24,
} as const;

/** Offsets in FSP_FSCTL_FILE_INFO. */
export const fileInfoLayout = {
  FileAttributes: 0,
  ReparseTag: 4,
  AllocationSize: 8,
  FileSize: 16,
  CreationTime: 24,
  LastAccessTime: 32,
  LastWriteTime: 40,
  ChangeTime: 48,
  IndexNumber: 56,
  HardLinks: 64,
  EaSize: 68,
  bytes: 72,
} as const;

/** Offsets in FSP_FSCTL_VOLUME_INFO. */
export const volumeInfoLayout = {
  TotalSize: 0,
  FreeSize: 8,
  VolumeLabelLength: 16,
  VolumeLabel: 18,
  bytes: 88,
} as const;

/** Offsets in FSP_FSCTL_DIR_INFO; the name follows, and the next one at a multiple of 8. */
export const dirInfoLayout = {
  Size: 0,
  FileInfo: 8,
  FileNameBuf: 104,
  bytes: 104,
} as const;

/** Offsets in REPARSE_DATA_BUFFER, of a symbolic link. */
export const reparseLayout = {
  ReparseTag: 0,
  ReparseDataLength: 4,
  "SymbolicLinkReparseBuffer.SubstituteNameOffset": 8,
  "SymbolicLinkReparseBuffer.SubstituteNameLength": 10,
  "SymbolicLinkReparseBuffer.PrintNameOffset": 12,
  "SymbolicLinkReparseBuffer.PrintNameLength": 14,
  "SymbolicLinkReparseBuffer.Flags": 16,
  "SymbolicLinkReparseBuffer.PathBuffer": 20,
} as const;

/** Bytes of REPARSE_DATA_BUFFER that its ReparseDataLength does not count. */
export const reparseHeadBytes = 8;

/** Pointers in FSP_FILE_SYSTEM_INTERFACE, and the only one of them that we give. */
export const interfaceLayout = { DispatcherStopped: 256, bytes: 512 } as const;

/** The kinds of requests, FspFsctlTransact…Kind. */
export const requestKinds = {
  Create: 1,
  Overwrite: 2,
  Cleanup: 3,
  Close: 4,
  Read: 5,
  Write: 6,
  QueryInformation: 7,
  SetInformation: 8,
  QueryEa: 9,
  SetEa: 10,
  FlushBuffers: 11,
  QueryVolumeInformation: 12,
  SetVolumeInformation: 13,
  QueryDirectory: 14,
  FileSystemControl: 15,
  DeviceControl: 16,
  Shutdown: 17,
  LockControl: 18,
  QuerySecurity: 19,
  SetSecurity: 20,
  QueryStreamInformation: 21,
} as const;

/** What Windows makes of the outcome of a request, STATUS_…. */
export const statuses = {
  SUCCESS: 0,
  PENDING: 0x103,
  REPARSE: 0x104,
  INVALID_PARAMETER: 0xc000000d,
  INVALID_DEVICE_REQUEST: 0xc0000010,
  END_OF_FILE: 0xc0000011,
  ACCESS_DENIED: 0xc0000022,
  BUFFER_TOO_SMALL: 0xc0000023,
  OBJECT_NAME_INVALID: 0xc0000033,
  OBJECT_NAME_NOT_FOUND: 0xc0000034,
  OBJECT_NAME_COLLISION: 0xc0000035,
  OBJECT_PATH_NOT_FOUND: 0xc000003a,
  CRC_ERROR: 0xc000003f,
  FILE_INVALID: 0xc0000098,
  INSUFFICIENT_RESOURCES: 0xc000009a,
  MEDIA_WRITE_PROTECTED: 0xc00000a2,
  DEVICE_NOT_READY: 0xc00000a3,
  FILE_IS_A_DIRECTORY: 0xc00000ba,
  NOT_SUPPORTED: 0xc00000bb,
  INTERNAL_ERROR: 0xc00000e5,
  NOT_A_DIRECTORY: 0xc0000103,
  CANCELLED: 0xc0000120,
  IO_DEVICE_ERROR: 0xc0000185,
  NOT_A_REPARSE_POINT: 0xc0000275,
  REPARSE_POINT_NOT_RESOLVED: 0xc0000280,
} as const;

/** Attributes of files, FILE_ATTRIBUTE_…. */
export const fileAttributes = {
  READONLY: 0x1,
  DIRECTORY: 0x10,
  NORMAL: 0x80,
  REPARSE_POINT: 0x400,
} as const;

/** Rights that an opener asks for. */
export const accessRights = {
  FILE_WRITE_DATA: 0x2,
  FILE_APPEND_DATA: 0x4,
  FILE_WRITE_EA: 0x10,
  FILE_DELETE_CHILD: 0x40,
  FILE_WRITE_ATTRIBUTES: 0x100,
  DELETE: 0x10000,
  WRITE_DAC: 0x40000,
  WRITE_OWNER: 0x80000,
  MAXIMUM_ALLOWED: 0x2000000,
  FILE_GENERIC_READ: 0x120089,
  FILE_GENERIC_EXECUTE: 0x1200a0,
} as const;

/** What an opener wants, the low 24 bits of its options. */
export const createOptions = {
  FILE_DIRECTORY_FILE: 0x1,
  FILE_NON_DIRECTORY_FILE: 0x40,
  FILE_DELETE_ON_CLOSE: 0x1000,
  FILE_OPEN_REPARSE_POINT: 0x200000,
} as const;

/** What to do where the name is there or not, the high 8 bits of an opener's options. */
export const dispositions = {
  FILE_SUPERSEDE: 0,
  FILE_OPEN: 1,
  FILE_CREATE: 2,
  FILE_OPEN_IF: 3,
  FILE_OVERWRITE: 4,
  FILE_OVERWRITE_IF: 5,
} as const;

/** What an opener is told: the name was there. */
export const FILE_OPENED = 1;

/** Asks for where a link leads. */
export const FSCTL_GET_REPARSE_POINT = 0x900a8;

/** A symbolic link of Windows. */
export const IO_REPARSE_TAG_SYMLINK = 0xa000000c;

/** The link's target starts at the link, or at the root of its volume. */
export const SYMLINK_FLAG_RELATIVE = 1;

/** Bytes of a response at most, FSP_FSCTL_TRANSACT_RSP_SIZEMAX. */
export const responseBytesMax: number = 16 * 1024;

/** Characters of a volume's label at most. */
export const labelCharsMax = 32;

/** UTF-16 units that a link's target may have to fit a response, in which it stands twice. */
export const linkTextMax = 4000;

const allocationBytes = 4096;
const sectorBytes = 512;
const foreverMs = 0xffffffff;
const nameCharsMax = 255;

/** Times are counted in steps of 100 ns from 1601-01-01 on. */
const stepNs = 100n;
const steps1970 = 116_444_736_000_000_000n;

/** A time as Windows counts it; 0 where it is before that begins. */
export function fileTimeOf(timeNs: bigint): bigint {
  const fraction = (timeNs % stepNs + stepNs) % stepNs;
  const steps = (timeNs - fraction) / stepNs + steps1970;
  return steps < 0n ? 0n : steps;
}

/** Text in the units of 16 bits that Windows counts in, without an end mark. */
export function encodeWide(text: string): Bytes {
  const bytes = new Uint8Array(text.length * 2);
  const view = viewOf(bytes);
  for (let index = 0; index < text.length; index++) {
    view.setUint16(index * 2, text.charCodeAt(index), true);
  }
  return bytes;
}

/** Text up to its end mark, or to the end of the bytes. */
export function decodeWide(bytes: Bytes): string {
  const view = viewOf(bytes);
  const units: number[] = [];
  for (let at = 0; at + 2 <= bytes.length; at += 2) {
    const unit = view.getUint16(at, true);
    if (unit === 0) break;
    units.push(unit);
  }
  let text = "";
  for (let at = 0; at < units.length; at += 4096) {
    text += String.fromCharCode(...units.slice(at, at + 4096));
  }
  return text;
}

/** What the driver is told of a file system whose files never change. */
export function encodeVolumeParams(volume: {
  readonly createdNs: bigint;
  readonly serialNumber: number;
  /** How long names and folders may be believed, milliseconds. */
  readonly nameMs: number;
}): Bytes {
  const at = volumeParamsLayout;
  const bytes = new Uint8Array(at.bytes);
  const view = viewOf(bytes);
  const u16 = (offset: number, value: number) =>
    view.setUint16(offset, value, true);
  const u32 = (offset: number, value: number) =>
    view.setUint32(offset, value, true);
  u16(at.Version, at.bytes);
  u16(at.SectorSize, sectorBytes);
  u16(at.SectorsPerAllocationUnit, allocationBytes / sectorBytes);
  u16(at.MaxComponentLength, nameCharsMax);
  view.setBigUint64(at.VolumeCreationTime, fileTimeOf(volume.createdNs), true);
  u32(at.VolumeSerialNumber, volume.serialNumber);
  // Only with this one does Windows keep pages of files.
  u32(at.FileInfoTimeout, foreverMs);
  u32(volumeFlagsOffset, sumOf(volumeFlags));
  bytes.set(encodeWide("BlockFrame"), at.FileSystemName);
  u32(volumeTimeoutFlagsOffset, sumOf(volumeTimeoutFlags));
  u32(at.VolumeInfoTimeout, volume.nameMs);
  u32(at.DirInfoTimeout, volume.nameMs);
  u32(at.SecurityTimeout, foreverMs);
  u32(at.StreamInfoTimeout, foreverMs);
  u32(at.EaTimeout, foreverMs);
  return bytes;
}

/** What a request is answered with. */
export interface Reply {
  readonly status: number;
  /** A count of bytes, or what became of an open. */
  readonly information?: number;
  /** The members of the kind's struct, from the union's start on. */
  readonly body?: Bytes;
  /** What lies in the response's buffer. */
  readonly buffer?: Bytes;
}

/** A whole response to the request of that kind and hint. */
export function encodeResponse(
  kind: number,
  hint: bigint,
  reply: Reply,
): Bytes {
  const at = responseLayout;
  const buffer = reply.buffer ?? new Uint8Array(0);
  const length = Math.ceil((at.bytes + buffer.length) / 8) * 8;
  assert(length <= responseBytesMax, "a response fits the driver's buffer");
  const bytes = new Uint8Array(length);
  const view = viewOf(bytes);
  view.setUint16(at.Size, length, true);
  view.setUint32(at.Kind, kind, true);
  view.setBigUint64(at.Hint, hint, true);
  view.setUint32(at["IoStatus.Information"], reply.information ?? 0, true);
  view.setUint32(at["IoStatus.Status"], reply.status, true);
  if (reply.body !== undefined) bytes.set(reply.body, at.Rsp);
  bytes.set(buffer, at.Buffer);
  return bytes;
}

/** The answer to an open: the numbers that later requests name, and what was opened. */
export function openedReply(opened: {
  readonly node: bigint;
  readonly file: bigint;
  readonly access: number;
  readonly info: FileInfo;
  /** The path as it is really written. */
  readonly path: string;
}): Reply {
  const at = responseMembers, base = responseLayout.Rsp;
  const body = new Uint8Array(responseLayout.bytes - base);
  const view = viewOf(body);
  const buffer = encodeWide(opened.path);
  view.setBigUint64(at["Create.Opened.UserContext"] - base, opened.node, true);
  view.setBigUint64(at["Create.Opened.UserContext2"] - base, opened.file, true);
  view.setUint32(at["Create.Opened.GrantedAccess"] - base, opened.access, true);
  writeFileInfo(view, at["Create.Opened.FileInfo"] - base, opened.info);
  writeRange(view, at["Create.Opened.FileName"] - base, buffer.length);
  return {
    status: statuses.SUCCESS,
    information: FILE_OPENED,
    body,
    buffer,
  };
}

/** The answer to an open whose path leads through a link: where it leads, from the volume's root on. */
export function reparseReply(path: string): Reply {
  return {
    ...linkReply(path),
    status: statuses.REPARSE,
    information: IO_REPARSE_TAG_SYMLINK,
  };
}

/** The answer to the question where a link leads. */
export function linkReply(target: string): Reply {
  const buffer = encodeLink(target);
  const body = new Uint8Array(bufferRangeLayout.bytes);
  writeRange(viewOf(body), 0, buffer.length);
  return {
    status: statuses.SUCCESS,
    information: buffer.length,
    body,
    buffer,
  };
}

/** The answer that tells of a file: to questions about it, and to a flush. */
export function fileInfoReply(info: FileInfo): Reply {
  const body = new Uint8Array(fileInfoLayout.bytes);
  writeFileInfo(viewOf(body), 0, info);
  return { status: statuses.SUCCESS, body };
}

/** The answer that tells of the volume. */
export function volumeInfoReply(volume: {
  readonly bytes: number;
  readonly freeBytes: number;
  readonly label: string;
}): Reply {
  const at = volumeInfoLayout;
  const body = new Uint8Array(at.bytes);
  const view = viewOf(body);
  const label = encodeWide(volume.label.slice(0, labelCharsMax));
  view.setBigUint64(at.TotalSize, BigInt(roundUp(volume.bytes)), true);
  view.setBigUint64(at.FreeSize, BigInt(roundUp(volume.freeBytes)), true);
  view.setUint16(at.VolumeLabelLength, label.length, true);
  body.set(label, at.VolumeLabel);
  return { status: statuses.SUCCESS, body };
}

/** The rows of a folder, as many as fit where the driver wants them. */
export class DirReply {
  readonly #bytes: Bytes;
  #length = 0;

  /** A reply of at most `bytesMax` bytes. */
  constructor(bytesMax: number) {
    this.#bytes = new Uint8Array(bytesMax);
  }

  /** Takes a row; false when it does not fit. */
  add(name: string, info: FileInfo): boolean {
    const at = dirInfoLayout;
    const wide = encodeWide(name);
    const length = at.bytes + wide.length;
    const padded = Math.ceil(length / 8) * 8;
    if (this.#length + padded > this.#bytes.length) return false;
    const view = viewOf(this.#bytes);
    view.setUint16(this.#length + at.Size, length, true);
    writeFileInfo(view, this.#length + at.FileInfo, info);
    this.#bytes.set(wide, this.#length + at.FileNameBuf);
    this.#length += padded;
    return true;
  }

  /** Says that there are no more rows, where there is room to say it; else the next reply will. */
  end(): void {
    if (this.#length + 2 > this.#bytes.length) return;
    viewOf(this.#bytes).setUint16(this.#length, 0, true);
    this.#length += 2;
  }

  /** What the reply holds. */
  finish(): Bytes {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** The bytes of a symbolic link, which starts where it lies or at the root of its volume. */
function encodeLink(target: string): Bytes {
  const at = reparseLayout;
  const path = encodeWide(target);
  const start = at["SymbolicLinkReparseBuffer.PathBuffer"];
  const bytes = new Uint8Array(start + 2 * path.length);
  const view = viewOf(bytes);
  const u16 = (member: keyof typeof at, value: number) =>
    view.setUint16(at[member], value, true);
  view.setUint32(at.ReparseTag, IO_REPARSE_TAG_SYMLINK, true);
  u16("ReparseDataLength", bytes.length - reparseHeadBytes);
  u16("SymbolicLinkReparseBuffer.SubstituteNameOffset", 0);
  u16("SymbolicLinkReparseBuffer.SubstituteNameLength", path.length);
  u16("SymbolicLinkReparseBuffer.PrintNameOffset", path.length);
  u16("SymbolicLinkReparseBuffer.PrintNameLength", path.length);
  view.setUint32(
    at["SymbolicLinkReparseBuffer.Flags"],
    SYMLINK_FLAG_RELATIVE,
    true,
  );
  bytes.set(path, start);
  bytes.set(path, start + path.length);
  return bytes;
}

function writeFileInfo(view: DataView, base: number, info: FileInfo): void {
  const at = fileInfoLayout;
  const time = fileTimeOf(info.modifiedNs);
  const u64 = (offset: number, value: bigint) =>
    view.setBigUint64(base + offset, value, true);
  view.setUint32(base + at.FileAttributes, info.attributes, true);
  view.setUint32(base + at.ReparseTag, info.reparseTag, true);
  u64(at.AllocationSize, BigInt(roundUp(info.bytes)));
  u64(at.FileSize, BigInt(info.bytes));
  u64(at.CreationTime, time);
  u64(at.LastAccessTime, time);
  u64(at.LastWriteTime, time);
  u64(at.ChangeTime, time);
  u64(at.IndexNumber, info.index);
}

function writeRange(view: DataView, offset: number, bytes: number): void {
  view.setUint16(offset + bufferRangeLayout.Offset, 0, true);
  view.setUint16(offset + bufferRangeLayout.Size, bytes, true);
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / allocationBytes) * allocationBytes;
}

function sumOf(flags: Readonly<Record<string, number>>): number {
  return Object.values(flags).reduce((sum, flag) => sum | flag, 0);
}

function viewOf(bytes: Bytes): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
