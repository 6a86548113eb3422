// The calls of the C library, on files of this machine: numbers that differ between kinds of
// machine are right on the one that runs this. tests/arm runs it for 64-bit ARM, too.

import { deepEqual, equal, throws } from "node:assert/strict";
import { present } from "../../src/base/assert.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";
import { openLibc } from "../../ffi/libc.ts";
import { NativeFiles, nativeFiles } from "../../src/store/native_files.ts";

function onLinux(name: string, body: (folder: string) => void): void {
  if (Deno.build.os !== "linux") return;
  Deno.test(name, () => {
    const dir = "/var/tmp"; // a file system with holes and attributes
    const folder = Deno.makeTempDirSync({ dir, prefix: "blockframe-native-" });
    try {
      body(folder);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  });
}

const native = nativeFiles!;

onLinux("a link at the end of a path is not followed", (folder) => {
  Deno.writeTextFileSync(`${folder}/file`, "it");
  Deno.symlinkSync("file", `${folder}/link`);
  deepEqual(native.dataRanges(`${folder}/file`), [{ offset: 0, bytes: 2 }]);
  throws(() => native.dataRanges(`${folder}/link`), { code: "ELOOP" });
  equal(decodeUtf8(native.readLink(`${folder}/link`)), "file");
  equal(native.stat(`${folder}/link`).kind, "link");
});

onLinux("times are kept to the nanosecond, before 1970 too", (folder) => {
  const path = `${folder}/file`;
  Deno.writeTextFileSync(path, "it");
  for (const time of [1n, -1n, 1_700_000_000_123_456_789n]) {
    native.setModified(path, time);
    equal(native.stat(path).modifiedNs, time);
  }
});

onLinux("a C library without statx is none the worse for it", (folder) => {
  const libc = present(openLibc(), "this is Linux");
  const old = new NativeFiles({ ...libc.symbols, statx: null });
  const path = `${folder}/file`;
  Deno.writeTextFileSync(path, "it");
  Deno.symlinkSync("nowhere", `${folder}/link`);
  for (const each of [path, `${folder}/link`, folder]) {
    deepEqual(old.stat(each), native.stat(each));
  }
  throws(() => old.stat(`${folder}/none`), { code: "ENOENT" });
  libc.close();
});

onLinux("holes and attributes are what the file system says", (folder) => {
  const path = `${folder}/file`;
  {
    using file = Deno.openSync(path, { create: true, write: true });
    file.seekSync(1 << 20, Deno.SeekMode.Start);
    file.writeSync(encodeUtf8("x"));
    file.truncateSync(3 << 20);
  }
  equal(native.stat(path).bytes, 3 << 20);
  deepEqual(native.dataRanges(path).map(({ offset }) => offset), [1 << 20]);
  native.setExtended(path, "user.note", encodeUtf8("kept"));
  deepEqual(native.listExtended(path).map(decodeUtf8), ["user.note"]);
  const value = present(native.readExtended(path, "user.note"), "it was set");
  equal(decodeUtf8(value), "kept");
  equal(native.readExtended(path, "user.none"), undefined);
});

onLinux("what a call refuses has the system's own name", (folder) => {
  throws(() => native.stat(`${folder}/none`), { code: "ENOENT" });
  throws(() => native.readLink(folder), { code: "EINVAL" });
  throws(() => native.setModified(`${folder}/none`, 1n), { code: "ENOENT" });
});
