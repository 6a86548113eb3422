// Write rows: rows of one shard from a run's buffer into a file, be it the shard's own, one that is
// to replace it, or the output of a restore.

import { isZero } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import { leafBytesMax } from "../base/limits.ts";
import type { Store, StoreFile } from "../store/store.ts";
import type { RunBuffer } from "./run_buffer.ts";

/** Writes the chosen rows of a shard, consecutive ones in one call, at `base` and on. */
export function writeRows(
  file: Pick<StoreFile, "writeFrom">,
  buffer: RunBuffer,
  shard: number,
  base: number,
  isChosen: (row: number) => boolean,
): void {
  const { leafBytes } = buffer.geometry;
  const length = buffer.lengthOf(shard);
  const rowCount = Math.ceil(length / leafBytes);
  let row = 0;
  while (row < rowCount) {
    if (!isChosen(row)) {
      row++;
      continue;
    }
    let end = row + 1;
    while (end < rowCount && isChosen(end)) end++;
    const from = row * leafBytes;
    file.writeFrom(
      buffer.view(shard, from, Math.min(end * leafBytes, length) - from),
      base + from,
    );
    row = end;
  }
}

/**
 * Whether a leaf is zeros. What was never written reads as zeros, so a new file needs no zeros
 * written: holes of the payload cost nothing.
 */
export function isZeroRow(
  buffer: RunBuffer,
  shard: number,
  row: number,
): boolean {
  const { leafBytes } = buffer.geometry;
  const from = row * leafBytes;
  const bytes = Math.min(leafBytes, buffer.lengthOf(shard) - from);
  return isZero(buffer.view(shard, from, bytes));
}

/** A file that has another name somewhere must not be written: that name may be outside. */
export function refuseShared(store: Store, path: string): void {
  const found = store.stat(path);
  // A folder has a link count, too, and is refused for what it is when it is opened.
  if (found?.kind === "file" && found.linkCount > 1) {
    throw new Failure(
      "unsafe-path",
      `"${path}" shares its bytes with another name`,
    );
  }
}

/** Writes a shard's rows into its file, but for zeros where there are zeros: holes stay holes. */
export function writeNewRows(
  file: StoreFile,
  buffer: RunBuffer,
  shard: number,
  source: number = shard,
): void {
  const { geometry, run } = buffer;
  const base = run.firstRow * geometry.leafBytes;
  // What an interrupted commit left may be anything, so a zero leaf is looked at, not taken on trust.
  const isChosen = (row: number) =>
    !isZeroRow(buffer, source, row) ||
    !isHole(file, base + row * geometry.leafBytes, buffer, source, row);
  writeRows(file, buffer, source, base, isChosen);
}

let scratch: Uint8Array | undefined;

function isHole(
  file: StoreFile,
  offset: number,
  buffer: RunBuffer,
  shard: number,
  row: number,
): boolean {
  scratch ??= new Uint8Array(leafBytesMax);
  const { leafBytes } = buffer.geometry;
  const bytes = Math.min(
    leafBytes,
    buffer.lengthOf(shard) - row * leafBytes,
  );
  const found = scratch.subarray(0, bytes);
  return file.readInto(found, offset) === bytes && isZero(found);
}
