import { equal, throws } from "node:assert/strict";
import { AssertionError } from "../../src/base/assert.ts";
import { sealFile, verifySeal } from "../../src/archive/seal.ts";

const mib = 1 << 20;

Deno.test("verifySeal() accepts what was sealed, and nothing that differs from it", async () => {
  const path = await Deno.makeTempFile();
  try {
    for (const bytes of [1, mib - 1, mib, 2 * mib + 7]) {
      const file = Uint8Array.from({ length: bytes }, (_, at) => at * 31 + 7);
      const sealed = sealFile(file);
      await Deno.writeFile(path, sealed);
      equal(verifySeal(path), sealed.length);
      for (const at of [0, bytes >> 1, bytes - 1, bytes, sealed.length - 1]) {
        const changed = sealed.slice();
        changed[at]! ^= 1;
        await Deno.writeFile(path, changed);
        throws(() => verifySeal(path), /the file is damaged/, `byte ${at}`);
      }
      for (const kept of [0, 40, bytes, sealed.length - 1]) {
        await Deno.writeFile(path, sealed.subarray(0, kept));
        throws(() => verifySeal(path), AssertionError, `${kept} bytes`);
      }
      await Deno.writeFile(path, sealed);
      await Deno.writeFile(path, new Uint8Array(1), { append: true });
      throws(() => verifySeal(path), /the file is damaged/);
    }
  } finally {
    await Deno.remove(path);
  }
});
