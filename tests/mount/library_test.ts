// The libraries behind a mount: which ones are looked for, and what is said where there are none.

import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { fuseNames, openFuseLibraries } from "../../ffi/fuse_library.ts";
import { isFailure } from "../../src/base/errors.ts";

Deno.test("the newer library is looked for first, and one of both is here", () => {
  deepEqual(fuseNames, ["libfuse3.so.4", "libfuse3.so.3"]);
  using libraries = openFuseLibraries();
  ok(fuseNames.includes(libraries.fuseName));
  equal(libraries.system.geteuid(), Deno.uid());
});

Deno.test("a library that is not there is said by name, with the package that has it", () => {
  throws(
    () => openFuseLibraries(["libnothing.so.9", "libnothing.so.8"]),
    (error) => {
      ok(isFailure(error, "not-found"));
      match(error.message, /libnothing.so.9 or libnothing.so.8 is not on this/);
      match(error.message, /apt-get install fuse3/);
      return true;
    },
  );
});

Deno.test("without the permission the refusal says which one", async () => {
  const module = new URL("../../ffi/fuse_library.ts", import.meta.url).href;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--no-check",
      `const { openFuseLibraries } = await import("${module}");
       Deno.permissions.revokeSync({ name: "ffi" });
       try { openFuseLibraries(); } catch (e) { console.log(e.code, e.message); }`,
    ],
  }).output();
  match(
    new TextDecoder().decode(stdout),
    /^permission-denied Cannot mount: .*ffi/,
  );
});
