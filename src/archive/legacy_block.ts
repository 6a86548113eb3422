// Legacy block: verifies one block of a blockframe-rs entry, tells good shards from bad ones, and
// rebuilds the data that is lost. Where a block has no hash of each shard but one root for all,
// sets of bad shards are tried until the root is met.

import { present } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { rebuildRows, syndromeRows } from "../format/legacy/code.ts";
import {
  fullDataShards,
  legacyDataBytes,
  legacyPayloadOffset,
} from "../format/legacy/layout.ts";
import { Locator } from "../format/legacy/locate.ts";
import { merkleRoot } from "../format/legacy/merkle.ts";
import type { EngineContext } from "./context.ts";
import {
  type LegacyPlace,
  LegacyShards,
  type ShardScan,
} from "./legacy_shards.ts";
import type { DamageCause, FileDamage, PayloadRange } from "./report.ts";

/** Receives payload bytes, which are its caller's again afterwards; the last write counts. */
export type PayloadSink = (bytes: Bytes, payloadOffset: number) => void;

/** What a block came to. */
export interface LegacyBlockReport {
  readonly damage: readonly FileDamage[];
  readonly lostRanges: readonly PayloadRange[];
}

/**
 * Sets of bad shards that are tried: each takes the time of reading the block. Enough for any three
 * of up to seven shards, and for any third one beside two that are known.
 */
const proposalCountMax = 64;

/**
 * Reads a block and gives its payload to `sink`: in order what lies there, then what was rebuilt
 * over it. What is not in a lost range is then verified.
 * @throws {Failure} `interrupted`, `offline`, and what the sink throws
 */
export async function readLegacyBlock(
  place: LegacyPlace,
  block: number,
  context: EngineContext,
  sink: PayloadSink,
  onRead: (bytes: number) => void,
): Promise<LegacyBlockReport> {
  const reader = new BlockReader(place, block, context, sink);
  return await reader.read(onRead);
}

/** What was made out about the shards: those that are bad, and whether the rest is the truth. */
interface Verdict {
  readonly bad: readonly number[];
  /** Data shards that cannot be given. */
  readonly lost: readonly number[];
}

class BlockReader {
  readonly #place: LegacyPlace;
  readonly #block: number;
  readonly #context: EngineContext;
  readonly #sink: PayloadSink;
  readonly #shards: LegacyShards;
  readonly #scans: ShardScan[] = [];

  constructor(
    place: LegacyPlace,
    block: number,
    context: EngineContext,
    sink: PayloadSink,
  ) {
    this.#place = place;
    this.#block = block;
    this.#context = context;
    this.#sink = sink;
    this.#shards = new LegacyShards(place, block, context);
  }

