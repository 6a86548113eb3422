// Forged manifest: changes what all copies of an entry's manifest say and gives them a check that
// holds, as another version of the program (or somebody who means harm) would write them.

import { ok } from "node:assert/strict";
import { encodeUtf8, formatHex } from "../../src/base/bytes.ts";
import { Codec } from "../../src/codec/mod.ts";
import { damage } from "./damage.ts";

/** Edits the members of every manifest copy in the entry's folder. */
export function forgeManifests(
  folder: string,
  edit: (members: Record<string, unknown>) => void,
): void {
  for (const inner of ["", "hashes/", "hashes_1/", "hashes_2/"]) {
    const path = `${folder}/${inner}manifest.json`;
    damage(path, () => {
      const members = JSON.parse(Deno.readTextFileSync(path));
      delete members["manifest_blake3"];
      edit(members);
      Deno.writeTextFileSync(path, sealManifest(members));
    });
  }
}

/** The text of a manifest: the members, and as the last one the digest of all before it. */
function sealManifest(members: Record<string, unknown>): string {
  const text = JSON.stringify(members, null, 2);
  ok(text.endsWith("\n}"), "the members are an object");
  const body = `${text.slice(0, -2)},\n`;
  const check = formatHex(Codec.open().digest(encodeUtf8(body)));
  return `${body}  "manifest_blake3": "${check}"\n}\n`;
}
