// Threads: whether a program under test works with more than one.

/** Whether the process had threads of its own at any moment, until it ends. */
export async function watchThreads(
  pid: number,
  ending: Promise<unknown>,
): Promise<boolean> {
  let ended = false, seen = false;
  ending.finally(() => ended = true).catch(() => {});
  while (!ended) {
    seen ||= hasWorker(pid);
    await new Promise((resolve) => setTimeout(resolve, seen ? 50 : 1));
  }
  return seen;
}

/** Deno calls the thread of a worker "worker-0" and so on. */
function hasWorker(pid: number): boolean {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].some(({ name }) =>
      Deno.readTextFileSync(`/proc/${pid}/task/${name}/comm`)
        .startsWith("worker-")
    );
  } catch {
    return false; // it ended meanwhile
  }
}
