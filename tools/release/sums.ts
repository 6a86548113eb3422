// Sums: `SHA256SUMS`, as `sha256sum --check` reads it.

import type { ReleaseFile } from "./bom.ts";

/** The file's SHA-256 in hexadecimal, read piece by piece. */
export async function digestFile(path: string): Promise<string> {
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  const buffer = new Uint8Array(1 << 20);
  for (;;) {
    const count = await file.read(buffer);
    if (count === null) return hash.digest("hex");
    hash.update(buffer.subarray(0, count));
  }
}

/** Lines of the file, sorted by name. */
export function formatSums(files: readonly ReleaseFile[]): string {
  return [...files].sort((a, b) => a.name < b.name ? -1 : 1)
    .map(({ name, sha256 }) => `${sha256}  ${name}\n`).join("");
}
