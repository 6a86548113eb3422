// The numbers of ffi/fuse_layout.ts and ffi/fuse_requests.ts against the headers that are installed
// here, for x86-64 and for 64-bit ARM: a compiler says what it makes of them. Nothing is run.

import { equal, ok } from "node:assert/strict";
import * as layout from "../../ffi/fuse_layout.ts";
import {
  callbackCount,
  initIndex,
  readingCallbacks,
  writingCallbacks,
} from "../../ffi/fuse_requests.ts";

/** A C expression and the number that we have for it. */
type Claim = readonly [expression: string, ours: number];

const structs: readonly [string, Readonly<Record<string, number>>, boolean][] =
  [
    ["struct fuse_attr", layout.attrLayout, true],
    ["struct fuse_entry_out", layout.entryOutLayout, true],
    ["struct fuse_attr_out", layout.attrOutLayout, true],
    ["struct fuse_open_out", layout.openOutLayout, true],
    ["struct fuse_kstatfs", layout.statfsLayout, true],
    ["struct fuse_getxattr_out", layout.xattrOutLayout, true],
    ["struct fuse_dirent", layout.direntLayout, false],
  ];

function kernelClaims(): Claim[] {
  const claims: Claim[] = [];
  for (const [struct, members, sized] of structs) {
    for (const [member, offset] of Object.entries(members)) {
      if (member === "bytes") continue;
      claims.push([`offsetof(${struct}, ${member})`, offset]);
    }
    if (sized) claims.push([`sizeof(${struct})`, members.bytes!]);
  }
  claims.push(
    ["sizeof(struct fuse_statfs_out)", layout.statfsLayout.bytes],
    ["FUSE_ROOT_ID", Number(layout.rootNode)],
    ["FOPEN_KEEP_CACHE", layout.openFlags.keepCache],
    ["FOPEN_CACHE_DIR", layout.openFlags.cacheFolder],
    ["FUSE_CACHE_SYMLINKS", layout.capabilities.cacheLinks],
    ["S_IFREG", layout.fileTypes.file],
    ["S_IFDIR", layout.fileTypes.folder],
    ["S_IFLNK", layout.fileTypes.link],
  );
  for (const [name, number] of Object.entries(layout.errorNumbers)) {
    claims.push([name, number]);
  }
  return claims;
}

function libraryClaims(): Claim[] {
  const ops = "struct fuse_lowlevel_ops";
  const place = (member: string) =>
    `offsetof(${ops}, ${member}) / sizeof(void*)`;
  const claims: Claim[] = [
    [place("init"), initIndex],
    [`offsetof(${ops}, copy_file_range) / sizeof(void*)`, callbackCount],
    ["offsetof(struct fuse_file_info, flags)", layout.fileInfoLayout.flags],
    ["offsetof(struct fuse_file_info, fh)", layout.fileInfoLayout.fh],
    ["offsetof(struct fuse_buf, size)", layout.bufferLayout.size],
    ["offsetof(struct fuse_buf, mem)", layout.bufferLayout.mem],
    [
      `sizeof(struct fuse_buf) <= ${layout.bufferLayout.room}`,
      1,
    ],
    ["offsetof(struct fuse_args, argc)", layout.argsLayout.argc],
    ["offsetof(struct fuse_args, argv)", layout.argsLayout.argv],
    ["offsetof(struct fuse_args, allocated)", layout.argsLayout.allocated],
    ["sizeof(struct fuse_args)", layout.argsLayout.bytes],
    ["offsetof(struct iovec, iov_base)", layout.vectorLayout.base],
    ["offsetof(struct iovec, iov_len)", layout.vectorLayout.len],
    ["sizeof(struct iovec)", layout.vectorLayout.bytes],
    ["FUSE_CAP_CACHE_SYMLINKS", layout.capabilities.cacheLinks],
    [
      "FUSE_CAP_READDIRPLUS_AUTO",
      layout.capabilities.rowsWithEntriesSometimes,
    ],
  ];
  for (const { member, index } of readingCallbacks) {
    claims.push([place(member), index]);
  }
  for (const [member, index] of writingCallbacks) {
    claims.push([place(member), index]);
  }
  for (const [member, offset] of Object.entries(layout.connectionLayout)) {
    claims.push([`offsetof(struct fuse_conn_info, ${member})`, offset]);
  }
  return claims;
}

/** A machine that the numbers are for: what compiles C for it, as far as assembly. */
interface Machine {
  readonly name: string;
  compiler(): readonly string[];
}

const machines: readonly Machine[] = [
  { name: "this machine", compiler: () => ["gcc", "-S"] },
  {
    name: "64-bit ARM",
    compiler: () => {
      // The preprocessor knows where the compiler proper is, which lies beside it.
      const proper = run("aarch64-linux-gnu-cpp", "-print-prog-name=cc1");
      // What stddef.h says is the same everywhere; libfuse's headers are, too.
      const own = run("gcc", "-print-file-name=include").trim();
      return [
        proper.trim(),
        "-quiet",
        "-isystem",
        own,
        "-isystem",
        "/usr/aarch64-linux-gnu/include",
        "-idirafter",
        "/usr/include",
      ];
    },
  },
];

/** Added to every number, so that the compiler writes each of them, also zeros. */
const bias = 1_000_000;

/** What the machine's compiler makes of the expressions. */
function evaluate(
  machine: Machine,
  includes: string,
  claims: readonly Claim[],
): number[] {
  const folder = Deno.makeTempDirSync();
  try {
    const lines = claims.map(([expression]) =>
      `  (long long)(${expression}) + ${bias},`
    );
    const source = `${includes}
#include <stddef.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/uio.h>
const long long numbers[] = {
${lines.join("\n")}
};
`;
    Deno.writeTextFileSync(`${folder}/layout.c`, source);
    const [program, ...args] = machine.compiler();
    run(program!, ...args, `${folder}/layout.c`, "-o", `${folder}/layout.s`);
    const assembly = Deno.readTextFileSync(`${folder}/layout.s`);
    return [...assembly.matchAll(/^\s*\.(?:quad|xword)\s+(\d+)$/gm)]
      .map(([, number]) => Number(number) - bias);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function run(program: string, ...args: string[]): string {
  const { success, stdout, stderr } = new Deno.Command(program, { args })
    .outputSync();
  ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

function compare(
  machine: Machine,
  includes: string,
  claims: readonly Claim[],
): void {
  const theirs = evaluate(machine, includes, claims);
  equal(theirs.length, claims.length);
  claims.forEach(([expression, ours], index) =>
    equal(ours, theirs[index], expression)
  );
}

for (const machine of machines) {
  Deno.test(`the kernel's structs and numbers are as linux/fuse.h has them on ${machine.name}`, () => {
    compare(
      machine,
      "#define _GNU_SOURCE\n#include <linux/fuse.h>",
      kernelClaims(),
    );
  });

  Deno.test(`libfuse's structs and callbacks are as fuse_lowlevel.h has them on ${machine.name}`, () => {
    compare(
      machine,
      "#define FUSE_USE_VERSION 312\n#define _FILE_OFFSET_BITS 64\n#include <fuse3/fuse_lowlevel.h>",
      libraryClaims(),
    );
  });
}
