// Target: one thing that is fuzzed, and the law that holds for every input of it.

import type fc from "fast-check";

/** A law about generated input. */
export interface Target {
  readonly name: string;
  /** Share of the cases in a run over all targets; slow ones have a small one. */
  readonly weight: number;
  /** Cases in one run of the tests. */
  readonly cases: number;
  /** Makes ready what all cases share. */
  open(): Promise<OpenTarget>;
}

/** A law that is ready; disposing clears away what its cases used. */
export interface OpenTarget extends AsyncDisposable {
  readonly property: fc.IRawProperty<unknown, boolean>;
}

/** A law that leaves nothing behind. */
export function openLaw(property: unknown): OpenTarget {
  return {
    property: property as fc.IRawProperty<unknown, boolean>,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
