// Mount library: whether what a mount needs of the system is there, for those who only want to know.

import { messageOf } from "../base/errors.ts";
import { packageAdvice } from "../../ffi/fuse_library.ts";
import { findFuse } from "../../ffi/fuse_version.ts";

/** What was found, in words. */
export type MountLibrary =
  | { readonly kind: "found"; readonly detail: string }
  /** What to do about it. */
  | { readonly kind: "absent"; readonly detail: string };

/** Looks for the library that `mount` needs. Throws nothing. */
export function findMountLibrary(): MountLibrary {
  if (Deno.build.os !== "linux") {
    return {
      kind: "absent",
      detail:
        `this program mounts through Linux's FUSE, and this is ${Deno.build.os}`,
    };
  }
  try {
    const found = findFuse();
    if (found === undefined) return { kind: "absent", detail: packageAdvice };
    const { name, version } = found;
    const detail = version === undefined
      ? `libfuse (${name})`
      : `libfuse ${version} (${name})`;
    return { kind: "found", detail };
  } catch (error) {
    return { kind: "absent", detail: messageOf(error) };
  }
}
