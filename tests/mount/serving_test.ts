// What a mount may while it serves, which can be for months.

import { deepEqual } from "node:assert/strict";
import { Workplace } from "../e2e/workplace.ts";

const program = new URL("serving.ts", import.meta.url).pathname;

Deno.test("a mount that serves has given up the right to start programs", async () => {
  using work = new Workplace();
  await work.commit("file", 100);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--allow-all", "--no-check", program],
      ...["mount", "-a", work.archive, "-m", work.makeFolder("mnt")],
    ],
    stdin: "null",
  }).output();
  const [said, warned] = [stdout, stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  deepEqual([code, said], [0, "read granted\nrun prompt\n"], warned);
});
