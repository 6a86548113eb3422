// A mistake of ours, wherever it is made, ends the process and leaves no dead mount.

import { expectNoDeadMount, mistakes } from "./mistakes.ts";

for (const [mistake, what] of Object.entries(mistakes)) {
  Deno.test(`no dead mount is left by ${what}`, async () => {
    await expectNoDeadMount(mistake);
  });
}
