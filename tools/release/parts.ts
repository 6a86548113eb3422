// Parts: what an executable is made of besides our own sources: the packages that its modules
// import, the crates of the codec, the runtime. Read from the module graph and the lock files, so
// that what only tests and tools use is not in it.

import { parse as parseToml } from "smol-toml";
import { runCommand } from "./command.ts";

/** Something of somebody else that is inside an executable. */
export interface Part {
  readonly kind: "package" | "crate" | "runtime";
  readonly name: string;
  /** Absent where it is not recorded. */
  readonly version?: string;
  /** SPDX expression. */
  readonly licence: string;
  /** The text of its licence. */
  readonly licenceText: string;
  /** SHA-512 of the package as the registry has it, in hexadecimal. */
  readonly sha512?: string;
  /** `pkg:` address of where it is from. */
  readonly purl?: string;
  /** Keys (`partKey`) of other parts that it needs. */
  readonly needs: readonly string[];
}

/** Versions of the runtime that an executable has inside. */
export interface Runtime {
  readonly deno: string;
  readonly v8: string;
  /** Crates that it names, as `NAME@VERSION`, sorted: nearly half of those that are in it. */
  readonly crates: readonly string[];
}

interface ModuleGraph {
  readonly modules: readonly { readonly npmPackage?: string }[];
  readonly npmPackages: Readonly<Record<string, GraphPackage>>;
}

interface GraphPackage {
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly string[];
  readonly localPath: string;
}

// What starts a thread of the program: main.ts, and what it starts as a worker.
const entryModules = ["main.ts", "src/archive/worker.ts"];

/** What names a part among others. */
export function partKey(part: Pick<Part, "name" | "version">): string {
  return part.version === undefined
    ? part.name
    : `${part.name}@${part.version}`;
}

/** Every part, sorted within its kind: packages, crates, runtimes. */
export async function listParts(
  root: URL,
  runtimes: readonly Runtime[],
): Promise<Part[]> {
  const described = await Promise.all(
    runtimes.map((runtime) => describeRuntime(root, runtime)),
  );
  const byKey = new Map(described.flat().map((part) => [partKey(part), part]));
  return [
    ...await listPackages(root),
    ...await listCrates(root),
    ...byKey.values(),
  ];
}

/** The versions of Deno, V8 and crates that an executable names in itself. Fails where it names none. */
export async function readRuntime(path: string): Promise<Runtime> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(1 << 22);
  const overlap = 256; // longer than what is looked for
  const decoder = new TextDecoder("latin1");
  let deno: string | undefined;
  let v8: string | undefined;
  const crates = new Set<string>();
  for (let kept = 0;;) {
    const count = await file.read(buffer.subarray(kept));
    if (count === null) break;
    const text = decoder.decode(buffer.subarray(0, kept + count));
    // The name that it gives itself as a client; crates of Deno have versions that begin with 0.
    deno ??= text.match(/Deno\/([1-9]\d*\.\d+\.\d+)(?!\d)/)?.[1];
    v8 ??= text.match(/(?<![\d.])(\d+\.\d+\.\d+\.\d+-rusty)/)?.[1];
    for (const [, name, version] of text.matchAll(cratePath)) {
      crates.add(`${name}@${version}`);
    }
    const end = kept + count;
    kept = Math.min(overlap, end);
    buffer.copyWithin(0, end - kept, end);
  }
  if (deno !== undefined && v8 !== undefined) {
    return { deno, v8, crates: [...crates].sort() };
  }
  throw new Error(`${path} names no Deno and V8: is it one of ours?`);
}

// Where a source lay when it was compiled, which a panic would name.
const cratePath =
  /registry[\\/]src[\\/][\w.-]+[\\/]([A-Za-z][\w-]*?)-(\d+\.\d+\.\d+[\w.+-]*)[\\/]/g;

async function listPackages(root: URL): Promise<Part[]> {
  const lock = JSON.parse(await Deno.readTextFile(new URL("deno.lock", root)));
  const found = new Map<string, Part>();
  for (const entry of entryModules) {
    const graph: ModuleGraph = JSON.parse(
      await runCommand(Deno.execPath(), ["info", "--json", entry], {
        cwd: decodeURIComponent(root.pathname),
      }),
    );
    const waiting = graph.modules.flatMap(({ npmPackage }) => npmPackage ?? []);
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const one = graph.npmPackages[id];
      if (one === undefined) throw new Error(`The graph has no package ${id}`);
      if (found.has(partKey(one))) continue;
      waiting.push(...one.dependencies);
      found.set(
        partKey(one),
        await describePackage(
          one,
          lock.npm[id].integrity,
          one.dependencies.map((need) => partKey(graph.npmPackages[need]!)),
        ),
      );
    }
  }
  return [...found.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

async function describePackage(
  one: GraphPackage,
  integrity: string,
  needs: readonly string[],
): Promise<Part> {
  const { license } = JSON.parse(
    await Deno.readTextFile(`${one.localPath}/package.json`),
  );
  const licenceText = await readLicence(one.localPath);
  const [, digest] = integrity.match(/^sha512-(.*)$/) ?? [];
  if (digest === undefined) throw new Error(`deno.lock: ${integrity}?`);
  return {
    kind: "package",
    name: one.name,
    version: one.version,
    licence: license,
    licenceText,
    sha512: Uint8Array.fromBase64(digest).toHex(),
    purl: `pkg:npm/${one.name.replace("@", "%40")}@${one.version}`,
    needs,
  };
}

async function readLicence(folder: string): Promise<string> {
  for await (const { name } of Deno.readDir(folder)) {
    if (/^licen[cs]e/i.test(name)) {
      return await Deno.readTextFile(`${folder}/${name}`);
    }
  }
  throw new Error(`${folder} has no file LICENSE`);
}

/**
 * The crates that are compiled into the codec, which are none: those of wasm/Cargo.lock are there for
 * its tests. With the first one that is more, this has to be told where its licence is.
 */
async function listCrates(root: URL): Promise<Part[]> {
  const { dependencies } = parseToml(
    await Deno.readTextFile(new URL("wasm/Cargo.toml", root)),
  ) as { dependencies?: Record<string, unknown> };
  const names = Object.keys(dependencies ?? {});
  if (names.length > 0) {
    throw new Error(
      `The codec is built with crates now (${
        names.join(", ")
      }): list them in ` +
        "tools/release/parts.ts, with version, digest and licence",
    );
  }
  const licence = new URL("tools/packaging/licences/rust.txt", root);
  return [{
    kind: "crate",
    name: "core",
    licence: "MIT OR Apache-2.0",
    licenceText: await Deno.readTextFile(licence),
    needs: [],
  }];
}

async function describeRuntime(
  root: URL,
  runtime: Runtime,
): Promise<Part[]> {
  const licences = new URL("tools/packaging/licences/", root);
  const read = (name: string) =>
    Deno.readTextFile(new URL(`${name}.txt`, licences));
  return [
    {
      kind: "runtime",
      name: "deno",
      version: runtime.deno,
      licence: "MIT",
      licenceText: await read("deno"),
      purl: `pkg:github/denoland/deno@v${runtime.deno}`,
      needs: [`v8@${runtime.v8}`],
    },
    {
      kind: "runtime",
      name: "v8",
      version: runtime.v8,
      licence: "BSD-3-Clause",
      licenceText: await read("v8"),
      needs: [],
    },
  ];
}
