// Where the system lets few threads start, or none: a limit of the user (ulimit -u) or of a container.

import { equal } from "node:assert/strict";
import { verifyArchive } from "../../src/archive/self_test_archive.ts";

for (const granted of [0, 1, 3]) {
  Deno.test(`an archive is committed to, healed and restored where ${granted} threads can be had`, async () => {
    const folder = await Deno.makeTempDir();
    const { Worker } = globalThis;
    let started = 0, refused = 0;
    globalThis.Worker = class extends Worker {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        if (started === granted) {
          refused++;
          throw new Deno.errors.WouldBlock("Resource temporarily unavailable");
        }
        started++;
        super(...args);
      }

      override terminate(): void {
        started--;
        super.terminate();
      }
    };
    try {
      const { signal } = new AbortController();
      await verifyArchive({ folder, workers: 3, signal });
      equal(refused > 0, granted < 3);
    } finally {
      globalThis.Worker = Worker;
      await Deno.remove(folder, { recursive: true });
    }
  });
}
