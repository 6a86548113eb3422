// Manifest target: bytes, members and geometries that somebody made up. Most get a self-check that is
// right, so that what is behind it is reached.

import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, encodeUtf8, joinBytes } from "../../src/base/bytes.ts";
import {
  digestBytes,
  entryFileCountMax,
  outboardBytesMax,
} from "../../src/base/limits.ts";
import { Codec } from "../../src/codec/mod.ts";
import { shardPath } from "../../src/format/entry_path.ts";
import {
  blockCountOf,
  blockDataShards,
  type Geometry,
  rowCountOf,
  segmentCountOf,
  shardLength,
  slotCountOf,
  slotOf,
} from "../../src/format/geometry.ts";
import {
  countsOf,
  decodeManifest,
  encodeManifest,
} from "../../src/format/manifest.ts";
import { isInline, pageCountOf } from "../../src/format/outboard.ts";
import { byteMutations, mutateBytes } from "./byte_mutation.ts";
import { readCorpus } from "./corpus.ts";
import { jsonMutations, mutateJson } from "./json_mutation.ts";
import { seal, sealBytes } from "./seal.ts";
import { openLaw, type Target } from "./target.ts";

/** Manifests that are changed; what every kind of entry looked like when it was added. */
const samples = readCorpus("manifest", ".json");
const documents = samples.map((bytes) =>
  JSON.parse(new TextDecoder().decode(bytes))
);

/** A geometry of any size with an outboard that fits it. */
const geometryMembers = fc.record({
  payload_bytes: fc.oneof(
    fc.nat(100_000),
    fc.nat(2 ** 31 - 1).map((gib) => gib * 1024),
    fc.maxSafeInteger().map(Math.abs),
  ),
  leaf_bytes: fc.nat(6).map((power) => 1024 << power),
  leaves: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(32_768)),
  policy: fc.oneof(
    fc.tuple(fc.integer({ min: 1, max: 200 }), fc.nat(56)).map(([k, m]) =>
      `erasure:${k}+${m}`
    ),
    fc.integer({ min: 1, max: 256 }).map((copies) => `replicate:${copies}`),
    fc.constantFrom("erasure:1+0", "erasure:2+0", "erasure:2+1"),
  ),
});

/** The target. */
export const manifestTarget: Target = {
  name: "manifest",
  weight: 20,
  cases: 2000,
  open: () => Promise.resolve(openLaw(fc.property(manifestBytes, judge))),
};

/** Members as text that no generator of values would write. */
const rawMember = fc.tuple(
  fc.constantFrom("name", "files", "version", "pages", "__proto__", "x"),
  fc.constantFrom(
    `${"[".repeat(200_000)}${"]".repeat(200_000)}`,
    `${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`,
    "[".repeat(1_000_000),
    "1e999",
    "-1e-999",
    "9".repeat(100_000),
    '"\\ud800"',
    "",
  ),
).map(([name, value]) => `{"${name}": ${value},`);

const sampleIndex = fc.nat(samples.length - 1);
const manifestBytes: fc.Arbitrary<Bytes> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(sampleIndex, jsonMutations).map(([index, mutations]) =>
      seal(mutateJson(documents[index], mutations))
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(sampleIndex, geometryMembers)
      .map(([index, members]) => forgeGeometry(documents[index], members)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(sampleIndex, byteMutations).map(([index, mutations]) =>
      sealBytes(mutateBytes(samples[index]!, mutations))
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(sampleIndex, byteMutations).map(([index, mutations]) =>
      mutateBytes(samples[index]!, mutations)
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(sampleIndex, rawMember).map(([index, member]) =>
      sealBytes(joinBytes([encodeUtf8(member), samples[index]!.subarray(1)]))
    ),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
);

const digest = (bytes: Bytes) => Codec.open().digest(bytes);

/** Where there are more pages than this, the manifest is refused before they are looked at. */
const forgedPagesMax = 20_000;

function forgeGeometry(
  document: Record<string, unknown>,
  { leaves, ...members }: {
    payload_bytes: number;
    leaf_bytes: number;
    leaves: number;
    policy: string;
  },
): Bytes {
  const [k, m] = /\+/.test(members.policy)
    ? members.policy.match(/\d+/g)!.map(Number) as [number, number]
    : [1, Number(members.policy.match(/\d+/)![0]) - 1];
  const segment_bytes = members.leaf_bytes * leaves;
  const slotCount = slotCountOf({
    payloadBytes: members.payload_bytes,
    leafBytes: members.leaf_bytes,
    segmentBytes: segment_bytes,
    dataShards: k,
    parityShards: m,
  });
  const zeros = "0".repeat(64);
  const outboard = isInline(slotCount) ? { inline: zeros.repeat(slotCount) } : {
    pages: new Array(Math.min(pageCountOf(slotCount), forgedPagesMax))
      .fill(zeros),
  };
  return seal({ ...document, ...members, segment_bytes, outboard });
}

/** Whatever the bytes are, they are one of four things; a valid manifest can be worked with. */
function judge(bytes: Bytes): void {
  const before = bytes.slice();
  const decoded = decodeManifest(bytes, digest);
  deepStrictEqual(bytes, before);
  if (decoded.kind !== "valid") {
    ok(decoded.problem.length < 1000, decoded.problem);
    return;
  }
  const { manifest } = decoded;
  judgeGeometry(manifest.geometry);
  ok(countsOf(manifest).segmentCount <= entryFileCountMax);
  const again = decodeManifest(encodeManifest(manifest, digest), digest);
  deepStrictEqual(again, decoded);
}

function judgeGeometry(geometry: Geometry): void {
  const slots = slotCountOf(geometry);
  ok(Number.isSafeInteger(slots) && slots * digestBytes <= outboardBytesMax);
  const blocks = blockCountOf(geometry);
  const files = segmentCountOf(geometry) + blocks * geometry.parityShards;
  ok(files <= entryFileCountMax, "an entry has no more files than can be held");
  for (const block of new Set([0, blocks - 1])) {
    if (block < 0 || blocks === 0) continue;
    const shards = blockDataShards(geometry, block) + geometry.parityShards;
    for (const shard of new Set([0, shards - 1])) {
      ok(shardLength(geometry, block, shard) > 0);
      const last = slotOf(geometry, block, shard, 0) +
        Math.ceil(shardLength(geometry, block, shard) / geometry.leafBytes);
      ok(last <= slots && rowCountOf(geometry, block) > 0);
      ok(/^[a-z0-9_.]+(\/[a-z0-9_.]+)+$/.test(
        shardPath(geometry, block, shard),
      ));
    }
  }
}
