// While working: something done here while a worker does something again and again.

/**
 * Does `body` while the worker of this module works. The worker says "started" when it does, gets
 * `message` and a number `stop` that tells it to end, and then says "stopped".
 */
export async function whileWorking(
  module: string,
  message: Readonly<Record<string, unknown>>,
  body: () => void | Promise<void>,
): Promise<void> {
  const worker = new Worker(new URL(module, import.meta.url), {
    type: "module",
  });
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const started = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  worker.onmessage = ({ data }) =>
    (data === "started" ? started : stopped).resolve();
  worker.onerror = ({ message }) => {
    for (const each of [started, stopped]) each.reject(new Error(message));
  };
  worker.postMessage({ ...message, stop });
  try {
    await started.promise;
    await body();
  } finally {
    Atomics.store(stop, 0, 1);
    await stopped.promise;
    worker.terminate();
  }
}
