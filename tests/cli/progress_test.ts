import assert from "node:assert/strict";
import fc from "fast-check";
import { Output } from "../../src/cli/output.ts";
import {
  formatProgress,
  formatSeconds,
  Progress,
} from "../../src/cli/progress.ts";
import { measureColumns } from "../../src/cli/text.ts";

const mib = 2 ** 20;

function follow() {
  const drawn: string[] = [];
  let nowMs = 0;
  const output = new Output({
    stdout: { isTerminal: true, write: () => {} },
    stderr: { isTerminal: true, write: (text) => drawn.push(text) },
    color: false,
    json: false,
    quiet: false,
  });
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const progress = new Progress(output, clock, () => 80);
  const at = (ms: number, bytesDone: number, bytesTotal: number) => {
    nowMs = ms;
    progress.follow({ kind: "progress", bytesDone, bytesTotal });
  };
  return { drawn, progress, at };
}

Deno.test("formatProgress() writes title, share, rate and time left", () => {
  const line = formatProgress({
    title: "commit video.mp4",
    bytesDone: 43 * mib,
    bytesTotal: 100 * mib,
    bytesPerSecond: 5 * mib,
    columnCount: 80,
  });
  assert.equal(line, "commit video.mp4  43 %  5.00 MiB/s  ETA 0:12");
});

Deno.test("formatProgress() leaves out what is not known", () => {
  const state = { title: "t", bytesDone: 0, bytesTotal: 9, columnCount: 80 };
  assert.equal(
    formatProgress({ ...state, bytesPerSecond: undefined }),
    "t  0 %",
  );
  assert.equal(
    formatProgress({ ...state, bytesPerSecond: 0 }),
    "t  0 %  0 B/s",
  );
});

Deno.test("formatProgress() calls an empty or overfull payload complete", () => {
  const state = { title: "t", bytesPerSecond: undefined, columnCount: 80 };
  assert.equal(
    formatProgress({ ...state, bytesDone: 0, bytesTotal: 0 }),
    "t  100 %",
  );
  assert.equal(
    formatProgress({ ...state, bytesDone: 9, bytesTotal: 8 }),
    "t  100 %",
  );
});

Deno.test("formatProgress() of a stream tells what came, not how far it is", () => {
  assert.equal(
    formatProgress({
      title: "t",
      bytesDone: 5 * 1024 * 1024,
      bytesTotal: undefined,
      bytesPerSecond: 1024,
      columnCount: 80,
    }),
    "t  5.00 MiB  1.00 KiB/s",
  );
});

Deno.test("formatProgress() always leaves the last column free", () => {
  fc.assert(fc.property(
    fc.string({ unit: "grapheme", maxLength: 100 }),
    fc.nat(2 ** 40),
    fc.nat(2 ** 40),
    fc.integer({ min: 1, max: 120 }),
    (title, bytesDone, bytesTotal, columnCount) => {
      const line = formatProgress({
        title,
        bytesDone,
        bytesTotal,
        bytesPerSecond: 12_345_678,
        columnCount,
      });
      assert.ok(measureColumns(line) < Math.max(columnCount, 1), line);
    },
  ));
});

for (
  const [seconds, text] of [
    [0, "0:00"],
    [11.2, "0:12"],
    [754, "12:34"],
    [11_045, "3:04:05"],
    [270_000, "3 d 3 h"],
  ] as const
) {
  Deno.test(`formatSeconds() writes ${seconds} as ${text}`, () => {
    assert.equal(formatSeconds(seconds), text);
  });
}

Deno.test("Progress.follow() draws at most ten times a second", () => {
  const { drawn, progress, at } = follow();
  progress.follow({
    kind: "start",
    operation: "commit",
    name: "a",
    bytesTotal: 1000,
  });
  for (let ms = 0; ms < 2000; ms += 5) at(ms, ms / 2, 1000);
  assert.ok(drawn.length >= 18 && drawn.length <= 20, `${drawn.length}`);
});

Deno.test("Progress.follow() never flickers up for what is done at once", () => {
  const { drawn, progress, at } = follow();
  progress.follow({
    kind: "start",
    operation: "commit",
    name: "a",
    bytesTotal: 10,
  });
  at(50, 10, 10);
  progress.follow({ kind: "finish", operation: "commit" });
  assert.deepEqual(drawn, []);
});

Deno.test("Progress.follow() shows the rate of the last seconds", () => {
  const { drawn, progress, at } = follow();
  progress.follow({
    kind: "start",
    operation: "health",
    name: "a",
    bytesTotal: 1000 * mib,
  });
  for (let second = 1; second <= 10; second++) {
    at(second * 1000, second * 50 * mib, 1000 * mib);
  }
  assert.match(drawn.at(-1)!, /health a {2}50 % {2}50\.0 MiB\/s {2}ETA 0:10/);
  for (let second = 11; second <= 20; second++) {
    at(second * 1000, (500 + (second - 10) * 5) * mib, 1000 * mib);
  }
  assert.match(drawn.at(-1)!, / {2}5\.00 MiB\/s /);
});

Deno.test("Progress.follow() erases its line at the end and escapes names", () => {
  const { drawn, progress, at } = follow();
  progress.follow({
    kind: "start",
    operation: "commit",
    name: "a\x1b[2J",
    bytesTotal: 10,
  });
  at(500, 5, 10);
  progress.follow({ kind: "finish", operation: "commit" });
  assert.match(drawn[0]!, /a\\x1b\[2J/);
  assert.equal(drawn.at(-1), "\r\x1b[K");
});
