import assert from "node:assert/strict";
import { Failure } from "../../src/base/errors.ts";
import { Log, type LogFile, type LogLevel } from "../../src/cli/log.ts";
import { openLogFile } from "../../src/cli/log_file.ts";
import { Output } from "../../src/cli/output.ts";

function open(level: LogLevel) {
  let text = "";
  const output = new Output({
    stdout: { isTerminal: false, write: () => {} },
    stderr: { isTerminal: false, write: (part) => text += part },
    color: false,
    json: false,
    quiet: false,
  });
  return { log: new Log(output, level), text: () => text };
}

const levels: [LogLevel, number][] = [
  ["error", 1],
  ["warn", 2],
  ["info", 3],
  ["debug", 4],
];
for (const [level, count] of levels) {
  Deno.test(`Log shows ${count} of four records at level ${level}`, () => {
    const { log, text } = open(level);
    log.error("e");
    log.warn("w");
    log.info("i");
    log.debug("d");
    const lines = text().trimEnd().split("\n");
    assert.equal(lines.length, count);
    assert.equal(lines[0], "blockframe: error: e");
  });
}

Deno.test("Log keeps records at the file's own level and closes the file", () => {
  const kept: string[] = [];
  const file: LogFile = {
    write: (level, message, fields) =>
      kept.push(`${level} ${message} ${JSON.stringify(fields)}`),
    [Symbol.dispose]: () => kept.push("closed"),
  };
  const { log, text } = open("error");
  {
    using _log = log;
    log.keepIn(file, "info");
    log.info("done", { id: "x" });
    log.debug("detail");
    log.hint("do this");
  }
  assert.deepEqual(kept, [`info done {"id":"x"}`, "closed"]);
  assert.equal(text(), "hint: do this\n");
});

Deno.test("Log goes on without its file when that fails, and says so once", () => {
  const { log, text } = open("error");
  let writes = 0;
  log.keepIn({
    write: () => {
      writes++;
      throw new Error("disk full");
    },
    [Symbol.dispose]: () => {},
  }, "info");
  log.info("one");
  log.info("two");
  log[Symbol.dispose]();
  assert.equal(writes, 1);
  assert.equal(
    text(),
    "blockframe: warning: Cannot write the log file any more: disk full\n",
  );
});

Deno.test("openLogFile() writes JSON lines and makes the folder", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const path = `${folder}/logs/deep/blockframe.log`;
    const clock = { nowMs: () => 1_750_000_000_000, monotonicMs: () => 0 };
    for (const message of ["first", "second {not a template}"]) {
      using file = openLogFile(path, clock);
      file.write("warn", message, { name: "a\nb", bytes: 7 });
    }
    const lines = Deno.readTextFileSync(path).trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      [
        "first",
        "second {not a template}",
      ].map((message) => ({
        "@timestamp": "2025-06-15T15:06:40.000Z",
        level: "WARN",
        message,
        logger: "blockframe",
        fields: { name: "a\nb", bytes: 7 },
      })),
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("openLogFile() rotates by size and keeps a few old files", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const clock = { nowMs: () => 0, monotonicMs: () => 0 };
    for (let round = 0; round < 12; round++) {
      using file = openLogFile(`${folder}/b.log`, clock, 1000);
      file.write("info", "x".repeat(600), {});
    }
    const names = [...Deno.readDirSync(folder)].map((file) => file.name).sort();
    assert.deepEqual(names, [
      "b.log",
      "b.log.1",
      "b.log.2",
      "b.log.3",
      "b.log.4",
      "b.log.5",
    ]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("openLogFile() names the file that it cannot open", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const clock = { nowMs: () => 0, monotonicMs: () => 0 };
    assert.throws(() => openLogFile(folder, clock), (error: Failure) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.code, "io");
      assert.ok(
        error.message.startsWith(`Cannot open the log file "${folder}"`),
      );
      return true;
    });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
