import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { isFailure } from "../../src/base/errors.ts";
import { tierLimitsDefault } from "../../src/base/limits.ts";
import {
  formatPolicy,
  parsePolicy,
  planTier,
  shardsOf,
} from "../../src/format/policy.ts";

Deno.test("parsePolicy() and formatPolicy() undo each other", () => {
  const texts = [
    "erasure:1+0",
    "erasure:1+3",
    "erasure:30+3",
    "erasure:255+1",
    "erasure:10+246",
  ];
  for (const text of [...texts, "replicate:1", "replicate:256"]) {
    strictEqual(formatPolicy(parsePolicy(text)), text);
  }
});

Deno.test("parsePolicy() refuses what is no policy and says what is", () => {
  const texts = [
    "",
    "erasure",
    "erasure:0+3",
    "erasure:3",
    "erasure:1+-1",
    "erasure:01+3",
  ];
  for (
    const text of [
      ...texts,
      "erasure:200+57",
      "erasure:999+0",
      "replicate:0",
      "replicate:257",
      "raid5",
      "erasure:1+3 ",
      "Erasure:1+3",
    ]
  ) {
    throws(
      () => parsePolicy(text),
      (error) => isFailure(error, "invalid-argument"),
      text,
    );
  }
  throws(() => parsePolicy("raid5"), /erasure:K\+M/);
});

Deno.test("shardsOf() makes n copies one data shard and n - 1 parity shards", () => {
  deepStrictEqual(shardsOf(parsePolicy("replicate:3")), {
    dataShards: 1,
    parityShards: 2,
  });
  deepStrictEqual(shardsOf(parsePolicy("erasure:10+4")), {
    dataShards: 10,
    parityShards: 4,
  });
});

Deno.test("planTier() changes exactly at its limits", () => {
  const limits = tierLimitsDefault;
  const rows: [number, number, string][] = [
    [0, 1, "erasure:1+3"],
    [9_999_999, 1, "erasure:1+3"],
    [10_000_000, 2, "erasure:1+3"],
    [10_000_001, 2, "erasure:1+3"],
    [999_999_999, 2, "erasure:1+3"],
    [1_000_000_000, 3, "erasure:30+3"],
    [1_000_000_001, 3, "erasure:30+3"],
    [34_999_999_999, 3, "erasure:30+3"],
    [35_000_000_000, 4, "erasure:30+3"],
  ];
  for (const [bytes, tier, policy] of rows) {
    const planned = planTier(bytes, limits);
    strictEqual(planned.tier, tier, `${bytes}`);
    strictEqual(formatPolicy(planned.policy), policy, `${bytes}`);
  }
});
