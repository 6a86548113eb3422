import {
  deepStrictEqual as assertEquals,
  ok as assert,
} from "node:assert/strict";
import { fileLinesMax, functionLinesMax } from "../../tools/lint/lengths.ts";
import longFunctions from "../../tools/lint/long_functions.json" with {
  type: "json",
};
import plugin from "../../tools/lint/plugin.ts";

/** Where a snippet stands, what it says, and which rules it breaks. */
type Row = readonly [place: string, source: string, ...rules: string[]];

/** The rules of the house that `source` breaks at `place`, by name. */
function rulesBroken(place: string, source: string): string[] {
  const found = Deno.lint.runPlugin(plugin, place, source);
  return found.map((one) => one.id.replace("house/", ""));
}

function assertRows(rows: readonly Row[]): void {
  for (const [place, source, ...rules] of rows) {
    assertEquals(rulesBroken(place, source), rules, `${place}: ${source}`);
  }
}

Deno.test("layer-order lets imports point down only", () => {
  const rule = "layer-order";
  assertRows([
    ["src/format/a.ts", `import { assert } from "../base/assert.ts";`],
    ["src/format/a.ts", `import { other } from "./other.ts";`],
    ["src/archive/a.ts", `import "../store/store.ts"; import "npm:picomatch";`],
    ["src/cli/a.ts", `import { serve } from "../http/server.ts";`],
    ["src/mount/a.ts", `import { fuse } from "../../ffi/fuse.ts";`],
    ["src/codec/a.ts", `import * as wasm from "./blockframe.wasm";`],
    ["main.ts", `import { DirStore } from "./src/store/dir_store.ts";`],
    ["tests/e2e/a_test.ts", `import "../../src/cli/commands.ts";`],
    ["src/cli/a.ts", `import c from "../../deno.json" with {type: "json"};`],
    ["src/base/a.ts", `import "../format/manifest.ts";`, rule],
    ["src/base/a.ts", `import { join } from "node:path";`, rule],
    ["src/codec/a.ts", `import "../format/manifest.ts";`, rule],
    ["src/store/a.ts", `import "../codec/mod.ts";`, rule],
    ["src/format/a.ts", `import "npm:smol-toml";`, rule],
    ["src/format/a.ts", `import { parse } from "smol-toml";`, rule],
    ["src/archive/a.ts", `import "../cli/progress.ts";`, rule],
    ["src/archive/a.ts", `import "../../ffi/libc.ts";`, rule],
    ["src/view/a.ts", `import "../store/dir_store.ts";`, rule],
    ["src/http/a.ts", `import "../cli/text.ts";`, rule],
    ["src/cli/a.ts", `import "../../tests/sources.ts";`, rule],
    ["src/cli/a.ts", `import "../../main.ts";`, rule],
    ["src/elsewhere/a.ts", `import "../base/bytes.ts";`, rule],
  ]);
});

Deno.test("layer-order sees every way to name a module", () => {
  const place = "src/store/a.ts", rule = "layer-order";
  assertRows([
    [place, `export { plan } from "../format/plan.ts";`, rule],
    [place, `export * from "../format/plan.ts";`, rule],
    [place, `import type { Plan } from "../format/plan.ts";`, rule],
    [place, `type Plan = import("../format/plan.ts").Plan;`, rule],
    [place, `const plan = await import("../format/plan.ts");`, rule],
    [place, `new URL("../archive/worker.ts", import.meta.url);`, rule],
    [place, `new URL("../archive", "https://example.org");`],
  ]);
});

Deno.test("pure-format keeps waiting, time and chance out of src/format", () => {
  const place = "src/format/a.ts", rule = "pure-format";
  assertRows([
    [place, `export function plan(time: number): number { return time; }`],
    [place, `const report = { Date: 1 }; report.Date;`],
    [place, `Deno.readFileSync("x");`, rule],
    [place, `async function read() {}`, rule],
    [place, `const read = async () => {};`, rule],
    [place, `await ready;`, rule],
    [place, `new Date(0);`, rule],
    [place, `Math.random();`, rule, "clock-port"],
    [place, `performance.mark("x");`, rule],
    ["src/archive/a.ts", `await Deno.readFile("x"); new Date(0);`],
  ]);
});

Deno.test("no-console-below-cli lets only the command line print", () => {
  const rule = "no-console-below-cli";
  assertRows([
    ["src/cli/a.ts", `console.log("done");`],
    ["tools/a.ts", `console.log("done");`],
    ["src/archive/a.ts", `console.log("done");`, rule],
    ["ffi/a.ts", `console.error("no");`, rule],
    ["main.ts", `console.log("x");`, rule],
  ]);
});

