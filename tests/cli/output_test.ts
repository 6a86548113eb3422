import assert from "node:assert/strict";
import { formatLine, Output, styled } from "../../src/cli/output.ts";
import { OutputClosed } from "../../src/cli/ports.ts";

function record(isTerminal: boolean) {
  return {
    isTerminal,
    text: "",
    write(text: string) {
      this.text += text;
    },
  };
}

function open(
  parts: {
    terminal?: boolean;
    color?: boolean;
    json?: boolean;
    quiet?: boolean;
  } = {},
) {
  const stdout = record(parts.terminal ?? false);
  const stderr = record(parts.terminal ?? false);
  const output = new Output({
    stdout,
    stderr,
    color: parts.color ?? true,
    json: parts.json ?? false,
    quiet: parts.quiet ?? false,
  });
  return { stdout, stderr, output };
}

Deno.test("formatLine() escapes every span and styles only itself", () => {
  const line = [styled("red", "✗"), " ", "\x1b[2Jname\n"];
  assert.equal(formatLine(line, false), "✗ \\x1b[2Jname\\n");
  assert.equal(formatLine(line, true), "\x1b[31m✗\x1b[0m \\x1b[2Jname\\n");
});

Deno.test("Output.result() has colours only on a terminal that may have them", () => {
  for (
    const [terminal, color, colored] of [
      [true, true, true],
      [true, false, false],
      [false, true, false],
    ] as const
  ) {
    const { stdout, output } = open({ terminal, color });
    output.result(styled("green", "ok"));
    assert.equal(stdout.text.includes("\x1b["), colored);
  }
});

Deno.test("Output.result() and Output.document() never mix on standard output", () => {
  const text = open();
  text.output.result("a line");
  text.output.document({ type: "x" });
  assert.equal(text.stdout.text, "a line\n");
  const json = open({ json: true });
  json.output.result("a line");
  json.output.document({ type: "x", name: "a\nb\x1b" });
  assert.equal(json.stdout.text, `{"type":"x","name":"a\\nb\\u001b"}\n`);
});

Deno.test("Output.goodNews() is left out when quiet", () => {
  const { stdout, output } = open({ quiet: true });
  output.goodNews("fine");
  output.result("not fine");
  assert.equal(stdout.text, "not fine\n");
});

Deno.test("Output.showStatus() draws over itself and goes away before a line", () => {
  const { stderr, stdout, output } = open({ terminal: true, color: false });
  output.showStatus("1 %");
  output.showStatus("2 %");
  output.result("done");
  output.clearStatus();
  assert.equal(stderr.text, "\r1 %\x1b[K\r2 %\x1b[K\r\x1b[K");
  assert.equal(stdout.text, "done\n");
});

Deno.test("Output.showStatus() writes nothing where no terminal is", () => {
  const { stderr, output } = open();
  output.showStatus("1 %");
  output.clearStatus();
  assert.equal(stderr.text, "");
});

Deno.test("Output.message() is silent once nobody reads standard error", () => {
  let writes = 0;
  const output = new Output({
    stdout: record(false),
    stderr: {
      isTerminal: false,
      write: () => {
        writes++;
        throw new OutputClosed("gone");
      },
    },
    color: false,
    json: false,
    quiet: false,
  });
  output.message("one");
  output.message("two");
  assert.equal(writes, 1);
});
