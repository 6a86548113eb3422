// Npm executable: one file made of the Deno of the npm registry, the program, and a segment in which
// the file starts. Nothing is unpacked when it runs: the kernel maps it like any program, the stub
// writes the command line that Deno is to see, and a small module reads the program from the file.
//
//   the registry's file | the program's text | zeros to a page | the start segment | the seal

import { sealFile } from "../../src/archive/seal.ts";
import { exitCodes } from "../../src/cli/exit_code.ts";
import type { Bundle } from "./bundle.ts";
import { addSegment, machines, readExecutable } from "./elf.ts";
import { readRegistryFile } from "./registry.ts";
import { encodeStartSegment } from "./start_segment.ts";
import { readStub } from "./stub.ts";
import type { Target } from "./targets.ts";

/**
 * The executable, by the checkout at `root`; `flags` are permissions and flags of V8.
 * @throws {Error} where the registry's Deno cannot be had or given another start.
 */
export async function makeNpmExecutable(
  root: URL,
  npm: NonNullable<Target["npm"]>,
  bundle: Bundle,
  flags: readonly string[],
): Promise<Uint8Array<ArrayBuffer>> {
  const base = await readRegistryFile(npm.base);
  const stub = await readStub(root, npm.machine);
  return sealFile(joinExecutable(base, stub, npm.machine, bundle, flags));
}

/** The same of parts that are there. */
export function joinExecutable(
  base: Uint8Array,
  stub: Uint8Array,
  machine: "x86_64" | "aarch64",
  bundle: Bundle,
  flags: readonly string[],
): Uint8Array<ArrayBuffer> {
  const program = new TextEncoder().encode(bundle.text);
  const file = new Uint8Array(base.length + program.length);
  file.set(base);
  file.set(program, base.length);
  const place = readExecutable(file);
  if (place.machine !== machines[machine]) {
    throw new Error(`The Deno of the registry is not for ${machine}`);
  }
  const segment = encodeStartSegment(stub, place, {
    args: [
      "blockframe",
      "run",
      ...fixedFlags,
      ...flags,
      `data:application/javascript,${
        encodeURIComponent(loaderOf(base.length, program.length))
      }`,
    ],
    variables: fixedVariables,
    dropped: ["DENO_", "NODE_", "OTEL_", "RUST_", "SIMDUTF_", "SSLKEYLOGFILE"],
    refusals: {
      lost: "blockframe: error: Cannot find the current folder: it is gone\n" +
        "hint: start the program in a folder that is there\n",
      unseen:
        "blockframe: error: Cannot find the program's own file: there is no /proc here\n" +
        "hint: mount -t proc proc /proc\n",
      code: exitCodes.operational,
    },
  });
  return addSegment(file, segment);
}

// Whatever lies around where the program is started has no say in how it runs, and it brings all
// that it needs.
const fixedFlags = [
  "--quiet",
  "--no-prompt",
  "--no-config",
  "--no-lock",
  "--no-remote",
  "--no-npm",
  "--no-code-cache",
  "--unstable-worker-options",
];

// A cache that can never be written to, nor be shared with anybody; on a terminal Deno would say so at
// every start.
const fixedVariables = [
  "DENO_DIR=/dev/null/blockframe",
  "DENO_DISABLE_NODE_SHIM=1",
  "DENO_LOG=error,deno::cache::cache_db=off",
  "DENO_NO_PACKAGE_JSON=1",
  "DENO_NO_UPDATE_CHECK=1",
];

// The program is read from the file and not named in the command line, because Deno copies the
// address of a module many times.
function loaderOf(offset: number, bytes: number): string {
  return `let text;
try {
  const path = Deno.execPath();
  const file = Deno.openSync(path);
  const bytes = new Uint8Array(${bytes});
  file.seekSync(${offset}, Deno.SeekMode.Start);
  for (let done = 0; done < bytes.length;) {
    const count = file.readSync(bytes.subarray(done));
    if (count === null) throw new Error("it is cut off");
    done += count;
  }
  file.close();
  text = new TextDecoder().decode(bytes);
} catch (error) {
  console.error("blockframe: error: Cannot read the program's own file: " + error.message);
  Deno.exit(${exitCodes.operational});
}
globalThis.BLOCKFRAME_SEALED = true;
await (0, eval)(text);
//# sourceURL=blockframe
`;
}
