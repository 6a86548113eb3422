// User path: a path as a person typed it, on its way to a store.

import { Failure, messageOf } from "../base/errors.ts";
import { failureOf } from "../store/failure.ts";

/** Why a user's path cannot be used; Deno's own words name the flag that a sandbox lacks. */
export function pathFailure(cannot: string, error: unknown): Failure {
  return error instanceof Deno.errors.NotCapable
    ? new Failure("permission-denied", `${cannot}: ${messageOf(error)}`, {
      cause: error,
    })
    : failureOf(cannot, error);
}

/** The folder and the last component of a path; "." for a bare name. */
export function splitPath(path: string): { folder: string; name: string } {
  const isWindows = Deno.build.os === "windows";
  const separators = isWindows ? /[/\\]+$/ : /\/+$/;
  const trimmed = path.replace(separators, "") || path.slice(0, 1);
  const slash = isWindows
    ? Math.max(trimmed.lastIndexOf("/"), trimmed.lastIndexOf("\\"))
    : trimmed.lastIndexOf("/");
  if (slash < 0) return { folder: ".", name: trimmed };
  return {
    folder: slash === 0 ? "/" : trimmed.slice(0, slash),
    name: trimmed.slice(slash + 1),
  };
}
