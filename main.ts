// Main: the composition root. Alone reads arguments and environment, alone ends the process.

import type { VariableName } from "./src/cli/ports.ts";
import { reportBug, runCommandLine } from "./src/cli/run.ts";
import { systemPorts } from "./src/cli/system.ts";

/** The variable, or undefined where it is unset or the sandbox hides it; never asks for permission. */
function readVariable(name: VariableName): string | undefined {
  const permission = Deno.permissions.querySync({
    name: "env",
    variable: name,
  });
  return permission.state === "granted" ? Deno.env.get(name) : undefined;
}

if (import.meta.main) {
  const ports = systemPorts(readVariable);
  // Without these Deno ends with 1, which would say "damage found and repaired".
  for (const kind of ["error", "unhandledrejection"] as const) {
    globalThis.addEventListener(kind, (event) => {
      event.preventDefault();
      const thrown = event instanceof PromiseRejectionEvent
        ? event.reason
        : (event as ErrorEvent).error;
      Deno.exit(reportBug(thrown, ports, readVariable("BLOCKFRAME_DEBUG")));
    });
  }
  Deno.exit(await runCommandLine(Deno.args, ports));
}
