// Main: the program as main.ts puts it together, but for a Mac with macFUSE, whose place the stand-in
// takes that this module's address names: a mount in the background is started with the same one.

import { openDarwinLibraries } from "../../ffi/fuse_library.ts";
import { reportBug, runCommandLine } from "../../src/cli/run.ts";
import { systemPorts } from "../../src/cli/system.ts";
import { DarwinFuse } from "../../src/mount/darwin_fuse.ts";
import { mountWithFuse } from "../../src/mount/mount.ts";

const standin = new URL(Deno.mainModule).searchParams.get("standin")!;
const place = { fuse: ["/nowhere/libfuse3.dylib", standin], system: [standin] };

const ports = {
  ...systemPorts(() => undefined),
  system: "darwin" as const,
  mountView: (request: Parameters<typeof mountWithFuse>[0]) =>
    mountWithFuse(request, new DarwinFuse(openDarwinLibraries(place))),
};
for (const kind of ["error", "unhandledrejection"] as const) {
  globalThis.addEventListener(kind, (event) => {
    event.preventDefault();
    Deno.exit(reportBug(event, ports, undefined));
  });
}
Deno.exit(await runCommandLine(Deno.args, ports));
