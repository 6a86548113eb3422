// Layers: which folder may import which, as data. The lint rule `house/layer-order` reads one file
// at a time against this table, and tests/house reads the whole module graph against it. The same
// table, in words, is in docs/architecture.md.

/** One folder (or file) of the house, and what it may name besides itself. */
export interface Layer {
  /** Path from the root of the repository, without a slash at the end. */
  readonly path: string;
  /** Its height: arrows point from a higher layer to a lower one. */
  readonly height: number;
  /** Paths of the layers that it may import. */
  readonly mayImport: readonly string[];
  /** Whether it may import packages (`npm:`, `node:`, names of the import map). */
  readonly packages: boolean;
}

const ground = ["src/base"];
const parts = ["src/codec", "src/format", "src/store"];
const engines = ["src/archive", "src/pool", "src/cluster"];
const frontends = ["src/cli", "src/http", "src/mount"];
const belowFrontends = [...ground, ...engines, "src/view"];

/** The table. What is not in it (tests, bench, tools) may import everything and be imported by nobody. */
export const layers: readonly Layer[] = [
  layer("src/base", 0, [], false),
  layer("src/codec", 1, ground, false),
  layer("src/format", 2, ground, false),
  layer("src/store", 3, [...ground, "ffi"], true),
  layer("src/archive", 4, [...ground, ...parts], true),
  layer("src/pool", 4, [...ground, ...parts, "src/archive"], true),
  layer(
    "src/cluster",
    4,
    [...ground, ...parts, "src/archive", "src/pool"],
    true,
  ),
  layer("src/view", 5, [...ground, ...engines], true),
  layer("ffi", 1, ground, true),
  layer("src/http", 6, belowFrontends, true),
  layer("src/mount", 6, [...belowFrontends, "ffi"], true),
  layer("src/cli", 6, [...belowFrontends, "src/http", "src/mount"], true),
  layer(
    "main.ts",
    7,
    [...ground, ...parts, ...engines, "src/view", "ffi", ...frontends],
    true,
  ),
];

function layer(
  path: string,
  height: number,
  mayImport: readonly string[],
  packages: boolean,
): Layer {
  return { path, height, mayImport, packages };
}

/** The layer that a file belongs to, or undefined for tests, bench, tools and the rest. */
export function layerOf(path: string): Layer | undefined {
  return layers.find((one) =>
    path === one.path || path.startsWith(`${one.path}/`)
  );
}

/**
 * Why `source` may not import `target`, or undefined if it may. Both are paths from the root of the
 * repository; a target that is a package keeps its specifier (`npm:picomatch`, `node:fs`).
 */
export function planArrow(source: string, target: string): string | undefined {
  const from = layerOf(source);
  if (from === undefined) {
    return source.startsWith("src/")
      ? `${source} is in no layer; put its folder into tools/layers.ts`
      : undefined;
  }
  if (target === "deno.json") return undefined; // the version, which has one home
  if (!/\.[a-z]+$/.test(target) || target.includes(":")) {
    return from.packages
      ? undefined
      : `${from.path} imports no package ("${target}"); take the value or the function as a parameter`;
  }
  const to = layerOf(target);
  if (to === from) return undefined;
  if (to !== undefined && from.mayImport.includes(to.path)) return undefined;
  const allowed = from.mayImport.join(", ") || "nothing";
  return `${from.path} may not import ${
    to?.path ?? target
  } (it may import: ${allowed}); take what it needs as a parameter, or move the code down`;
}