Deno.test("clock-port gives time and chance one door", () => {
  const place = "src/archive/a.ts", rule = "clock-port";
  assertRows([
    ["src/base/ports.ts", `Date.now(); performance.now();`],
    ["tests/store/a_test.ts", `Date.now();`],
    [place, `new Date(clock.nowMs()); clock.monotonicMs();`],
    [place, `Date.now();`, rule],
    [place, `new Date();`, rule],
    [place, `Math.random();`, rule],
    [place, `performance.now();`, rule],
    [place, `crypto.randomUUID();`, rule],
  ]);
});

Deno.test("memory-buffer keeps views of WASM memory in the arena", () => {
  const rule = "memory-buffer";
  assertRows([
    ["src/codec/arena.ts", `new Uint8Array(this.#memory.buffer);`],
    ["src/archive/a.ts", `new Uint8Array(bytes.buffer);`],
    ["src/codec/a.ts", `new Uint8Array(memory.buffer);`, rule],
    [
      "src/codec/a.ts",
      `class A { #memory = m; b() { return this.#memory.buffer; } }`,
      rule,
    ],
    ["src/archive/a.ts", `new Uint8Array(wasm.exports.memory.buffer);`, rule],
    ["src/archive/a.ts", `new Uint8Array(codecMemory.buffer);`, rule],
  ]);
});

Deno.test("no-dlopen-outside-ffi keeps native code in one folder", () => {
  assertRows([
    ["ffi/libc.ts", `Deno.dlopen("libc.so.6", {});`],
    ["bench/isal.ts", `Deno.dlopen("libisal.so.2", {});`],
    ["src/mount/a.ts", `Deno.dlopen("x.so", {});`, "no-dlopen-outside-ffi"],
  ]);
});

Deno.test("no-node-at-start keeps node: modules out of the first milliseconds", () => {
  assertRows([
    ["src/cli/a.ts", `const zlib = await import("node:zlib");`],
    ["src/cli/a.ts", `import type { Stats } from "node:fs";`],
    ["src/store/a.ts", `import { openSync } from "node:fs";`],
    ["src/cli/a.ts", `import { openSync } from "node:fs";`, "no-node-at-start"],
    ["main.ts", `import "node:process";`, "no-node-at-start"],
  ]);
});

Deno.test("file-length and function-length end at their walls", () => {
  const statements = (count: number) => "work();\n".repeat(count);
  const body = (lineCount: number) =>
    `function long() {\n${statements(lineCount - 2)}}`;
  const method = `class A {\n  long() {\n${statements(70)}}\n}`;
  const arrow = `const long = () => {\n${statements(70)}};`;
  assertRows([
    ["src/store/a.ts", statements(fileLinesMax)],
    ["src/store/a.ts", statements(fileLinesMax + 1), "file-length"],
    ["src/store/a.ts", body(functionLinesMax)],
    ["src/store/a.ts", body(functionLinesMax + 1), "function-length"],
    ["src/store/a.ts", method, "function-length"],
    ["tests/store/a.ts", arrow, "function-length"],
  ]);
});

Deno.test("every message says what to do instead", () => {
  const bad: Row[] = [
    ["src/store/a.ts", `import "../codec/mod.ts";`],
    ["src/format/a.ts", `Deno.pid; await 1;`],
    ["src/store/a.ts", `console.log(1); Date.now(); memory.buffer;`],
    ["src/store/a.ts", `Deno.dlopen("x", {});`],
  ];
  for (const [place, source] of bad) {
    for (const { message } of Deno.lint.runPlugin(plugin, place, source)) {
      assert(/; \S/.test(message) || message.startsWith("Take"), message);
    }
  }
});

Deno.test("long_functions.json names only functions that are still that long", async () => {
  for (const [name, lineCount] of Object.entries(longFunctions)) {
    const [place] = name.split("#") as [string];
    const source = await Deno.readTextFile(
      new URL(`../../${place}`, import.meta.url),
    );
    // Under another name no exception holds, so the rule tells the true length.
    const told = Deno.lint.runPlugin(plugin, `${place}.ts`, source);
    const fact = `#${name.split("#")[1]} has ${lineCount} lines`;
    assert(
      told.some((one) => one.message.includes(fact)),
      `${name} is shorter than ${lineCount} lines now: lower its number or drop it`,
    );
  }
});
