import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { outboardPageBytes } from "../../src/base/limits.ts";
import {
  blockCountOf,
  blockDataShards,
  blockShardBytes,
  blockShardCount,
  columnCountOf,
  crossingOf,
  type Geometry,
  isColumn,
  parityBytesOf,
  payloadLeafCount,
  payloadOffsetOf,
  placeOfColumn,
  planAllRuns,
  planCrossBlock,
  planGeometry,
  planRowRuns,
  rowCountOf,
  runLength,
  segmentCountOf,
  segmentLength,
  segmentOf,
  shardLength,
  slotCountOf,
  slotOf,
} from "../../src/format/geometry.ts";
import { pageCountOf } from "../../src/format/outboard.ts";

const kib = 1024, mib = 1024 * kib, gib = 1024 * mib;

const anyGeometry = fc.record({
  payloadBytes: fc.integer({ min: 0, max: 3_000_000 }),
  dataShards: fc.integer({ min: 1, max: 12 }),
  parityShards: fc.integer({ min: 0, max: 5 }),
  segmentBytesMax: fc.integer({ min: 1 * kib, max: 300 * kib }),
  acrossBlocks: fc.boolean(),
}).map(planGeometry);

/** With as many groups as there may be, and not only those that a writer chooses. */
const anyCrossing = fc.tuple(
  anyGeometry.filter((geometry) => geometry.payloadBytes > 0),
  fc.nat(),
  fc.integer({ min: 1, max: 4 }),
).map(([geometry, seed, parity]): Geometry => {
  const blocks = blockCountOf(geometry);
  const groupsMin = Math.ceil(blocks / (256 - parity));
  const groups = groupsMin + seed % (blocks - groupsMin + 1);
  return { ...geometry, crossBlock: { groups, parity } };
});

/** Blocks and columns. */
function everyBlock(geometry: Geometry): number[] {
  const count = blockCountOf(geometry) + columnCountOf(geometry);
  return Array.from({ length: count }, (_, block) => block);
}

Deno.test("planGeometry() gives a file of 1 GiB two full blocks of 10 % parity", () => {
  const geometry = planGeometry({
    payloadBytes: gib,
    dataShards: 30,
    parityShards: 3,
  });
  strictEqual(blockCountOf(geometry), 2);
  strictEqual(segmentCountOf(geometry), 60);
  // ceil(2^30 / 60 / 65536) = 274 leaves
  strictEqual(geometry.segmentBytes, 274 * 64 * kib);
  ok(parityBytesOf(geometry) / gib < 0.1005);
});

Deno.test("planGeometry() keeps tier 3 at 10 % for every size from 1 GB to 35 GB and beyond", () => {
  const policy = { dataShards: 30, parityShards: 3 };
  let worst = 0;
  const sizes = [
    1e9,
    1e9 + 1,
    30 * 32 * mib,
    30 * 32 * mib + 1,
    60 * 32 * mib + 1,
    35e9,
    1e12,
  ];
  for (let size = 1e9; size < 36e9; size += 12_345_677) sizes.push(size);
  for (const payloadBytes of sizes) {
    const overhead = parityBytesOf(planGeometry({ payloadBytes, ...policy })) /
      payloadBytes;
    ok(overhead >= 0.1, `${payloadBytes}: ${overhead}`);
    worst = Math.max(worst, overhead);
  }
  ok(worst < 0.1045, `worst overhead ${worst}`);
});

Deno.test("planGeometry() keeps small payloads over many shards near m/k", () => {
  for (const payloadBytes of [100 * kib, 300 * kib, mib, 7 * mib]) {
    const geometry = planGeometry({
      payloadBytes,
      dataShards: 10,
      parityShards: 4,
    });
    strictEqual(blockDataShards(geometry, 0), 10, `${payloadBytes}`);
    ok(parityBytesOf(geometry) / payloadBytes <= 0.5, `${payloadBytes}`);
  }
});

