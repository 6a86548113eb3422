// exFAT: the core on a real exFAT file system, and a stick that is pulled in the middle of the work.

import { runProgram } from "../e2e/program.ts";
import { makeTemporaryFolder } from "../e2e/workplace.ts";
import { type Desk, runStep, steps } from "./core.ts";
import { ExfatStick } from "./stick.ts";

const mib = 1024 * 1024;

async function withStick(
  body: (desk: Desk, stick: ExfatStick) => Promise<void>,
): Promise<void> {
  const folder = makeTemporaryFolder();
  try {
    using stick = await ExfatStick.make(folder, 48 * mib);
    const home = `${folder}/home`;
    await Deno.mkdir(home);
    const desk: Desk = {
      stick: stick.path,
      home,
      run: (args) => runProgram(args, { cwd: home }),
      forget: () => Deno.writeTextFileSync("/proc/sys/vm/drop_caches", "2"),
    };
    await body(desk, stick);
    await stick.unplug();
    stick.expectSound();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("exFAT, a real file system in an image", async (test) => {
  await withStick(async (desk) => {
    for (const step of steps) {
      await test.step(step.name, () => runStep(desk, step));
    }
  });
});
