/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
// A worker that replaces one file by an equal one, again and again, until it is told to stop.

import { DirStore } from "../../src/store/dir_store.ts";
import { countingBytes, writeFile } from "./fixture.ts";

self.onmessage = ({ data }) => {
  const store = new DirStore(data.root);
  const stop: Int32Array = data.stop;
  self.postMessage("started");
  while (Atomics.load(stop, 0) === 0) {
    writeFile(store, "b", countingBytes(100));
    store.rename("b", "a");
  }
  self.postMessage("stopped");
};
