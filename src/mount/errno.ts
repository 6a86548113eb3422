// Errno: the one place where a failure becomes an error number of the kernel's.

import { unreachable } from "../base/assert.ts";
import { Failure, type FailureCode } from "../base/errors.ts";
import { errorNumbers } from "../../ffi/fuse_layout.ts";

/**
 * The error number of whatever was thrown. Requests name nodes by number: what is not there any more
 * is ESTALE, after which the kernel looks the path up anew. What is not there is never EIO.
 */
export function errnoOf(error: unknown): number {
  return error instanceof Failure ? numberOf(error.code) : errorNumbers.EIO;
}

function numberOf(code: FailureCode): number {
  switch (code) {
    case "not-found":
      return errorNumbers.ESTALE;
    case "wrong-kind":
      return errorNumbers.ENOTDIR;
    case "permission-denied":
      return errorNumbers.EACCES;
    case "read-only":
      return errorNumbers.EROFS;
    case "no-space":
      return errorNumbers.ENOMEM;
    case "invalid-name":
    case "invalid-argument":
    case "invalid-config":
    case "ambiguous":
    case "exists":
    case "locked":
      return errorNumbers.EINVAL;
    case "offline":
      return errorNumbers.ENODEV;
    case "unsupported-format":
      return errorNumbers.EOPNOTSUPP;
    case "interrupted":
      return errorNumbers.EINTR;
    case "io":
    case "unsafe-path":
    case "source-changed":
    case "source-unreadable":
    case "damaged":
      return errorNumbers.EIO;
    default:
      return unreachable(code);
  }
}
