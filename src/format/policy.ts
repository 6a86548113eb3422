// Policy: how a payload is protected, as text and as numbers, and the tier that picks one by size.
// `erasure:k+m` is Reed-Solomon; `replicate:n` is n whole copies, which the code of k = 1 makes.

import { shardCountMax } from "../base/limits.ts";
import { Failure } from "../base/errors.ts";

/** How a payload is protected. */
export type Policy =
  | {
    readonly kind: "erasure";
    readonly dataShards: number;
    readonly parityShards: number;
  }
  | { readonly kind: "replicate"; readonly copies: number };

/** The automatic classes of size. 0 is a policy that the user named. */
export type Tier = 0 | 1 | 2 | 3 | 4;

/** Payload sizes in bytes at which tiers end: a payload below `tier1Max` is tier 1, and so on. */
export interface TierLimits {
  readonly tier1Max: number;
  readonly tier2Max: number;
  readonly tier3Max: number;
}

/** Data and parity shards of a block under `policy`: n copies are one data shard and n - 1 parity. */
export function shardsOf(
  policy: Policy,
): { dataShards: number; parityShards: number } {
  return policy.kind === "erasure"
    ? { dataShards: policy.dataShards, parityShards: policy.parityShards }
    : { dataShards: 1, parityShards: policy.copies - 1 };
}

/** The text of a policy, as `--policy` and the manifest have it. */
export function formatPolicy(policy: Policy): string {
  return policy.kind === "erasure"
    ? `erasure:${policy.dataShards}+${policy.parityShards}`
    : `replicate:${policy.copies}`;
}

/**
 * The policy that `text` names.
 * @throws {Failure} `invalid-argument`
 */
export function parsePolicy(text: string): Policy {
  const erasure = /^erasure:([1-9]\d{0,2})\+(0|[1-9]\d{0,2})$/.exec(text);
  if (erasure !== null) {
    const dataShards = Number(erasure[1]), parityShards = Number(erasure[2]);
    if (dataShards + parityShards <= shardCountMax) {
      return { kind: "erasure", dataShards, parityShards };
    }
    throw new Failure(
      "invalid-argument",
      `Policy "${text}" has ${
        dataShards + parityShards
      } shards: k+m may be at most ${shardCountMax}`,
    );
  }
  const replicate = /^replicate:([1-9]\d{0,2})$/.exec(text);
  if (replicate !== null && Number(replicate[1]) <= shardCountMax) {
    return { kind: "replicate", copies: Number(replicate[1]) };
  }
  throw new Failure(
    "invalid-argument",
    `Policy "${text}" is not understood: give erasure:K+M (such as erasure:10+4) or replicate:N ` +
      `(such as replicate:3), with at most ${shardCountMax} shards`,
  );
}

/** The tier of a payload by its size. Tier 4 is tier 3 with parity across blocks. */
export function planTier(
  payloadBytes: number,
  limits: TierLimits,
): { tier: Tier; policy: Policy } {
  const copies: Policy = { kind: "erasure", dataShards: 1, parityShards: 3 };
  if (payloadBytes < limits.tier1Max) return { tier: 1, policy: copies };
  if (payloadBytes < limits.tier2Max) return { tier: 2, policy: copies };
  return {
    tier: payloadBytes < limits.tier3Max ? 3 : 4,
    policy: { kind: "erasure", dataShards: 30, parityShards: 3 },
  };
}
