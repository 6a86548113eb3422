// The numbers of ffi/winfsp_layout.ts against WinFsp's own headers: the compiler for Windows is asked
// whether each is right.

import { equal, match, ok } from "node:assert/strict";
import * as layout from "../../ffi/winfsp_layout.ts";
import { symbolNames } from "../../ffi/winfsp_library.ts";
import { type Claim, fetchCrate, refuteClaims } from "./headers.ts";

const crate = await fetchCrate();

const structs: readonly [string, Readonly<Record<string, number>>][] = [
  ["FSP_FSCTL_VOLUME_PARAMS", layout.volumeParamsLayout],
  ["FSP_FSCTL_TRANSACT_REQ", layout.requestLayout],
  ["FSP_FSCTL_TRANSACT_BUF", layout.bufferRangeLayout],
  ["FSP_FSCTL_TRANSACT_RSP", layout.responseLayout],
  ["FSP_FSCTL_FILE_INFO", layout.fileInfoLayout],
  ["FSP_FSCTL_VOLUME_INFO", layout.volumeInfoLayout],
  ["FSP_FSCTL_DIR_INFO", layout.dirInfoLayout],
  ["REPARSE_DATA_BUFFER", layout.reparseLayout],
  ["FSP_FILE_SYSTEM_INTERFACE", layout.interfaceLayout],
];

/** Names of numbers, as C has them, and ours. */
const numbers: readonly [string, Readonly<Record<string, number>>][] = [
  ["STATUS_", layout.statuses],
  ["FILE_ATTRIBUTE_", layout.fileAttributes],
  ["", layout.accessRights],
  ["", layout.createOptions],
  ["", layout.dispositions],
];

function structClaims(): Claim[] {
  const claims: Claim[] = [];
  for (const [struct, members] of structs) {
    for (const [member, offset] of Object.entries(members)) {
      claims.push(
        member === "bytes"
          ? [`sizeof(${struct})`, offset]
          : [`offsetof(${struct}, ${member})`, offset],
      );
    }
  }
  for (const [member, offset] of Object.entries(layout.requestMembers)) {
    claims.push([`offsetof(FSP_FSCTL_TRANSACT_REQ, Req.${member})`, offset]);
  }
  for (const [member, offset] of Object.entries(layout.responseMembers)) {
    claims.push([`offsetof(FSP_FSCTL_TRANSACT_RSP, Rsp.${member})`, offset]);
  }
  return claims;
}

/** Bit fields have no offset in C: the whole struct with one of them set is compared. */
function bitClaims(): Claim[] {
  const word = (struct: string, offset: number, member: string) =>
    `((union { ${struct} whole; unsigned char bytes[sizeof(${struct})]; })` +
    `{ .whole = { .${member} = 1 } }).bytes[${offset}]`;
  const claims: Claim[] = [];
  const put = (
    struct: string,
    offset: number,
    prefix: string,
    flags: Readonly<Record<string, number>>,
  ) => {
    for (const [member, flag] of Object.entries(flags)) {
      const byte = Math.floor(Math.log2(flag) / 8);
      claims.push([
        word(struct, offset + byte, prefix + member),
        flag >>> (byte * 8),
      ]);
    }
  };
  const volume = "FSP_FSCTL_VOLUME_PARAMS";
  put(volume, layout.volumeFlagsOffset, "", layout.volumeFlags);
  put(volume, layout.volumeTimeoutFlagsOffset, "", layout.volumeTimeoutFlags);
  put(
    "FSP_FSCTL_TRANSACT_REQ",
    layout.createFlagsOffset,
    "Req.Create.",
    layout.createFlags,
  );
  return claims;
}

function numberClaims(): Claim[] {
  const claims: Claim[] = [
    ["FILE_OPENED", layout.FILE_OPENED],
    ["FSCTL_GET_REPARSE_POINT", layout.FSCTL_GET_REPARSE_POINT],
    ["IO_REPARSE_TAG_SYMLINK", layout.IO_REPARSE_TAG_SYMLINK],
    ["SYMLINK_FLAG_RELATIVE", layout.SYMLINK_FLAG_RELATIVE],
    ["FSP_FSCTL_TRANSACT_RSP_SIZEMAX", layout.responseBytesMax],
    [
      "sizeof(((FSP_FSCTL_VOLUME_INFO *)0)->VolumeLabel) / sizeof(WCHAR)",
      layout.labelCharsMax,
    ],
    [
      "offsetof(REPARSE_DATA_BUFFER, GenericReparseBuffer)",
      layout.reparseHeadBytes,
    ],
    [
      "FspFsctlTransactKindCount",
      Object.keys(layout.requestKinds).length + 1,
    ],
  ];
  for (const [prefix, members] of numbers) {
    for (const [name, ours] of Object.entries(members)) {
      claims.push([`(unsigned)(${prefix}${name})`, ours]);
    }
  }
  for (const [name, ours] of Object.entries(layout.requestKinds)) {
    claims.push([`FspFsctlTransact${name}Kind`, ours]);
  }
  return claims;
}

Deno.test("structs and numbers are as WinFsp's headers have them", async () => {
  const claims = [...structClaims(), ...numberClaims()];
  ok(claims.length > 150);
  equal(await refuteClaims(crate, claims), "");
});

Deno.test("bits lie where WinFsp's headers have them", async () => {
  equal(await refuteClaims(crate, bitClaims()), "");
});

Deno.test("a number that is wrong is found, and named", async () => {
  const wrong: Claim = ["offsetof(FSP_FSCTL_TRANSACT_REQ, Buffer)", 84];
  match(await refuteClaims(crate, [wrong]), /ours is 84/);
  const { OpenTargetDirectory } = layout.createFlags;
  const bits = bitClaims();
  const last = bits.at(-1)!;
  match(
    await refuteClaims(crate, [[last[0], OpenTargetDirectory << 1]]),
    /ours is 32/,
  );
});

Deno.test("the library of that version has all symbols that we call", async () => {
  const bytes = await Deno.readFile(`${crate}/winfsp/bin/winfsp-x64.dll`);
  const text = new TextDecoder("latin1").decode(bytes);
  for (const name of symbolNames) ok(text.includes(`\0${name}\0`), name);
});
