// Open first: a native library that may have one of several names, or lie in one of several places.

import { Failure, messageOf } from "../src/base/errors.ts";

/** A library and the name that it was found by. */
export interface OpenedLibrary<S extends Deno.ForeignLibraryInterface> {
  readonly name: string;
  readonly library: Deno.DynamicLibrary<S>;
}

/**
 * Opens the first library that is there and has the symbols.
 * @throws {Failure} `not-found` with the words of `sayMissing` where none is; `permission-denied` when
 * a sandbox forbids it
 */
export function openFirst<S extends Deno.ForeignLibraryInterface>(
  names: readonly string[],
  symbols: S,
  sayMissing: (names: readonly string[], cause: unknown) => string,
): OpenedLibrary<S> {
  let cause: unknown;
  for (const name of names) {
    try {
      return { name, library: Deno.dlopen(name, symbols) };
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) {
        throw new Failure(
          "permission-denied",
          `Cannot mount: ${messageOf(error)}`,
          { cause: error },
        );
      }
      cause = error;
    }
  }
  throw new Failure("not-found", sayMissing(names, cause), { cause });
}
