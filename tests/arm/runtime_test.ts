// The Deno for 64-bit ARM runs tests of what differs there: the codec, of whose WebAssembly V8 makes
// other machine code (fixed vectors, published digests, the naive twin), and the calls of the C
// library, whose numbers are not the same everywhere.

import { equal, ok } from "node:assert/strict";
import { present } from "../../src/base/assert.ts";
import { readRegistryFile } from "../../tools/compile/registry.ts";
import { targets } from "../../tools/compile/targets.ts";
import { parseDenoSummary } from "../../tools/summary.ts";
import { repository } from "../e2e/home.ts";
import { emulator, target } from "./aarch64.ts";

/** Runs tests of this checkout; gives how many there were. */
async function runTests(
  deno: string,
  cache: string,
  args: readonly string[],
): Promise<number> {
  const words = [...emulator, deno, "test", "--no-check", ...args];
  const { code, stdout, stderr } = await new Deno.Command(words[0]!, {
    args: words.slice(1),
    cwd: repository,
    env: { DENO_DIR: cache, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const said = decoder.decode(stdout) + decoder.decode(stderr);
  equal(code, 0, said);
  const counts = present(parseDenoSummary(said), said);
  equal(counts.skipped, 0, said);
  return counts.passed;
}

Deno.test("tests of the codec and of native files pass on aarch64", async () => {
  const folder = await Deno.makeTempDir({ dir: "/var/tmp" });
  try {
    const deno = `${folder}/deno`;
    const { npm } = present(
      targets.find(({ name }) => name === target),
      "it is one that we compile for",
    );
    const base = present(npm, "the registry has a Deno for it").base;
    await Deno.writeFile(deno, await readRegistryFile(base), { mode: 0o755 });
    ok(await runTests(deno, folder, ["tests/codec"]) > 30);
    const files = ["tests/store/native_files_test.ts"];
    ok(await runTests(deno, folder, ["--allow-all", ...files]) >= 4);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
