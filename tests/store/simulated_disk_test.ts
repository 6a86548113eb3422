import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Bytes, equalBytes, formatHex } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import type { MemoryStore } from "../../src/store/memory_store.ts";
import { SimulatedDisk } from "../../src/store/simulated_disk.ts";
import type { Store } from "../../src/store/store.ts";
import { registerConformance } from "./conformance.ts";
import {
  countingBytes,
  readFile,
  throwsFailure,
  writeFile,
} from "./fixture.ts";

registerConformance("SimulatedDisk", () => {
  const store = new SimulatedDisk();
  return {
    store,
    plantLink: (path) => store.plantOther(path),
    [Symbol.dispose]: () => {},
  };
});

const sectorBytes = 16;

/** Everything on a store, as one text. */
function textOf(store: MemoryStore, folder: string = ""): string {
  let text = "";
  for (const { name, kind } of store.list(folder)) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if (kind === "folder") text += `${path}/\n${textOf(store, path)}`;
    else if (kind === "file") {
      text += `${path} ${formatHex(store.contentOf(path))}\n`;
    } else text += `${path} other\n`;
  }
  return text;
}

/** What power losses now may leave, by many draws. */
function drawCrashes(
  disk: SimulatedDisk,
  count: number = 300,
): SimulatedDisk[] {
  return Array.from({ length: count }, (_, seed) => disk.crash(new Prng(seed)));
}

/** Runs `work` once for each of its steps, stopped in the middle of it; gives the count of steps. */
function stopAtEveryStep(
  origin: MemoryStore,
  work: (disk: SimulatedDisk) => void,
  verify: (disk: SimulatedDisk) => void,
): number {
  for (let step = 1;; step++) {
    const disk = new SimulatedDisk({ sectorBytes }, origin.copyRoot());
    disk.stopAfter(step);
    try {
      work(disk);
    } catch (error) {
      if (!isFailure(error, "offline")) throw error;
    }
    if (!disk.stopped) return step - 1;
    verify(disk);
  }
}

Deno.test("crash() keeps what was synced, whatever happens to the rest", () => {
  const disk = new SimulatedDisk({ sectorBytes });
  disk.makeFolder("f");
  disk.syncFolder("");
  writeFile(disk, "f/a", countingBytes(100));
  {
    using file = disk.openFile("f/a", "update");
    file.sync();
  }
  disk.syncFolder("f");
  const synced = textOf(disk);
  writeFile(disk, "f/b", countingBytes(50));
  disk.makeFolder("g");
  for (const crashed of drawCrashes(disk)) {
    ok(textOf(crashed).startsWith("f/\nf/a"));
    deepStrictEqual(crashed.contentOf("f/a"), countingBytes(100));
  }
  strictEqual(textOf(disk.crash("losing")), synced);
  strictEqual(textOf(disk.crash("keeping")), textOf(disk));
});

Deno.test("crash() may leave any sectors of an unsynced overwrite, and never half of one", () => {
  const before = countingBytes(64, 1), after = countingBytes(64, 101);
  const disk = new SimulatedDisk({ sectorBytes });
  disk.plantFile("a", before);
  using file = disk.openFile("a", "update");
  file.writeFrom(after, 0);
  const seen = new Set<string>();
  for (const crashed of drawCrashes(disk)) {
    const content = crashed.contentOf("a");
    strictEqual(content.length, 64);
    let pattern = "";
    for (let from = 0; from < 64; from += sectorBytes) {
      const sector = content.slice(from, from + sectorBytes);
      const isNew = equalBytes(sector, after.slice(from, from + sectorBytes));
      const isOld = equalBytes(sector, before.slice(from, from + sectorBytes));
      ok(isNew !== isOld);
      pattern += isNew ? "n" : "o";
    }
    seen.add(pattern);
  }
  strictEqual(seen.size, 16); // all patterns of four sectors
});

Deno.test("crash() never keeps a later write of a sector without an earlier one", () => {
  const disk = new SimulatedDisk({ sectorBytes });
  disk.plantFile("a", new Uint8Array(16));
  using file = disk.openFile("a", "update");
  file.writeFrom(Uint8Array.of(1), 0);
  file.writeFrom(Uint8Array.of(2), 1);
  const seen = new Set(
    drawCrashes(disk).map((crashed) =>
      formatHex(crashed.contentOf("a").slice(0, 2))
    ),
  );
  deepStrictEqual([...seen].sort(), ["0000", "0100", "0102"]);
});

