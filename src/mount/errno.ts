// Errno: the one place where a failure becomes an error of the kernel's. Its number is the system's.

import { unreachable } from "../base/assert.ts";
import { Failure, type FailureCode } from "../base/errors.ts";
import type { ErrorName } from "../../ffi/fuse_layout.ts";

/**
 * The error of whatever was thrown. Requests name nodes by number: what is not there any more
 * is ESTALE, after which the kernel looks the path up anew. What is not there is never EIO.
 */
export function errnoOf(error: unknown): ErrorName {
  return error instanceof Failure ? nameOf(error.code) : "EIO";
}

function nameOf(code: FailureCode): ErrorName {
  switch (code) {
    case "not-found":
      return "ESTALE";
    case "wrong-kind":
      return "ENOTDIR";
    case "permission-denied":
      return "EACCES";
    case "read-only":
      return "EROFS";
    case "no-space":
      return "ENOMEM";
    case "invalid-name":
    case "invalid-argument":
    case "invalid-config":
    case "ambiguous":
    case "exists":
    case "locked":
      return "EINVAL";
    case "offline":
      return "ENODEV";
    case "unsupported-format":
      return "EOPNOTSUPP";
    case "interrupted":
      return "EINTR";
    case "io":
    case "unsafe-path":
    case "source-changed":
    case "source-unreadable":
    case "damaged":
      return "EIO";
    default:
      return unreachable(code);
  }
}
