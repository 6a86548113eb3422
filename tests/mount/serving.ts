// Serving: blockframe as it is, that says which permissions it has once it serves a mount, and then
// ends. Its arguments are those of the command.

import { runCommandLine } from "../../src/cli/run.ts";
import { systemPorts } from "../../src/cli/system.ts";

const ports = systemPorts(() => undefined);
let stop = () => {};

/** Looks at what is printed: the line that says that all is up is the moment. */
function write(text: string): void {
  if (!text.includes(": mounted at ")) return;
  for (const name of ["read", "run"] as const) {
    console.log(name, Deno.permissions.querySync({ name }).state);
  }
  queueMicrotask(stop);
}

Deno.exit(
  await runCommandLine(Deno.args, {
    ...ports,
    stdout: { isTerminal: false, write },
    onStopSignal: (listener) => {
      stop = () => listener("SIGTERM");
      return { [Symbol.dispose]: () => {} };
    },
  }),
);
