// Mistakes of ours while something is mounted, and what must be left of them: nothing.

import { equal } from "node:assert/strict";
import { makeTemporaryFolder } from "../e2e/workplace.ts";
import { errorOf, isMounted, openPath } from "./mounted.ts";

const program = new URL("mistaken.ts", import.meta.url).pathname;

/** What happens (mistaken.ts does it), in words. */
export const mistakes: Readonly<Record<string, string>> = {
  ready: "an error as soon as it can be used",
  rejection: "a promise that nobody looks at",
  later: "an error out of nowhere",
  busy: "the same while somebody waits for an answer",
};

/** The mistake ends the process, as who catches it in main.ts does, and nothing is mounted any more. */
export async function expectNoDeadMount(
  mistake: string,
  ...standin: readonly string[]
): Promise<void> {
  const path = makeTemporaryFolder();
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--allow-all", program, path, mistake],
        ...standin,
      ],
      stderr: "piped",
    }).output();
    const decoder = new TextDecoder();
    equal(decoder.decode(stdout), "mounted\n", decoder.decode(stderr));
    equal(code, 70, decoder.decode(stderr));
    equal(isMounted(path), false);
    equal(errorOf(() => openPath(path).close()), "none");
  } finally {
    // Where the test fails, for those that follow.
    await new Deno.Command("umount", { args: ["-l", path], stderr: "null" })
      .output();
    await Deno.remove(path);
  }
}
