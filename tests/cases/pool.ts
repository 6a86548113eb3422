// Pool: runs jobs on several threads until there are no more, the time is over, or a case failed.

import type { Job } from "./case_id.ts";
import { addTally, emptyTally, sumOf, type Tally } from "./tally.ts";

/** How jobs are run. */
export interface PoolOptions {
  readonly threadCount: number;
  /** Asked before each job whether to go on. */
  readonly isOver?: (tally: Tally) => boolean;
  /** Told after each job. */
  readonly onJob?: (tally: Tally, job: Job) => void;
}

/** Runs the jobs; stops taking more after the first failure. */
export async function runJobs(
  jobs: Iterable<Job>,
  options: PoolOptions,
): Promise<Tally> {
  const whole = emptyTally();
  const queue = jobs[Symbol.iterator]();
  const lane = async () => {
    const worker = openWorker();
    try {
      while (whole.failure === undefined && !options.isOver?.(whole)) {
        const next = queue.next();
        if (next.done) return;
        addTally(whole, await worker.run(next.value));
        options.onJob?.(whole, next.value);
      }
    } finally {
      worker.close();
    }
  };
  await Promise.all(Array.from({ length: options.threadCount }, lane));
  return whole;
}

/** The line that says which case failed, how, and how to run it again. */
export function formatFailure(failure: NonNullable<Tally["failure"]>): string {
  return `FAILED: ${failure.name}\n${failure.message}\n` +
    `Again: deno task soak --case "${failure.name}"`;
}

/** How many cases there were, in words. */
export function formatSum(tally: Tally, seconds: number): string {
  return `${sumOf(tally)} cases in ${seconds.toFixed(1)} s ` +
    `(${tally.repeatCount} more left a disk that was judged before, or met no fault)`;
}

interface CaseWorker {
  run(job: Job): Promise<Tally>;
  close(): void;
}

function openWorker(): CaseWorker {
  const url = new URL("./case_worker.ts", import.meta.url);
  const worker = new Worker(url, { type: "module" });
  return {
    run: (job) =>
      new Promise((resolve, reject) => {
        worker.onmessage = ({ data }: MessageEvent<Tally>) => resolve(data);
        worker.onerror = (event) => {
          event.preventDefault();
          reject(new Error(`A case worker failed: ${event.message}`));
        };
        worker.postMessage(job);
      }),
    close: () => worker.terminate(),
  };
}
