// Mounting and unmounting again and again, in one process: no descriptor, no thread and no memory is
// left behind, however it ends.

import { equal, ok } from "node:assert/strict";
import { mountView } from "../../src/mount/mount.ts";
import { makeTemporaryFolder } from "../e2e/workplace.ts";
import { emptyView } from "./empty_view.ts";
import { isMounted } from "./mounted.ts";
import { plainMount } from "./shared_mount.ts";

const cycleCount = 1000;

/** Mounts, looks, and ends it by `end`. */
async function cycle(
  path: string,
  end: (stop: AbortController) => void,
): Promise<void> {
  const stop = new AbortController();
  let looked = false;
  await mountView({
    ...plainMount,
    view: emptyView,
    mountpoint: path,
    label: "cycle, with a comma",
    signal: stop.signal,
    onMounted: () => {
      // Asked by another thread while this one serves.
      Deno.readDir(path)[Symbol.asyncIterator]().next().then(
        ({ done }) => looked = done === true,
      ).finally(() => end(stop));
    },
  });
  ok(looked, "the mount answered");
}

function countOpen(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

function countThreads(): number {
  return [...Deno.readDirSync("/proc/self/task")].length;
}

Deno.test(`${cycleCount} mounts leave nothing behind`, async () => {
  const path = makeTemporaryFolder();
  try {
    const abort = (stop: AbortController) => stop.abort();
    // What is made once is made before anything is counted.
    for (let count = 0; count < 50; count++) await cycle(path, abort);
    const files = countOpen(), threads = countThreads();
    const bytes = Deno.memoryUsage().rss;
    for (let count = 0; count < cycleCount - 50; count++) {
      await cycle(path, abort);
    }
    equal(countOpen(), files, "descriptors");
    ok(countThreads() <= threads + 4, "threads");
    const grown = Deno.memoryUsage().rss - bytes;
    // A receive buffer has 1 MiB: one that is lost a cycle would be a gigabyte.
    ok(grown < 150 * 1024 * 1024, `memory grew by ${grown} bytes`);
    equal(isMounted(path), false);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("a mount that somebody else ends leaves nothing behind either", async () => {
  const path = makeTemporaryFolder();
  try {
    // Not by a call that this thread waits for: umount asks the mount first.
    let unmounted: Promise<Deno.CommandOutput> | undefined;
    const once = async () => {
      await cycle(path, () => {
        unmounted = new Deno.Command("umount", { args: [path] }).output();
      });
      ok((await unmounted)?.success);
    };
    await once();
    const files = countOpen();
    for (let count = 0; count < 20; count++) await once();
    equal(countOpen(), files);
  } finally {
    await Deno.remove(path);
  }
});
