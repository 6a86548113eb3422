// Mistaken: a program that mounts, and then makes a mistake as no program of ours should. Ends as
// main.ts does, which catches what nobody caught. Its arguments: the folder, what happens, and the library
// in macFUSE's place where it is to be the code for macOS that mounts.

import { openDarwinLibraries } from "../../ffi/fuse_library.ts";
import { DarwinFuse } from "../../src/mount/darwin_fuse.ts";
import {
  type MountRequest,
  mountView,
  mountWithFuse,
} from "../../src/mount/mount.ts";
import { emptyView } from "./empty_view.ts";
import { plainMount } from "./shared_mount.ts";

const [mountpoint, mistake, standin] = Deno.args;

/** The exit code of a mistake. */
const mistakeCode = 70;

for (const kind of ["error", "unhandledrejection"] as const) {
  globalThis.addEventListener(kind, (event) => {
    event.preventDefault();
    Deno.exit(mistakeCode);
  });
}

const fail = () => {
  throw new Error("a mistake");
};

const request: MountRequest = {
  ...plainMount,
  view: mistake === "busy"
    // Whoever asks for this waits for ever.
    ? { ...emptyView, lookup: () => new Promise(() => {}) }
    : emptyView,
  mountpoint: mountpoint!,
  label: "mistaken",
  signal: new AbortController().signal,
  onMounted: () => {
    console.log("mounted");
    if (mistake === "ready") fail();
    if (mistake === "rejection") Promise.reject(new Error("a mistake"));
    if (mistake === "later") setTimeout(fail, 50);
    if (mistake !== "busy") return;
    const look = new Deno.Command("stat", {
      args: [`${mountpoint}/it`],
      stdout: "null",
      stderr: "null",
    }).spawn();
    look.status.catch(() => {});
    setTimeout(fail, 200);
  },
  onFault: fail,
};

if (standin === undefined) await mountView(request);
else {
  const libraries = openDarwinLibraries({ fuse: [standin], system: [standin] });
  await mountWithFuse(request, new DarwinFuse(libraries));
}
