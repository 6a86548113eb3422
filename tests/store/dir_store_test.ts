import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { DirStore } from "../../src/store/dir_store.ts";
import { registerConformance } from "./conformance.ts";

registerConformance("DirStore", () => {
  const root = Deno.makeTempDirSync({ prefix: "blockframe-store-" });
  const outside = Deno.makeTempDirSync({ prefix: "blockframe-outside-" });
  Deno.mkdirSync(`${outside}/x`);
  Deno.writeTextFileSync(`${outside}/x/y`, "outside");
  return {
    store: new DirStore(root),
    plantLink: (path) => Deno.symlinkSync(outside, `${root}/${path}`),
    [Symbol.dispose]: () => {
      // Nothing that a test did may have gone through a link.
      strictEqual(Deno.readTextFileSync(`${outside}/x/y`), "outside");
      deepStrictEqual([...Deno.readDirSync(outside)].map(({ name }) => name), [
        "x",
      ]);
      Deno.removeSync(outside, { recursive: true });
      Deno.removeSync(root, { recursive: true });
    },
  };
});
