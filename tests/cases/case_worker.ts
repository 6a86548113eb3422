// Case worker: runs jobs on a thread of its own, one after the other, as pool.ts sends them.

import type { Job } from "./case_id.ts";
import { runJob } from "./runner.ts";

// deno-lint-ignore no-explicit-any -- the types of a window say nothing of a worker's
const scope: any = globalThis;
scope.onmessage = async ({ data }: MessageEvent<Job>) => {
  scope.postMessage(await runJob(data));
};
