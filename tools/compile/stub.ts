// Stub: the start stubs as they are committed: machine code that users of this repository need no
// assembler for, and the record of what it was made of, in `sha256sum --check` form.

import { formatHex } from "../../src/base/bytes.ts";

/** Where stubs and their sources lie, from the root of the repository. */
export const stubFolder = "tools/compile/stub";

/** The record of the sources and the stubs as they lie in the tree. */
export async function computeStubRecord(root: URL): Promise<string> {
  const lines = [];
  for (const machine of ["aarch64", "x86_64"]) {
    for (const ending of ["S", "bin"]) {
      const name = `${machine}.${ending}`;
      const bytes = await Deno.readFile(
        new URL(`${stubFolder}/${name}`, root),
      );
      const digest = await crypto.subtle.digest("SHA-256", bytes);
      lines.push(`${formatHex(new Uint8Array(digest))}  ${name}\n`);
    }
  }
  return lines.join("");
}

/** The bytes of a stub. @throws {Error} where stub, source and record disagree */
export async function readStub(
  root: URL,
  machine: "x86_64" | "aarch64",
): Promise<Uint8Array<ArrayBuffer>> {
  const record = await Deno.readTextFile(
    new URL(`${stubFolder}/SHA256SUMS`, root),
  );
  if (record !== await computeStubRecord(root)) {
    throw new Error(
      `${stubFolder}: stubs and sources disagree: run deno task stub`,
    );
  }
  return await Deno.readFile(new URL(`${stubFolder}/${machine}.bin`, root));
}
