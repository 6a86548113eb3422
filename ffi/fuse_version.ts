// FUSE version: which libfuse 3 is there, asked without opening what a mount needs of it.

/** A library that was found. */
export interface FoundLibrary {
  readonly name: string;
  /** As the library says it. */
  readonly version: string | undefined;
}

/**
 * The first of `names` that can be opened, or undefined if none is there.
 * @throws {Deno.errors.NotCapable} when the sandbox forbids to look
 */
export function findFuse(
  names: readonly string[],
): FoundLibrary | undefined {
  for (const name of names) {
    try {
      using library = openClosable(name);
      const pointer = library.symbols.fuse_pkgversion();
      const version = pointer === null
        ? undefined
        : Deno.UnsafePointerView.getCString(pointer);
      return { name, version };
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
    }
  }
  return undefined;
}

function openClosable(name: string) {
  const library = Deno.dlopen(name, {
    fuse_pkgversion: { parameters: [], result: "pointer" },
  });
  return {
    symbols: library.symbols,
    [Symbol.dispose]: () => library.close(),
  };
}
