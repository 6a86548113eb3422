import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { outboardPageBytes } from "../../src/base/limits.ts";
import {
  blockCountOf,
  blockDataShards,
  blockShardBytes,
  type Geometry,
  parityBytesOf,
  payloadLeafCount,
  payloadOffsetOf,
  planGeometry,
  planRowRuns,
  rowCountOf,
  runLength,
  segmentCountOf,
  segmentLength,
  shardLength,
  slotCountOf,
  slotOf,
} from "../../src/format/geometry.ts";
import { pageCountOf } from "../../src/format/outboard.ts";

const kib = 1024, mib = 1024 * kib, gib = 1024 * mib;

function shardsOfBlock(geometry: Geometry, block: number): number {
  return blockDataShards(geometry, block) + geometry.parityShards;
}

const anyGeometry = fc.record({
  payloadBytes: fc.integer({ min: 0, max: 3_000_000 }),
  dataShards: fc.integer({ min: 1, max: 12 }),
  parityShards: fc.integer({ min: 0, max: 5 }),
  segmentBytesMax: fc.integer({ min: 1 * kib, max: 300 * kib }),
}).map(planGeometry);

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
    fc.property(anyGeometry, (geometry) => {
      const seen = new Set<number>();
      for (let block = 0; block < blockCountOf(geometry); block++) {
        for (let shard = 0; shard < shardsOfBlock(geometry, block); shard++) {
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
  fc.assert(fc.property(anyGeometry, (geometry) => {
    let sum = 0;
    for (let block = 0; block < blockCountOf(geometry); block++) {
      for (let parity = 0; parity < geometry.parityShards; parity++) {
        sum += shardLength(
          geometry,
          block,
          blockDataShards(geometry, block) + parity,
        );
      }
    }
    strictEqual(sum, parityBytesOf(geometry));
  }));
});

Deno.test("planRowRuns() gives every row once, within the bound or one row at a time", () => {
  fc.assert(
    fc.property(
      anyGeometry,
      fc.integer({ min: 1, max: mib }),
      (geometry, bytesMax) => {
        const rows: string[] = [];
        for (const run of planRowRuns(geometry, bytesMax)) {
          const bytes = run.rowCount * geometry.leafBytes *
            shardsOfBlock(geometry, run.block);
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
        for (let block = 0; block < blockCountOf(geometry); block++) {
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
