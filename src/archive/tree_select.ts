// Tree select: which part of a tree somebody means. A path means what lies there and all below it; a
// glob means every path that it matches, and all below.

import picomatch from "picomatch";
import { Failure } from "../base/errors.ts";
import { treePathProblem } from "../format/tree_path.ts";

interface Selector {
  /** As it was given. */
  readonly pattern: string;
  matches(path: string): boolean;
  isUsed: boolean;
}

/** Paths and globs, of which any one is enough. */
export class TreeSelection {
  readonly #selectors: readonly Selector[];

  /** No pattern at all means everything. @throws {Failure} `invalid-argument` */
  constructor(patterns: readonly string[]) {
    this.#selectors = patterns.map(selectorOf);
  }

  /** Whether a path of the tree is meant. */
  has(path: string): boolean {
    if (this.#selectors.length === 0) return true;
    let found = false;
    for (const selector of this.#selectors) {
      if (found && selector.isUsed || !selector.matches(path)) continue;
      selector.isUsed = true;
      found = true;
    }
    return found;
  }

  /** Patterns that no path which was asked for has matched. */
  unmatched(): string[] {
    return this.#selectors.filter(({ isUsed }) => !isUsed)
      .map(({ pattern }) => pattern);
  }
}

/** How globs are read, for listing as for restoring. */
export const globOptions: Readonly<
  { dot: boolean; nonegate: boolean; flags: string }
> = { dot: true, nonegate: true, flags: "s" };

/**
 * A glob from the tree's root. Without a slash it is a name, wherever that lies, as users of find and
 * of .gitignore expect.
 */
export function rootedGlob(glob: string, isRooted: boolean): string {
  return isRooted || glob.includes("/") ? glob : `**/${glob}`;
}

/** `./photos/` is `photos`; so is `/photos`, from the tree's root. */
function selectorOf(pattern: string): Selector {
  const path = pattern.replace(/^(?:\.?\/+)+|\/+$/g, "");
  if (path === "" || path === ".") {
    return { pattern, matches: () => true, isUsed: false };
  }
  const isLiteral = (other: string) =>
    other === path || other.startsWith(`${path}/`);
  if (!/[*?[{]/.test(path)) {
    const problem = treePathProblem(path);
    if (problem !== undefined) {
      throw new Failure(
        "invalid-argument",
        `There is no path "${pattern}" in a tree: ${problem}`,
      );
    }
    return { pattern, matches: isLiteral, isUsed: false };
  }
  const glob = rootedGlob(path, pattern.startsWith("/"));
  const isMatch = picomatch([glob, `${glob}/**`], globOptions);
  // A name may itself have a bracket or a star in it.
  const matches = (other: string) => isLiteral(other) || isMatch(other);
  return { pattern, matches, isUsed: false };
}
