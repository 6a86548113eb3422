import { equal as assertEquals } from "node:assert/strict";
import {
  buildInfoPath,
  computeRecord,
  recordPath,
  stampModule,
} from "../../tools/wasm_sources.ts";
import { readText, root } from "./repository.ts";

Deno.test("the committed WASM module was built from the sources beside it", async () => {
  const record = await computeRecord(root);
  assertEquals(
    record,
    readText(recordPath),
    "wasm/ and the module disagree: run deno task wasm and commit what it writes",
  );
});

Deno.test("--version names the committed WASM module", () => {
  const source = readText(buildInfoPath);
  assertEquals(source, stampModule(source, readText(recordPath)));
  assertEquals(/const codecModule = "[0-9a-f]{12}"/.test(source), true);
});
