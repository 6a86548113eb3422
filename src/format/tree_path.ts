// Tree paths: where something lies in a tree, relative to its root, "/"-separated. They come from
// disks and from manifests, so they are hostile until treePathProblem says otherwise.

import { encodeUtf8 } from "../base/bytes.ts";
import { nameBytesMax, treePathBytesMax } from "../base/limits.ts";

/** What is wrong with a path in a tree, or undefined if it leads to one place below the root. */
export function treePathProblem(path: string): string | undefined {
  if (path === "") return "it is empty";
  if (!path.isWellFormed()) return "it has half of a surrogate pair";
  if (path.includes("\0")) return "it has a NUL";
  if (isLongerThan(path, treePathBytesMax)) {
    return `it has more than ${treePathBytesMax} bytes`;
  }
  const dots = dotsPattern.exec(path)?.[1];
  if (dots === "") return "it has an empty component";
  if (dots !== undefined) return `it has a component "${dots}"`;
  if (path.length * 3 <= nameBytesMax) return undefined;
  return path.split("/").some((name) => isLongerThan(name, nameBytesMax))
    ? `a name in it has more than ${nameBytesMax} bytes`
    : undefined;
}

/** A component that is empty, "." or "..". */
const dotsPattern = /(?:^|\/)(\.{0,2})(?:\/|$)/;

/**
 * The order of rows: component by component, by the bytes of their UTF-8. A folder comes right before
 * what is below it, which the plain order of bytes does not give ("a", "a-b", "a/c").
 */
export function comparePaths(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const leftUnit = left.charCodeAt(index);
    const rightUnit = right.charCodeAt(index);
    if (leftUnit !== rightUnit) return rankOf(leftUnit) - rankOf(rightUnit);
  }
  return left.length - right.length;
}

// The separator is below every character. Surrogates stand for code points above all of
// U+E000..U+FFFF: they are lifted over those.
function rankOf(unit: number): number {
  if (unit === 0x2f) return 0;
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

// UTF-8 has at most three bytes for each UTF-16 unit.
function isLongerThan(text: string, bytesMax: number): boolean {
  return text.length * 3 > bytesMax && encodeUtf8(text).length > bytesMax;
}
