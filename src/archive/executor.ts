// Executor: who does the jobs. InlineExecutor does them on the calling thread, for small entries,
// for tests and for stores that live in memory; WorkerPool (worker_pool.ts) spreads them.

import { AssertionError, unreachable } from "../base/assert.ts";
import { Failure, messageOf } from "../base/errors.ts";
import { encodeColumn } from "./encode_column.ts";
import { type EncodedRun, encodeRun, type JobContext } from "./encode_run.ts";
import { loadRun } from "./load_run.ts";
import { type ScanOutcome, scanRun } from "./scan_run.ts";
import { solveSlab } from "./solve_slab.ts";
import { hashSlices } from "./hash_slices.ts";
import type {
  EncodeColumnJob,
  EncodeJob,
  HashJob,
  Job,
  JobResult,
  LoadJob,
  ScanJob,
  SlabFinding,
  SlabJob,
} from "./worker_protocol.ts";
import type { Bytes } from "../base/bytes.ts";

/** Does jobs, several at a time. */
export interface Executor extends AsyncDisposable {
  /** Jobs worth having under way at once. */
  readonly width: number;
  /** Does one job. Never rejects for what the world got wrong: that comes back as `failed`. */
  run(job: Job): Promise<JobResult>;
}

/** Does a job here and now; failures become values. */
export function runJob(job: Job, context: JobContext): JobResult {
  try {
    switch (job.kind) {
      case "encode":
        return { kind: "encoded", ...encodeRun(job, context) };
      case "encode-column": {
        const digests = encodeColumn(job, context);
        return { kind: "encoded", digests, problems: [] };
      }
      case "scan":
        return { kind: "scanned", ...scanRun(job, context) };
      case "slab":
        return { kind: "solved", findings: solveSlab(job, context) };
      case "load":
        return { kind: "loaded", faultyRows: loadRun(job, context) };
      case "hash":
        return { kind: "hashed", digests: hashSlices(job, context) };
      default:
        return unreachable(job);
    }
  } catch (error) {
    const code = error instanceof Failure ? error.code : "internal";
    const detail = error instanceof Error && code === "internal"
      ? `\n${error.stack}`
      : "";
    return { kind: "failed", code, message: messageOf(error) + detail };
  }
}

/** Runs jobs on the calling thread. */
export class InlineExecutor implements Executor {
  readonly width: number = 1;
  readonly #context: JobContext;
  readonly #jobsPerPause: number;
  #jobCount = 0;

  /**
   * An executor whose jobs see these stores and this codec. After every `jobsPerPause` jobs it lets
   * the event loop turn, so that signals are heard and progress is drawn.
   */
  constructor(context: JobContext, jobsPerPause: number = Infinity) {
    this.#context = context;
    this.#jobsPerPause = jobsPerPause;
  }

  /** Does the job before anything else happens. */
  async run(job: Job): Promise<JobResult> {
    if (++this.#jobCount % this.#jobsPerPause === 0) {
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    return runJob(job, this.#context);
  }

  /** Nothing to stop. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** Does an encode job. @throws {Failure} @throws {AssertionError} */
export async function encodeWith(
  executor: Executor,
  job: EncodeJob | EncodeColumnJob,
): Promise<EncodedRun> {
  const result = succeeded(await executor.run(job));
  if (result.kind !== "encoded") {
    throw new AssertionError("an encode job gave another's result");
  }
  return result;
}

/** Does a hash job. @throws {Failure} @throws {AssertionError} */
export async function hashWith(
  executor: Executor,
  job: HashJob,
): Promise<Bytes> {
  const result = succeeded(await executor.run(job));
  if (result.kind !== "hashed") {
    throw new AssertionError("a hash job gave another's result");
  }
  return result.digests;
}

/** Does a scan job. @throws {Failure} @throws {AssertionError} */
export async function scanWith(
  executor: Executor,
  job: ScanJob,
): Promise<ScanOutcome> {
  const result = succeeded(await executor.run(job));
  if (result.kind !== "scanned") {
    throw new AssertionError("a scan job gave another's result");
  }
  return result;
}

/** Does a slab job. @throws {Failure} @throws {AssertionError} */
export async function solveWith(
  executor: Executor,
  job: SlabJob,
): Promise<readonly SlabFinding[]> {
  const result = succeeded(await executor.run(job));
  if (result.kind !== "solved") {
    throw new AssertionError("a slab job gave another's result");
  }
  return result.findings;
}

/** Does a load job; gives the faulty rows. @throws {Failure} @throws {AssertionError} */
export async function loadWith(
  executor: Executor,
  job: LoadJob,
): Promise<readonly number[]> {
  const result = succeeded(await executor.run(job));
  if (result.kind !== "loaded") {
    throw new AssertionError("a load job gave another's result");
  }
  return result.faultyRows;
}

type Success = Exclude<JobResult, { kind: "failed" }>;

function succeeded(result: JobResult): Success {
  if (result.kind !== "failed") return result;
  if (result.code === "internal") throw new AssertionError(result.message);
  throw new Failure(result.code, result.message);
}

/**
 * Calls `work` for every item, at most `width` at once; stops taking items at the first failure,
 * waits for what is under way, and throws that failure.
 */
export async function forEachBounded<T>(
  items: Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;
  const lane = async () => {
    while (failure === undefined) {
      const next = iterator.next();
      if (next.done) return;
      try {
        await work(next.value);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  if (failure !== undefined) throw failure.error;
}
