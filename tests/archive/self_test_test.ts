import { deepEqual, equal, match } from "node:assert/strict";
import { Failure } from "../../src/base/errors.ts";
import {
  runSelfTest,
  type SelfTestFinding,
  type SelfTestRequest,
} from "../../src/archive/self_test.ts";

async function findingsOf(
  request: Partial<SelfTestRequest> & Pick<SelfTestRequest, "room">,
): Promise<SelfTestFinding[]> {
  const signal = new AbortController().signal;
  return await Array.fromAsync(runSelfTest({ signal, workers: 0, ...request }));
}

Deno.test("runSelfTest() tries the codec where no file can be written", async () => {
  const findings = await findingsOf({ room: { kind: "none", why: "No room" } });
  deepEqual(findings.map(({ name, state }) => `${name} ${state}`), [
    "digests ok",
    "parity ok",
    "files skipped",
    "details skipped",
    "index skipped",
    "archive skipped",
    "threads absent",
  ]);
  equal(findings[2]!.detail, "No room");
});

Deno.test("runSelfTest() goes on after what failed", async () => {
  const path = await Deno.makeTempDir();
  await Deno.remove(path);
  const findings = await findingsOf({ room: { kind: "folder", path } });
  const failed = findings.filter(({ state }) => state === "failed");
  deepEqual(failed.map(({ name }) => name), [
    "files",
    "details",
    "index",
    "archive",
  ]);
  for (const { detail } of failed) match(detail, /^[A-Z]/);
});

Deno.test("runSelfTest() stops when it is interrupted", async () => {
  const path = await Deno.makeTempDir();
  const stop = new AbortController();
  try {
    const seen: string[] = [];
    let thrown: unknown;
    try {
      const room = { kind: "folder", path } as const;
      for await (const each of runSelfTest({ room, signal: stop.signal })) {
        seen.push(each.name);
        if (each.name === "index") {
          stop.abort(new Failure("interrupted", "Interrupted"));
        }
      }
    } catch (error) {
      thrown = error;
    }
    equal((thrown as Failure).code, "interrupted");
    equal(seen.at(-1), "index");
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});