Deno.test("planGeometry() keeps the rules that a manifest must keep", () => {
  fc.assert(fc.property(anyGeometry, (geometry) => {
    ok(geometry.leafBytes >= 1 * kib && geometry.leafBytes <= 64 * kib);
    strictEqual(geometry.leafBytes & (geometry.leafBytes - 1), 0);
    strictEqual(geometry.segmentBytes % geometry.leafBytes, 0);
    ok(geometry.segmentBytes >= geometry.leafBytes);
  }));
});

Deno.test("segments, blocks and shards cover the payload once and in order", () => {
  fc.assert(fc.property(anyGeometry, (geometry) => {
    let offset = 0;
    for (let block = 0; block < blockCountOf(geometry); block++) {
      for (let shard = 0; shard < blockDataShards(geometry, block); shard++) {
        strictEqual(payloadOffsetOf(geometry, block, shard, 0), offset);
        const segment = block * geometry.dataShards + shard;
        strictEqual(
          shardLength(geometry, block, shard),
          segmentLength(geometry, segment),
        );
        ok(shardLength(geometry, block, shard) > 0);
        ok(
          shardLength(geometry, block, shard) <=
            blockShardBytes(geometry, block),
        );
        offset += shardLength(geometry, block, shard);
      }
    }
    strictEqual(offset, geometry.payloadBytes);
  }));
});

Deno.test("slotOf() numbers every leaf once, payload leaves first and in payload order", () => {
  fc.assert(
    fc.property(fc.oneof(anyGeometry, anyCrossing), (geometry) => {
      const seen = new Set<number>();
      for (const block of everyBlock(geometry)) {
        const data = blockDataShards(geometry, block);
        // The segments of columns are those of blocks.
        const first = isColumn(geometry, block) ? data : 0;
        for (
          let shard = first;
          shard < blockShardCount(geometry, block);
          shard++
        ) {
          const leaves = Math.ceil(
            shardLength(geometry, block, shard) / geometry.leafBytes,
          );
          for (let row = 0; row < leaves; row++) {
            const slot = slotOf(geometry, block, shard, row);
            ok(!seen.has(slot), `slot ${slot} twice`);
            seen.add(slot);
            const isData = shard < blockDataShards(geometry, block);
            strictEqual(slot < payloadLeafCount(geometry), isData);
            if (!isData) continue;
            const offset = payloadOffsetOf(
              geometry,
              block,
              shard,
              row * geometry.leafBytes,
            );
            strictEqual(slot, offset / geometry.leafBytes);
          }
        }
      }
      strictEqual(seen.size, slotCountOf(geometry));
      strictEqual(Math.max(-1, ...seen), slotCountOf(geometry) - 1);
    }),
    { numRuns: 60 },
  );
});

Deno.test("parityBytesOf() is the sum of the parity shards", () => {
  fc.assert(fc.property(fc.oneof(anyGeometry, anyCrossing), (geometry) => {
    let sum = 0;
    for (const block of everyBlock(geometry)) {
      const data = blockDataShards(geometry, block);
      for (
        let shard = data;
        shard < blockShardCount(geometry, block);
        shard++
      ) {
        sum += shardLength(geometry, block, shard);
      }
    }
    strictEqual(sum, parityBytesOf(geometry));
  }));
});

Deno.test("planAllRuns() gives every row once, within the bound or one row at a time", () => {
  fc.assert(
    fc.property(
      anyGeometry,
      fc.integer({ min: 1, max: mib }),
      (geometry, bytesMax) => {
        const rows: string[] = [];
        for (const run of planAllRuns(geometry, bytesMax)) {
          const bytes = run.rowCount * geometry.leafBytes *
            blockShardCount(geometry, run.block);
          ok(bytes <= bytesMax || run.rowCount === 1);
          for (
            let row = run.firstRow;
            row < run.firstRow + run.rowCount;
            row++
          ) {
            rows.push(`${run.block}/${row}`);
          }
          strictEqual(
            runLength(geometry, run, 0),
            Math.min(
              run.rowCount * geometry.leafBytes,
              blockShardBytes(geometry, run.block) -
                run.firstRow * geometry.leafBytes,
            ),
          );
        }
        const expected: string[] = [];
        for (const block of everyBlock(geometry)) {
          for (let row = 0; row < rowCountOf(geometry, block); row++) {
            expected
              .push(`${block}/${row}`);
          }
        }
        deepStrictEqual(rows, expected);
      },
    ),
  );
});

