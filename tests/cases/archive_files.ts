// Archive files: what counts as the content of an archive when two states of it are compared.

import type { Bytes } from "../../src/base/bytes.ts";
import { lockPath } from "../../src/format/lock_record.ts";
import type { Store } from "../../src/store/store.ts";
import { readTree } from "../archive/harness.ts";

/** Whether a file at the top keeps commands in order, and says nothing of entries. */
export function isOfLock(name: string): boolean {
  return name === lockPath("writer") || name === lockPath("repair");
}

/** All files but locks, by path. */
export function contentOf(store: Store): Map<string, Bytes> {
  return new Map([...readTree(store, "")].filter(([path]) => !isOfLock(path)));
}
