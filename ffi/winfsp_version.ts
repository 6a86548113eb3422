// WinFsp version: which WinFsp a file of it is, asked without opening what a mount needs of it.

/** Version of the library in this file, "2.1" say; undefined where it does not tell. */
export function readWinfspVersion(file: string): string | undefined {
  try {
    const library = Deno.dlopen(file, {
      FspVersion: { parameters: ["buffer"], result: "i32" },
    });
    try {
      const version = new Uint32Array(1);
      const status = library.symbols.FspVersion(
        new Uint8Array(version.buffer),
      );
      const [number = 0] = version;
      return status === 0 ? `${number >>> 16}.${number & 0xffff}` : undefined;
    } finally {
      library.close();
    }
  } catch {
    return undefined; // an old one; that it can be used is seen elsewhere
  }
}
