// Find: entries by name, by glob, or by the beginning of an id.

import picomatch from "picomatch";
import { Failure } from "../base/errors.ts";
import { type Catalogue, type CatalogueEntry, matchesId } from "./catalogue.ts";

const patternLengthMax = 1024;

/**
 * Entries that `pattern` matches: as a glob over whole names (`*`, `?`, `[a-z]`, `{a,b}`; letters
 * of either case), as a part of a name where it has no glob characters, or as a prefix of an id.
 * @throws {Failure} `invalid-argument` for a pattern that cannot be used
 */
export function findEntries(
  catalogue: Catalogue,
  pattern: string,
): CatalogueEntry[] {
  if (pattern === "" || pattern.length > patternLengthMax) {
    throw new Failure(
      "invalid-argument",
      `The pattern must have 1 to ${patternLengthMax} characters`,
    );
  }
  const withId = new Set(matchesId(catalogue, pattern));
  const isMatch = matcherOf(pattern);
  return catalogue.entries.filter((entry) =>
    withId.has(entry) || isMatch(entry.summary.name)
  );
}

function matcherOf(pattern: string): (name: string) => boolean {
  if (!/[*?[\]{}]/.test(pattern)) {
    const part = pattern.toLowerCase();
    return (name) => name.toLowerCase().includes(part);
  }
  // Names hold no "/", so a glob's "*" spans all of one; dot files and newlines are names like others.
  const options = { dot: true, nocase: true, nonegate: true, flags: "is" };
  return picomatch(pattern, options);
}
