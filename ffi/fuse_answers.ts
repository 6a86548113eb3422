// FUSE answers: what a request is answered with, before it is bytes: the kernel's own structs on Linux
// (here), libfuse's on macOS (darwin_layout.ts).

import type { Bytes } from "../src/base/bytes.ts";
import {
  encodeAbsence,
  encodeAttributes,
  encodeEntry,
  encodeOpen,
  encodeStatistics,
  encodeXattrSize,
  type FileSystemStat,
  type NodeStat,
  openFlags,
  type Validity,
} from "./fuse_layout.ts";

/** An answer whose form differs from system to system. */
export type StructAnswer =
  | {
    readonly kind: "entry" | "attributes";
    readonly stat: NodeStat;
    readonly validity: Validity;
  }
  /** There is no such name, which may be believed for so long. */
  | { readonly kind: "absence"; readonly seconds: number }
  | {
    readonly kind: "open";
    readonly file: bigint;
    /** Whether pages that the kernel has, of a file or a folder's rows, are still right. */
    readonly keepsPages: boolean;
    /** Whether the kernel may keep the rows of the folder. */
    readonly keepsRows: boolean;
  }
  | { readonly kind: "statistics"; readonly stat: FileSystemStat }
  /** How many bytes an extended attribute, or the list of them, has. */
  | { readonly kind: "size"; readonly bytes: number };

/** What a request is answered with, if it is no error. */
export type FuseAnswer =
  | StructAnswer
  | { readonly kind: "bytes"; readonly bytes: Bytes }
  /** Success, and nothing to tell. */
  | { readonly kind: "done" };

/** The answer as the kernel of Linux has it. */
export function encodeAnswer(answer: StructAnswer): Bytes {
  switch (answer.kind) {
    case "entry":
      return encodeEntry(answer.stat, answer.validity);
    case "attributes":
      return encodeAttributes(answer.stat, answer.validity);
    case "absence":
      return encodeAbsence(answer.seconds);
    case "open":
      return encodeOpen(
        answer.file,
        (answer.keepsPages ? openFlags.keepCache : 0) |
          (answer.keepsRows ? openFlags.cacheFolder : 0),
      );
    case "statistics":
      return encodeStatistics(answer.stat);
    case "size":
      return encodeXattrSize(answer.bytes);
  }
}
