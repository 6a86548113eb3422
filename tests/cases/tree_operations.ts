// Tree operations: what the engine does with folders as entries, for the table of cases.

import { deepStrictEqual, ok } from "node:assert/strict";
import { equalBytes } from "../../src/base/bytes.ts";
import type { MemoryStore } from "../../src/store/memory_store.ts";
import type { Bench } from "../archive/harness.ts";
import { pictureOf } from "../archive/tree_desk.ts";
import { commitTree, plantTree } from "../archive/trees.ts";
import { damage, damageForRepair } from "./harm.ts";
import type { Operation } from "./operation.ts";
import { benchNumbers, type Content, type World } from "./world.ts";

type Picture = ReturnType<typeof pictureOf>;

const shapes = ["tier 1", "tier 3", "tier 4", "erasure"];

/** All operations on trees, by name. */
export const treeOperations: Readonly<Record<string, Operation>> = {
  "commit tree": {
    shapes,
    writes: "archive",
    fails: ["archive", "sources"],
    async prepare(world) {
      await world.keep("old");
      world.wanted.push(treeContent(plantSources(world)));
      return { run: (bench) => commit(world, bench) };
    },
  },
  "repair tree": {
    shapes,
    writes: "archive",
    mends: true,
    fails: ["archive"],
    async prepare(world) {
      await keepTree(world);
      return damageForRepair(world);
    },
  },
  "restore tree": {
    shapes,
    writes: "outputs",
    fails: ["archive", "outputs"],
    async prepare(world) {
      const picture = await keepTree(world);
      if (world.prng.below(2) === 0) damage(world);
      return {
        run: (bench) => restore(bench, "tree", "out"),
        expectAlways: ({ outputs }) => expectPart(outputs, picture),
        expectDone: ({ outputs }) =>
          expectSame(pictureOf(outputs, "out"), picture),
      };
    },
  },
};

/** Fills the sources with a tree; gives what it looks like. */
function plantSources({ sources, prng, shape }: World): Picture {
  const bytes = () => prng.bytes(prng.below(shape.payloadBytes() / 2 + 1));
  plantTree(sources, {
    "a": bytes(),
    "f/b": bytes(),
    "f/none": "",
    "g/h/c": bytes(),
    "empty": undefined,
  });
  sources.plantHardLink("g/second", "a");
  sources.plantOther("link", "f/b");
  return pictureOf(sources, "");
}

async function keepTree(world: World): Promise<Picture> {
  const picture = plantSources(world);
  const bench = world.open(world, benchNumbers.first);
  const { policy } = world.shape;
  const { id } = await commitTree(
    bench,
    policy === undefined ? {} : { policy },
  );
  world.kept.set(id, treeContent(picture));
  return picture;
}

async function commit(world: World, bench: Bench): Promise<boolean> {
  const { policy } = world.shape;
  await commitTree(bench, policy === undefined ? {} : { policy });
  return true;
}

async function restore(
  { engine }: Bench,
  selector: string,
  path: string,
): Promise<boolean> {
  const entry = engine.select(selector);
  const { output, complete, tree } = await engine.restoreTree(entry, {
    root: "outputs",
    path,
    label: path,
    existing: "overwrite",
    partial: false,
    patterns: [],
  });
  const isWhole = complete && tree?.problems.length === 0 &&
    tree.attributeProblems.length === 0;
  return output !== undefined && isWhole;
}

function treeContent(picture: Picture): Content {
  return {
    name: "tree",
    async expectFrom(bench, id) {
      ok(await restore(bench, id, id), `the tree ${id} comes back`);
      const outputs = bench.outputs as MemoryStore;
      expectSame(pictureOf(outputs, id), picture);
      outputs.removeTree(id);
    },
  };
}

function expectSame(found: Picture, wanted: Picture): void {
  deepStrictEqual([...found.keys()].sort(), [...wanted.keys()].sort());
  for (const [path, each] of found) expectRight(path, each, wanted);
}

function expectRight(path: string, found: unknown, picture: Picture): void {
  const wanted = picture.get(path);
  const isRight = found instanceof Uint8Array && wanted instanceof Uint8Array
    ? equalBytes(found, wanted)
    : found === wanted;
  ok(isRight, `"${path}" is right, or not there`);
}

/** What lies in the output under a name of the tree is right; nothing else does but unfinished parts. */
function expectPart(outputs: MemoryStore, picture: Picture): void {
  if (outputs.statExactly("out") === undefined) return;
  for (const [path, found] of pictureOf(outputs, "out")) {
    if (!path.includes(".blockframe-part")) expectRight(path, found, picture);
  }
}
