// Seal: manifests with a self-check that holds, whatever is in them.

import {
  type Bytes,
  encodeUtf8,
  formatHex,
  joinBytes,
} from "../../src/base/bytes.ts";
import { Codec } from "../../src/codec/mod.ts";

const trailerBytes = `  "manifest_blake3": "${"0".repeat(64)}"\n}\n`.length;

/** A manifest of these members with a self-check that holds. */
export function seal(document: unknown): Bytes {
  const members = { ...(document as Record<string, unknown>) };
  delete members["manifest_blake3"];
  const text = JSON.stringify(members, null, 2).replace(/\n?}$/, ",\n");
  return sealBody(encodeUtf8(text));
}

/** These bytes, but for what was their self-check, with one that holds. */
export function sealBytes(bytes: Bytes): Bytes {
  return sealBody(bytes.subarray(0, Math.max(0, bytes.length - trailerBytes)));
}

function sealBody(body: Bytes): Bytes {
  const check = formatHex(Codec.open().digest(body));
  return joinBytes([
    body,
    encodeUtf8(`  "manifest_blake3": "${check}"\n}\n`),
  ]);
}
