/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
// A worker that may touch one folder: does everything with a store there, then tries to get out.

import { isFailure } from "../../src/base/errors.ts";
import { DirStore } from "../../src/store/dir_store.ts";
import { countingBytes, readFile, writeFile } from "./fixture.ts";

self.onmessage = async ({ data: { root, outside } }) => {
  const store = new DirStore(root);
  store.makeFolder("f");
  writeFile(store, "f/a", countingBytes(3));
  store.rename("f/a", "f/b");
  store.setAttributes("f/b", { modifiedMs: 1000, mode: 0o600 });
  await store.syncFiles(["f/b"]);
  store.syncFolder("f");
  const content = [...readFile(store, "f/b")];
  store.makeFolder("f/g");
  store.removeTree("f/g");
  store.removeFile("f/b");
  self.postMessage({
    content,
    names: store.list("").map(({ name }) => name),
    freeBytes: store.freeBytes(),
    throughLink: codeOf(() => store.openFile("link/y", "read")),
    outside: codeOf(() => new DirStore(outside).openFile("x/y", "read")),
    parent: codeOf(() => store.openFile("../x", "read")),
  });
};

function codeOf(call: () => unknown): string {
  try {
    call();
    return "done";
  } catch (error) {
    return isFailure(error) ? error.code : String(error);
  }
}
