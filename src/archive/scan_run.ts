// Scan a run: the one place where stored bytes are read. Every leaf is compared with its digest; a
// leaf that fails for whatever reason (no file, short, I/O error, rot) is an erasure and is rebuilt
// from its row, verified against the same digest, and only then written anywhere. Restore, health
// and repair differ only in what they ask for.

import { digestBytes } from "../base/limits.ts";
import { present } from "../base/assert.ts";
import { type Bytes, equalBytes } from "../base/bytes.ts";
import { isFailure, messageOf } from "../base/errors.ts";
import { shardPath } from "../format/entry_path.ts";
import { payloadOffsetOf } from "../format/geometry.ts";
import type { Store } from "../store/store.ts";
import type { JobContext } from "./encode_run.ts";
import { digestAt, readRows, type RowsFinding } from "./read_rows.ts";
import type { DamageCause } from "./report.ts";
import { openOutput } from "./payload_output.ts";
import { RunBuffer } from "./run_buffer.ts";
import type {
  LeafFinding,
  Obstacle,
  PayloadOutput,
  RefusedFile,
  ScanJob,
  ShardFinding,
} from "./worker_protocol.ts";
import { isZeroRow, refuseShared, writeRows } from "./write_rows.ts";

/** What a scan came to. */
export interface ScanOutcome {
  /** What was wrong, shard by shard. */
  readonly findings: readonly ShardFinding[];
  /** Files of the output that could not be made. */
  readonly refused: readonly RefusedFile[];
}

/**
 * Does the job.
 * @throws {Failure} `offline` when the medium is gone (which is not damage); failures of the output
 */
export function scanRun(job: ScanJob, context: JobContext): ScanOutcome {
  using scan = new RunScan(job, context);
  const { dataShards, shardCount } = scan.buffer;
  if (job.shards === "parity") scan.readShards(dataShards, shardCount);
  else {
    scan.readShards(0, job.shards === "data" ? dataShards : shardCount);
    if (scan.hasDamage()) {
      scan.readShards(scan.readCount, shardCount);
      scan.rebuild();
    }
  }
  if (job.repair) scan.writeBack();
  const refused = job.output === undefined ? [] : scan.writeOutput(job.output);
  return { findings: scan.findings(), refused };
}

/** What is known of one leaf: undefined is good. */
interface Fault {
  readonly cause: DamageCause;
  rebuilt: boolean;
  written: boolean;
}

class RunScan implements Disposable {
  readonly buffer: RunBuffer;
  /** Shards read so far: those with smaller numbers. */
  readCount = 0;
  readonly #job: ScanJob;
  readonly #context: JobContext;
  readonly #store: Store;
  /** Faults by shard, then by row of the run. */
  readonly #faults: (Fault | undefined)[][] = [];
  readonly #lengthCauses: RowsFinding["lengthCause"][] = [];
  readonly #obstacles = new Map<number, Obstacle>();

  constructor(job: ScanJob, context: JobContext) {
    this.#job = job;
    this.#context = context;
    this.#store = context.storeOf(job.entry.root);
    this.buffer = new RunBuffer(context.codec, job.geometry, job.run);
  }

  [Symbol.dispose](): void {
    this.buffer[Symbol.dispose]();
  }

