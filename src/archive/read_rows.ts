// Read rows: the rows of one shard from its file into a run's buffer, and what is wrong with each of
// their leaves. Missing, short, unreadable, rotten: whatever it is, it is a value here.

import { type Bytes, equalBytes } from "../base/bytes.ts";
import { digestBytes } from "../base/limits.ts";
import { shardLength } from "../format/geometry.ts";
import type { Store, StoreFile } from "../store/store.ts";
import { causeOf } from "./damage_cause.ts";
import type { DamageCause } from "./report.ts";
import type { RunBuffer } from "./run_buffer.ts";

/** What was found of a shard's rows. */
export interface RowsFinding {
  /** For every leaf that the shard has in the run; undefined is good. */
  readonly causes: readonly (DamageCause | undefined)[];
  /** What is wrong with the length of the file. */
  readonly lengthCause?: "missing" | "truncated" | "overlong";
}

/**
 * Reads the rows of a shard into the buffer, pads them, and compares them with their digests, of
 * which `digests` has one a row.
 * @throws {Failure} `offline` when the medium is gone (which is not damage)
 */
export function readRows(
  store: Store,
  path: string,
  buffer: RunBuffer,
  shard: number,
  digests: Bytes,
): RowsFinding {
  const { geometry, run } = buffer;
  const rowCount = Math.ceil(buffer.lengthOf(shard) / geometry.leafBytes);
  const causes: (DamageCause | undefined)[] = new Array(rowCount).fill(
    undefined,
  );
  let lengthCause: RowsFinding["lengthCause"];
  try {
    using file = store.openFile(path, "read");
    const difference = file.size() - shardLength(geometry, run.block, shard);
    if (difference !== 0) {
      lengthCause = difference < 0 ? "truncated" : "overlong";
    }
    if (rowCount > 0) readAll(file, buffer, shard, causes);
  } catch (error) {
    const cause = causeOf(error);
    if (cause === "missing") lengthCause = "missing";
    causes.fill(cause);
  }
  buffer.padShard(shard);
  verifyRows(buffer, shard, digests, causes);
  return { causes, ...(lengthCause === undefined ? {} : { lengthCause }) };
}

/** One read for the whole run; leaf by leaf where that fails, so that one bad sector costs one leaf. */
function readAll(
  file: StoreFile,
  buffer: RunBuffer,
  shard: number,
  causes: (DamageCause | undefined)[],
): void {
  const { geometry, run } = buffer;
  let readBytes: number;
  try {
    readBytes = file.readInto(
      buffer.view(shard),
      run.firstRow * geometry.leafBytes,
    );
  } catch (error) {
    causeOf(error);
    readLeaves(file, buffer, shard, causes);
    return;
  }
  if (readBytes === buffer.lengthOf(shard)) return;
  const first = Math.floor(readBytes / geometry.leafBytes);
  causes.fill("truncated", first);
}

function readLeaves(
  file: StoreFile,
  buffer: RunBuffer,
  shard: number,
  causes: (DamageCause | undefined)[],
): void {
  const { geometry, run } = buffer;
  const length = buffer.lengthOf(shard);
  for (let row = 0; row < causes.length; row++) {
    const from = row * geometry.leafBytes;
    const leaf = buffer.view(
      shard,
      from,
      Math.min(geometry.leafBytes, length - from),
    );
    try {
      const readBytes = file.readInto(
        leaf,
        run.firstRow * geometry.leafBytes + from,
      );
      if (readBytes < leaf.length) causes[row] = "truncated";
    } catch (error) {
      causes[row] = causeOf(error);
    }
  }
}

function verifyRows(
  buffer: RunBuffer,
  shard: number,
  digests: Bytes,
  causes: (DamageCause | undefined)[],
): void {
  if (causes.every((cause) => cause !== undefined)) return;
  const found = buffer.digestRows(shard);
  causes.forEach((cause, row) => {
    const isRotten = cause === undefined &&
      !equalBytes(digestAt(found, row), digestAt(digests, row));
    if (isRotten) causes[row] = "rotten";
  });
}

/** The digest at a place of a list of digests. */
export function digestAt(digests: Bytes, index: number): Bytes {
  return digests.subarray(index * digestBytes, (index + 1) * digestBytes);
}
