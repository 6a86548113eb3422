import assert from "node:assert/strict";
import { parseArguments } from "../../src/cli/arguments.ts";
import { parseConfig } from "../../src/cli/config_file.ts";
import { commandNames } from "../../src/cli/grammar.ts";
import { exitCodes } from "../../src/cli/exit_code.ts";
import { formatLine } from "../../src/cli/output.ts";
import { describeHealth } from "../../src/cli/health_text.ts";
import { damageOf, healthOf } from "./fakes.ts";

const text = await Deno.readTextFile(
  new URL("../../docs/cli.md", import.meta.url),
);

Deno.test("docs/cli.md has a configuration that is accepted, with every key", async () => {
  const example = /```toml\n([^]*?)```/.exec(text)?.[1] ?? "";
  const settings = await parseConfig(
    example,
    "config.toml",
    "other",
    undefined,
  );
  for (const [key, value] of Object.entries(settings)) {
    assert.notEqual(value, undefined, key);
  }
});

Deno.test("docs/cli.md names every option of every command", () => {
  for (const args of [[], ...commandNames.map((name) => [name])]) {
    const help = parseArguments([...args, "--help"], 80);
    assert.equal(help.kind, "help");
    const options = help.kind === "help" ? help.text.match(/--[a-z-]+/g) : [];
    for (const option of options ?? []) {
      assert.ok(text.includes(option), `${args} ${option}`);
    }
  }
});

Deno.test("docs/cli.md has a row for every exit code", () => {
  for (const code of Object.values(exitCodes)) {
    assert.match(
      text,
      new RegExp(`^\\| (?:\\d+, )?${code}(?:, \\d+)? +\\|`, "m"),
    );
  }
});

Deno.test("docs/cli.md shows what health prints", () => {
  const reports = [
    healthOf(),
    healthOf({
      name: "dataset.bin",
      state: "repaired",
      damage: [45, 67, 89].map((index) => damageOf({ index })),
    }),
  ];
  const lines = reports.flatMap((report) => describeHealth(report, false))
    .map((line) => formatLine(line, false));
  assert.ok(text.includes(lines.join("\n")));
});
