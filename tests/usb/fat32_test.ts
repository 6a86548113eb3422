// FAT32: the core on a real FAT32 file system, by the driver of the Linux kernel.

import { deepEqual, equal } from "node:assert/strict";
import { makeTemporaryFolder } from "../e2e/workplace.ts";
import { steps } from "./core.ts";
import { runOnFat32 } from "./fat32.ts";
import { fatSteps, type StepOutcome } from "./guest.ts";

const bytes = 48 * 1024 * 1024;

Deno.test("FAT32, a real file system in an image", async (test) => {
  const folder = makeTemporaryFolder();
  try {
    const script = new URL("./guest.ts", import.meta.url).pathname;
    const lines = await runOnFat32(folder, bytes, script);
    const outcomes: StepOutcome[] = lines.map((line) => JSON.parse(line));
    deepEqual(
      outcomes.map((each) => each.step),
      [...steps, ...fatSteps].map(({ name }) => name),
    );
    for (const { step, error } of outcomes) {
      await test.step(step, () => equal(error, undefined, error));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
