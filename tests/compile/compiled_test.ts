import { deepStrictEqual as assertEquals, match } from "node:assert/strict";
import {
  writeCompiledExecutable,
  writeRegistryPair,
} from "../../tools/compile/compiled_executable.ts";
import { registryPairs } from "../../tools/compile/targets.ts";
import { canRun, compile, run } from "./programs.ts";

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => {
  Deno.removeSync(folder, { recursive: true });
});

Deno.test({
  name:
    "deno task compile --pair makes an executable by a true deno compile, which leaves no cache",
  ignore: !canRun,
  fn: async () => {
    const made = await compile("--pair", "--output", folder);
    assertEquals([made.code, made.stderr], [0, ""]);
    const program = `${folder}/blockframe-compiled`;
    const version = await run([program, "--version"]);
    match(version.stdout, /^runtime {2}Deno 2\.4\.2,/m);

    const before = listCaches();
    const refused = await run([program, "--allow-all", "list"]);
    assertEquals(refused.code, 16);
    const none = await run([program, "list", "--archive", "/nowhere"]);
    assertEquals(none.code, 8);
    assertEquals(listCaches(), before);
  },
});

Deno.test({
  name: "what deno compile makes is the same bytes, whenever it is made",
  ignore: !canRun,
  fn: async () => {
    const compiler = await writeRegistryPair(folder, registryPairs[0]);
    const bundle = { text: "", module: `console.log("here");` };
    const made = ["first", "second"].map((name) => `${folder}/${name}`);
    for (const path of made) {
      const target = Deno.build.target;
      await writeCompiledExecutable(path, target, bundle, [], compiler);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assertEquals((await run([made[0]!])).stdout, "here\n");
    const { code, stdout } = await run(["/usr/bin/cmp", ...made]);
    assertEquals([code, stdout], [0, ""]);
  },
});

// What a program that `deno compile` made without --no-code-cache leaves for everybody to write to.
function listCaches(): string[] {
  return [...Deno.readDirSync("/tmp")].map((entry) => entry.name)
    .filter((name) => name.startsWith("deno-compile-")).sort();
}
