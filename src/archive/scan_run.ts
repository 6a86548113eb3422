// Scan a run: the one place where stored bytes are read. Every leaf is compared with its digest; a
// leaf that fails for whatever reason (no file, short, I/O error, rot) is an erasure and is rebuilt
// from its row, verified against the same digest, and only then written anywhere. Restore, health
// and repair differ only in what they ask for.

import { digestBytes } from "../base/limits.ts";
import { assert, present } from "../base/assert.ts";
import { type Bytes, equalBytes } from "../base/bytes.ts";
import { Failure, isFailure, messageOf } from "../base/errors.ts";
import { shardPath } from "../format/entry_path.ts";
import { payloadOffsetOf, shardLength } from "../format/geometry.ts";
import type { Store, StoreFile } from "../store/store.ts";
import { causeOf } from "./damage_cause.ts";
import type { JobContext } from "./encode_run.ts";
import type { DamageCause } from "./report.ts";
import { RunBuffer } from "./run_buffer.ts";
import type {
  LeafFinding,
  Obstacle,
  ScanJob,
  ShardFinding,
} from "./worker_protocol.ts";

/**
 * Does the job; gives what was wrong, shard by shard.
 * @throws {Failure} `offline` when the medium is gone (which is not damage); failures of the output
 */
export function scanRun(job: ScanJob, context: JobContext): ShardFinding[] {
  using scan = new RunScan(job, context);
  scan.readShards(
    0,
    job.shards === "data" ? scan.buffer.dataShards : scan.buffer.shardCount,
  );
  if (scan.hasDamage()) {
    scan.readShards(scan.readCount, scan.buffer.shardCount);
    scan.rebuild();
  }
  if (job.repair) scan.writeBack();
  if (job.output !== undefined) scan.writeOutput();
  return scan.findings();
}

