// Overlap: what lies below a mount is hidden by it, so the archive must not, and a mount in the archive
// would be read by itself.

import { Failure } from "../base/errors.ts";

/**
 * Refuses a mount over the archive, in it or around it. Both paths are without links, `source` is there.
 * @throws {Failure} `invalid-argument`
 */
export function refuseOverlap(
  cannot: string,
  path: string,
  source: string,
): void {
  const archive = Deno.realPathSync(source);
  const why = path === archive
    ? "it is the archive itself"
    : isBelow(path, archive)
    ? "it lies in the archive"
    : isBelow(archive, path)
    ? "the archive lies in it, and would be hidden"
    : undefined;
  if (why !== undefined) {
    throw new Failure("invalid-argument", `${cannot}: ${why}`);
  }
}

function isBelow(path: string, folder: string): boolean {
  const separator = Deno.build.os === "windows" ? "\\" : "/";
  return path.startsWith(
    folder.endsWith(separator) ? folder : `${folder}${separator}`,
  );
}
