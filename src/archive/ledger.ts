// Ledger: adds up what the scans of one entry found, by file, and turns it into the report's damage
// and lost ranges. A leaf that one scan could not rebuild may be rebuilt by a later one.

import { shardPath } from "../format/entry_path.ts";
import {
  blockDataShards,
  type Geometry,
  isColumn,
  payloadLeafCount,
  placeOfColumn,
  type RowRun,
  segmentOf,
  slotCountOf,
  slotOf,
} from "../format/geometry.ts";
import type { DamageCause, FileDamage, PayloadRange } from "./report.ts";
import { SlotSet } from "./slot_set.ts";
import type { Obstacle, ShardFinding, SlabFinding } from "./worker_protocol.ts";

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
  /** Leaves that failed their verification. */
  readonly #bad: SlotSet;
  /** Those of them that could not be rebuilt. */
  readonly #lost: SlotSet;
  /** Runs in which something was found. */
  readonly findingRuns: RowRun[] = [];

  /** An empty ledger. */
  constructor(geometry: Geometry) {
    this.#geometry = geometry;
    this.#bad = new SlotSet(slotCountOf(geometry));
    this.#lost = new SlotSet(slotCountOf(geometry));
  }

  /** Leaves that could not be rebuilt. */
  get lostLeafCount(): number {
    return this.#lost.size;
  }

  /** Leaves of parity among them. */
  get lostParityLeafCount(): number {
    let count = this.#lost.size;
    for (const _ of this.#lostPayloadLeaves()) count--;
    return count;
  }

  /** Whether the leaf could not be rebuilt. */
  isLost(block: number, shard: number, row: number): boolean {
    return this.#lost.has(slotOf(this.#geometry, block, shard, row));
  }

  /** Takes in what a scan of `run` found. */
  add(run: RowRun, findings: readonly ShardFinding[]): void {
    if (findings.length > 0) this.findingRuns.push(run);
    for (const finding of findings) this.#take(run.block, finding);
  }

  /** Takes in what a slab came to: what it rebuilt is lost no more. */
  addSlab(findings: readonly SlabFinding[]): void {
    for (const finding of findings) {
      for (const { row } of this.#take(finding.block, finding)) {
        const { block } = finding;
        this.findingRuns.push({ block, firstRow: row, rowCount: 1 });
      }
    }
  }

  /** Gives the leaves of which nothing was known before. */
  #take(block: number, finding: ShardFinding): ShardFinding["leaves"] {
    const cause = finding.leaves[0]?.cause ?? finding.lengthCause;
    if (cause === undefined) return [];
    const record = this.#enter(
      block,
      finding.shard,
      finding.lengthCause ?? cause,
    );
    if (finding.lengthCause === "overlong") record.overlong = true;
    if (finding.obstacle !== undefined) record.obstacle ??= finding.obstacle;
    return finding.leaves.filter((leaf) => {
      const slot = slotOf(this.#geometry, block, finding.shard, leaf.row);
      const isNew = this.#bad.add(slot);
      if (isNew) {
        record.leafCount++;
        if (!leaf.rebuilt) this.#lost.add(slot);
      }
      if (leaf.rebuilt && (isNew || this.#lost.delete(slot))) {
        record.rebuiltLeafCount++;
        if (leaf.written) record.writtenLeafCount++;
      }
      return isNew;
    });
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
    const { leafBytes, payloadBytes } = this.#geometry;
    // As it goes: the leaves of a lost terabyte are many millions, its ranges are few.
    const ranges: { payloadOffset: number; bytes: number }[] = [];
    for (const leaf of this.#lostPayloadLeaves()) {
      const payloadOffset = leaf * leafBytes;
      const bytes = Math.min(leafBytes, payloadBytes - payloadOffset);
      const last = ranges.at(-1);
      if (
        last !== undefined && last.payloadOffset + last.bytes === payloadOffset
      ) last.bytes += bytes;
      else ranges.push({ payloadOffset, bytes });
    }
    return ranges;
  }

  #lostPayloadLeaves(): Iterable<number> {
    if (this.#lost.size === 0) return [];
    return this.#lost.between(0, payloadLeafCount(this.#geometry));
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
    const ofColumn = isColumn(geometry, record.block);
    return {
      file: shardPath(geometry, record.block, record.shard),
      role: isData ? "segment" : ofColumn ? "group" : "parity",
      index: isData
        ? segmentOf(geometry, record.block, record.shard)
        : record.shard - dataShards,
      block: ofColumn
        ? placeOfColumn(geometry, record.block).group
        : record.block,
      cause: record.cause,
      leafCount: record.leafCount,
      rebuiltLeafCount: record.rebuiltLeafCount,
      repaired,
      ...(record.obstacle === undefined || repaired ? {} : {
        obstacle: record.obstacle.message,
        obstacleCode: record.obstacle.code,
      }),
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
