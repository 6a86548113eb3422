import { ok } from "node:assert/strict";
import { runTarget, targets } from "./fuzz.ts";

const replay = Deno.env.get("BLOCKFRAME_FUZZ_REPLAY")?.split(":");
const seed = Number(Deno.env.get("BLOCKFRAME_FUZZ_SEED") ?? 1);
const factor = Number(Deno.env.get("BLOCKFRAME_FUZZ_CASES") ?? 1);

for (const target of targets) {
  const ignore = replay !== undefined && replay[0] !== target.name;
  Deno.test({
    name: `whatever is generated, the law of "${target.name}" holds`,
    ignore,
    fn: async () => {
      if (replay === undefined) {
        await runTarget(target, seed, target.cases * factor);
      } else {
        const path = replay.slice(2).join(":");
        await runTarget(target, Number(replay[1]), target.cases, path);
      }
    },
  });
}

Deno.test("run() fails with a small input and the command that replays it", async () => {
  const { default: fc } = await import("fast-check");
  const { openLaw } = await import("./target.ts");
  const broken = {
    name: "broken",
    weight: 1,
    cases: 100,
    open: () =>
      Promise.resolve(
        openLaw(fc.property(fc.nat(), (number) => number < 1000)),
      ),
  };
  let message = "";
  try {
    await runTarget(broken, 5, 1000);
  } catch (error) {
    message = (error as Error).message;
  }
  ok(message.includes("input: [1000]"), message);
  const words = /REPLAY=broken:5:(\S+) /.exec(message);
  ok(words !== null, message);
  let again = "";
  try {
    await runTarget(broken, 5, 1000, words[1]);
  } catch (error) {
    again = (error as Error).message;
  }
  ok(again.includes("input: [1000]"), again);
});
