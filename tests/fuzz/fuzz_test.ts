import { ok } from "node:assert/strict";
import { runTarget, targets } from "./fuzz.ts";

for (const target of targets) {
  Deno.test(`whatever is generated, the law of "${target.name}" holds`, async () => {
    await runTarget(target, 1, target.cases);
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
  const words = /"broken:5:(\S+)"/.exec(message);
  ok(words !== null, message);
  let again = "";
  try {
    await runTarget(broken, 5, 1, words[1]);
  } catch (error) {
    again = (error as Error).message;
  }
  ok(again.includes("input: [1000]"), again);
});
