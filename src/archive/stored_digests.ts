// Stored digests: what the bytes on the medium hash to, whatever they should hash to. For deciding
// between descriptions of an entry that contradict each other; nothing here is believed by itself.

import type { Bytes } from "../base/bytes.ts";
import { equalBytes } from "../base/bytes.ts";
import { digestBytes } from "../base/limits.ts";
import { shardPath } from "../format/entry_path.ts";
import {
  blockCountOf,
  type Geometry,
  type RowRun,
} from "../format/geometry.ts";
import type { Outboard } from "../format/outboard.ts";
import type { EngineContext } from "./context.ts";
import { causeOf } from "./damage_cause.ts";
import { RunBuffer } from "./run_buffer.ts";

/** Digests of a run: of the shards as they are stored, and of the parity that their data gives. */
export interface StoredDigests {
  /** Laid out as Outboard.readRun gives them; zeros for leaves that cannot be read. */
  readonly stored: Bytes;
  /** The same with the parity's digests computed from the stored data. */
  readonly encoded: Bytes;
}

/** Reads all shards of a run. @throws {Failure} `offline` */
export function digestStored(
  folder: string,
  geometry: Geometry,
  run: RowRun,
  context: EngineContext,
): StoredDigests {
  using buffer = new RunBuffer(context.codec, geometry, run);
  const stride = run.rowCount * digestBytes;
  const stored = new Uint8Array(buffer.shardCount * stride);
  let lacksData = false;
  for (let shard = 0; shard < buffer.shardCount; shard++) {
    const path = `${folder}/${shardPath(geometry, run.block, shard)}`;
    const readBytes = readShard(buffer, shard, path, context);
    buffer.padShard(shard);
    if (readBytes === 0 && buffer.lengthOf(shard) > 0) {
      // Nothing to hash; and without the data, parity that is computed from it is nothing either.
      if (shard < buffer.dataShards) lacksData = true;
      continue;
    }
    const leaves = Math.floor(readBytes / geometry.leafBytes);
    const isWhole = readBytes === buffer.lengthOf(shard);
    const digests = buffer.digestRows(shard);
    stored.set(
      isWhole ? digests : digests.subarray(0, leaves * digestBytes),
      shard * stride,
    );
  }
  const encoded = stored.slice();
  if (buffer.parityShards > 0 && !lacksData) {
    buffer.coder.encode(buffer.offsets(), buffer.codeLength());
    for (let shard = buffer.dataShards; shard < buffer.shardCount; shard++) {
      encoded.set(buffer.digestRows(shard), shard * stride);
    }
  }
  return { stored, encoded };
}

/** Bytes that could be read of a shard's run. */
function readShard(
  buffer: RunBuffer,
  shard: number,
  path: string,
  context: EngineContext,
): number {
  if (buffer.lengthOf(shard) === 0) return 0;
  try {
    using file = context.store.openFile(path, "read");
    return file.readInto(
      buffer.view(shard),
      buffer.run.firstRow * buffer.geometry.leafBytes,
    );
  } catch (error) {
    causeOf(error);
    return 0;
  }
}

/** How many leaves of the first row of the first blocks match their digest: evidence of belonging. */
export function countMatches(
  folder: string,
  geometry: Geometry,
  outboard: Outboard,
  context: EngineContext,
): number {
  const blocksMax = 4;
  let matches = 0;
  for (
    let block = 0;
    block < Math.min(blocksMax, blockCountOf(geometry));
    block++
  ) {
    const run = { block, firstRow: 0, rowCount: 1 };
    const { stored } = digestStored(folder, geometry, run, context);
    const expected = outboard.readRun(run);
    for (let offset = 0; offset < stored.length; offset += digestBytes) {
      const leaf = stored.subarray(offset, offset + digestBytes);
      const isKnown = leaf.some((byte) => byte !== 0);
      if (
        isKnown &&
        equalBytes(leaf, expected.subarray(offset, offset + digestBytes))
      ) matches++;
    }
  }
  return matches;
}
