// Guest: what runs in the kernel of fat32.ts: the core on a stick that is mounted there, in one process,
// because a process starts slowly there. Says of each step in a line of JSON how it went.
//
// deno run -A guest.ts STICK HOME

import { systemPorts } from "../../src/cli/system.ts";
import { runCommandLine } from "../../src/cli/run.ts";
import type { Ports, TextSink } from "../../src/cli/ports.ts";
import type { Ending } from "../e2e/program.ts";
import { throws } from "node:assert/strict";
import { isFailure } from "../../src/base/errors.ts";
import { DirStore } from "../../src/store/dir_store.ts";
import { type Desk, runStep, type Step, steps } from "./core.ts";

/** How a step went. */
export interface StepOutcome {
  readonly step: string;
  readonly error?: string;
}

async function runHere(args: readonly string[]): Promise<Ending> {
  let stdout = "", stderr = "";
  const ports: Ports = {
    ...systemPorts(() => undefined),
    stdout: sinkTo((text) => stdout += text),
    stderr: sinkTo((text) => stderr += text),
    giveUpForeignCalls: () => {}, // the next command may need them
    exit: (code) => {
      throw new Error(`The program ends itself with ${code}`);
    },
  };
  const code = await runCommandLine([...args], ports);
  return { code, signal: null, stdout, stderr };
}

function sinkTo(write: (text: string) => void): TextSink {
  return { isTerminal: false, write };
}

/** What FAT32 alone has: no file of 4 GiB. */
export const fatSteps: readonly Step[] = [
  { name: "a file that is too large for FAT32 is said to be", body: tooLarge },
];

function tooLarge({ stick }: Desk): Promise<void> {
  const store = new DirStore(stick);
  const isSaid = (error: unknown) =>
    isFailure(error, "no-space") &&
    /"big" .*the file system holds no larger file/.test(error.message);
  using file = store.openFile("big", "create");
  throws(() => file.writeFrom(new Uint8Array(10), 2 ** 32), isSaid);
  throws(() => file.truncate(2 ** 32), isSaid);
  store.removeFile("big");
  return Promise.resolve();
}

if (import.meta.main) {
  const [stick, home] = Deno.args as [string, string];
  Deno.chdir(home);
  const desk: Desk = {
    stick,
    home,
    run: runHere,
    forget: () => {}, // this kernel is made to forget all the time
  };
  for (const step of [...steps, ...fatSteps]) {
    const outcome = await runStep(desk, step).then(
      () => ({ step: step.name }),
      (error) => ({ step: step.name, error: String(error?.stack ?? error) }),
    );
    console.log(JSON.stringify(outcome));
  }
}
