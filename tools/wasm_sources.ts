// Wasm sources: which files the committed WebAssembly module is made of, and the record of their
// hashes. Shared by the build, which writes the record, and by the test that compares; neither can
// then leave out a file that the other one counts. The record is in `sha256sum --check` form.

import { formatHex } from "../src/base/bytes.ts";

/** The module, from the root of the repository. */
export const modulePath = "src/codec/blockframe.wasm";

/** The record, from the root of the repository. */
export const recordPath = "src/codec/blockframe.wasm.sha256";

/** Where `--version` has the first digits of the module's hash, from the root of the repository. */
export const buildInfoPath = "src/cli/build_info.ts";

const fixedSources = [
  "wasm/.cargo/config.toml",
  "wasm/Cargo.lock",
  "wasm/Cargo.toml",
];

/** Every file that the module is made of, sorted, from the root of the repository. */
export async function listSources(root: URL): Promise<string[]> {
  const sources = [...fixedSources];
  const folders = ["wasm/src"];
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    for await (const entry of Deno.readDir(new URL(folder, root))) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) folders.push(path);
      else sources.push(path);
    }
  }
  return sources.sort();
}

/** The record of the sources and the module as they lie in the tree. */
export async function computeRecord(root: URL): Promise<string> {
  const lines = [];
  for (const path of [...await listSources(root), modulePath]) {
    const bytes = await Deno.readFile(new URL(path, root));
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    lines.push(`${formatHex(new Uint8Array(digest))}  ${path}\n`);
  }
  return lines.join("");
}

/** `source` of the build info, with the module's digits as `record` has them. */
export function stampModule(source: string, record: string): string {
  const line = record.split("\n").find((one) => one.endsWith(modulePath));
  return source.replace(
    /(?<=const codecModule = ")[0-9a-f]*/,
    (line ?? "").slice(0, 12),
  );
}
