// Readers for tests: over a bench's archive, with or without threads that answer later.

import { ok } from "node:assert/strict";
import { cacheBytesMin } from "../../src/archive/leaf_cache.ts";
import type { EngineSettings } from "../../src/archive/context.ts";
import type { Job } from "../../src/archive/worker_protocol.ts";
import type { Executor } from "../../src/archive/executor.ts";
import {
  ArchiveReader,
  type EntryReader,
  type ReaderOptions,
} from "../../src/archive/reader.ts";
import type { Bytes } from "../../src/base/bytes.ts";
import { joinBytes } from "../../src/base/bytes.ts";
import { type Bench, kib } from "./harness.ts";

/** What a read gave: bytes, or where they are lost. */
export async function readOf(
  reader: EntryReader,
  offset: number,
  bytes: number,
): Promise<Bytes | { lost: number }> {
  const read = await reader.read(offset, bytes);
  if (read.kind === "lost") return { lost: read.range.payloadOffset };
  using found = read.bytes;
  return joinBytes(found.parts);
}

/** A reader of the bench's archive. */
export async function open(
  bench: Bench,
  options: Partial<ReaderOptions> = {},
): Promise<ArchiveReader> {
  return await bench.engine.openReader({
    cacheBytes: cacheBytesMin,
    repair: true,
    ...options,
  });
}

/** Waits for what comes with a few turns of the event loop; the limit is for what never comes. */
export async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 4000 && !holds(); turn++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  ok(holds());
}

/** A reader whose threads answer later, as real ones do. */
export function openWide(
  bench: Bench,
  before: (job: Job) => Promise<unknown> = () =>
    new Promise((resolve) => setTimeout(resolve, 1)),
  options: Partial<ReaderOptions> = {},
): ArchiveReader {
  const openExecutor = (): Executor => {
    const inner = bench.context.openExecutor({ workBytes: 0 });
    return {
      width: 4,
      run: async (job) => {
        await before(job);
        return await inner.run(job);
      },
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    };
  };
  const context = { ...bench.context, openExecutor };
  return new ArchiveReader(context, {
    cacheBytes: cacheBytesMin,
    repair: true,
    ...options,
  });
}

/** Leaves of the largest size: one to a piece. */
export const bigLeaves: Partial<EngineSettings> = {
  leafBytesMax: 64 * kib,
  segmentBytes: 1024 * kib,
};
