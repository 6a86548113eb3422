// What the tests of stores share: a fixture, and short words for files and failures.

import { strictEqual, throws } from "node:assert/strict";
import type { Bytes } from "../../src/base/bytes.ts";
import { type FailureCode, isFailure } from "../../src/base/errors.ts";
import type { Store } from "../../src/store/store.ts";

/** An empty store, and what a test does behind its back. Disposing removes all traces. */
export interface StoreFixture extends Disposable {
  readonly store: Store;
  /** Puts a symbolic link to a folder that exists outside the store, or what stands for one. */
  plantLink(path: string): void;
}

/** Registers one test of the conformance suite. */
export type ConformanceTest = (
  name: string,
  body: (store: Store, fixture: StoreFixture) => void | Promise<void>,
) => void;

/** Asserts that `call` throws a Failure with `code`, and nothing else. */
export function throwsFailure(code: FailureCode, call: () => unknown): void {
  throws(call, (error) => {
    if (!isFailure(error)) return false;
    strictEqual(error.code, code, error.message);
    return true;
  });
}

/** Writes a whole file, which must not be there yet. */
export function writeFile(store: Store, path: string, content: Bytes): void {
  using file = store.openFile(path, "create");
  file.writeFrom(content, 0);
}

/** Reads a whole file. */
export function readFile(store: Store, path: string): Bytes {
  using file = store.openFile(path, "read");
  const target = new Uint8Array(file.size());
  strictEqual(file.readInto(target, 0), target.length);
  return target;
}

/** Bytes that differ from their neighbours: 1, 2, 3 and so on. */
export function countingBytes(length: number, first: number = 1): Bytes {
  return Uint8Array.from({ length }, (_, index) => first + index);
}
