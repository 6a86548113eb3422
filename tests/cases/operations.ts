// Operations: what the engine does to an archive, as a table of cases can run it. To add one: prepare
// a world, say in it what is kept, doomed and wanted, and run the operation on a bench.

import { deepStrictEqual, ok } from "node:assert/strict";
import { type Bytes, equalBytes } from "../../src/base/bytes.ts";
import { idOfStaging } from "../../src/format/entry_path.ts";
import type { Store } from "../../src/store/store.ts";
import { type Bench, readTree } from "../archive/harness.ts";
import { streamOf } from "../archive/byte_streams.ts";
import { epochs, writeLegacy } from "../archive/legacy_writer.ts";
import { contentOf } from "./archive_files.ts";
import { damage, damageForRepair } from "./harm.ts";
import { treeOperations } from "./tree_operations.ts";
import type { Operation } from "./operation.ts";
import { commitFile, fileContent, type World } from "./world.ts";

const allShapes = [
  "tier 1",
  "tier 2",
  "tier 3",
  "tier 4",
  "erasure",
  "replicate",
  "bare",
];
const mendable = allShapes.filter((name) => name !== "bare");
const day = { years: 0, months: 0, days: 1, hours: 0 };

/** All operations, by name. */
export const operations: Readonly<Record<string, Operation>> = {
  ...treeOperations,
  commit: {
    shapes: allShapes,
    writes: "archive",
    fails: ["archive", "sources"],
    async prepare(world) {
      await world.keep("old");
      const bytes = world.drawPayload();
      world.plantSource("new", bytes);
      world.wanted.push(fileContent("new", bytes));
      return { run: (bench) => commits(world, bench, "new") };
    },
  },
  stream: {
    shapes: allShapes,
    writes: "archive",
    fails: ["archive"],
    async prepare(world) {
      await world.keep("old");
      const bytes = world.drawPayload();
      world.wanted.push(fileContent("new", bytes));
      return {
        run: async ({ engine }) => {
          const { policy } = world.shape;
          await engine.commitStream({
            reader: streamOf(bytes, 3000),
            label: "-",
            name: "new",
            ...(policy === undefined ? {} : { policy }),
          });
          return true;
        },
      };
    },
  },
  version: {
    shapes: allShapes,
    writes: "archive",
    fails: ["archive", "sources"],
    async prepare(world) {
      await world.keep("file");
      const bytes = world.prng.bytes(world.shape.payloadBytes() + 1);
      world.plantSource("file", bytes);
      world.wanted.push(fileContent("file", bytes));
      return { run: (bench) => commits(world, bench, "file") };
    },
  },
  unchanged: {
    shapes: allShapes,
    writes: "archive",
    fails: ["archive", "sources"],
    async prepare(world) {
      const bytes = world.drawPayload();
      world.kept.set(
        await world.store("file", bytes),
        fileContent("file", bytes),
      );
      world.plantSource("file", bytes);
      // What cannot be read is not recognised, and stored anew.
      world.tolerated.push(fileContent("file", bytes));
      return { run: (bench) => commits(world, bench, "file") };
    },
  },
  repair: {
    shapes: mendable,
    mends: true,
    writes: "archive",
    fails: ["archive"],
    async prepare(world) {
      await world.keep("file");
      await world.keep("other");
      return damageForRepair(world);
    },
  },
  remove: {
    shapes: allShapes,
    needsNoRoom: true,
    writes: "archive",
    fails: ["archive"],
    async prepare(world) {
      await world.keep("old");
      const bytes = world.drawPayload();
      const id = await world.store("gone", bytes);
      world.doomed.set(id, fileContent("gone", bytes));
      return {
        run: async (bench) => {
          const { entries, problems } = bench.engine.list();
          const isThere = entries.some((entry) => entry.id === id);
          if (isThere) await bench.engine.remove(id);
          return isThere || problems.length === 0;
        },
      };
    },
  },
  prune: {
    shapes: allShapes,
    needsNoRoom: true,
    writes: "archive",
    fails: ["archive"],
    async prepare(world) {
      await world.keep("other");
      for (let version = 0; version < 4; version++) {
        const bytes = world.drawPayload();
        const id = await world.store("file", bytes, true);
        const entries = version < 2 ? world.doomed : world.kept;
        entries.set(id, fileContent("file", bytes));
      }
      return { run: prune };
    },
  },
  cleanup: {
    shapes: ["erasure"],
    needsNoRoom: true,
    writes: "archive",
    fails: ["archive"],
    async prepare(world) {
      await world.keep("old");
      plantLeftovers(world);
      return {
        run: cleanUp,
        expectAlways: ({ archive }) => {
          const names = archive.list("").map(({ name }) => name);
          ok(names.includes(youngLeftover), "what is young stays");
          for (const name of names) {
            ok(
              !name.startsWith(".staging") || idOfStaging(name) !== undefined,
              `${name} is still a leftover`,
            );
          }
        },
      };
    },
  },
  import: {
    shapes: ["erasure"],
    writes: "archive",
    fails: ["archive", "sources"],
    async prepare(world) {
      await world.keep("old");
      const tier = (1 + world.prng.below(3)) as 1 | 2 | 3;
      const epoch = epochs[world.prng.below(epochs.length)]!;
      const payload = world.prng.bytes(1 + world.prng.below(9000));
      writeLegacy(world.sources, { name: "x", tier, epoch, payload });
      world.wanted.push(fileContent("x", payload));
      return { run: importAll };
    },
  },
  restore: {
    shapes: allShapes,
    writes: "outputs",
    fails: ["archive", "outputs"],
    async prepare(world) {
      const bytes = world.drawPayload();
      world.kept.set(
        await world.store("file", bytes),
        fileContent("file", bytes),
      );
      if (world.shape.parityShards > 0 && world.prng.below(2) === 0) {
        damage(world);
      }
      return {
        run: restoreFile,
        expectAlways: ({ outputs }) =>
          expectOutput(outputs, bytes, "nothing or the right file"),
        expectDone: ({ outputs }) =>
          deepStrictEqual(
            readTree(outputs, ""),
            new Map([["out", bytes]]),
            "the right file and no other",
          ),
      };
    },
  },
  look: {
    shapes: allShapes,
    fails: ["archive"],
    async prepare(world) {
      await world.keep("file");
      await world.keep("other");
      if (world.shape.parityShards > 0 && world.prng.below(2) === 0) {
        damage(world);
      }
      const before = contentOf(world.archive);
      return {
        run: look,
        expectAlways: ({ archive }) =>
          deepStrictEqual(
            contentOf(archive),
            before,
            "looking writes nothing",
          ),
      };
    },
  },
};

