// WorkerPool: jobs on threads. Each worker has its own codec memory and may touch only the paths
// that it was given. Started at once, so that threads come up while the caller still prepares its
// jobs; stopped on dispose; a worker that dies fails its jobs.

import { present } from "../base/assert.ts";
import { embeddedWorker, isExecutable } from "../base/embedded.ts";
import type { MadeName } from "../store/owners.ts";
import type { Executor } from "./executor.ts";
import type {
  Job,
  JobResult,
  WorkerReply,
  WorkerRequest,
} from "./worker_protocol.ts";

// What is embedded is sent as the first message: Deno is slow with modules whose URL is long, and
// compiled programs know no `blob:` URLs. What it runs replaces this listener by its own.
const starter =
  "data:application/javascript,self.onmessage=(event)=>(0,eval)(event.data)";

/**
 * Whether threads can be started: Deno reads what they load with the rights of this process, which
 * under a sandbox may end at the archive. Embedded in an executable it needs none.
 */
export function canStartWorkers(): boolean {
  if (isExecutable) return true;
  const program = new URL("../", import.meta.url);
  const query = { name: "read", path: program } as const;
  return Deno.permissions.querySync(query).state === "granted";
}

/** What the threads of a pool may touch. */
export interface PoolPermissions {
  readonly read: readonly string[];
  readonly write: readonly string[];
}

/** A thread and the jobs that it has not answered. */
interface Member {
  readonly worker: Worker;
  readonly waiting: Map<number, (result: JobResult) => void>;
}

/** Runs jobs on `size` threads. */
export class WorkerPool implements Executor {
  /** Two jobs a thread: the next one is there when one is done. */
  readonly width: number;
  readonly #members: Member[] = [];
  readonly #size: number;
  readonly #permissions: PoolPermissions;
  readonly #onMade: (names: readonly MadeName[]) => void;
  #ticket = 0;

  /**
   * Starts a pool of `size` threads, or as many as the system lets start; `onMade` hears of what they
   * made in the archive as root.
   * @throws {Deno.errors.WouldBlock} where not one can be started
   */
  constructor(
    size: number,
    permissions: PoolPermissions,
    onMade: (names: readonly MadeName[]) => void = () => {},
  ) {
    this.#onMade = onMade;
    this.#permissions = permissions;
    this.#size = this.#startUpTo(size);
    this.width = 2 * this.#size;
  }

  /** Gives the job to the thread with the fewest. */
  run(job: Job): Promise<JobResult> {
    const member = this.#leastBusy();
    const ticket = this.#ticket++;
    return new Promise((resolve) => {
      member.waiting.set(ticket, resolve);
      const request: WorkerRequest = { ticket, job };
      member.worker.postMessage(request);
    });
  }

  /** Stops the threads; jobs under way fail. */
  [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.#members.splice(0)) {
      member.worker.terminate();
      failAll(member, "the worker was stopped");
    }
    return Promise.resolve();
  }

  /** Starts threads; gives how many there are. */
  #startUpTo(wanted: number): number {
    for (let count = 0; count < wanted; count++) {
      try {
        this.#start();
      } catch (error) {
        // A user, or a container, may have so many and no more.
        if (count > 0 && error instanceof Deno.errors.WouldBlock) return count;
        throw error;
      }
    }
    return wanted;
  }

  #leastBusy(): Member {
    const idle = this.#members.find((member) => member.waiting.size === 0);
    if (idle !== undefined) return idle;
    if (this.#members.length < this.#size) return this.#start();
    const sorted = this.#members.toSorted((a, b) =>
      a.waiting.size - b.waiting.size
    );
    return present(sorted[0], "a pool has at least one thread");
  }

  #start(): Member {
    // The paths of this one entry operation and nothing else: no network, no FFI, no subprocess.
    const { read, write } = this.#permissions;
    const options: WorkerOptions & { deno: unknown } = {
      type: "module",
      deno: {
        permissions: {
          read: [...read],
          write: [...write],
          env: false,
          ffi: false,
          import: false,
          net: false,
          run: false,
          sys: false,
        },
      },
    };
    const worker = startThread(options);
    const member: Member = { worker, waiting: new Map() };
    worker.onmessage = (event: MessageEvent<WorkerReply>) => {
      const { ticket, result, made } = event.data;
      if (made !== undefined) this.#onMade(made);
      member.waiting.get(ticket)?.(result);
      member.waiting.delete(ticket);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      const place = this.#members.indexOf(member);
      if (place >= 0) this.#members.splice(place, 1);
      failAll(member, event.message);
    };
    this.#members.push(member);
    return member;
  }
}

function startThread(options: WorkerOptions): Worker {
  if (embeddedWorker === undefined) {
    return new Worker(new URL("./worker.ts", import.meta.url), options);
  }
  const worker = new Worker(starter, options);
  worker.postMessage(embeddedWorker);
  return worker;
}

function failAll(member: Member, message: string): void {
  const result: JobResult = { kind: "failed", code: "internal", message };
  for (const resolve of member.waiting.values()) resolve(result);
  member.waiting.clear();
}
