// Mount library: whether what a mount needs of the system is there, for those who only want to know.

import { messageOf } from "../base/errors.ts";
import {
  darwinAdvice,
  darwinPlace,
  linuxPlace,
  packageAdvice,
} from "../../ffi/fuse_library.ts";
import { findFuse } from "../../ffi/fuse_version.ts";
import { findWinfsp, openWinfspLibraries } from "../../ffi/winfsp_library.ts";
import { readWinfspVersion } from "../../ffi/winfsp_version.ts";

/** What was found, in words; of what is absent, what to do about it. */
export interface MountLibrary {
  readonly kind: "found" | "absent";
  readonly detail: string;
}

/** Looks for the library that `mount` needs. Throws nothing. */
export function findMountLibrary(
  os: typeof Deno.build.os = Deno.build.os,
): MountLibrary {
  try {
    switch (os) {
      case "linux":
        return findLibfuse(linuxPlace.fuse, packageAdvice);
      case "darwin":
        return findLibfuse(darwinPlace.fuse, darwinAdvice);
      case "windows":
        return findLibrariesOfWinfsp();
      default:
        return {
          kind: "absent",
          detail: `this program does not mount on ${os}`,
        };
    }
  } catch (error) {
    const detail = messageOf(error).replace(/^Cannot mount: /, "");
    return { kind: "absent", detail };
  }
}

function findLibfuse(names: readonly string[], advice: string): MountLibrary {
  const found = findFuse(names);
  if (found === undefined) return { kind: "absent", detail: advice };
  const { name, version } = found;
  const detail = version === undefined
    ? `libfuse (${name})`
    : `libfuse ${version} (${name})`;
  return { kind: "found", detail };
}

function findLibrariesOfWinfsp(): MountLibrary {
  const place = findWinfsp();
  openWinfspLibraries(place)[Symbol.dispose]();
  const version = place.winfsp.map(readWinfspVersion)
    .find((each) => each !== undefined);
  return {
    kind: "found",
    detail: version === undefined ? "WinFsp" : `WinFsp ${version}`,
  };
}
