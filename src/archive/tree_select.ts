// Tree select: which part of a tree somebody means, for listing and for restoring alike. A path means
// what lies there and all below it; a glob means every path that it matches, and all below. A pattern
// that could be a glob is both, as with git: a name may itself have a star or a bracket in it, and who
// meant the glob misses no file because one has the glob's very name.

import picomatch from "picomatch";
import { Failure } from "../base/errors.ts";
import { treePathProblem } from "../format/tree_path.ts";

const patternLengthMax = 4096;

interface Selector {
  /** As it was given. */
  readonly pattern: string;
  /** From the tree's root, without slashes at its ends; "" is the root. */
  readonly path: string;
  readonly isGlob: boolean;
  matches(path: string): boolean;
  isUsed: boolean;
}

/** Paths and globs, of which any one is enough. */
export class TreeSelection {
  readonly #selectors: readonly Selector[];
  /** What was meant last: all below it comes next, and is meant, too. */
  #within: string | undefined;

  /** No pattern at all means everything. @throws {Failure} `invalid-argument` */
  constructor(patterns: readonly string[]) {
    this.#selectors = patterns.map(selectorOf);
  }

  /** The paths that are meant, where nothing but paths was given: nobody needs to look elsewhere. */
  get paths(): readonly string[] | undefined {
    const isNarrow = this.#selectors.length > 0 &&
      this.#selectors.every(({ path, isGlob }) => path !== "" && !isGlob);
    return isNarrow ? this.#selectors.map(({ path }) => path) : undefined;
  }

  /** Whether a path of the tree is meant. Asked in the order of a table: a folder, then all below. */
  has(path: string): boolean {
    if (this.#selectors.length === 0) return true;
    const isBelow = this.#within !== undefined &&
      path.startsWith(`${this.#within}/`);
    let found = isBelow;
    // All are asked until each was used: one that names nothing is a mistake.
    for (const selector of this.#selectors) {
      if (found && selector.isUsed || !selector.matches(path)) continue;
      selector.isUsed = true;
      found = true;
    }
    if (!isBelow) this.#within = found ? path : undefined;
    return found;
  }

  /** After all paths: whether each pattern named something. @throws {Failure} `not-found` */
  assertAllFound(treeName: string): void {
    const missing = this.#selectors.find(({ isUsed }) => !isUsed);
    if (missing === undefined) return;
    throw new Failure(
      "not-found",
      `There is no ${JSON.stringify(missing.pattern)} in "${treeName}"`,
    );
  }
}

/** `./photos/` is `photos`; so is `/photos`, from the tree's root. */
function selectorOf(pattern: string): Selector {
  if (pattern.length > patternLengthMax) {
    throw new Failure(
      "invalid-argument",
      `A path or pattern has at most ${patternLengthMax} characters`,
    );
  }
  const path = pattern.replace(/^(?:\.?\/+)+|\/+$/g, "").replace(/^\.$/, "");
  if (path === "") {
    // The root is there, whatever else is.
    return { pattern, path, isGlob: false, matches: () => true, isUsed: true };
  }
  const isGlob = /[*?[{]/.test(path);
  const problem = isGlob ? undefined : treePathProblem(path);
  if (problem !== undefined) {
    throw new Failure(
      "invalid-argument",
      `There is no path ${JSON.stringify(pattern)} in a tree: ${problem}`,
    );
  }
  const isMatch = isGlob
    ? globMatcher(path, /^\.?\//.test(pattern))
    : undefined;
  const matches = (other: string) =>
    other === path || isMatch !== undefined && isMatch(other);
  return { pattern, path, isGlob, matches, isUsed: false };
}

/**
 * A glob from the tree's root. Without a slash it is a name, wherever that lies, as users of find and
 * of .gitignore expect. A backslash takes what follows it as it stands, on every system.
 */
function globMatcher(
  glob: string,
  isRooted: boolean,
): (path: string) => boolean {
  const rooted = isRooted || glob.includes("/") ? glob : `**/${glob}`;
  return picomatch(rooted, {
    dot: true,
    nonegate: true,
    flags: "s",
    windows: false,
  });
}
