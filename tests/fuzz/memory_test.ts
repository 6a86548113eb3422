import { equal, ok } from "node:assert/strict";

/** What decoders and looks at forged giants may take, V8 and the program itself included. */
const peakMibMax = 700;

Deno.test({
  name: "what a manifest claims takes no memory before it is there",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-check",
        "--allow-all",
        "--v8-flags=--max-old-space-size=256",
        `${import.meta.dirname}/forged_giant.ts`,
      ],
    }).output();
    equal(code, 0, new TextDecoder().decode(stderr));
    const peakMib = Number(new TextDecoder().decode(stdout));
    ok(peakMib > 0 && peakMib < peakMibMax, `${peakMib} MiB`);
  },
});
