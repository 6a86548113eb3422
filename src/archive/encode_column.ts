// Encode a column: the worker's part of making parity across blocks. The segments are read back from
// where they were written and compared with the digests that they had then, so that no parity is
// ever made of bytes that went wrong on the way to the medium.

import { digestBytes } from "../base/limits.ts";
import type { Bytes } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import { shardPath } from "../format/entry_path.ts";
import type { JobContext } from "./encode_run.ts";
import { readRows } from "./read_rows.ts";
import { RunBuffer } from "./run_buffer.ts";
import type { EncodeColumnJob } from "./worker_protocol.ts";
import { writeNewRows } from "./write_rows.ts";

/**
 * Does the job; gives the digests of the run, those of the parity among them.
 * @throws {Failure} `io` where the medium gives other bytes than it was given; what the store throws
 */
export function encodeColumn(
  job: EncodeColumnJob,
  context: JobContext,
): Bytes {
  const { geometry, run, entry } = job;
  const store = context.storeOf(entry.root);
  const stride = run.rowCount * digestBytes;
  const digests = job.digests.slice();
  using buffer = new RunBuffer(context.codec, geometry, run);
  const pathOf = (shard: number) =>
    `${entry.path}/${shardPath(geometry, run.block, shard)}`;
  for (let shard = 0; shard < buffer.dataShards; shard++) {
    const expected = digests.subarray(shard * stride, (shard + 1) * stride);
    const { causes } = readRows(store, pathOf(shard), buffer, shard, expected);
    if (causes.every((cause) => cause === undefined)) continue;
    throw new Failure(
      "io",
      `"${
        pathOf(shard)
      }" does not read back as it was written: the medium is not to be trusted`,
    );
  }
  buffer.coder.encode(buffer.offsets(), buffer.codeLength());
  for (let shard = buffer.dataShards; shard < buffer.shardCount; shard++) {
    digests.set(buffer.digestRows(shard), shard * stride);
    using file = store.openFile(pathOf(shard), "update");
    writeNewRows(file, buffer, shard);
  }
  return digests;
}
