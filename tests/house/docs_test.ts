import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { layers } from "../../tools/layers.ts";
import {
  exists,
  listFiles,
  listSources,
  readText,
  root,
  runDeno,
} from "./repository.ts";

/** The part of `deno doc --json` that is read here. */
interface DocSymbol {
  readonly name: string;
  readonly declarations: readonly {
    readonly declarationKind: string;
    readonly jsDoc?: unknown;
    readonly kind: string;
    readonly location: { readonly filename: string; readonly line: number };
    readonly def?: { readonly methods?: readonly DocMethod[] };
  }[];
}

interface DocMethod {
  readonly name: string;
  readonly kind: string;
  readonly jsDoc?: unknown;
  readonly accessibility?: string;
  readonly isOverride?: boolean;
}

const documents = ["README.md", ...listFiles("docs")].filter((path) =>
  path.endsWith(".md")
);

Deno.test("links to files in the documents lead somewhere", () => {
  const dead: string[] = [];
  for (const path of documents) {
    for (const target of linksOf(readText(path))) {
      const [file, anchor] = target.split("#") as [string, string?];
      const at = file === "" ? path : resolve(path, file);
      if (!exists(at)) dead.push(`${path}: ${target}`);
      else if (anchor !== undefined && at.endsWith(".md")) {
        if (!anchorsOf(readText(at)).has(anchor)) {
          dead.push(`${path}: ${target}`);
        }
      }
    }
  }
  assertEquals(dead, []);
});

Deno.test("docs/architecture.md has a row for every layer", () => {
  const text = readText("docs/architecture.md");
  for (const { path } of layers) {
    const row = text.split("\n").find((line) =>
      line.startsWith("|") && line.includes(`\`${path}\``) ||
      line.startsWith("|") && line.includes(`\`${path}/\``)
    );
    assert(row !== undefined, `no row for ${path}`);
  }
});

Deno.test("every export of src/ and ffi/ says what it is for", async () => {
  const { nodes } = JSON.parse(
    await runDeno("doc", "--json", ...listSources()),
  );
  const silent = Object.values<{ symbols: DocSymbol[] }>(nodes)
    .flatMap(({ symbols }) => symbols.flatMap(silentParts));
  assertEquals(silent, []);
});

Deno.test("every unreleased change is one file of the changelog with a first line", () => {
  for (const path of listFiles("changelog/unreleased")) {
    if (path.endsWith(".gitkeep")) continue;
    assert(path.endsWith(".md"), `${path} is no Markdown file`);
    assert(readText(path).trim().length > 0, `${path} is empty`);
  }
});

/** Names of what has no documentation in a symbol: itself, and the methods that others call. */
function silentParts(symbol: DocSymbol): string[] {
  const exported = symbol.declarations.filter((one) =>
    one.declarationKind === "export" && one.kind !== "reference" // told where it is declared
  );
  const first = exported[0];
  if (first === undefined) return [];
  const at = `${first.location.filename.slice(root.href.length)}:${
    first.location.line + 1
  } ${symbol.name}`;
  const silent = exported.some((one) => one.jsDoc !== undefined) ? [] : [at];
  for (const { def } of exported) {
    for (const method of def?.methods ?? []) {
      if (method.jsDoc !== undefined || method.isOverride) continue;
      if (method.kind === "setter") continue; // its getter says it
      if (method.accessibility === "private" || isProtocol(method.name)) {
        continue;
      }
      silent.push(`${at}.${method.name}`);
    }
  }
  return silent;
}

/** `[Symbol.dispose]` and its kin: the language says what they do. */
function isProtocol(name: string): boolean {
  return name.startsWith("[") || name === "constructor";
}

function linksOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/```[\s\S]*?```/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** Anchors of the headings, as GitHub makes them. */
function anchorsOf(markdown: string): Set<string> {
  const headings = markdown.matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map((match) =>
      match[1]!.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-")
    ),
  );
}

function resolve(from: string, target: string): string {
  const url = new URL(target, new URL(from, root));
  return decodeURIComponent(url.href.slice(root.href.length));
}
