// Solve a slab: rebuilds what single rows could not. The leaves of a slab lie in blocks one way and
// in columns the other; a block rebuilds up to m of its leaves, a column up to as many as the group
// has parity. What one rebuilds may be what another lacks, so they take turns until nothing more is
// gained. Only verified leaves are ever used, and only rebuilt ones are held: no more than the
// parity of the slab has, whatever was lost.

import { digestBytes } from "../base/limits.ts";
import { present } from "../base/assert.ts";
import { type Bytes, equalBytes, isZero } from "../base/bytes.ts";
import { isFailure, messageOf } from "../base/errors.ts";
import type { Lease } from "../codec/mod.ts";
import { shardPath } from "../format/entry_path.ts";
import {
  blockDataShards,
  blockParityShards,
  blockShardCount,
  crossingOf,
  isColumn,
  payloadOffsetOf,
  type RowRun,
  runLength,
  segmentOf,
} from "../format/geometry.ts";
import { shardsOfSlab, type SlabShard } from "../format/slab.ts";
import type { JobContext } from "./encode_run.ts";
import { digestAt, readRows } from "./read_rows.ts";
import type { DamageCause } from "./report.ts";
import { openOutput } from "./payload_output.ts";
import { RunBuffer } from "./run_buffer.ts";
import type { Obstacle, SlabFinding, SlabJob } from "./worker_protocol.ts";
import { refuseShared } from "./write_rows.ts";

/**
 * Does the job; gives what became of the wanted leaves, and which others had to be rebuilt for them.
 * @throws {Failure} `offline` when the medium is gone; failures of the output
 */
export function solveSlab(job: SlabJob, context: JobContext): SlabFinding[] {
  const { slab } = job;
  {
    using whole = new SlabSolver(job, slab.firstRow, slab.rowCount, context);
    if (whole.solve() === "solved") return whole.finish();
  }
  // Leaves of one shard turned out good in one row and bad in another: each row for itself, then.
  const findings: SlabFinding[] = [];
  for (let row = 0; row < slab.rowCount; row++) {
    using single = new SlabSolver(job, slab.firstRow + row, 1, context);
    single.solve();
    findings.push(...single.finish());
  }
  return findings;
}

/** A shard whose leaves in these rows failed their verification. */
interface BadShard extends SlabShard {
  readonly cause: DamageCause;
  readonly isWanted: boolean;
  /** Its leaves, once they are rebuilt and verified. */
  rebuilt?: Lease;
  written: boolean;
  obstacle?: Obstacle;
}

class SlabSolver implements Disposable {
  readonly #job: SlabJob;
  readonly #firstRow: number;
  readonly #rowCount: number;
  readonly #context: JobContext;
  /** By key: shards in block terms, the parity of columns in theirs. */
  readonly #bad = new Map<number, BadShard>();
  readonly #digests = new Map<number, Bytes>();
  /** Blocks and columns to be looked at, and those that were. */
  readonly #pending = new Set<number>();
  readonly #tried = new Set<number>();
  #wantedCount = 0;

  constructor(
    job: SlabJob,
    firstRow: number,
    rowCount: number,
    context: JobContext,
  ) {
    this.#job = job;
    this.#firstRow = firstRow;
    this.#rowCount = rowCount;
    this.#context = context;
    const { geometry, slab } = job;
    const stride = slab.rowCount * digestBytes;
    const skipped = (firstRow - slab.firstRow) * digestBytes;
    let at = 0;
    for (const { block, shard } of shardsOfSlab(geometry, slab)) {
      const own = job.digests.subarray(at + skipped, at + stride);
      this.#digests.set(keyOf(block, shard), own);
      at += stride;
    }
  }

