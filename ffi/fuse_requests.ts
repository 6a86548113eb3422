// FUSE requests: which of libfuse's callbacks we take, where each lies in struct fuse_lowlevel_ops,
// and what the arguments of each mean. Decoding copies everything out: libfuse reuses its memory as
// soon as a callback returns. What reads memory is a parameter, so that tests decode recorded bytes.

import { fileInfoLayout, type NodeId } from "./fuse_layout.ts";

/** What the kernel asks. Numbers in sizes and offsets are exact. */
export type FuseRequest =
  | { readonly kind: "lookup"; readonly parent: NodeId; readonly name: string }
  | { readonly kind: "forget" }
  | { readonly kind: "getattr"; readonly node: NodeId }
  | { readonly kind: "readlink"; readonly node: NodeId }
  | { readonly kind: "open"; readonly node: NodeId; readonly flags: number }
  | ReadRequest
  | ListRequest
  | {
    readonly kind: "release" | "releasedir";
    readonly node: NodeId;
    readonly file: bigint;
  }
  | { readonly kind: "opendir" | "statfs" | "access"; readonly node: NodeId }
  | {
    readonly kind: "getxattr";
    readonly node: NodeId;
    readonly name: string;
    readonly bytes: number;
  }
  | {
    readonly kind: "listxattr";
    readonly node: NodeId;
    readonly bytes: number;
  }
  /** Something that would change the file system. */
  | { readonly kind: "write" }
  /** A name that is no text, or a number beyond what can be counted with. */
  | { readonly kind: "unintelligible" };

interface RangeRequest {
  readonly node: NodeId;
  readonly bytes: number;
  readonly offset: number;
  readonly file: bigint;
}

/** Bytes of an open file. */
export interface ReadRequest extends RangeRequest {
  readonly kind: "read";
}

/** Rows of an open folder. */
export interface ListRequest extends RangeRequest {
  readonly kind: "readdir" | "readdirplus";
}

/** Reads the memory of the process, for the arguments that are pointers. */
export interface MemoryReader {
  /** The text up to the first NUL; undefined if that is no UTF-8. */
  readText(pointer: Deno.PointerValue): string | undefined;
  /** A number of 64 bits, `offset` bytes behind the pointer. */
  readU64(pointer: Deno.PointerValue, offset: number): bigint;
  /** A number of 32 bits, `offset` bytes behind the pointer. */
  readI32(pointer: Deno.PointerValue, offset: number): number;
}

/** One of libfuse's callbacks: its place, its arguments and their meaning. */
export interface FuseCallback {
  /** Its member of struct fuse_lowlevel_ops. */
  readonly member: string;
  /** Its index there: every member is a pointer. */
  readonly index: number;
  /** What the arguments mean; the first is the request's own pointer. */
  decode(args: readonly unknown[], memory: MemoryReader): FuseRequest;
  readonly parameters: readonly Deno.NativeType[];
}

const node = (args: readonly unknown[]): NodeId => args[1] as bigint;

function fileOf(pointer: unknown, memory: MemoryReader): bigint {
  return pointer === null
    ? 0n
    : memory.readU64(pointer as Deno.PointerValue, fileInfoLayout.fh);
}

function numberOf(value: unknown): number {
  return Number(value as bigint | number);
}

function range(
  kind: "read" | "readdir" | "readdirplus",
): FuseCallback["decode"] {
  return (args, memory) => {
    const bytes = numberOf(args[2]), offset = numberOf(args[3]);
    if (!Number.isSafeInteger(bytes) || !Number.isSafeInteger(offset)) {
      return { kind: "unintelligible" };
    }
    const file = fileOf(args[4], memory);
    return { kind, node: node(args), bytes, offset, file } as FuseRequest;
  };
}

function released(kind: "release" | "releasedir"): FuseCallback["decode"] {
  return (args, memory) => ({
    kind,
    node: node(args),
    file: fileOf(args[2], memory),
  });
}

