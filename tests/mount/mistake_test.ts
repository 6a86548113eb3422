// A mistake of ours, wherever it is made, ends the process and leaves no dead mount.

import { equal } from "node:assert/strict";
import { makeTemporaryFolder } from "../e2e/workplace.ts";
import { errorOf, isMounted, openPath } from "./mounted.ts";

const program = new URL("mistaken.ts", import.meta.url).pathname;

/** What happens, and the exit code: 70 is that of whoever caught it, as main.ts does. */
const mistakes: Readonly<Record<string, string>> = {
  ready: "an error as soon as it can be used",
  rejection: "a promise that nobody looks at",
  later: "an error out of nowhere",
  busy: "the same while somebody waits for an answer",
};

for (const [mistake, what] of Object.entries(mistakes)) {
  Deno.test(`no dead mount is left by ${what}`, async () => {
    const path = makeTemporaryFolder();
    try {
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--quiet", "--allow-all", program, path, mistake],
        stderr: "piped",
      }).output();
      equal(code, 70, new TextDecoder().decode(stderr));
      equal(isMounted(path), false);
      equal(errorOf(() => openPath(path).close()), "none");
    } finally {
      // Where the test fails, for those that follow.
      await new Deno.Command("umount", { args: ["-l", path], stderr: "null" })
        .output();
      await Deno.remove(path);
    }
  });
}
