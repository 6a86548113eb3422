// The worked example of docs/format.md is made anew and compared with what the page shows, so that
// neither the page nor the format can drift away from the other.

import { ok, strictEqual } from "node:assert/strict";
import { formatHex } from "../../src/base/bytes.ts";
import { Codec } from "../../src/codec/mod.ts";
import { Bench, kib, listFiles, readFile, writeFile } from "./harness.ts";

/** The payload of the example: the line, again and again, cut at 6000 bytes. */
const payload = new TextEncoder()
  .encode("BlockFrame keeps this line safe.\n".repeat(187)).subarray(0, 6000);

async function makeExample(): Promise<{ bench: Bench; folder: string }> {
  const bench = new Bench({ settings: { segmentBytes: 2 * kib } });
  Object.assign(bench.context, {
    clock: { nowMs: () => Date.UTC(2026, 10, 21, 12), monotonicMs: () => 0 },
    chance: {
      fill: (target: Uint8Array) =>
        target.set([1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]),
    },
  });
  writeFile(bench.sources, "lines.txt", payload);
  bench.sources.setAttributes("lines.txt", {
    modifiedMs: Date.UTC(2026, 10, 20),
    mode: 0o644,
  });
  const { folder } = await bench.engine.commit({
    source: { root: "sources", path: "lines.txt" },
    sourceLabel: "lines.txt",
    name: "lines.txt",
    policy: "erasure:2+1",
  });
  return { bench, folder };
}

Deno.test("the worked example of docs/format.md is what a commit writes", async () => {
  const page = await Deno.readTextFile(
    new URL("../../docs/format.md", import.meta.url),
  );
  const { bench, folder } = await makeExample();
  strictEqual(folder, "lines.txt_0123456789abcdef");
  const manifest = new TextDecoder().decode(
    readFile(bench.archive, `${folder}/manifest.json`),
  );
  ok(
    page.includes("```json\n" + manifest + "```"),
    `the page should show:\n${manifest}`,
  );
  const codec = Codec.open();
  for (const path of listFiles(bench.archive, folder)) {
    if (!path.endsWith(".dat")) continue;
    const bytes = readFile(bench.archive, path);
    const row = [
      path.slice(folder.length + 1),
      bytes.length,
      formatHex(bytes.subarray(0, 8)),
      formatHex(codec.digest(bytes)).slice(0, 16),
    ].join("  ");
    ok(page.includes(row), `the page should show: ${row}`);
  }
});
