// Ledger: adds up what the scans of one entry found, by file, and turns it into the report's damage
// and lost ranges.

import { present } from "../base/assert.ts";
import { shardPath } from "../format/entry_path.ts";
import {
  blockDataShards,
  type Geometry,
  payloadOffsetOf,
  type RowRun,
  shardLength,
} from "../format/geometry.ts";
import type { DamageCause, FileDamage, PayloadRange } from "./report.ts";
import type { Obstacle, ShardFinding } from "./worker_protocol.ts";

/** What was found of one shard file. */
export interface ShardRecord {
  readonly block: number;
  readonly shard: number;
  cause: DamageCause;
  leafCount: number;
  rebuiltLeafCount: number;
  writtenLeafCount: number;
  /** The file is longer than it should be. */
  overlong: boolean;
  /** Why it could not be written back. */
  obstacle?: Obstacle;
}

/** Findings of one entry. */
export class Ledger {
  readonly #geometry: Geometry;
  readonly #records = new Map<string, ShardRecord>();
  readonly #lost: PayloadRange[] = [];
  /** Runs in which something was found. */
  readonly findingRuns: RowRun[] = [];
  lostParityLeafCount = 0;

  /** An empty ledger. */
  constructor(geometry: Geometry) {
    this.#geometry = geometry;
  }

  /** Takes in what a scan of `run` found. */
  add(run: RowRun, findings: readonly ShardFinding[]): void {
    if (findings.length > 0) this.findingRuns.push(run);
    for (const finding of findings) {
      const cause = finding.leaves[0]?.cause ?? finding.lengthCause;
      if (cause === undefined) continue;
      const record = this.#enter(
        run.block,
        finding.shard,
        finding.lengthCause ?? cause,
      );
      if (finding.lengthCause === "overlong") record.overlong = true;
      if (finding.obstacle !== undefined) record.obstacle ??= finding.obstacle;
      for (const leaf of finding.leaves) {
        record.leafCount++;
        if (leaf.rebuilt) record.rebuiltLeafCount++;
        else this.#addLost(run.block, finding.shard, leaf.row);
        if (leaf.written) record.writtenLeafCount++;
      }
    }
  }

  /** Damaged shard files, by block and shard. */
  records(): ShardRecord[] {
    return [...this.#records.values()]
      .sort((a, b) => a.block - b.block || a.shard - b.shard);
  }

  /** What was found of one shard file, if anything. */
  recordOf(block: number, shard: number): ShardRecord | undefined {
    return this.#records.get(shardPath(this.#geometry, block, shard));
  }

  /** Payload bytes that cannot be rebuilt, merged and in order. */
  lostRanges(): PayloadRange[] {
    return mergeRanges(this.#lost);
  }

  /** Leaves that were rebuilt. */
  rebuiltLeafCount(): number {
    let count = 0;
    for (const record of this.#records.values()) {
      count += record.rebuiltLeafCount;
    }
    return count;
  }

  /** The report of one record. */
  damageOf(record: ShardRecord, repaired: boolean): FileDamage {
    const geometry = this.#geometry;
    const dataShards = blockDataShards(geometry, record.block);
    const isData = record.shard < dataShards;
    return {
      file: shardPath(geometry, record.block, record.shard),
      role: isData ? "segment" : "parity",
      index: isData
        ? record.block * geometry.dataShards + record.shard
        : record.shard - dataShards,
      block: record.block,
      cause: record.cause,
      leafCount: record.leafCount,
      rebuiltLeafCount: record.rebuiltLeafCount,
      repaired,
      ...(record.obstacle === undefined || repaired
        ? {}
        : { obstacle: record.obstacle.message }),
    };
  }

  #enter(block: number, shard: number, cause: DamageCause): ShardRecord {
    const path = shardPath(this.#geometry, block, shard);
    let record = this.#records.get(path);
    if (record === undefined) {
      record = {
        block,
        shard,
        cause,
        leafCount: 0,
        rebuiltLeafCount: 0,
        writtenLeafCount: 0,
        overlong: false,
      };
      this.#records.set(path, record);
    }
    return record;
  }

  #addLost(block: number, shard: number, row: number): void {
    const geometry = this.#geometry;
    if (shard >= blockDataShards(geometry, block)) {
      this.lostParityLeafCount++;
      return;
    }
    const shardOffset = row * geometry.leafBytes;
    const bytes = Math.min(
      geometry.leafBytes,
      shardLength(geometry, block, shard) - shardOffset,
    );
    const payloadOffset = payloadOffsetOf(geometry, block, shard, shardOffset);
    present(bytes > 0 ? bytes : undefined, "a leaf has bytes");
    this.#lost.push({ payloadOffset, bytes });
  }
}

/** Ranges in their order, those that touch as one. */
export function mergeRanges(ranges: readonly PayloadRange[]): PayloadRange[] {
  const ordered = ranges.toSorted((a, b) => a.payloadOffset - b.payloadOffset);
  const merged: PayloadRange[] = [];
  for (const { payloadOffset, bytes } of ordered) {
    const last = merged.at(-1);
    if (
      last !== undefined && last.payloadOffset + last.bytes === payloadOffset
    ) {
      merged[merged.length - 1] = {
        payloadOffset: last.payloadOffset,
        bytes: last.bytes + bytes,
      };
    } else merged.push({ payloadOffset, bytes });
  }
  return merged;
}