Deno.test("crash() may leave a size without bytes, with zeros or stale bytes there", () => {
  const disk = new SimulatedDisk({ sectorBytes });
  disk.plantFile("a", countingBytes(16));
  using file = disk.openFile("a", "update");
  file.writeFrom(countingBytes(16, 17), 16);
  const seen = new Set<string>();
  for (const crashed of drawCrashes(disk)) {
    const content = crashed.contentOf("a");
    deepStrictEqual(content.slice(0, 16), countingBytes(16));
    const tail = content.slice(16);
    if (tail.length === 0) seen.add("old size");
    else if (equalBytes(tail, countingBytes(16, 17))) seen.add("written");
    else if (equalBytes(tail, new Uint8Array(16))) seen.add("zeros");
    else seen.add("stale");
  }
  deepStrictEqual([...seen].sort(), ["old size", "stale", "written", "zeros"]);
});

Deno.test("crash() may bring back what an unsynced truncate cut", () => {
  const disk = new SimulatedDisk({ sectorBytes });
  disk.plantFile("a", countingBytes(40));
  using file = disk.openFile("a", "update");
  file.truncate(8);
  file.truncate(12);
  const seen = new Set(
    drawCrashes(disk).map((crashed) => formatHex(crashed.contentOf("a"))),
  );
  deepStrictEqual(
    seen,
    new Set([
      formatHex(countingBytes(40)),
      formatHex(countingBytes(8)),
      formatHex(countingBytes(8)) + "00000000",
    ]),
  );
});

Deno.test("crash() gives a file cut and written anew no bytes of both", () => {
  const before = countingBytes(48, 1), after = countingBytes(32, 101);
  const disk = new SimulatedDisk({ sectorBytes });
  disk.plantFile("a", before);
  using file = disk.openFile("a", "update");
  file.truncate(0);
  file.writeFrom(after, 0);
  const seen = new Set<string>();
  for (const crashed of drawCrashes(disk)) {
    const content = crashed.contentOf("a");
    if (content.length === 48) deepStrictEqual(content, before); // not cut
    if (content.length !== 32) continue;
    for (const from of [0, 16]) {
      const sector = content.slice(from, from + 16);
      if (equalBytes(sector, after.slice(from, from + 16))) seen.add("new");
      else if (equalBytes(sector, new Uint8Array(16))) seen.add("zeros");
      else if (equalBytes(sector, before.slice(from, from + 16))) {
        seen.add("old");
      } else seen.add("stale");
    }
  }
  deepStrictEqual([...seen].sort(), ["new", "stale", "zeros"]);
});

Deno.test("sync() makes bytes durable, and syncFolder() the name", () => {
  const disk = new SimulatedDisk({ sectorBytes });
  using file = disk.openFile("a", "create");
  file.writeFrom(countingBytes(40), 0);
  file.sync();
  const named = drawCrashes(disk).filter((crashed) => crashed.stat("a"));
  ok(named.length > 0 && named.length < 300);
  for (const crashed of named) {
    deepStrictEqual(crashed.contentOf("a"), countingBytes(40));
  }
  disk.syncFolder("");
  for (const crashed of drawCrashes(disk)) {
    deepStrictEqual(crashed.contentOf("a"), countingBytes(40));
  }
});

Deno.test("syncFolder() makes a name durable whose file is empty without its sync", () => {
  const disk = new SimulatedDisk({ sectorBytes });
  writeFile(disk, "a", countingBytes(40));
  disk.syncFolder("");
  strictEqual(disk.crash("losing").stat("a")?.bytes, 0);
});

Deno.test("rename() is undone or done as one step until its folder is synced", () => {
  const disk = new SimulatedDisk({ sectorBytes });
  disk.plantFile("f/old", countingBytes(4));
  disk.plantFile("f/new", countingBytes(4, 50));
  disk.plantFolder("g");
  const before = textOf(disk);
  disk.rename("f/new", "f/old");
  const after = textOf(disk);
  deepStrictEqual(
    new Set(drawCrashes(disk).map((crashed) => textOf(crashed))),
    new Set([before, after]),
  );
  disk.syncFolder("g");
  disk.syncFolder("");
  strictEqual(textOf(disk.crash("losing")), before);
  disk.syncFolder("f");
  strictEqual(textOf(disk.crash("losing")), after);
});

