// Embedded: what `deno task compile` puts in front of the program when it makes one executable of
// it. Run from its sources the program has none of this, and reads its parts as modules.

// See tools/compile/bundle.ts.
declare const BLOCKFRAME_WORKER: string | undefined;

// See tools/compile/npm_executable.ts.
declare const BLOCKFRAME_SEALED: boolean | undefined;

/** The script that a thread runs; undefined where this runs from its sources. */
export const embeddedWorker: string | undefined =
  typeof BLOCKFRAME_WORKER === "string" ? BLOCKFRAME_WORKER : undefined;

/** Whether this program is one executable: the file alone starts it, without more words. */
export const isExecutable: boolean = embeddedWorker !== undefined;

/** Whether the file of this executable ends in a seal, see src/archive/seal.ts. */
export const isSealed: boolean = typeof BLOCKFRAME_SEALED === "boolean";
