// Damage model: what an entry should be worth after damage, found by comparing every leaf on the
// store with the pristine one, and by nothing that the engine says. A row that lost more leaves than
// there are parity shards has lost them; every other leaf can be rebuilt.

import type { Bytes } from "../../src/base/bytes.ts";
import { equalBytes } from "../../src/base/bytes.ts";
import type { Prng } from "../../src/base/prng.ts";
import type { PayloadRange } from "../../src/archive/report.ts";
import { shardPath } from "../../src/format/entry_path.ts";
import {
  blockCountOf,
  blockDataShards,
  type Geometry,
  payloadOffsetOf,
  rowCountOf,
  shardLength,
} from "../../src/format/geometry.ts";
import type { Store } from "../../src/store/store.ts";
import {
  cutFile,
  readFile,
  removeFile,
  rotBytes,
  writeFile,
} from "./harness.ts";

/** What must be true of a damaged entry. */
export interface Expectation {
  /** Shard files that differ from the pristine ones, sorted. */
  readonly damagedFiles: readonly string[];
  readonly lostRanges: readonly PayloadRange[];
  readonly lostParityLeafCount: number;
  readonly damagedLeafCount: number;
}

/** Compares the store with the pristine files (by path inside the archive). */
export function expect(
  store: Store,
  folder: string,
  geometry: Geometry,
  pristine: ReadonlyMap<string, Bytes>,
): Expectation {
  const damagedFiles = new Set<string>();
  const lost: PayloadRange[] = [];
  let lostParityLeafCount = 0, damagedLeafCount = 0;
  for (let block = 0; block < blockCountOf(geometry); block++) {
    const data = blockDataShards(geometry, block);
    const files = Array.from(
      { length: data + geometry.parityShards },
      (_, shard) => {
        const path = `${folder}/${shardPath(geometry, block, shard)}`;
        const good = pristine.get(path)!;
        const found = store.stat(path)?.kind === "file"
          ? readFile(store, path)
          : new Uint8Array(0);
        if (!equalBytes(found, good)) {
          damagedFiles.add(path.slice(folder.length + 1));
        }
        return { good, found };
      },
    );
    for (let row = 0; row < rowCountOf(geometry, block); row++) {
      const start = row * geometry.leafBytes, end = start + geometry.leafBytes;
      const bad = files.flatMap(({ good, found }, shard) =>
        equalBytes(
            good.subarray(start, end),
            found.subarray(start, Math.min(end, good.length)),
          )
          ? []
          : [shard]
      );
      damagedLeafCount += bad.length;
      if (bad.length <= geometry.parityShards) continue;
      for (const shard of bad) {
        if (shard >= data) lostParityLeafCount++;
        else {
          const bytes = Math.min(
            geometry.leafBytes,
            shardLength(geometry, block, shard) - start,
          );
          lost.push({
            payloadOffset: payloadOffsetOf(geometry, block, shard, start),
            bytes,
          });
        }
      }
    }
  }
  return {
    damagedFiles: [...damagedFiles].sort(),
    lostRanges: mergeRanges(lost),
    lostParityLeafCount,
    damagedLeafCount,
  };
}

function mergeRanges(ranges: PayloadRange[]): PayloadRange[] {
  const merged: { payloadOffset: number; bytes: number }[] = [];
  for (
    const range of ranges.sort((a, b) => a.payloadOffset - b.payloadOffset)
  ) {
    const last = merged.at(-1);
    if (
      last !== undefined &&
      last.payloadOffset + last.bytes === range.payloadOffset
    ) {
      last.bytes += range.bytes;
    } else merged.push({ ...range });
  }
  return merged;
}

/** All shard files of an entry. */
export function shardFiles(folder: string, geometry: Geometry): string[] {
  const paths: string[] = [];
  for (let block = 0; block < blockCountOf(geometry); block++) {
    const shards = blockDataShards(geometry, block) + geometry.parityShards;
    for (let shard = 0; shard < shards; shard++) {
      paths.push(`${folder}/${shardPath(geometry, block, shard)}`);
    }
  }
  return paths;
}

/** Does one random harm to a random shard file, for certain. Files already gone are left out. */
export function harmShard(
  store: Store,
  paths: readonly string[],
  prng: Prng,
): void {
  const there = paths.filter((path) => (store.stat(path)?.bytes ?? 0) > 0);
  if (there.length === 0) return;
  const path = there[prng.below(there.length)]!;
  const size = store.stat(path)!.bytes;
  const kind = prng.below(10);
  if (kind === 0) removeFile(store, path);
  else if (kind === 1) cutFile(store, path, prng.below(size));
  else if (kind === 2) {
    const longer = new Uint8Array(size + 1 + prng.below(3000));
    longer.set(readFile(store, path));
    writeFile(store, path, longer);
  } else {
    const offset = prng.below(size);
    rotBytes(
      store,
      path,
      offset,
      1 + prng.below(Math.min(4000, size - offset)),
    );
  }
}
