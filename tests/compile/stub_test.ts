import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { assembleStub } from "../../tools/build_stub.ts";
import { readStub } from "../../tools/compile/stub.ts";
import { root } from "./programs.ts";

for (const machine of ["x86_64", "aarch64"] as const) {
  Deno.test(`the committed start stub for ${machine} is what its source assembles to`, async () => {
    assertEquals(await assembleStub(machine), await readStub(root, machine));
  });
}