Deno.test("rename() between folders becomes durable with the target's folder", () => {
  const disk = new SimulatedDisk();
  disk.plantFile("f/a", countingBytes(4));
  disk.plantFolder("g");
  const before = textOf(disk);
  disk.rename("f/a", "g/a");
  disk.syncFolder("f");
  strictEqual(textOf(disk.crash("losing")), before);
  disk.syncFolder("g");
  strictEqual(textOf(disk.crash("losing")), textOf(disk));
});

Deno.test("removals come undone one by one until the folder is synced", () => {
  const disk = new SimulatedDisk();
  disk.plantFile("f/a", countingBytes(1));
  disk.plantFile("f/b", countingBytes(1));
  disk.removeTree("f");
  const seen = new Set(
    drawCrashes(disk).map((crashed) => crashed.filePaths().join()),
  );
  deepStrictEqual(seen, new Set(["f/a,f/b", "f/a", "f/b", ""]));
  disk.syncFolder("");
  strictEqual(textOf(disk.crash("losing")), "");
});

Deno.test("two changes of one name keep their order, and a synced one brings the first along", () => {
  const disk = new SimulatedDisk();
  disk.plantFile("a", countingBytes(1, 1));
  disk.plantFile("b", countingBytes(1, 2));
  disk.plantFolder("f");
  disk.rename("a", "f/a"); // one
  disk.rename("b", "a"); // two, which needs the name that one freed
  const seen = new Set(drawCrashes(disk).map((crashed) => textOf(crashed)));
  deepStrictEqual(
    seen,
    new Set(["a 01\nb 02\nf/\n", "b 02\nf/\nf/a 01\n", "a 02\nf/\nf/a 01\n"]),
  );
  disk.syncFolder(""); // of two; the file must not be lost
  strictEqual(textOf(disk.crash("losing")), "a 02\nf/\nf/a 01\n");
});

Deno.test("folders moved into each other's places never vanish", () => {
  const disk = new SimulatedDisk();
  disk.plantFile("a/one", countingBytes(1));
  disk.plantFile("b/two", countingBytes(1));
  disk.rename("a", "b/c");
  disk.rename("b/c", "a");
  disk.rename("b", "a/d");
  for (const crashed of drawCrashes(disk)) {
    strictEqual(crashed.filePaths().length, 2);
  }
});

Deno.test("stopAfter() stops in the middle of a step, and every call after it fails", async () => {
  const disk = new SimulatedDisk();
  disk.plantFile("a", countingBytes(4));
  using file = disk.openFile("a", "update");
  disk.stopAfter(2);
  file.writeFrom(Uint8Array.of(9), 0);
  throwsFailure("offline", () => file.sync());
  strictEqual(disk.stopped, true);
  for (
    const call of [
      () => file.readInto(new Uint8Array(1), 0),
      () => file.size(),
      () => disk.stat("a"),
      () => disk.list(""),
      () => disk.openFile("a", "read"),
      () => disk.makeFolder("f"),
      () => disk.removeFile("a"),
    ]
  ) throwsFailure("offline", call);
  let caught: unknown;
  await disk.syncFiles(["a"]).catch((error) => caught = error);
  strictEqual(isFailure(caught, "offline"), true);
  strictEqual(disk.crash("losing").contentOf("a")[0], 1); // the sync was not reported
  disk.resume();
  strictEqual(readFile(disk, "a")[0], 9); // only the process was killed
});

Deno.test("crash() gives a disk with the same rules, on which all is durable", () => {
  const disk = new SimulatedDisk({ capacityBytes: 100, location: "/disk" });
  writeFile(disk, "a", countingBytes(60));
  disk.plantFile("b", countingBytes(10));
  disk.plantHardLink("c", "b");
  const crashed = disk.crash("keeping");
  strictEqual(textOf(crashed.crash("losing")), textOf(disk));
  strictEqual(crashed.location, "/disk");
  strictEqual(crashed.freeBytes(), 30);
  strictEqual(crashed.stat("c")?.linkCount, 2);
  strictEqual(disk.crash("losing").freeBytes(), 90);
});

Deno.test("setAttributes() may be forgotten in a crash", () => {
  const disk = new SimulatedDisk();
  disk.plantFile("a", countingBytes(1));
  disk.setAttributes("a", { modifiedMs: 5000 });
  strictEqual(disk.crash("losing").stat("a")?.modifiedMs, undefined);
  strictEqual(disk.crash("keeping").stat("a")?.modifiedMs, 5000);
});

// The protocol that commits use: write aside, sync, rename, sync the folder. The simulation is worth
// something if it lets the whole protocol pass and finds the flaw when a step of it is left out.
const oldContent = countingBytes(100, 1), newContent = countingBytes(70, 120);

