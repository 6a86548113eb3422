// Damage model: what an entry should be worth after damage, found by comparing every leaf on the
// store with the pristine one, and by nothing that the engine says. Every leaf lies on one line or
// two: the row of its block, and the row of its column where there is parity across blocks. A line
// that lost no more leaves than it has parity is mended, and that may mend others; this goes on
// until nothing changes, and what is left then is lost.

import type { Bytes } from "../../src/base/bytes.ts";
import { equalBytes } from "../../src/base/bytes.ts";
import type { Prng } from "../../src/base/prng.ts";
import type { PayloadRange } from "../../src/archive/report.ts";
import { shardPath } from "../../src/format/entry_path.ts";
import {
  blockCountOf,
  blockDataShards,
  type Geometry,
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
  const bad: Leaf[] = [];
  for (const file of filesOf(geometry)) {
    const path = `${folder}/${file.path}`;
    const good = pristine.get(path)!;
    const found = store.stat(path)?.kind === "file"
      ? readFile(store, path)
      : new Uint8Array(0);
    if (!equalBytes(found, good)) damagedFiles.add(file.path);
    for (let start = 0; start < good.length; start += geometry.leafBytes) {
      const end = Math.min(start + geometry.leafBytes, good.length);
      if (equalBytes(good.subarray(start, end), found.subarray(start, end))) {
        continue;
      }
      const lines = file.lines.map((line) => `${line} ${start}`);
      bad.push({ ...file, lines, start, bytes: end - start });
    }
  }
  const left = mend(bad, geometry);
  const lost = left.flatMap(({ payloadOffset, start, bytes }) =>
    payloadOffset === undefined
      ? []
      : [{ payloadOffset: payloadOffset + start, bytes }]
  );
  return {
    damagedFiles: [...damagedFiles].sort(),
    lostRanges: mergeRanges(lost),
    lostParityLeafCount: left.length - lost.length,
    damagedLeafCount: bad.length,
  };
}

/** A shard file, and the lines on which its leaves lie. */
interface ModelFile {
  readonly path: string;
  readonly lines: readonly string[];
  /** Of a segment. */
  readonly payloadOffset?: number;
}

interface Leaf extends ModelFile {
  readonly start: number;
  readonly bytes: number;
}

function* filesOf(geometry: Geometry): Generator<ModelFile> {
  const { dataShards: k, segmentBytes, payloadBytes, crossBlock } = geometry;
  const blocks = blockCountOf(geometry);
  const step = k * (crossBlock?.groups ?? 1);
  for (let block = 0; block < blocks; block++) {
    const data = blockDataShards(geometry, block);
    for (let shard = 0; shard < data + geometry.parityShards; shard++) {
      const path = shardPath(geometry, block, shard);
      const segment = block * k + shard;
      if (shard >= data) yield { path, lines: [`block ${block}`] };
      else {
        const lines = [`block ${block}`, `column ${segment % step}`];
        yield { path, lines, payloadOffset: segment * segmentBytes };
      }
    }
  }
  const segments = Math.ceil(payloadBytes / segmentBytes);
  for (let column = 0; column < Math.min(step, segments); column++) {
    const data = Math.ceil((segments - column) / step);
    for (let parity = 0; parity < (crossBlock?.parity ?? 0); parity++) {
      const path = shardPath(geometry, blocks + column, data + parity);
      yield { path, lines: [`column ${column}`] };
    }
  }
}

/** The leaves that stay lost. */
function mend(bad: readonly Leaf[], geometry: Geometry): readonly Leaf[] {
  const parityOf = (line: string) =>
    line.startsWith("block")
      ? geometry.parityShards
      : geometry.crossBlock?.parity ?? 0;
  for (let left = bad;;) {
    const counts = new Map<string, number>();
    for (const line of left.flatMap((leaf) => leaf.lines)) {
      counts.set(line, (counts.get(line) ?? 0) + 1);
    }
    const isLost = (leaf: Leaf) =>
      leaf.lines.every((line) => counts.get(line)! > parityOf(line));
    const still = left.filter(isLost);
    if (still.length === left.length) return left;
    left = still;
  }
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
  return [...filesOf(geometry)].map(({ path }) => `${folder}/${path}`);
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
