// Legacy target: manifests of blockframe-rs, most with hashes that lead to their root.

import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { payloadBytesMax, segmentBytesMax } from "../../src/base/limits.ts";
import { Codec } from "../../src/codec/mod.ts";
import { nameProblem } from "../../src/format/entry_path.ts";
import {
  legacyBlockCount,
  legacyDataShards,
} from "../../src/format/legacy/layout.ts";
import { decodeLegacyManifest } from "../../src/format/legacy/manifest.ts";
import { rootOf } from "../archive/legacy_writer.ts";
import { byteMutations, mutateBytes } from "./byte_mutation.ts";
import { readCorpus } from "./corpus.ts";
import { jsonMutations, mutateJson } from "./json_mutation.ts";
import { openLaw, type Target } from "./target.ts";

const samples = readCorpus("legacy", ".json");
const documents = samples.map((bytes) =>
  JSON.parse(new TextDecoder().decode(bytes))
);
const index = fc.nat(samples.length - 1);

const legacyBytes: fc.Arbitrary<Bytes> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(index, jsonMutations).map(([which, mutations]) =>
      seal(mutateJson(documents[which], mutations))
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(index, byteMutations).map(([which, mutations]) =>
      mutateBytes(samples[which]!, mutations)
    ),
  },
);

/** The target. */
export const legacyTarget: Target = {
  name: "legacy",
  weight: 10,
  cases: 2000,
  open: () => Promise.resolve(openLaw(fc.property(legacyBytes, judge))),
};

/** The document with the root that its hashes lead to, as far as it has such. */
function seal(document: unknown): Bytes {
  const sealed = structuredClone(document) as {
    merkle_tree?: { root?: unknown };
  };
  const tree = sealed?.merkle_tree;
  const roots = tree === undefined || tree === null ? [] : blockRootsOf(tree);
  if (roots.length > 0) {
    // "__proto__" may be a member here, and then not the prototype.
    Object.assign(tree as Record<string, unknown>, { root: rootOf(roots) });
  }
  return encodeUtf8(JSON.stringify(sealed) ?? "");
}

function blockRootsOf(tree: unknown): string[] {
  const { leaves, segments, blocks } = tree as Record<string, unknown>;
  const isFilled = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null &&
    Object.keys(value).length > 0;
  const isHash = (value: unknown) =>
    typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
  for (const map of [segments, blocks]) {
    if (!isFilled(map)) continue;
    const roots = Object.values(map).map((block) => {
      const { data, segments, parity } = (block ?? {}) as Record<
        string,
        unknown
      >;
      const hashes = [data ?? segments, parity].flat().filter(isHash);
      return hashes.length === 0 ? undefined : rootOf(hashes as string[]);
    });
    return roots.filter((root) => root !== undefined);
  }
  return isFilled(leaves)
    ? Object.values(leaves).filter(isHash) as string[]
    : [];
}

function judge(bytes: Bytes): void {
  const digest = (part: Bytes) => Codec.open().digest(part);
  const decoded = decodeLegacyManifest(bytes, digest);
  deepStrictEqual(decodeLegacyManifest(bytes, digest), decoded);
  if (decoded.kind !== "valid") {
    ok(decoded.problem.length < 1000, decoded.problem);
    return;
  }
  const { name, layout, proof } = decoded.entry;
  ok(nameProblem(name) === undefined);
  ok(layout.payloadBytes <= payloadBytesMax);
  ok(layout.tier === 1 || layout.segmentBytes <= segmentBytesMax);
  ok(proof.blocks.length === legacyBlockCount(layout));
  if (proof.kind === "shards") {
    proof.blocks.forEach((hashes, block) =>
      ok(hashes.length === legacyDataShards(layout, block) + 3)
    );
  }
}
