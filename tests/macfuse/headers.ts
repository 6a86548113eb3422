// The numbers of ffi/darwin_layout.ts against macOS's own headers, by hand:
//
//   deno run -A tests/macfuse/headers.ts zig cc -target aarch64-macos
//   deno run -A tests/macfuse/headers.ts zig cc -target x86_64-macos
//   deno run -A tests/macfuse/headers.ts cc -I/usr/local/include/fuse3     (on a Mac with macFUSE)
//
// Zig's compiler carries the headers of macOS, and not those of macFUSE; on a Mac both are compared. Not
// part of the tests: neither compiler is there.

import { equal, ok } from "node:assert/strict";
import * as darwin from "../../ffi/darwin_layout.ts";
import * as common from "../../ffi/fuse_layout.ts";
import {
  callbackCount,
  entriesCallback,
  initIndex,
  readingCallbacks,
  writingCallbacks,
} from "../../ffi/fuse_requests.ts";

/** A C expression and the number that we have for it. */
type Claim = readonly [expression: string, ours: number];

/** Claims about a struct: where its members are, and how big it is. */
function structClaims(
  struct: string,
  members: Readonly<Record<string, number>>,
): Claim[] {
  return Object.entries(members).map(([member, ours]) => [
    member === "bytes" ? `sizeof(${struct})` : `offsetof(${struct}, ${member})`,
    ours,
  ]);
}

/** What errors are called on macOS, where that is not what they are called on Linux. */
const otherNames: Readonly<Record<string, string>> = {
  ENODATA: "ENOATTR",
  EOPNOTSUPP: "ENOTSUP",
};

function systemClaims(): Claim[] {
  const numbers = {
    ...darwin.darwinErrorNumbers,
    ...darwin.darwinGoneNumbers,
  };
  return [
    ...structClaims("struct stat", darwin.darwinStatLayout),
    ["sizeof(((struct stat*)0)->st_mode)", 2],
    ["sizeof(((struct stat*)0)->st_nlink)", 2],
    ["sizeof(((struct stat*)0)->st_ino)", 8],
    ["sizeof(((struct stat*)0)->st_blksize)", 4],
    ["sizeof(struct timespec)", 16],
    ...structClaims("struct statvfs", darwin.darwinStatvfsLayout),
    ["sizeof(((struct statvfs*)0)->f_blocks)", 4],
    ["sizeof(((struct statvfs*)0)->f_frsize)", 8],
    ...structClaims("struct iovec", {
      iov_base: common.vectorLayout.base,
      iov_len: common.vectorLayout.len,
      bytes: common.vectorLayout.bytes,
    }),
    ...structClaims("struct statfs", darwin.darwinMountLayout),
    ["MNT_FORCE", darwin.forceUnmount],
    ["MNT_NOWAIT", darwin.withoutAsking],
    ["S_IFREG", common.fileTypes.file],
    ["S_IFDIR", common.fileTypes.folder],
    ["S_IFLNK", common.fileTypes.link],
    ...Object.entries(numbers).map(([name, ours]): Claim => [
      otherNames[name] ?? name,
      ours,
    ]),
  ];
}

function libraryClaims(): Claim[] {
  const { bits, ...fileMembers } = darwin.darwinFileInfoLayout;
  const place = (member: string) =>
    `offsetof(struct fuse_lowlevel_ops, ${member}) / sizeof(void*)`;
  return [
    ...structClaims("struct fuse_entry_param", darwin.darwinEntryLayout),
    ...structClaims("struct fuse_file_info", fileMembers),
    // Bits have no place in C; they lie between these.
    ["sizeof(((struct fuse_file_info*)0)->flags)", bits],
    ...structClaims("struct fuse_args", common.argsLayout),
    ["offsetof(struct fuse_buf, size)", common.bufferLayout.size],
    ["offsetof(struct fuse_buf, mem)", common.bufferLayout.mem],
    [`sizeof(struct fuse_buf) <= ${common.bufferLayout.room}`, 1],
    ["sizeof(struct libfuse_version)", 16],
    [place("init"), initIndex],
    [place(entriesCallback), callbackCount - 1],
    ...readingCallbacks.map(({ member, index }): Claim => [
      place(member),
      index,
    ]),
    ...[...writingCallbacks].map(([member, index]): Claim => [
      place(member),
      index,
    ]),
  ];
}

const compiler = Deno.args;
ok(compiler.length > 0, "a compiler and its flags are wanted");
const bias = 1_000_000;

function listOf(name: string, claims: readonly Claim[]): string {
  const lines = claims.map(([expression]) =>
    `  (long long)(${expression}) + ${bias},`
  );
  return `const long long ${name}[] = {\n${lines.join("\n")}\n};\n`;
}

const claims = systemClaims();
const library = libraryClaims();
const source = `#define _FILE_OFFSET_BITS 64
#define FUSE_USE_VERSION 317
#define FUSE_DARWIN_ENABLE_EXTENSIONS 0
#include <errno.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
${listOf("system", claims)}
#if __has_include(<fuse_lowlevel.h>)
#include <fuse_lowlevel.h>
${listOf("library", library)}
#endif
`;
const folder = Deno.makeTempDirSync();
try {
  Deno.writeTextFileSync(`${folder}/layout.c`, source);
  const [program, ...flags] = compiler;
  const { success, stderr } = new Deno.Command(program!, {
    args: [...flags, "-g0", "-S", "layout.c", "-o", "layout.s"],
    cwd: folder,
  }).outputSync();
  ok(success, new TextDecoder().decode(stderr));
  const assembly = Deno.readTextFileSync(`${folder}/layout.s`);
  const numbers = [...assembly.matchAll(/^\s*\.quad\s+(\d+)/gm)]
    .map(([, number]) => Number(number) - bias);
  const isWhole = numbers.length > claims.length;
  const all = isWhole ? [...claims, ...library] : claims;
  equal(numbers.length, all.length);
  all.forEach(([expression, ours], index) =>
    equal(ours, numbers[index], expression)
  );
  console.log(
    `${all.length} numbers agree${isWhole ? ", macFUSE's too" : ""}`,
  );
} finally {
  Deno.removeSync(folder, { recursive: true });
}
