// Payload file: a file of a view whose bytes lie in a payload, all of it or some ranges of it. What no
// range covers is a hole and reads as zeros.

import type { OpenFile, ViewRead } from "./view.ts";

/** Verified random access to a payload. */
export type SourceFile = OpenFile;

/** Where some bytes of a file are in the payload. */
export interface SourceRange {
  readonly payloadOffset: number;
  readonly fileOffset: number;
  readonly bytes: number;
}

/** A file that is a whole payload. */
export function openWhole(source: SourceFile): OpenFile {
  return source;
}

/** A file of `fileBytes` bytes, of which `ranges` (in the file's order) are in the payload. */
export function openRanges(
  source: SourceFile,
  fileBytes: number,
  ranges: readonly SourceRange[],
): OpenFile {
  return {
    read: (offset, bytes) => {
      const end = Math.min(offset + bytes, fileBytes);
      if (end <= offset) return emptyRead;
      const first = firstAfter(ranges, offset);
      const only = ranges[first];
      // Most files are one range: no copy, no wait.
      if (
        only !== undefined && only.fileOffset <= offset &&
        end <= only.fileOffset + only.bytes
      ) {
        return source.read(
          only.payloadOffset + offset - only.fileOffset,
          end - offset,
        );
      }
      return readScattered(source, ranges, first, offset, end);
    },
    [Symbol.dispose]: () => source[Symbol.dispose](),
  };
}

const emptyRead: ViewRead = {
  kind: "bytes",
  bytes: { parts: [], [Symbol.dispose]: () => {} },
};

/** The first range that ends after `offset`, by binary search. */
function firstAfter(ranges: readonly SourceRange[], offset: number): number {
  let low = 0, high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { fileOffset, bytes } = ranges[middle]!;
    if (fileOffset + bytes > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Reads range after range into memory of its own, so that nothing is held while another is awaited. */
async function readScattered(
  source: SourceFile,
  ranges: readonly SourceRange[],
  first: number,
  offset: number,
  end: number,
): Promise<ViewRead> {
  const target = new Uint8Array(end - offset);
  for (let index = first; index < ranges.length; index++) {
    const range = ranges[index]!;
    if (range.fileOffset >= end) break;
    const from = Math.max(range.fileOffset, offset);
    const to = Math.min(range.fileOffset + range.bytes, end);
    const read = await source.read(
      range.payloadOffset + from - range.fileOffset,
      to - from,
    );
    if (read.kind === "lost") return read;
    using bytes = read.bytes;
    let at = from - offset;
    for (const part of bytes.parts) {
      target.set(part, at);
      at += part.length;
    }
  }
  return {
    kind: "bytes",
    bytes: { parts: [target], [Symbol.dispose]: () => {} },
  };
}
