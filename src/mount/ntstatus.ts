// NT status: the one place where a failure becomes a number of Windows'.

import { unreachable } from "../base/assert.ts";
import { Failure, type FailureCode } from "../base/errors.ts";
import { statuses } from "../../ffi/winfsp_layout.ts";

/**
 * The status of whatever was thrown. What an open file belongs to and is not there any more has become
 * invalid; it is never an error of the device.
 */
export function statusOf(error: unknown): number {
  return error instanceof Failure
    ? numberOf(error.code)
    : statuses.INTERNAL_ERROR;
}

function numberOf(code: FailureCode): number {
  switch (code) {
    case "not-found":
      return statuses.FILE_INVALID;
    case "wrong-kind":
      return statuses.NOT_A_DIRECTORY;
    case "permission-denied":
      return statuses.ACCESS_DENIED;
    case "read-only":
      return statuses.MEDIA_WRITE_PROTECTED;
    case "no-space":
      return statuses.INSUFFICIENT_RESOURCES;
    case "invalid-name":
      return statuses.OBJECT_NAME_INVALID;
    case "invalid-argument":
    case "invalid-config":
    case "ambiguous":
    case "exists":
    case "locked":
      return statuses.INVALID_PARAMETER;
    case "offline":
      return statuses.DEVICE_NOT_READY;
    case "unsupported-format":
      return statuses.NOT_SUPPORTED;
    case "interrupted":
      return statuses.CANCELLED;
    case "damaged":
      return statuses.CRC_ERROR;
    case "io":
    case "unsafe-path":
    case "source-changed":
    case "source-unreadable":
      return statuses.IO_DEVICE_ERROR;
    default:
      return unreachable(code);
  }
}
