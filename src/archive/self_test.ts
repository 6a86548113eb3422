// Self-test: what this program relies on, tried where it is to work. One finding for each part, as it
// is done; a part that fails stops no other. Whatever is written lies in a folder of its own, which
// the caller makes and removes.

import { AssertionError } from "../base/assert.ts";
import { isSealed } from "../base/embedded.ts";
import { isFailure, messageOf } from "../base/errors.ts";
import { verifySeal } from "./seal.ts";
import { verifyArchive } from "./self_test_archive.ts";
import { verifyDigests, verifyParity } from "./self_test_codec.ts";
import { probeDetails, probeIndex, verifyFiles } from "./self_test_files.ts";
import { canStartWorkers } from "./worker_pool.ts";

/** What came of one part. */
export interface SelfTestFinding {
  readonly name: string;
  /** "absent" is something that can be done without; "skipped" could not be tried. */
  readonly state: "ok" | "absent" | "skipped" | "failed";
  readonly detail: string;
}

/** What a self-test works with. */
export interface SelfTestRequest {
  /** An empty folder to work in, or why there is none. */
  readonly room:
    | { readonly kind: "folder"; readonly path: string }
    | { readonly kind: "none"; readonly why: string };
  /** Threads; default: two, or as many as there are cores. */
  readonly workers?: number | undefined;
  readonly signal: AbortSignal;
}

/** Tries all parts. @throws {Failure} `interrupted` */
export async function* runSelfTest(
  request: SelfTestRequest,
): AsyncGenerator<SelfTestFinding> {
  const { room, signal } = request;
  if (isSealed) yield await attempt("program", verifyProgram);
  yield await attempt("digests", verifyDigests);
  yield await attempt("parity", verifyParity);
  const path = room.kind === "folder" ? room.path : "";
  const workers = planWorkers(request.workers);
  const parts: readonly [string, () => Promise<string> | string | Absent][] = [
    ["files", () => verifyFiles(path)],
    ["details", () => probeDetails(path) ?? withoutLibc],
    ["index", () => probeIndex(path) ?? withoutIndex],
    ["archive", () => verifyArchive({ folder: path, workers, signal })],
  ];
  let worked = false;
  for (const [index, [name, work]] of parts.entries()) {
    signal.throwIfAborted();
    if (room.kind === "none") {
      const detail = index === 0 ? room.why : "for the same reason";
      yield { name, state: "skipped", detail };
    } else {
      const finding = await attempt(name, work);
      worked = finding.state === "ok";
      yield finding;
    }
  }
  yield findThreads(workers, worked);
}

function verifyProgram(): string {
  const size = verifySeal(Deno.execPath());
  return `${(size / 1e6).toFixed(1)} MB, every byte as it was made`;
}

interface Absent {
  readonly absent: string;
}

const withoutLibc: Absent = {
  absent:
    "the C library cannot be called: times are exact to the millisecond, no extended attributes",
};

const withoutIndex: Absent = {
  absent: "there is no SQLite: lists of large archives take longer",
};

/** Two are enough to see that threads start, and cost little time. */
const workerCountMax = 2;

function planWorkers(wanted: number | undefined): number {
  if (!canStartWorkers()) return 0;
  return Math.min(wanted ?? navigator.hardwareConcurrency, workerCountMax);
}

// That they work is what the archive's part, the last one, has shown.
function findThreads(workers: number, worked: boolean): SelfTestFinding {
  const name = "threads";
  if (workers === 0) {
    const detail = canStartWorkers()
      ? "none are wanted: all is done on one"
      : "the program's own files cannot be read: all is done on one";
    return { name, state: "absent", detail };
  }
  const cores = navigator.hardwareConcurrency;
  return worked
    ? { name, state: "ok", detail: `one for each of ${cores} cores` }
    : { name, state: "skipped", detail: "the archive would have shown it" };
}

async function attempt(
  name: string,
  work: () => Promise<string> | string | Absent,
): Promise<SelfTestFinding> {
  try {
    const found = await work();
    return typeof found === "string"
      ? { name, state: "ok", detail: found }
      : { name, state: "absent", detail: found.absent };
  } catch (error) {
    if (isFailure(error) && error.code === "interrupted") throw error;
    const detail = error instanceof AssertionError
      ? error.message.replace(/^Broken invariant: /, "")
      : messageOf(error);
    return { name, state: "failed", detail };
  }
}