  /** Gives the memory of what was rebuilt back. */
  [Symbol.dispose](): void {
    for (const { rebuilt } of this.#bad.values()) rebuilt?.[Symbol.dispose]();
    this.#bad.clear();
  }

  /** "uneven" where the rows cannot be treated as one; then nothing was done. */
  solve(): "solved" | "uneven" {
    for (const { block, shard } of this.#job.lost) {
      if (runLength(this.#job.geometry, this.#run(block), shard) === 0) {
        continue;
      }
      this.#wantedCount++;
      this.#markBad(block, shard, "rotten", true);
      this.#pending.add(block);
      const column = this.#crossing(block, shard);
      if (column !== undefined) this.#pending.add(column.block);
    }
    for (const block of this.#pending) {
      if (this.#wantedCount === 0) break;
      this.#pending.delete(block);
      this.#tried.add(block);
      if (this.#attempt(block) === "uneven") return "uneven";
    }
    return "solved";
  }

  /** Rebuilds what a block or column has lost, if it can. */
  #attempt(block: number): "done" | "uneven" {
    const { geometry } = this.#job;
    const parityCount = blockParityShards(geometry, block);
    const lost: number[] = [];
    for (let shard = 0; shard < blockShardCount(geometry, block); shard++) {
      const bad = this.#bad.get(this.#keyOf(block, shard));
      if (bad !== undefined && bad.rebuilt === undefined) lost.push(shard);
    }
    if (lost.length > parityCount) {
      this.#askCrossings(block, lost);
      return "done";
    }
    using buffer = new RunBuffer(
      this.#context.codec,
      geometry,
      this.#run(block),
    );
    const known = new Set(lost);
    for (let shard = 0; shard < buffer.shardCount; shard++) {
      const state = known.has(shard) ? "known" : this.#load(buffer, shard);
      if (state === "uneven") return "uneven";
      if (state === "lost") lost.push(shard);
    }
    lost.sort((a, b) => a - b);
    if (lost.length > parityCount) this.#askCrossings(block, lost);
    else if (lost.length > 0) return this.#rebuild(buffer, lost);
    return "done";
  }

  /** Gets the good bytes of a shard: as they were rebuilt, or from its file. */
  #load(buffer: RunBuffer, shard: number): "good" | "lost" | "uneven" {
    const { geometry, entry } = this.#job;
    const { block } = buffer.run;
    const length = buffer.lengthOf(shard);
    const bad = this.#bad.get(this.#keyOf(block, shard));
    if (length === 0 || bad?.rebuilt !== undefined) {
      const rebuilt = bad?.rebuilt?.view(0, length);
      if (rebuilt !== undefined) buffer.view(shard).set(rebuilt);
      buffer.padShard(shard);
      return "good";
    }
    const store = this.#context.storeOf(entry.root);
    const path = `${entry.path}/${shardPath(geometry, block, shard)}`;
    const digests = this.#digestsOf(block, shard);
    const { causes } = readRows(store, path, buffer, shard, digests);
    const faults = causes.filter((cause) => cause !== undefined);
    if (faults.length === 0) return "good";
    if (faults.length < causes.length) return "uneven";
    this.#markBad(block, shard, faults[0]!, false);
    return "lost";
  }

  #rebuild(buffer: RunBuffer, lost: readonly number[]): "done" | "uneven" {
    const { block } = buffer.run;
    buffer.coder.rebuild(buffer.offsets(), lost, buffer.codeLength());
    for (const shard of lost) {
      const found = buffer.digestRows(shard);
      const wanted = this.#digestsOf(block, shard);
      const rows = found.length / digestBytes;
      let right = 0;
      for (let row = 0; row < rows; row++) {
        if (equalBytes(digestAt(found, row), digestAt(wanted, row))) right++;
      }
      // A digest that is not known matches nothing: such a leaf stays lost.
      if (right === 0) continue;
      if (right < rows) return "uneven";
      const bad = this.#bad.get(this.#keyOf(block, shard))!;
      const length = buffer.lengthOf(shard);
      bad.rebuilt = this.#context.codec.lease(length);
      bad.rebuilt.view(0, length).set(buffer.view(shard));
      if (bad.isWanted) this.#wantedCount--;
      const crossing = this.#crossing(block, shard);
      if (crossing !== undefined && this.#tried.has(crossing.block)) {
        this.#pending.add(crossing.block);
      }
    }
    return "done";
  }

  /** What a block or column has lost too much of may be rebuilt the other way. */
  #askCrossings(block: number, lost: readonly number[]): void {
    for (const shard of lost) {
      const crossing = this.#crossing(block, shard);
      if (crossing !== undefined && !this.#tried.has(crossing.block)) {
        this.#pending.add(crossing.block);
      }
    }
  }

