import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { layerOf, layers, planArrow } from "../../tools/layers.ts";
import { exists, listSources, root, runDeno } from "./repository.ts";

/** The part of `deno info --json` that is read here. */
interface ModuleGraph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly code?: { readonly specifier: string };
      readonly type?: { readonly specifier: string };
    }[];
  }[];
}

Deno.test("the module graph points down only, dynamic imports and workers included", async () => {
  const broken = new Set<string>();
  let arrowCount = 0;
  for (const start of startingPoints()) {
    for (const [source, target] of arrowsOf(await readGraph(start))) {
      arrowCount++;
      const fault = planArrow(source, target);
      if (fault !== undefined) broken.add(`${source} -> ${target}: ${fault}`);
    }
  }
  assertEquals([...broken], []);
  assert(arrowCount > 0);
});

Deno.test("every file of src/ and ffi/ lies in a layer", () => {
  const strays = listSources().filter((path) => layerOf(path) === undefined);
  assertEquals(strays, []);
});

Deno.test("the table of layers has no arrow up or sideways, but cli's to the other frontends", () => {
  const heights = new Map(layers.map((one) => [one.path, one.height]));
  const siblings = ["src/pool", "src/cluster", "src/cli"];
  for (const { path, height, mayImport } of layers) {
    for (const target of mayImport) {
      const below = heights.get(target);
      assert(below !== undefined, `${path} names ${target}, which is no layer`);
      const sideways = below === height && siblings.includes(path);
      assert(below < height || sideways, `${path} -> ${target}`);
    }
  }
});

/** Files that nothing imports statically: the program and the entries of its workers. */
function startingPoints(): string[] {
  const workers = listSources().filter((path) => path.endsWith("worker.ts"));
  return exists("main.ts") ? ["main.ts", ...workers] : workers;
}

async function readGraph(start: string): Promise<ModuleGraph> {
  return JSON.parse(await runDeno("info", "--json", start));
}

function* arrowsOf(graph: ModuleGraph): Generator<[string, string]> {
  for (const module of graph.modules) {
    assertEquals(module.error, undefined, module.specifier);
    if (!module.specifier.startsWith(root.href)) continue;
    for (const { specifier, code, type } of module.dependencies ?? []) {
      const target = (code ?? type)?.specifier ?? specifier;
      yield [placeOf(module.specifier), placeOf(target)];
    }
  }
}

function placeOf(specifier: string): string {
  return specifier.startsWith(root.href)
    ? specifier.slice(root.href.length)
    : specifier;
}