  hasDamage(): boolean {
    return this.#faults.some((rows) =>
      rows.some((fault) => fault !== undefined)
    );
  }

  readShards(first: number, end: number): void {
    for (let shard = first; shard < end; shard++) {
      const { causes, lengthCause } = readRows(
        this.#store,
        this.#pathOf(shard),
        this.buffer,
        shard,
        this.#digestsOf(shard),
      );
      this.#lengthCauses[shard] = lengthCause;
      this.#faults[shard] = causes.map((cause) =>
        cause && { cause, rebuilt: false, written: false }
      );
    }
    this.readCount = Math.max(this.readCount, end);
  }

  /** Rebuilds every faulty leaf whose row has lost at most m leaves. */
  rebuild(): void {
    const { run } = this.#job;
    let row = 0;
    while (row < run.rowCount) {
      const lost = this.#lostIn(row);
      let end = row + 1;
      while (end < run.rowCount && sameNumbers(lost, this.#lostIn(end))) end++;
      if (lost.length > 0 && lost.length <= this.buffer.parityShards) {
        this.#rebuildRows(row, end, lost);
      }
      row = end;
    }
  }

  /** Shards whose leaf in this row is faulty. A shard that has ended counts as good: it is zeros. */
  #lostIn(row: number): number[] {
    const lost: number[] = [];
    this.#faults.forEach((rows, shard) => {
      if (rows[row] !== undefined) lost.push(shard);
    });
    return lost;
  }

  #rebuildRows(row: number, end: number, lost: readonly number[]): void {
    const { leafBytes } = this.#job.geometry;
    const bytes = Math.min(end * leafBytes, this.buffer.codeLength()) -
      row * leafBytes;
    this.buffer.coder.rebuild(this.buffer.offsets(row), lost, bytes);
    for (const shard of lost) {
      const found = this.buffer.digestRows(shard, row, end - row);
      for (let index = row; index < end; index++) {
        const fault = this.#faults[shard]?.[index];
        if (fault === undefined) continue;
        fault.rebuilt = equalBytes(
          digestAt(found, index - row),
          digestAt(this.#digestsOf(shard), index),
        );
      }
    }
  }

  /** Writes rebuilt leaves into their files; a redirected shard gets all its good leaves. */
  writeBack(): void {
    this.#faults.forEach((faults, shard) => this.#writeShard(shard, faults));
  }

  #writeShard(shard: number, faults: readonly (Fault | undefined)[]): void {
    const redirect = this.#job.redirects.find((each) => each.shard === shard);
    const rows = faults.map((fault) =>
      fault === undefined ? redirect !== undefined : fault.rebuilt
    );
    if (!rows.includes(true)) return;
    const path = redirect === undefined
      ? this.#pathOf(shard)
      : `${this.#job.entry.path}/${redirect.path}`;
    try {
      if (redirect === undefined) refuseShared(this.#store, path);
      using file = this.#store.openFile(path, "ensure");
      const base = this.#job.run.firstRow * this.#job.geometry.leafBytes;
      writeRows(file, this.buffer, shard, base, (row) => rows[row] === true);
      for (const fault of faults) if (fault?.rebuilt) fault.written = true;
    } catch (error) {
      if (!isFailure(error)) throw error;
      this.#obstacles.set(shard, {
        code: error.code,
        message: messageOf(error),
      });
    }
  }

  /** Writes the verified data leaves of the run where they belong. */
  writeOutput(output: PayloadOutput): readonly RefusedFile[] {
    const { geometry, run } = this.#job;
    using file = openOutput(output, this.#context);
    for (let shard = 0; shard < this.buffer.dataShards; shard++) {
      const faults = present(this.#faults[shard], "all data shards were read");
      if (faults.length === 0) continue;
      const shardOffset = run.firstRow * geometry.leafBytes;
      const base = payloadOffsetOf(geometry, run.block, shard, shardOffset);
      writeRows(
        file,
        this.buffer,
        shard,
        base,
        (row) =>
          (faults[row]?.rebuilt ?? true) && !isZeroRow(this.buffer, shard, row),
      );
    }
    return file.finish();
  }

  findings(): ShardFinding[] {
    const findings: ShardFinding[] = [];
    for (let shard = 0; shard < this.readCount; shard++) {
      const leaves: LeafFinding[] = [];
      this.#faults[shard]?.forEach((fault, row) => {
        if (fault !== undefined) {
          leaves.push({ row: this.#job.run.firstRow + row, ...fault });
        }
      });
      const lengthCause = this.#lengthCauses[shard];
      const obstacle = this.#obstacles.get(shard);
      if (
        leaves.length === 0 && lengthCause === undefined &&
        obstacle === undefined
      ) continue;
      findings.push({
        shard,
        leaves,
        ...(lengthCause === undefined ? {} : { lengthCause }),
        ...(obstacle === undefined ? {} : { obstacle }),
      });
    }
    return findings;
  }

  #pathOf(shard: number): string {
    return `${this.#job.entry.path}/${
      shardPath(this.#job.geometry, this.#job.run.block, shard)
    }`;
  }

  /** One digest for each row of the shard. */
  #digestsOf(shard: number): Bytes {
    const stride = this.#job.run.rowCount * digestBytes;
    return this.#job.digests.subarray(shard * stride, (shard + 1) * stride);
  }
}

function sameNumbers(
  left: readonly number[],
  right: readonly number[],
): boolean {
  return left.length === right.length &&
    left.every((value, index) => value === right[index]);
}
