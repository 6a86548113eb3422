// The verified reader under whatever order its jobs end in: several readers over a cache that is far too
// small, jobs that wait their turn, end in any order, and sometimes fail. Bytes are right when they
// come and still when they are given back; nothing waits for ever; nothing stays pinned.

import { ok } from "node:assert/strict";
import { Failure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import type { Bytes } from "../../src/base/bytes.ts";
import { equalBytes, joinBytes } from "../../src/base/bytes.ts";
import type { LiveEntry } from "../../src/archive/archive.ts";
import type { ArchiveReader } from "../../src/archive/reader.ts";
import { blockCountOf } from "../../src/format/geometry.ts";
import { shardPath } from "../../src/format/entry_path.ts";
import type { VerifiedBytes } from "../../src/archive/verified_read.ts";
import { Bench, kib, rotBytes } from "./harness.ts";
import { openWide, until } from "./readers.ts";

/** Jobs that wait until chance lets them go on. */
class Gate {
  readonly #chance: Prng;
  readonly #waiting: { resolve(): void; reject(error: unknown): void }[] = [];
  readonly #failures: boolean;
  failedCount = 0;

  constructor(chance: Prng, failures: boolean) {
    this.#chance = chance;
    this.#failures = failures;
  }

  /** Resolves, or fails, when it is this job's turn. */
  wait(): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#waiting.push({ resolve, reject })
    );
  }

  /** Lets one of those that wait go on. */
  open(): void {
    const [job] = this.#waiting.splice(
      this.#chance.below(Math.max(1, this.#waiting.length)),
      1,
    );
    if (job === undefined) return;
    if (!this.#failures || this.#chance.below(12) > 0) job.resolve();
    else {
      this.failedCount++;
      // The medium, or a thread that died.
      job.reject(
        this.#chance.below(2) === 0
          ? new Failure("offline", "planned")
          : new Error("planned"),
      );
    }
  }
}

interface Content {
  readonly entry: LiveEntry;
  readonly bytes: Bytes;
}

/** Reads here and there, or from front to back; keeps what it gets for a while. */
async function readAbout(
  reader: ArchiveReader,
  contents: readonly Content[],
  chance: Prng,
  turn: () => Promise<void>,
): Promise<number> {
  let readCount = 0;
  for (let round = 0; round < 4; round++) {
    const { entry, bytes } = contents[chance.below(contents.length)]!;
    using file = reader.open(entry);
    const step = 1 + chance.below(chance.below(4) === 0 ? 300 * kib : 20 * kib);
    let offset = chance.below(bytes.length);
    const isInOrder = chance.below(2) === 0;
    for (let count = 0; count < 12; count++) {
      const expected = bytes.subarray(offset, offset + step);
      const verify = (found: VerifiedBytes, when: string) =>
        ok(
          equalBytes(joinBytes(found.parts), expected),
          `right bytes at ${offset} ${when}`,
        );
      try {
        const read = await file.read(offset, step);
        ok(read.kind === "bytes", "nothing is lost");
        using found = read.bytes;
        verify(found, "as they come");
        for (let turns = chance.below(4); turns > 0; turns--) await turn();
        verify(found, "as they are given back");
        readCount++;
      } catch (error) {
        if (!/planned/.test(`${error}`)) throw error;
      }
      offset = isInOrder ? offset + step : chance.below(bytes.length);
      if (offset >= bytes.length) break;
    }
  }
  return readCount;
}

async function run(seed: number, failures: boolean): Promise<void> {
  const chance = new Prng(seed);
  const bench = new Bench({ settings: { segmentBytes: 4 * kib } });
  const folders: string[] = [];
  const payloads = new Map<string, Bytes>();
  for (const name of ["a", "b"]) {
    const content = chance.bytes(1200 * kib + chance.below(5000));
    payloads.set(name, content);
    const { folder } = await bench.commit(name, content, "erasure:6+2");
    folders.push(folder);
  }
  // Shards 1 and 4 of any block: no more than the parity of a row.
  const { geometry } = bench.engine.select("a").manifest;
  const blockCount = blockCountOf(geometry);
  const rot = () => {
    const shard = chance.below(2) === 0 ? 1 : 4;
    const path = shardPath(geometry, chance.below(blockCount - 1), shard);
    const folder = folders[chance.below(2)]!;
    rotBytes(bench.archive, `${folder}/${path}`, chance.below(4000), 20);
  };
  for (let count = 0; count < 40; count++) rot();
  const gate = new Gate(chance, failures);
  const reader = openWide(bench, () => gate.wait());
  const contents = (await reader.entries()).map((entry) => ({
    entry,
    bytes: payloads.get(entry.manifest.name)!,
  }));
  let isDone = false;
  const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0));
  const pump = (async () => {
    while (!isDone) {
      await turn();
      for (let count = chance.below(12); count >= 0; count--) gate.open();
      if (chance.below(8) === 0) rot();
    }
  })();
  const counts = await Promise.all(
    Array.from(
      { length: 8 },
      (_, index) =>
        readAbout(reader, contents, new Prng(seed * 100 + index), turn),
    ),
  );
  await reader.settle();
  // What was read ahead for nobody is let go as its jobs end.
  await until(() => reader.pinnedCount === 0);
  await reader[Symbol.asyncDispose]();
  isDone = true;
  await pump;
  ok(counts.some((count) => count > 0));
}

for (const failures of [false, true]) {
  Deno.test(`reads are right in any order of jobs${failures ? " that fail" : ""}`, async () => {
    for (let seed = 1; seed <= 2; seed++) await run(seed, failures);
  });
}