  async read(onRead: (bytes: number) => void): Promise<LegacyBlockReport> {
    for (let shard = 0; shard < this.#shards.shardCount; shard++) {
      const isData = shard < this.#shards.dataShards;
      const scan = await this.#shards.scan(shard, (bytes, offset) => {
        if (isData) this.#give(shard, bytes, offset);
        onRead(bytes.length);
      });
      this.#scans.push(scan);
    }
    const { proof } = this.#place.entry;
    const verdict = proof.kind === "shards"
      ? await this.#judgeByHashes(
        present(proof.blocks[this.#block], "every block has hashes"),
      )
      : await this.#judgeByRoot(
        present(proof.blocks[this.#block], "every block has a root"),
      );
    return this.#describe(verdict);
  }

  async #judgeByHashes(hashes: readonly string[]): Promise<Verdict> {
    const bad = this.#shardsWhere((scan, shard) =>
      scan.kind === "bad" || scan.hash !== hashes[shard]
    );
    const lost = this.#dataOf(bad);
    if (lost.length === 0) return { bad, lost };
    const survivors = this.#survivors(bad);
    if (survivors === undefined) return { bad, lost };
    const rebuilt = await this.#rebuild(
      survivors,
      lost.map((shard) => ({
        shard,
        bytes: this.#shards.lengthsOf(shard)[0]!,
      })),
      true,
    );
    return {
      bad,
      lost: lost.filter((shard, at) => rebuilt?.[at] !== hashes[shard]),
    };
  }

  /** Parity of some versions was filled up and that of others was not: each length has its turn. */
  async #judgeByRoot(root: string): Promise<Verdict> {
    const parityLengths = this.#shards.lengthsOf(this.#shards.dataShards);
    const turns = parityLengths.map((parityBytes) => ({
      parityBytes,
      erased: this.#shardsWhere((scan, shard) =>
        scan.kind === "bad" ||
        (shard >= this.#shards.dataShards && scan.bytes !== parityBytes)
      ),
    }));
    for (const { erased } of turns) {
      if (erased.length > 0) continue;
      if (this.#rootWith([], []) === root) return { bad: [], lost: [] };
    }
    for (const { parityBytes, erased } of turns) {
      const bad = await this.#findBad(root, erased, parityBytes);
      if (bad !== undefined) return { bad, lost: [] };
    }
    // Nothing tells the good shards of this block from the bad ones.
    const all = Array.from({ length: this.#shards.dataShards }, (_, at) => at);
    return { bad: this.#shardsWhere((scan) => scan.kind === "bad"), lost: all };
  }

  /** The bad shards without which the others meet the root; their data was given to the sink. */
  async #findBad(
    root: string,
    erased: readonly number[],
    parityBytes: number,
  ): Promise<readonly number[] | undefined> {
    const { dataShards } = this.#shards;
    if (this.#survivors(erased) === undefined) return undefined;
    const locator = await this.#locate(erased);
    if (locator === undefined) return undefined;
    if (erased.length === 0 && !locator.foundAny) return undefined;
    let proposalCount = 0;
    for (const bad of locator.propose(erased)) {
      if (++proposalCount > proposalCountMax) return undefined;
      const targets = bad.map((shard) => ({
        shard,
        bytes: shard < dataShards
          ? this.#shards.lengthsOf(shard)[0]!
          : parityBytes,
      }));
      const survivors = present(this.#survivors(bad), "three may be bad");
      // What a wrong set gives must not reach the sink.
      const hashes = await this.#rebuild(survivors, targets, false);
      if (hashes === undefined) return undefined;
      if (this.#rootWith(bad, hashes) !== root) continue;
      if (this.#dataOf(bad).length === 0) return bad;
      const again = await this.#rebuild(survivors, targets, true);
      const isSame = again?.every((hash, at) => hash === hashes[at]) ?? false;
      return isSame ? bad : undefined;
    }
    return undefined;
  }

  async #locate(erased: readonly number[]): Promise<Locator | undefined> {
    const { dataShards, shardCount } = this.#shards;
    const locator = new Locator(dataShards);
    if (erased.length >= shardCount - dataShards) return locator;
    const sources = Array.from(
      { length: shardCount },
      (_, shard) => erased.includes(shard) ? undefined : shard,
    );
    const isRead = await this.#shards.combine(
      syndromeRows(dataShards),
      sources,
      (syndromes) => locator.add(syndromes),
    );
    return isRead ? locator : undefined;
  }

  /** The root over the hashes as read, those of `shards` replaced. */
  #rootWith(shards: readonly number[], hashes: readonly string[]): string {
    const leaves = this.#scans.map((scan, shard) => {
      const at = shards.indexOf(shard);
      if (at >= 0) return present(hashes[at], "every shard has a hash");
      return scan.kind === "read" ? scan.hash : "";
    });
    return merkleRoot(leaves, (bytes) => this.#context.codec.digest(bytes));
  }

  async #rebuild(
    survivors: readonly number[],
    targets: readonly { readonly shard: number; readonly bytes: number }[],
    isGiven: boolean,
  ): Promise<string[] | undefined> {
    const { dataShards } = this.#shards;
    const rows = rebuildRows(
      dataShards,
      survivors,
      targets.map((target) => target.shard),
    );
    return await this.#shards.rebuild(
      rows,
      survivors,
      targets,
      (shard, bytes, offset) => {
        if (isGiven && shard < dataShards) this.#give(shard, bytes, offset);
      },
    );
  }

  #give(shard: number, bytes: Bytes, shardOffset: number): void {
    const { layout } = this.#place.entry;
    if (bytes.length === 0) return;
    this.#sink(
      bytes,
      legacyPayloadOffset(layout, this.#block, shard) + shardOffset,
    );
  }

  #survivors(bad: readonly number[]): number[] | undefined {
    const good = this.#shardsWhere((_, shard) => !bad.includes(shard));
    return good.length < this.#shards.dataShards
      ? undefined
      : good.slice(0, this.#shards.dataShards);
  }

  #dataOf(shards: readonly number[]): number[] {
    return shards.filter((shard) => shard < this.#shards.dataShards);
  }

  #shardsWhere(test: (scan: ShardScan, shard: number) => boolean): number[] {
    return [...this.#scans.keys()].filter((shard) =>
      test(present(this.#scans[shard], "every shard was read"), shard)
    );
  }

  #describe({ bad, lost }: Verdict): LegacyBlockReport {
    const { layout } = this.#place.entry;
    const damage = bad.map((shard): FileDamage => {
      const scan = present(this.#scans[shard], "every shard was read");
      const isData = shard < this.#shards.dataShards;
      const cause: DamageCause = scan.kind === "bad" ? scan.cause : "rotten";
      // Parity can be computed again where all data is there.
      const isRebuilt = isData ? !lost.includes(shard) : lost.length === 0;
      return {
        file: this.#shards.pathOf(shard),
        role: isData ? "segment" : "parity",
        index: isData
          ? this.#block * fullDataShards(layout) + shard
          : shard - this.#shards.dataShards,
        block: this.#block,
        cause,
        leafCount: 1,
        rebuiltLeafCount: isRebuilt ? 1 : 0,
        repaired: false,
      };
    });
    return {
      damage,
      lostRanges: lost.map((shard) => ({
        payloadOffset: legacyPayloadOffset(layout, this.#block, shard),
        bytes: legacyDataBytes(layout, this.#block, shard),
      })),
    };
  }
}
