// WinFsp requests: what the driver asks, from the bytes of a request. A request is copied out whole
// before it is decoded: the library reuses its memory as soon as the callback returns. Counts and
// ranges in it are compared with its size before anything is read by them.

import type { Bytes } from "../src/base/bytes.ts";
import {
  bufferRangeLayout,
  createFlags,
  createFlagsOffset,
  decodeWide,
  FSCTL_GET_REPARSE_POINT,
  requestKinds,
  requestLayout,
  requestMembers,
} from "./winfsp_layout.ts";

/** Where an answer belongs. */
export interface RequestHead {
  readonly kind: number;
  readonly hint: bigint;
}

/** What Windows asks. Numbers in sizes and offsets are exact. */
export type WinfspRequest =
  | OpenRequest
  | ReadRequest
  | ListRequest
  /** About an open file: what it is, where it leads, that it is closed or flushed. */
  | {
    readonly kind: "info" | "link" | "close" | "flush";
    readonly file: bigint;
  }
  | { readonly kind: "volume" }
  /** The last user of a file has closed it; more may come until it is closed for good. */
  | { readonly kind: "cleanup" }
  /** Something that would change the file system. */
  | { readonly kind: "write" }
  /** Something that we have none of: streams, extended attributes, access control lists. */
  | { readonly kind: "unsupported" }
  /** Bytes that are no request. */
  | { readonly kind: "unintelligible" };

/** A path to be opened. */
export interface OpenRequest {
  readonly kind: "open";
  /** From the volume's root on, `\` between the names. */
  readonly path: string;
  /** createOptions. */
  readonly options: number;
  /** dispositions. */
  readonly disposition: number;
  /** accessRights. */
  readonly access: number;
  /** The folder of the path is wanted, to put something there. */
  readonly opensParent: boolean;
  /** Written with a `\` at its end. */
  readonly namesFolder: boolean;
}

/** Bytes of an open file. */
export interface ReadRequest {
  readonly kind: "read";
  readonly file: bigint;
  readonly offset: number;
  readonly bytes: number;
  /** Memory of this process that they go to. */
  readonly address: bigint;
}

/** Rows of an open folder. */
export interface ListRequest {
  readonly kind: "list";
  readonly file: bigint;
  /** The name after which to go on; undefined: from the first on. */
  readonly marker: string | undefined;
  readonly bytes: number;
  readonly address: bigint;
}

/** Where the answer to a request belongs; undefined for bytes that are none. */
export function decodeHead(bytes: Bytes): RequestHead | undefined {
  if (bytes.length < requestLayout.bytes) return undefined;
  const view = viewOf(bytes);
  return {
    kind: view.getUint32(requestLayout.Kind, true),
    hint: view.getBigUint64(requestLayout.Hint, true),
  };
}

/** What a request asks; `bytes` are all of it. */
export function decodeRequest(bytes: Bytes): WinfspRequest {
  const head = decodeHead(bytes);
  if (head === undefined) return { kind: "unintelligible" };
  const view = viewOf(bytes);
  const file = view.getBigUint64(requestMembers["Close.UserContext2"], true);
  switch (head.kind) {
    case requestKinds.Create:
      return decodeOpen(bytes, view);
    case requestKinds.Read:
      return decodeRead(view);
    case requestKinds.QueryDirectory:
      return decodeList(bytes, view);
    case requestKinds.QueryInformation:
      return { kind: "info", file };
    case requestKinds.Close:
      return { kind: "close", file };
    case requestKinds.FlushBuffers:
      return { kind: "flush", file };
    case requestKinds.QueryVolumeInformation:
      return { kind: "volume" };
    case requestKinds.Cleanup:
      return { kind: "cleanup" };
    case requestKinds.FileSystemControl: {
      const code = view.getUint32(
        requestMembers["FileSystemControl.FsControlCode"],
        true,
      );
      return code === FSCTL_GET_REPARSE_POINT
        ? { kind: "link", file }
        : { kind: "write" };
    }
    case requestKinds.Overwrite:
    case requestKinds.Write:
    case requestKinds.SetInformation:
    case requestKinds.SetEa:
    case requestKinds.SetVolumeInformation:
    case requestKinds.SetSecurity:
      return { kind: "write" };
    default:
      return { kind: "unsupported" };
  }
}

function decodeOpen(bytes: Bytes, view: DataView): WinfspRequest {
  const at = requestMembers;
  const path = textOf(bytes, view, requestLayout.FileName);
  if (path === undefined || !path.startsWith("\\")) {
    return { kind: "unintelligible" };
  }
  const options = view.getUint32(at["Create.CreateOptions"], true);
  const flags = view.getUint32(createFlagsOffset, true);
  return {
    kind: "open",
    path,
    options: options & 0xffffff,
    disposition: options >>> 24,
    access: view.getUint32(at["Create.DesiredAccess"], true),
    opensParent: (flags & createFlags.OpenTargetDirectory) !== 0,
    namesFolder: (flags & createFlags.HasTrailingBackslash) !== 0,
  };
}

function decodeRead(view: DataView): WinfspRequest {
  const at = requestMembers;
  const offset = Number(view.getBigUint64(at["Read.Offset"], true));
  const address = view.getBigUint64(at["Read.Address"], true);
  if (!Number.isSafeInteger(offset) || address === 0n) {
    return { kind: "unintelligible" };
  }
  return {
    kind: "read",
    file: view.getBigUint64(at["Read.UserContext2"], true),
    offset,
    bytes: view.getUint32(at["Read.Length"], true),
    address,
  };
}

function decodeList(bytes: Bytes, view: DataView): WinfspRequest {
  const at = requestMembers;
  const range = at["QueryDirectory.Marker"];
  const address = view.getBigUint64(at["QueryDirectory.Address"], true);
  const marker = textOf(bytes, view, range);
  const isMarked = view.getUint16(range + bufferRangeLayout.Size, true) !== 0;
  if (address === 0n || (isMarked && marker === undefined)) {
    return { kind: "unintelligible" };
  }
  return {
    kind: "list",
    file: view.getBigUint64(at["QueryDirectory.UserContext2"], true),
    marker: isMarked ? marker : undefined,
    bytes: view.getUint32(at["QueryDirectory.Length"], true),
    address,
  };
}

/** The text of a range of the request's buffer; undefined where that is not in the request. */
function textOf(
  bytes: Bytes,
  view: DataView,
  range: number,
): string | undefined {
  const offset = view.getUint16(range + bufferRangeLayout.Offset, true);
  const length = view.getUint16(range + bufferRangeLayout.Size, true);
  const start = requestLayout.Buffer + offset, end = start + length;
  return end > bytes.length
    ? undefined
    : decodeWide(bytes.subarray(start, end));
}

function viewOf(bytes: Bytes): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
