import { deepEqual, equal, match } from "node:assert/strict";
import { type Bytes, encodeUtf8, formatHex } from "../../../src/base/bytes.ts";
import { Codec } from "../../../src/codec/mod.ts";
import {
  decodeLegacyManifest,
  parseLegacyFolder,
} from "../../../src/format/legacy/manifest.ts";
import { merkleRoot } from "../../../src/format/legacy/merkle.ts";

const digest = (bytes: Bytes) => Codec.open().digest(bytes);

// What blockframe-rs made of a file with the ten bytes `blockframe`.
const dataHash =
  "c41e3ccb398783c24211ecea54ac84c2029d012165392c9deabbef3a597b8fb7";
const parityHash =
  "4166ae41eb35a635ee8ee79a3befe7ca4393816f4049225f10ab6158ec20d550";
const root = "bf24f56191b99c2c2e4f9be76cd48da3cd3b08442c54cf4cc26ea633fda74ec3";

Deno.test("merkleRoot() is that of blockframe-rs", () => {
  equal(formatHex(digest(encodeUtf8("blockframe"))), dataHash);
  const padded = new Uint8Array(64);
  padded.set(encodeUtf8("blockframe"));
  equal(formatHex(digest(padded)), parityHash);
  equal(
    merkleRoot([dataHash, parityHash, parityHash, parityHash], digest),
    root,
  );
});

Deno.test("merkleRoot() pairs the last of an odd count with itself", () => {
  const [a, b, c] = ["a", "b", "c"].map((each) => each.repeat(64)) as [
    string,
    string,
    string,
  ];
  const join = (left: string, right: string) =>
    formatHex(digest(encodeUtf8(left + right)));
  equal(merkleRoot([a], digest), a);
  equal(merkleRoot([a, b, c], digest), join(join(a, b), join(c, c)));
});

Deno.test("parseLegacyFolder() splits at the last underscore", () => {
  deepEqual(parseLegacyFolder(`a_b.txt_${dataHash}`), {
    name: "a_b.txt",
    originalHash: dataHash,
  });
  for (const folder of ["a", `_${dataHash}`, `a_${dataHash.slice(1)}`]) {
    equal(parseLegacyFolder(folder), undefined, folder);
  }
});

/** The golden manifest as it lay on the disk. */
function golden(): Record<string, unknown> {
  return {
    erasure_coding: { data_shards: 6, parity_shards: 3, type: "reed-solomon" },
    merkle_tree: {
      leaves: { 0: dataHash, 1: parityHash, 2: parityHash, 3: parityHash },
      root,
    },
    name: "ten.txt",
    original_hash: dataHash,
    segment_size: 64,
    size: 10,
    tier: 1,
    time_of_creation: "2026-01-12 10:00:00.000000000 UTC",
  };
}

function decode(manifest: unknown) {
  return decodeLegacyManifest(encodeUtf8(JSON.stringify(manifest)), digest);
}

Deno.test("decodeLegacyManifest() reads the golden manifest", () => {
  deepEqual(decode(golden()), {
    kind: "valid",
    entry: {
      name: "ten.txt",
      originalHash: dataHash,
      layout: { tier: 1, payloadBytes: 10, segmentBytes: 10 },
      proof: {
        kind: "shards",
        blocks: [[dataHash, parityHash, parityHash, parityHash]],
      },
    },
  });
});

Deno.test("decodeLegacyManifest() says of the first months' manifests that it cannot read them", () => {
  const { tier: _tier, ...old } = golden();
  equal(decode(old).kind, "unsupported");
});

const leaf = { 0: dataHash, 1: parityHash, 2: parityHash, 3: parityHash };
const hostile: readonly [string, Record<string, unknown>][] = [
  ["a name that leads up", { name: ".." }],
  ["a name with a folder", { name: "../../etc/passwd" }],
  ["an empty name", { name: "" }],
  ["a name with NUL", { name: "a\0b" }],
  ["a name too long", { name: "a".repeat(256) }],
  ["a name that is none", { name: 7 }],
  ["a tier that is none", { tier: 4 }],
  ["a tier as text", { tier: "1" }],
  ["a negative size", { size: -1 }],
  ["half a byte", { size: 0.5 }],
  ["a size beyond numbers", { size: 2 ** 60 }],
  ["no size", { size: undefined }],
  ["an empty payload in tier 2", { tier: 2, size: 0 }],
  ["a segment of no size", { tier: 2, segment_size: 0 }],
  ["a segment of odd size", { tier: 2, segment_size: 63 }],
  ["an immense segment", { tier: 3, segment_size: 2 ** 40 }],
  ["immensely many segments", { tier: 2, size: 2 ** 52, segment_size: 64 }],
  ["a hash in capitals", { original_hash: dataHash.toUpperCase() }],
  ["no hash", { original_hash: null }],
  ["no tree", { merkle_tree: undefined }],
  ["a tree that is a list", { merkle_tree: [] }],
  ["another root", { merkle_tree: { leaves: leaf, root: dataHash } }],
  ["no root", { merkle_tree: { leaves: leaf } }],
  ["another leaf", { merkle_tree: { leaves: { ...leaf, 2: dataHash }, root } }],
  ["a leaf too many", { merkle_tree: { leaves: { ...leaf, 4: root }, root } }],
  ["a leaf of no number", {
    merkle_tree: {
      leaves: { 0: dataHash, 1: parityHash, 2: parityHash, x: parityHash },
      root,
    },
  }],
  ["leaves as a list", {
    merkle_tree: {
      leaves: [dataHash, parityHash, parityHash, parityHash],
      root,
    },
  }],
  ["segments in place of leaves", {
    tier: 2,
    segment_size: 64,
    merkle_tree: { segments: { 0: { data: dataHash, parity: [] } }, root },
  }],
  ["blocks with too few shards", {
    tier: 3,
    segment_size: 64,
    merkle_tree: {
      blocks: {
        0: { segments: [], parity: [parityHash, parityHash, parityHash] },
      },
      root,
    },
  }],
];

for (const [what, members] of hostile) {
  Deno.test(`decodeLegacyManifest() refuses ${what}`, () => {
    const decoded = decode({ ...golden(), ...members });
    equal(decoded.kind, "invalid");
    if (decoded.kind !== "invalid") return;
    match(decoded.problem, /^its manifest is not valid: ./);
  });
}

Deno.test("decodeLegacyManifest() refuses what is no JSON object, and members of prototypes", () => {
  for (
    const text of [
      "",
      "{",
      "null",
      "[]",
      "7",
      '"text"',
      '{"__proto__":{"tier":1}}',
      '{"tier":1,"name":"a","size":1,"__proto__":{"merkle_tree":{}}}',
      '{"tier":1,"name":"a","size":1,"merkle_tree":{"leaves":{"__proto__":1}}}',
    ]
  ) {
    const { kind } = decodeLegacyManifest(encodeUtf8(text), digest);
    equal(
      kind,
      text.startsWith('{"__proto__"') ? "unsupported" : "invalid",
      text,
    );
  }
  equal(
    decodeLegacyManifest(new Uint8Array([0xff, 0xfe]), digest).kind,
    "invalid",
  );
});