async function commits(
  world: World,
  bench: Bench,
  name: string,
): Promise<boolean> {
  await commitFile(world, bench, name, name);
  return true;
}

async function restoreFile(bench: Bench): Promise<boolean> {
  const { engine } = bench;
  const { output } = await engine.restore(engine.select("file"), {
    target: { root: "outputs", path: "out" },
    label: "out",
    overwrite: true,
    partial: false,
  });
  return output !== undefined;
}

async function prune(bench: Bench): Promise<boolean> {
  const { names, problems } = bench.engine.planPrune({ rules: { last: 2 } });
  const doomed = names.flatMap(({ versions }) =>
    versions.filter(({ reasons }) => reasons.length === 0)
      .map(({ entry }) => entry).toReversed()
  );
  let done = problems.length === 0;
  for await (const { kind } of bench.engine.removeEach(doomed)) {
    done &&= kind === "removed";
  }
  return done;
}

const youngLeftover = ".staging_00000000000000dd";

function plantLeftovers(world: World): void {
  const old = Date.UTC(2025, 11, 1), young = Date.UTC(2026, 0, 1);
  const folders: [string, number][] = [
    [".staging_00000000000000aa", old],
    [".staging_00000000000000bb_removed", old],
    [youngLeftover, young],
  ];
  const { archive, prng } = world;
  for (const [folder, modifiedMs] of folders) {
    archive.plantFolder(`${folder}/parity`);
    for (const path of ["manifest.json", "segments/segment_0.dat"]) {
      archive.plantFile(`${folder}/${path}`, prng.bytes(1 + prng.below(900)));
      archive.setAttributes(`${folder}/${path}`, { modifiedMs });
    }
  }
}

async function cleanUp(bench: Bench): Promise<boolean> {
  const leftovers = bench.engine.planCleanup(day)
    .filter(({ verdict }) => verdict === "remove")
    .map(({ leftover }) => leftover);
  let done = true;
  for await (const { kind } of bench.engine.cleanUp(leftovers, day)) {
    done &&= kind === "removed";
  }
  return done;
}

async function importAll(bench: Bench): Promise<boolean> {
  const request = { root: "sources", dryRun: false };
  const outcomes: string[] = [];
  for await (const { outcome } of bench.engine.import(request)) {
    outcomes.push(outcome);
  }
  return outcomes.length > 0 &&
    outcomes.every((each) => each === "imported" || each === "present");
}

async function look(bench: Bench): Promise<boolean> {
  const { entries } = bench.engine.list();
  const found = bench.engine.find("*").entries;
  bench.engine.leftovers();
  const reports = await bench.health(false);
  return entries.length === 2 && found.length === 2 && reports.length === 2;
}

function expectOutput(outputs: Store, bytes: Bytes, label: string): void {
  const found = readTree(outputs, "").get("out");
  ok(found === undefined || equalBytes(found, bytes), label);
}
