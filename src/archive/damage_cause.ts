// Damage cause: what a failure to read a stored file means. The one place where the store's words
// become the report's.

import { Failure } from "../base/errors.ts";
import type { DamageCause } from "./report.ts";

/**
 * The kind of damage that a failure to open or read one file is.
 * @throws what is none: a mistake of ours, or a medium that is gone
 */
export function causeOf(error: unknown): DamageCause {
  if (!(error instanceof Failure) || error.code === "offline") throw error;
  if (error.code === "not-found") return "missing";
  if (error.code === "unsafe-path" || error.code === "wrong-kind") {
    return "unsafe";
  }
  return "unreadable";
}