Deno.test("an empty payload has no segment, no block and no slot", () => {
  const geometry = planGeometry({
    payloadBytes: 0,
    dataShards: 30,
    parityShards: 3,
  });
  strictEqual(segmentCountOf(geometry), 0);
  strictEqual(blockCountOf(geometry), 0);
  strictEqual(slotCountOf(geometry), 0);
  strictEqual(parityBytesOf(geometry), 0);
  deepStrictEqual([...planRowRuns(geometry, mib)], []);
  strictEqual(pageCountOf(0), 0);
  strictEqual(outboardPageBytes % 32, 0);
});

Deno.test("every segment lies in one block and in one column of the block's group", () => {
  fc.assert(fc.property(anyCrossing, (geometry) => {
    const seen = new Set<number>();
    for (const column of everyBlock(geometry)) {
      if (!isColumn(geometry, column)) continue;
      const { group, place } = placeOfColumn(geometry, column);
      const data = blockDataShards(geometry, column);
      ok(data >= 1 && blockShardCount(geometry, column) <= 256);
      for (let shard = 0; shard < data; shard++) {
        const segment = segmentOf(geometry, column, shard);
        ok(!seen.has(segment) && segment < segmentCountOf(geometry));
        seen.add(segment);
        const crossing = crossingOf(geometry, segment);
        deepStrictEqual(
          [crossing.column, crossing.columnShard],
          [column, shard],
        );
        const { block } = crossing;
        strictEqual(block % geometry.crossBlock!.groups, group);
        strictEqual(crossing.shard, place);
        strictEqual(segmentOf(geometry, block, place), segment);
        strictEqual(
          payloadOffsetOf(geometry, column, shard, 0),
          payloadOffsetOf(geometry, block, place, 0),
        );
        ok(
          shardLength(geometry, column, shard) <=
            blockShardBytes(geometry, column),
        );
      }
    }
    strictEqual(seen.size, segmentCountOf(geometry));
  }));
});

Deno.test("planCrossBlock() protects one block, 3 from 100 on, up to 10, and fits the code", () => {
  const rows: [number, number, number][] = [
    [1, 1, 1],
    [35, 1, 1],
    [99, 1, 2],
    [100, 1, 3],
    [121, 1, 4],
    [246, 1, 10],
    [247, 2, 4],
    [492, 2, 10],
    [493, 3, 6],
  ];
  for (const [blocks, groups, parity] of rows) {
    deepStrictEqual(planCrossBlock(blocks), { groups, parity }, `${blocks}`);
  }
  for (let blocks = 1; blocks < 5000; blocks++) {
    const { groups, parity } = planCrossBlock(blocks);
    ok(Math.ceil(blocks / groups) + parity <= 256, `${blocks}`);
    ok(parity >= (blocks < 100 ? 1 : 3), `${blocks}`);
  }
});

Deno.test("planGeometry() keeps tier 4 between 11 and 15 % for every size from 35 GB to 2 TB", () => {
  const policy = { dataShards: 30, parityShards: 3, acrossBlocks: true };
  let least = 1, most = 0;
  for (let payloadBytes = 35e9; payloadBytes < 2e12; payloadBytes *= 1.0013) {
    const geometry = planGeometry({
      ...policy,
      payloadBytes: Math.floor(payloadBytes),
    });
    const overhead = parityBytesOf(geometry) / geometry.payloadBytes;
    least = Math.min(least, overhead);
    most = Math.max(most, overhead);
  }
  ok(least >= 0.11 && most <= 0.15, `${least} to ${most}`);
});