function replaceContent(store: Store, leftOut?: "sync" | "syncFolder"): void {
  {
    using file = store.openFile("aside", "create");
    file.writeFrom(newContent.subarray(0, 30), 0);
    file.writeFrom(newContent.subarray(30), 30);
    if (leftOut !== "sync") file.sync();
  }
  store.rename("aside", "a");
  if (leftOut !== "syncFolder") store.syncFolder("");
}

function pristine(): SimulatedDisk {
  const disk = new SimulatedDisk({ sectorBytes });
  disk.plantFile("a", oldContent);
  return disk;
}

function versionOf(content: Bytes): string {
  if (equalBytes(content, oldContent)) return "old";
  return equalBytes(content, newContent) ? "new" : "damaged";
}

/** What is found of the file after stopping at each step, and after all of them. */
function versionsAfterCrashes(
  work: (store: Store) => void,
): { during: Set<string>; after: Set<string>; steps: number } {
  const during = new Set<string>();
  const after = new Set<string>();
  const steps = stopAtEveryStep(pristine(), work, (disk) => {
    for (const crashed of drawCrashes(disk, 50)) {
      during.add(versionOf(crashed.contentOf("a")));
    }
    disk.resume();
    during.add(versionOf(disk.contentOf("a")));
  });
  const done = pristine();
  work(done);
  for (const crashed of drawCrashes(done)) {
    after.add(versionOf(crashed.contentOf("a")));
  }
  return { during, after, steps };
}

Deno.test("a careful replacement is old or new at every crash, and new once reported", () => {
  const { during, after, steps } = versionsAfterCrashes(replaceContent);
  strictEqual(steps, 6);
  deepStrictEqual(during, new Set(["old", "new"]));
  deepStrictEqual(after, new Set(["new"]));
});

Deno.test("a replacement without sync() is found damaged", () => {
  const { during, after } = versionsAfterCrashes((store) =>
    replaceContent(store, "sync")
  );
  ok(during.has("damaged"));
  ok(after.has("damaged"));
});

Deno.test("a replacement without syncFolder() is found undone", () => {
  const { during, after } = versionsAfterCrashes((store) =>
    replaceContent(store, "syncFolder")
  );
  deepStrictEqual(during, new Set(["old", "new"]));
  deepStrictEqual(after, new Set(["old", "new"]));
});

Deno.test("crash() after any run of calls loses at most what was not synced", async () => {
  for (let seed = 0; seed < 60; seed++) {
    const prng = new Prng(seed);
    const disk = new SimulatedDisk({ sectorBytes });
    for (let call = 0; call < 60; call++) callAtRandom(disk, prng);
    strictEqual(textOf(disk.crash("keeping")), textOf(disk), `seed ${seed}`);
    // Drawn twice from one seed: the same.
    strictEqual(
      textOf(disk.crash(new Prng(seed))),
      textOf(disk.crash(new Prng(seed))),
    );
    await disk.syncFiles(disk.filePaths());
    for (const folder of ["", "f", "g"]) {
      if (disk.stat(folder) !== undefined) disk.syncFolder(folder);
    }
    for (const fate of ["losing", "keeping", new Prng(seed)] as const) {
      strictEqual(textOf(disk.crash(fate)), textOf(disk), `seed ${seed}`);
    }
  }
});

function callAtRandom(disk: SimulatedDisk, prng: Prng): void {
  const folders = ["", "f/", "g/"];
  const draw = () => folders[prng.below(3)]! + ["a", "b", "c"][prng.below(3)]!;
  try {
    switch (prng.below(9)) {
      case 0:
        return disk.makeFolder(["f", "g"][prng.below(2)]!);
      case 1:
        return disk.rename(draw(), draw());
      case 2:
        return disk.removeFile(draw());
      case 3:
        return disk.syncFolder(["", "f", "g"][prng.below(3)]!);
      case 4:
        return disk.rename("f", "g");
      case 5: {
        using file = disk.openFile(draw(), "update");
        return file.truncate(prng.below(80));
      }
      case 6: {
        using file = disk.openFile(draw(), "update");
        return file.sync();
      }
      default: {
        using file = disk.openFile(draw(), "ensure");
        return file.writeFrom(prng.bytes(prng.below(60)), prng.below(60));
      }
    }
  } catch (error) {
    // Half of the calls name what is not there.
    if (!isFailure(error, "not-found", "exists", "wrong-kind")) throw error;
  }
}
