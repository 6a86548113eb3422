// Verified read: what a read of a payload came to: bytes that were compared with their digests, or the
// place where they are lost.

import type { Bytes } from "../base/bytes.ts";
import type { PayloadRange } from "./report.ts";

/** What a read came to. */
export type VerifiedRead =
  | { readonly kind: "bytes"; readonly bytes: VerifiedBytes }
  /** The first bytes that were asked for and are lost. */
  | { readonly kind: "lost"; readonly range: PayloadRange };

/** Verified bytes in memory that nobody writes until this is disposed. */
export class VerifiedBytes implements Disposable {
  /** The bytes, in parts that follow each other. */
  readonly parts: readonly Bytes[];
  #release: (() => void) | undefined;

  /** Bytes that `release` gives back. */
  constructor(parts: readonly Bytes[], release: () => void) {
    this.parts = parts;
    this.#release = release;
  }

  /** Gives the memory back. */
  [Symbol.dispose](): void {
    this.#release?.();
    this.#release = undefined;
  }
}
