// What a MemoryStore says when it refuses, worded as a DirStore would.

import { refusal } from "./failure.ts";

/** Nothing is at the path. */
export function nothingThere(attempt: string): Error {
  return refusal(attempt, "not-found", "nothing is there");
}

/** Something is at the path. */
export function occupied(attempt: string): Error {
  return refusal(attempt, "exists", "something is there already");
}

/** A link or a special file is at the path, or on the way. */
export function otherInTheWay(attempt: string): Error {
  return refusal(
    attempt,
    "unsafe-path",
    "a link or a special file is in the way",
  );
}

/** @throws {Failure} `invalid-argument` for the root */
export function requireNoRoot(attempt: string, path: string): void {
  if (path !== "") return;
  throw refusal(attempt, "invalid-argument", "it is the root of the store");
}
