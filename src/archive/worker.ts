// Worker: the entry of the engine's threads. Takes jobs, does them, answers; holds no state but its
// codec and its open stores.

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { Codec } from "../codec/mod.ts";
import { DirStore } from "../store/dir_store.ts";
import { runJob } from "./executor.ts";
import type { JobContext } from "./encode_run.ts";
import type { WorkerReply, WorkerRequest } from "./worker_protocol.ts";

const stores = new Map<string, DirStore>();

const context: JobContext = {
  codec: Codec.open(),
  storeOf: (root) => {
    let store = stores.get(root);
    if (store === undefined) stores.set(root, store = new DirStore(root));
    return store;
  },
};

self.onmessage = (event: MessageEvent<WorkerRequest>) => {
  const { ticket, job } = event.data;
  const result = runJob(job, context);
  const made = stores.get(job.entry.root)?.owners.take() ?? [];
  const reply: WorkerReply = {
    ticket,
    result,
    ...(made.length === 0 ? {} : { made }),
  };
  self.postMessage(reply);
};
