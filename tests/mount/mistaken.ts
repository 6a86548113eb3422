// Mistaken: a program that mounts, and then makes a mistake as no program of ours should. Ends as
// main.ts does, which catches what nobody caught. Its arguments: the folder, and what happens.

import { mountView } from "../../src/mount/mount.ts";
import { emptyView } from "./empty_view.ts";
import { plainMount } from "./shared_mount.ts";

const [mountpoint, mistake] = Deno.args;

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

await mountView({
  ...plainMount,
  view: mistake === "busy"
    // Whoever asks for this waits for ever.
    ? { ...emptyView, lookup: () => new Promise(() => {}) }
    : emptyView,
  mountpoint: mountpoint!,
  label: "mistaken",
  signal: new AbortController().signal,
  onMounted: () => {
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
});
