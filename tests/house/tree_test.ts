import { deepStrictEqual as assertEquals } from "node:assert/strict";
import {
  developerSuites,
  plannedSuites,
  staticSuites,
  testSuites,
} from "../../tools/suites.ts";
import { listFiles, readText, runDeno } from "./repository.ts";

const topLevel = new Set([
  ".ci",
  ".gitignore",
  "LICENSE",
  "README.md",
  "bench",
  "changelog",
  "deno.json",
  "deno.lock",
  "docs",
  "ffi",
  "main.ts",
  "src",
  "tests",
  "tools",
  "wasm",
]);

Deno.test("the top level holds only what docs/architecture.md names", () => {
  const names = new Set(listFiles("").map((path) => path.split("/")[0]!));
  const strangers = [...names].filter((name) => !topLevel.has(name));
  assertEquals(strangers.filter((name) => !name.startsWith(".git")), []);
});

Deno.test("no package.json: it would switch Deno to node_modules", () => {
  const found = listFiles("").filter((path) => path.endsWith("package.json"));
  assertEquals(found, []);
});

Deno.test("file names are snake_case", () => {
  const code = ["src", "ffi", "tests", "bench", "tools"].flatMap(listFilesIn);
  const odd = code.filter((path) => path.endsWith(".ts") && !isSnakeCase(path));
  assertEquals(odd, []);
});

Deno.test("no file is called by what it is not: utils, helpers, manager", () => {
  const vague = /(^|[/_])(utils?|helpers?|managers?|misc|common)\.ts$/;
  const found = listFiles("").filter((path) => vague.test(path));
  assertEquals(found, []);
});

Deno.test("suites have names of their own", () => {
  const names = [...staticSuites, ...testSuites, ...developerSuites].map((
    suite,
  ) => suite.name);
  assertEquals(names, [...new Set(names)]);
});

Deno.test("every folder with tests is a suite, and every suite is a folder with tests", () => {
  const withTests = new Set(
    listFiles("tests").filter((path) => path.endsWith("_test.ts"))
      .map((path) => path.split("/").slice(0, 2).join("/")),
  );
  const listed = testSuites.flatMap((suite) =>
    suite.kind === "deno" ? [suite] : []
  );
  const folders = new Set(listed.map((suite) => suite.folder));
  assertEquals([...withTests].filter((path) => !folders.has(path)), []);
  const due = listed.filter((suite) => !plannedSuites.includes(suite.name));
  assertEquals(due.filter((suite) => !withTests.has(suite.folder)), []);
});

Deno.test("every package is pinned exactly and told of in docs/dependencies.md", () => {
  const { imports } = JSON.parse(readText("deno.json"));
  const told = readText("docs/dependencies.md");
  for (const specifier of Object.values<string>(imports)) {
    const pinned = specifier.match(
      /^npm:((?:@[^/]+\/)?[^@/]+)@(\d+\.\d+\.\d+)$/,
    );
    assertEquals(pinned?.length, 3, `${specifier} is not pinned exactly`);
    const row = told.split("\n").find((line) =>
      line.startsWith("|") && line.includes(`\`${pinned![1]}\``)
    );
    assertEquals(
      row?.includes(` ${pinned![2]} `),
      true,
      `docs/dependencies.md has no row for ${specifier}`,
    );
  }
});

Deno.test("every crate of the codec is told of in docs/dependencies.md", () => {
  const told = readText("docs/dependencies.md");
  const locked = readText("wasm/Cargo.lock");
  for (const name of cratesOf(readText("wasm/Cargo.toml"))) {
    const version = locked.match(
      new RegExp(`name = "${name}"\nversion = "([^"]+)"`),
    )?.[1];
    const row = new RegExp(`^\\| \`${name}\` +\\| ${version} `, "m");
    assertEquals(row.test(told), true, `no row for ${name} ${version}`);
  }
});

Deno.test("code imports packages by the names of deno.json, so that versions have one home", () => {
  const code = ["src", "ffi", "tests", "bench", "tools"].flatMap(listFilesIn);
  const inline = /(from|import) ?\(?"(npm|jsr|https?):/;
  const found = code.filter((path) =>
    path.endsWith(".ts") && path !== "tests/house/lint_test.ts" &&
    inline.test(readText(path))
  );
  assertEquals(found, []);
});

Deno.test("deno.lock agrees with deno.json", async () => {
  await runDeno("install", "--frozen");
});

Deno.test("one version of Deno is named wherever one is named", () => {
  const places = listFiles("").filter((path) =>
    /^(\.ci\/run|README\.md|docs\/.*\.md)$/.test(path)
  );
  const versions = new Set(
    places.flatMap((path) =>
      [...readText(path).matchAll(/deno@(\d+\.\d+\.\d+)/g)].map((m) => m[1])
    ),
  );
  assertEquals([...versions], ["2.9.6"]);
});

function listFilesIn(folder: string): string[] {
  return listFiles("").filter((path) => path.startsWith(`${folder}/`));
}

function isSnakeCase(path: string): boolean {
  return path.split("/").every((part) => /^[a-z0-9_.]+$/.test(part));
}

/** Names in the dependency sections of a Cargo.toml. */
function cratesOf(manifest: string): string[] {
  const sections = manifest.split(/^(?=\[)/m).filter((section) =>
    /^\[(dev-|build-)?dependencies\]/.test(section)
  );
  return sections.flatMap((section) =>
    [...section.matchAll(/^([\w-]+) *=/gm)].map((match) => match[1]!)
  );
}