const withNode: readonly Deno.NativeType[] = ["pointer", "u64"];
const withRange: readonly Deno.NativeType[] = [
  "pointer",
  "u64",
  "usize",
  "i64",
  "pointer",
];
const withFile: readonly Deno.NativeType[] = ["pointer", "u64", "pointer"];

/** The callbacks that read. */
export const readingCallbacks: readonly FuseCallback[] = [
  {
    member: "lookup",
    index: 2,
    parameters: ["pointer", "u64", "pointer"],
    decode: (args, memory) => {
      const name = memory.readText(args[2] as Deno.PointerValue);
      return name === undefined
        ? { kind: "unintelligible" }
        : { kind: "lookup", parent: node(args), name };
    },
  },
  {
    member: "forget",
    index: 3,
    parameters: ["pointer", "u64", "u64"],
    decode: () => ({ kind: "forget" }),
  },
  {
    member: "getattr",
    index: 4,
    parameters: withFile,
    decode: (args) => ({ kind: "getattr", node: node(args) }),
  },
  {
    member: "readlink",
    index: 6,
    parameters: withNode,
    decode: (args) => ({ kind: "readlink", node: node(args) }),
  },
  {
    member: "open",
    index: 14,
    parameters: withFile,
    decode: (args, memory) => ({
      kind: "open",
      node: node(args),
      flags: memory.readI32(
        args[2] as Deno.PointerValue,
        fileInfoLayout.flags,
      ),
    }),
  },
  { member: "read", index: 15, parameters: withRange, decode: range("read") },
  {
    member: "release",
    index: 18,
    parameters: withFile,
    decode: released("release"),
  },
  {
    member: "opendir",
    index: 20,
    parameters: withFile,
    decode: (args) => ({ kind: "opendir", node: node(args) }),
  },
  {
    member: "readdir",
    index: 21,
    parameters: withRange,
    decode: range("readdir"),
  },
  {
    member: "releasedir",
    index: 22,
    parameters: withFile,
    decode: released("releasedir"),
  },
  {
    member: "statfs",
    index: 24,
    parameters: withNode,
    decode: (args) => ({ kind: "statfs", node: node(args) }),
  },
  {
    member: "getxattr",
    index: 26,
    parameters: ["pointer", "u64", "pointer", "usize"],
    decode: (args, memory) => {
      const name = memory.readText(args[2] as Deno.PointerValue);
      return name === undefined ? { kind: "unintelligible" } : {
        kind: "getxattr",
        node: node(args),
        name,
        bytes: numberOf(args[3]),
      };
    },
  },
  {
    member: "listxattr",
    index: 27,
    parameters: ["pointer", "u64", "usize"],
    decode: (args) => ({
      kind: "listxattr",
      node: node(args),
      bytes: numberOf(args[2]),
    }),
  },
  {
    member: "access",
    index: 29,
    parameters: ["pointer", "u64", "i32"],
    decode: (args) => ({ kind: "access", node: node(args) }),
  },
  {
    member: "readdirplus",
    index: 41,
    parameters: withRange,
    decode: range("readdirplus"),
  },
];

/**
 * The callbacks that would change something, by their index. All are answered alike, so only their
 * first argument, the request, is taken; the rest stay in the caller's registers or on its stack.
 */
export const writingCallbacks: ReadonlyMap<string, number> = new Map([
  ["setattr", 5],
  ["mknod", 7],
  ["mkdir", 8],
  ["unlink", 9],
  ["rmdir", 10],
  ["symlink", 11],
  ["rename", 12],
  ["link", 13],
  ["write", 16],
  ["setxattr", 25],
  ["removexattr", 28],
  ["create", 30],
  ["fallocate", 40],
]);

/** The index of the callback that is called once, with the kernel's abilities. */
export const initIndex = 0;

/** What asks for rows with entries: macFUSE's driver never does, and it takes the kernel's structs. */
export const entriesCallback = "readdirplus";

/**
 * Members of struct fuse_lowlevel_ops that we give: up to readdirplus, the last one that libfuse 3.0
 * had. Older libraries refuse a longer table, newer ones take a shorter one.
 */
export const callbackCount = 42;
