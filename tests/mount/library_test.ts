// The libraries behind a mount: which ones are looked for, and what is said where there are none.

import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import {
  darwinPlace,
  fuseNames,
  linuxPlace,
  openDarwinLibraries,
  openLinuxLibraries,
} from "../../ffi/fuse_library.ts";
import { findFuse } from "../../ffi/fuse_version.ts";
import { readWinfspVersion } from "../../ffi/winfsp_version.ts";
import { findMountLibrary } from "../../src/mount/mount_library.ts";
import { isFailure } from "../../src/base/errors.ts";

Deno.test("the newer library is looked for first, and one of both is here", () => {
  deepEqual(fuseNames, ["libfuse3.so.4", "libfuse3.so.3"]);
  using libraries = openLinuxLibraries();
  ok(fuseNames.includes(libraries.fuseName));
  equal(libraries.system.geteuid(), Deno.uid());
});

Deno.test("a library that is not there is said by name, with the package that has it", () => {
  throws(
    () =>
      openLinuxLibraries({
        ...linuxPlace,
        fuse: ["libnothing.so.9", "libnothing.so.8"],
      }),
    (error) => {
      ok(isFailure(error, "not-found"));
      match(error.message, /libnothing.so.9 or libnothing.so.8 is not on this/);
      match(error.message, /apt-get install fuse3/);
      return true;
    },
  );
});

Deno.test("on macOS the refusal names macFUSE, and what goes without it", () => {
  throws(
    () => openDarwinLibraries(darwinPlace),
    (error) => {
      ok(isFailure(error, "not-found"));
      match(error.message, /: libfuse3\.4\.dylib is not on this machine; /);
      match(error.message, /brew install --cask macfuse.* "restore" writes/);
      return true;
    },
  );
});

Deno.test("on macOS a library that is there and cannot be used is not said to be missing", async () => {
  const file = await Deno.makeTempFile({ suffix: ".dylib" });
  try {
    throws(
      () => openDarwinLibraries({ ...darwinPlace, fuse: ["/nowhere", file] }),
      (error) => {
        ok(isFailure(error, "not-found"));
        match(error.message, /\.dylib cannot be used: .*; install macFUSE 4/);
        return true;
      },
    );
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("without the permission the refusal says which one", async () => {
  const module = new URL("../../ffi/fuse_library.ts", import.meta.url).href;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--no-check",
      `const { openLinuxLibraries } = await import("${module}");
       Deno.permissions.revokeSync({ name: "ffi" });
       try { openLinuxLibraries(); } catch (e) { console.log(e.code, e.message); }`,
    ],
  }).output();
  match(
    new TextDecoder().decode(stdout),
    /^permission-denied Cannot mount: .*ffi/,
  );
});

Deno.test("findMountLibrary() names what is there, or what to install", () => {
  const own = findMountLibrary("linux");
  equal(own.kind, "found");
  match(own.detail, /^libfuse 3\.\d+\.\d+ \(libfuse3\.so\.\d\)$/);
  const windows = findMountLibrary("windows");
  equal(windows.kind, "absent");
  match(windows.detail, /^WinFsp is not on this machine.*winget install/);
  const darwin = findMountLibrary("darwin");
  equal(darwin.kind, "absent");
  match(darwin.detail, /^install macFUSE 4\.10 or newer/);
  match(findMountLibrary("freebsd").detail, /does not mount on freebsd/);
});

Deno.test("findFuse() passes over a library that is not there", () => {
  equal(findFuse(["libfuse3.so.999"]), undefined);
  equal(
    findFuse(["libfuse3.so.999", ...fuseNames])?.name.slice(0, 11),
    "libfuse3.so",
  );
});

Deno.test("readWinfspVersion() reads what FspVersion says, and nothing of other files", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const code = "int FspVersion(unsigned *v) { *v = 0x0002000c; return 0; }";
    await Deno.writeTextFile(`${folder}/fake.c`, code);
    const args = [
      "-shared",
      "-fPIC",
      "-o",
      `${folder}/fake.so`,
      `${folder}/fake.c`,
    ];
    equal((await new Deno.Command("gcc", { args }).output()).code, 0);
    equal(readWinfspVersion(`${folder}/fake.so`), "2.12");
    equal(readWinfspVersion(`${folder}/fake.c`), undefined);
    equal(readWinfspVersion("libc.so.6"), undefined);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
