import { equal as assertEquals } from "node:assert/strict";
import { computeRecord, recordPath } from "../../tools/wasm_sources.ts";
import { readText, root } from "./repository.ts";

Deno.test("the committed WASM module was built from the sources beside it", async () => {
  const record = await computeRecord(root);
  assertEquals(
    record,
    readText(recordPath),
    "wasm/ and the module disagree: run deno task wasm and commit what it writes",
  );
});