type LengthCause = "missing" | "truncated" | "overlong";

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
  readonly #lengthCauses: (LengthCause | undefined)[] = [];
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
      const causes = this.#readShard(shard);
      this.buffer.padShard(shard);
      this.#faults[shard] = this.#verifyShard(shard, causes);
    }
    this.readCount = Math.max(this.readCount, end);
  }

  /** Reads a shard's rows; gives the cause for every row that could not be read. */
  #readShard(shard: number): (DamageCause | undefined)[] {
    const { geometry, run } = this.#job;
    const length = this.buffer.lengthOf(shard);
    const rowCount = Math.ceil(length / geometry.leafBytes);
    const causes: (DamageCause | undefined)[] = new Array(rowCount).fill(
      undefined,
    );
    try {
      using file = this.#store.openFile(this.#pathOf(shard), "read");
      const difference = file.size() - shardLength(geometry, run.block, shard);
      if (difference !== 0) {
        this.#lengthCauses[shard] = difference < 0 ? "truncated" : "overlong";
      }
      if (length > 0) this.#readRows(file, shard, causes);
    } catch (error) {
      const cause = causeOf(error);
      if (cause === "missing") this.#lengthCauses[shard] = "missing";
      causes.fill(cause);
    }
    return causes;
  }

  /** One read for the whole run; leaf by leaf where that fails, so that one bad sector costs one leaf. */
  #readRows(
    file: StoreFile,
    shard: number,
    causes: (DamageCause | undefined)[],
  ): void {
    const { geometry, run } = this.#job;
    const shardOffset = run.firstRow * geometry.leafBytes;
    const length = this.buffer.lengthOf(shard);
    let readBytes: number;
    try {
      readBytes = file.readInto(this.buffer.view(shard), shardOffset);
    } catch (error) {
      causeOf(error);
      this.#readLeaves(file, shard, causes);
      return;
    }
    if (readBytes === length) return;
    for (
      let row = Math.floor(readBytes / geometry.leafBytes);
      row < causes.length;
      row++
    ) {
      causes[row] = "truncated";
    }
  }

  #readLeaves(
    file: StoreFile,
    shard: number,
    causes: (DamageCause | undefined)[],
  ): void {
    const { geometry, run } = this.#job;
    const length = this.buffer.lengthOf(shard);
    for (let row = 0; row < causes.length; row++) {
      const from = row * geometry.leafBytes;
      const leaf = this.buffer.view(
        shard,
        from,
        Math.min(geometry.leafBytes, length - from),
      );
      try {
        const readBytes = file.readInto(
          leaf,
          run.firstRow * geometry.leafBytes + from,
        );
        if (readBytes < leaf.length) causes[row] = "truncated";
      } catch (error) {
        causes[row] = causeOf(error);
      }
    }
  }

  #verifyShard(
    shard: number,
    causes: (DamageCause | undefined)[],
  ): (Fault | undefined)[] {
    if (causes.length === 0) return [];
    const found = this.buffer.digestRows(shard);
    return causes.map((cause, row) => {
      const verdict = cause ??
        (equalBytes(digestAt(found, row), this.#expected(shard, row))
          ? undefined
          : "rotten");
      return verdict && { cause: verdict, rebuilt: false, written: false };
    });
  }

  /** Rebuilds every faulty leaf whose row has lost at most m leaves. */
  rebuild(): void {
    const { run } = this.#job;
    let row = 0;
    while (row < run.rowCount) {
      const lost = this.#lostIn(row);
      let end = row + 1;
      while (end < run.rowCount && sameNumbers(lost, this.#lostIn(end))) end++;
      if (lost.length > 0 && lost.length <= this.#job.geometry.parityShards) {
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
          this.#expected(shard, index),
        );
      }
    }
  }

  /** Writes rebuilt leaves into their files; a redirected shard gets all its good leaves. */
  writeBack(): void {
    for (let shard = 0; shard < this.buffer.shardCount; shard++) {
      const redirect = this.#job.redirects.find((each) => each.shard === shard);
      const faults = present(this.#faults[shard], "a repair reads every shard");
      const rows = faults.map((fault) =>
        fault === undefined ? redirect !== undefined : fault.rebuilt
      );
      if (!rows.includes(true)) continue;
      const path = redirect === undefined
        ? this.#pathOf(shard)
        : `${this.#job.entry.path}/${redirect.path}`;
      try {
        if (redirect === undefined) this.#refuseShared(path);
        using file = this.#store.openFile(path, "ensure");
        const base = this.#job.run.firstRow * this.#job.geometry.leafBytes;
        this.#writeRows(file, shard, rows, () => base);
        for (const fault of faults) if (fault?.rebuilt) fault.written = true;
      } catch (error) {
        if (!isFailure(error)) throw error;
        this.#obstacles.set(shard, {
          code: error.code,
          message: messageOf(error),
        });
      }
    }
  }

  /** A file that has another name somewhere must not be written: that name may be outside. */
  #refuseShared(path: string): void {
    const found = this.#store.stat(path);
    // A folder has a link count, too, and is refused for what it is when it is opened.
    if (found?.kind === "file" && found.linkCount > 1) {
      throw new Failure(
        "unsafe-path",
        `"${path}" shares its bytes with another name`,
      );
    }
  }

  /** Writes the verified data leaves of the run at their payload offsets. */
  writeOutput(): void {
    const { geometry, run, output } = this.#job;
    assert(output !== undefined, "there is an output to write to");
    using file = this.#context.storeOf(output.root).openFile(
      output.path,
      "update",
    );
    for (let shard = 0; shard < this.buffer.dataShards; shard++) {
      const faults = present(this.#faults[shard], "all data shards were read");
      const rows = faults.map((fault) => fault === undefined || fault.rebuilt);
      const shardOffset = run.firstRow * geometry.leafBytes;
      const base = () =>
        payloadOffsetOf(geometry, run.block, shard, shardOffset);
      this.#writeRows(file, shard, rows, base);
    }
  }

  /** Writes the chosen rows of a shard, consecutive ones in one call, at `base` and on. */
  #writeRows(
    file: StoreFile,
    shard: number,
    rows: readonly boolean[],
    base: () => number,
  ): void {
    const { leafBytes } = this.#job.geometry;
    const length = this.buffer.lengthOf(shard);
    let row = 0;
    while (row < rows.length) {
      if (!rows[row]) {
        row++;
        continue;
      }
      let end = row + 1;
      while (end < rows.length && rows[end]) end++;
      const from = row * leafBytes;
      file.writeFrom(
        this.buffer.view(shard, from, Math.min(end * leafBytes, length) - from),
        base() + from,
      );
      row = end;
    }
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

  #expected(shard: number, row: number): Bytes {
    return digestAt(this.#job.digests, shard * this.#job.run.rowCount + row);
  }
}

function digestAt(digests: Bytes, index: number): Bytes {
  return digests.subarray(index * digestBytes, (index + 1) * digestBytes);
}

function sameNumbers(
  left: readonly number[],
  right: readonly number[],
): boolean {
  return left.length === right.length &&
    left.every((value, index) => value === right[index]);
}
