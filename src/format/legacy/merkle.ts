// Merkle: the hash tree of blockframe-rs. Its nodes are hexadecimal texts, and a parent is the
// BLAKE3 of the texts of its children, one behind the other.

import { encodeUtf8, formatHex } from "../../base/bytes.ts";
import { assert } from "../../base/assert.ts";
import type { Digester } from "../pages.ts";

/** The root over `leaves`, of which there is at least one. */
export function merkleRoot(
  leaves: readonly string[],
  digest: Digester,
): string {
  assert(leaves.length > 0, "a root is over at least one leaf");
  let level = leaves;
  while (level.length > 1) {
    const above: string[] = [];
    for (let index = 0; index < level.length; index += 2) {
      const left = level[index]!;
      // The last one of an odd count is its own partner.
      const right = level[index + 1] ?? left;
      above.push(formatHex(digest(encodeUtf8(left + right))));
    }
    level = above;
  }
  return level[0]!;
}
