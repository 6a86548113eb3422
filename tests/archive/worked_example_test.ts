// The worked example of docs/format.md is made anew and compared with what the page shows, so that
// neither the page nor the format can drift away from the other.

import { ok, strictEqual } from "node:assert/strict";
import { formatHex } from "../../src/base/bytes.ts";
import { Codec } from "../../src/codec/mod.ts";
import { listFiles, readFile } from "./harness.ts";
import { makeExample } from "./worked_example.ts";

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
