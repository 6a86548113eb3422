// Build stub: assembles the start stubs of executables and writes them beside their sources, with
// the record of both. Run it by `deno task stub` after any change below tools/compile/stub/. Any GNU
// assembler gives the same bytes: every instruction is written out, nothing is linked.

import { computeStubRecord, stubFolder } from "./compile/stub.ts";
import { runProgram } from "./compile/run_deno.ts";

const root = new URL("../", import.meta.url);

/** A machine and the names of its assembler: one for this machine's own, one for any. */
const machines = [
  { name: "x86_64", prefix: "x86_64-linux-gnu-" },
  { name: "aarch64", prefix: "aarch64-linux-gnu-" },
] as const;

/** The bytes of a stub, assembled anew. @throws {Error} where no assembler for it is there */
export async function assembleStub(
  machine: "x86_64" | "aarch64",
): Promise<Uint8Array<ArrayBuffer>> {
  const { prefix } = machines.find((one) => one.name === machine)!;
  const folder = await Deno.makeTempDir();
  try {
    const [object, binary] = [`${folder}/stub.o`, `${folder}/stub.bin`];
    const source = decodeURIComponent(
      new URL(`${stubFolder}/${machine}.S`, root).pathname,
    );
    await runProgram(`${prefix}as`, ["-o", object, source], {});
    await runProgram(
      `${prefix}objcopy`,
      ["-O", "binary", "-j", ".text", object, binary],
      {},
    );
    return await Deno.readFile(binary);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  for (const { name } of machines) {
    const bytes = await assembleStub(name);
    const path = `${stubFolder}/${name}.bin`;
    await Deno.writeFile(new URL(path, root), bytes);
    console.log(`${path}: ${bytes.length} bytes`);
  }
  await Deno.writeTextFile(
    new URL(`${stubFolder}/SHA256SUMS`, root),
    await computeStubRecord(root),
  );
}
