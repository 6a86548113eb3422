// Byte streams: bytes that come or go in order, of unknown length, such as the standard streams. The
// pace is the slower side's: nothing is read or written ahead of what was asked for.

import type { Bytes } from "./bytes.ts";

/** Where bytes come from. */
export interface ByteReader {
  /** Reads what is there, at most `target` full; waits for the first byte; gives 0 at the end. */
  read(target: Bytes): Promise<number>;
}

/** Where bytes go. */
export interface ByteWriter {
  /** Resolves when all of `source` was taken; until then it must not change. */
  write(source: Bytes): Promise<void>;
}
