// Restore of trees into folders that are there: what is in the way is refused, skipped or replaced, and
// the rest of the folder is left alone.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { parseTimeNs } from "../../src/base/calendar.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { Bench, readFile } from "./harness.ts";
import {
  expectedOf,
  pictureOf,
  refuses,
  restore,
  small,
  text,
} from "./tree_desk.ts";

/** A store of outputs with something in the folder "out". */
function occupied(plant: (store: MemoryStore) => void): MemoryStore {
  const store = new MemoryStore();
  store.plantFolder("out");
  plant(store);
  return store;
}

Deno.test("restoreTree() into a folder with other things leaves those alone", async () => {
  const outputs = occupied((store) => {
    store.plantFile("out/f/own", text("own"));
    store.plantOther("out/pipe");
    store.setExactly("out/f", { mode: 0o711, modifiedNs: 9n });
    store.setExactly("out", { mode: 0o711, modifiedNs: 9n });
  });
  const bench = new Bench({ outputs });
  const writer = small();
  await writer.commit(bench, "t");
  const report = await restore(bench);
  ok(report.complete);
  deepStrictEqual(
    pictureOf(outputs, "out"),
    new Map<string, unknown>([
      ...expectedOf(writer),
      ["f/own", text("own")],
      ["pipe", "other"],
    ]),
  );
  strictEqual(outputs.statExactly("out/f")!.mode, 0o711);
  strictEqual(outputs.statExactly("out")!.mode, 0o711);
  strictEqual(outputs.statExactly("out/g")!.mode, 0o750);
  strictEqual(outputs.statExactly("out/g/d")!.linkCount, 2);
});

/** What is refused unless it is to be skipped or replaced. */
const plants: [string, (store: MemoryStore) => void, RegExp][] = [
  ["file", (store) => store.plantFile("out/f/b", text("b")), /"f\/b"$/],
  [
    "link for a file",
    (store) => store.plantOther("out/a", "x"),
    /"a" \(a link\)/,
  ],
  [
    "file for a link",
    (store) => store.plantFile("out/f/l", text("l")),
    /"f\/l" \(a file\)/,
  ],
  [
    "second name",
    (store) => store.plantFile("out/g/d", text("d")),
    /"g\/d"$/,
  ],
];
/** What is always refused. */
const always: typeof plants = [
  [
    "link for a folder",
    (store) => store.plantOther("out/f", "/tmp"),
    /"f" \(a link\)/,
  ],
  [
    "file for a folder",
    (store) => store.plantFile("out/g", text("g")),
    /"g" \(a file\)/,
  ],
  [
    "folder for a file",
    (store) => store.plantFolder("out/a"),
    /"a" \(a folder\)/,
  ],
  [
    "folder for a link",
    (store) => store.plantFolder("out/f/l"),
    /"f\/l" \(a folder\)/,
  ],
  [
    "pipe for a file",
    (store) => store.plantOther("out/g/c"),
    /"g\/c" \(a special file\)/,
  ],
];
Deno.test("restoreTree() refuses as a whole what is in the way, and touches nothing", async () => {
  for (const existing of ["refuse", "skip", "overwrite"] as const) {
    for (
      const [what, plant, pattern] of existing === "refuse"
        ? [...plants, ...always]
        : always
    ) {
      const outputs = occupied(plant);
      const before = pictureOf(outputs, "");
      const bench = new Bench({ outputs });
      await small().commit(bench, "t");
      const message = await refuses("exists", restore(bench, { existing }));
      ok(pattern.test(message), `${existing}, ${what}: ${message}`);
      deepStrictEqual(pictureOf(outputs, ""), before, what);
    }
  }
  for (
    const [plant, code] of [
      [(store: MemoryStore) => store.plantFile("out", text("o")), "wrong-kind"],
      [(store: MemoryStore) => store.plantOther("out", "/tmp"), "unsafe-path"],
    ] as const
  ) {
    const outputs = new MemoryStore();
    plant(outputs);
    const bench = new Bench({ outputs });
    await small().commit(bench, "t");
    await refuses(code, restore(bench, { existing: "overwrite" }));
  }
});

Deno.test("restoreTree() skips or replaces what is there where it is told to", async () => {
  const plant = (store: MemoryStore) => {
    store.plantFile("out/a", text("old a"));
    store.plantHardLink("out/other", "out/a");
    store.plantFile("out/f/b", text("old b"));
    store.plantOther("out/f/l", "old target");
    store.setExactly("out/f", { mode: 0o711, modifiedNs: 9n });
  };
  const writer = small();
  {
    const outputs = occupied(plant);
    const bench = new Bench({ outputs });
    await writer.commit(bench, "t");
    const report = await restore(bench, { existing: "skip" });
    strictEqual(report.tree!.skippedCount, 3);
    strictEqual(report.tree!.fileCount + report.tree!.hardLinkCount, 2);
    deepStrictEqual(readFile(outputs, "out/a"), text("old a"));
    deepStrictEqual(readFile(outputs, "out/f/b"), text("old b"));
    strictEqual(outputs.readLink("out/f/l"), "old target");
    // The first name is somebody else's: the second one is a file of its own.
    deepStrictEqual(readFile(outputs, "out/g/d"), writer.contents.get("a"));
    strictEqual(outputs.statExactly("out/f")!.mode, 0o711);
  }
  const outputs = occupied(plant);
  const bench = new Bench({ outputs });
  await writer.commit(bench, "t");
  await restore(bench, { existing: "overwrite" });
  deepStrictEqual(
    pictureOf(outputs, "out"),
    new Map<string, unknown>([
      ...expectedOf(writer),
      ["other", text("old a")],
    ]),
  );
  strictEqual(outputs.statExactly("out/f")!.mode, 0o750);
  strictEqual(
    outputs.statExactly("out/f")!.modifiedNs,
    parseTimeNs("2002-02-02T02:02:02Z"),
  );
  await restore(bench, { existing: "overwrite" });
  deepStrictEqual(readFile(outputs, "out/g/d"), writer.contents.get("a"));
});