  /** Writes what was rebuilt where it is wanted; gives the findings. */
  finish(): SlabFinding[] {
    const findings: SlabFinding[] = [];
    for (const bad of this.#bad.values()) {
      const isRebuilt = bad.rebuilt !== undefined;
      if (!isRebuilt && !bad.isWanted) continue;
      if (isRebuilt && this.#job.repair) this.#writeBack(bad);
      if (isRebuilt && this.#job.output !== undefined) this.#writeOutput(bad);
      const { block, shard, cause, written, obstacle } = bad;
      const { geometry } = this.#job;
      const bytes = runLength(geometry, this.#run(block), shard);
      const leaves = Array.from(
        { length: Math.ceil(bytes / geometry.leafBytes) },
        (_, row) => {
          return {
            row: this.#firstRow + row,
            cause,
            rebuilt: isRebuilt,
            written,
          };
        },
      );
      findings.push({
        block,
        shard,
        leaves,
        ...(obstacle === undefined ? {} : { obstacle }),
      });
    }
    return findings;
  }

  #writeBack(bad: BadShard): void {
    const { geometry, entry, redirects } = this.#job;
    const { block, shard } = bad;
    const store = this.#context.storeOf(entry.root);
    const redirect = redirects.find((each) =>
      each.block === block && each.shard === shard
    );
    const inner = redirect?.path ?? shardPath(geometry, block, shard);
    const path = `${entry.path}/${inner}`;
    try {
      if (redirect === undefined) refuseShared(store, path);
      using file = store.openFile(path, "ensure");
      file.writeFrom(this.#bytesOf(bad), this.#firstRow * geometry.leafBytes);
      bad.written = true;
    } catch (error) {
      if (!isFailure(error)) throw error;
      bad.obstacle = { code: error.code, message: messageOf(error) };
    }
  }

  #writeOutput(bad: BadShard): void {
    const { geometry, output } = this.#job;
    const { block, shard } = bad;
    if (output === undefined || shard >= blockDataShards(geometry, block)) {
      return;
    }
    using file = openOutput(output, this.#context);
    const { leafBytes } = geometry;
    const bytes = this.#bytesOf(bad);
    for (let from = 0; from < bytes.length; from += leafBytes) {
      const leaf = bytes.subarray(from, from + leafBytes);
      // The output is new, and reads as zeros where nothing is written.
      if (isZero(leaf)) continue;
      const shardOffset = this.#firstRow * leafBytes + from;
      const offset = payloadOffsetOf(geometry, block, shard, shardOffset);
      file.writeFrom(leaf, offset);
    }
  }

  /** The leaves of a shard that was rebuilt. A view that is gone with the next lease. */
  #bytesOf({ block, shard, rebuilt }: BadShard): Bytes {
    const bytes = runLength(this.#job.geometry, this.#run(block), shard);
    return present(rebuilt, "it was rebuilt").view(0, bytes);
  }

  #markBad(
    block: number,
    shard: number,
    cause: DamageCause,
    isWanted: boolean,
  ): void {
    const own = this.#ownerOf(block, shard);
    const bad = { ...own, cause, isWanted, written: false };
    this.#bad.set(keyOf(own.block, own.shard), bad);
  }

  /** The rows of this slab in a block or column. */
  #run(block: number): RowRun {
    return { block, firstRow: this.#firstRow, rowCount: this.#rowCount };
  }

  #digestsOf(block: number, shard: number): Bytes {
    return this.#digests.get(this.#keyOf(block, shard))!;
  }

  /** The other way to the same leaves: the column of a block's segment, and the reverse. */
  #crossing(block: number, shard: number): SlabShard | undefined {
    const { geometry } = this.#job;
    if (shard >= blockDataShards(geometry, block)) return undefined;
    const crossing = crossingOf(geometry, segmentOf(geometry, block, shard));
    return isColumn(geometry, block)
      ? { block: crossing.block, shard: crossing.shard }
      : { block: crossing.column, shard: crossing.columnShard };
  }

  /** Segments are known by their place in their block. */
  #ownerOf(block: number, shard: number): SlabShard {
    const { geometry } = this.#job;
    return isColumn(geometry, block)
      ? this.#crossing(block, shard) ?? { block, shard }
      : { block, shard };
  }

  #keyOf(block: number, shard: number): number {
    const own = this.#ownerOf(block, shard);
    return keyOf(own.block, own.shard);
  }
}

/** No block has more than 256 shards. */
function keyOf(block: number, shard: number): number {
  return block * 256 + shard;
}
