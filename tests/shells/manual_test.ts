import { doesNotMatch, equal, match, ok } from "node:assert/strict";
import { formatManual } from "../../src/cli/manual.ts";
import { exitCodes } from "../../src/cli/exit_code.ts";
import { commandNames } from "../../src/cli/grammar.ts";
import { parseArguments } from "../../src/cli/arguments.ts";
import { variableNames } from "../../src/cli/ports.ts";

/** Runs a formatter over the page; gives what it printed and what it warned of. */
async function format(words: readonly string[], page: string) {
  const child = new Deno.Command(words[0]!, {
    args: words.slice(1),
    env: { MANWIDTH: "80", LC_ALL: "C.UTF-8" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(page));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  equal(code, 0);
  // Bold is a letter over itself, italic one over a line.
  // deno-lint-ignore no-control-regex -- a step back is what is looked for
  const text = decoder.decode(stdout).replaceAll(/.\x08/g, "");
  return { text, warnings: decoder.decode(stderr) };
}

const man = ["man", "--warnings", "-E", "UTF-8", "-Tutf8", "-l", "-"];
const groff = ["groff", "-ww", "-Kutf8", "-Tutf8", "-man", "-P-cbou"];

Deno.test("the manual page is formatted without a warning", async () => {
  const page = formatManual();
  doesNotMatch(page, /[^\n -~]/);
  doesNotMatch(page, /^\.S[HS] .*\n\.PP$/m, "mandoc warns of that");
  for (const words of [man, groff]) {
    const { text, warnings } = await format(words, page);
    equal(warnings, "");
    match(text, /keep files in an archive that repairs itself/);
    // What a reader copies must be what was written.
    match(text, /blockframe commit photos\/ --exclude '\*\.tmp'/);
    match(text, /~\/\.config\/blockframe\/config\.toml/);
    match(text, /%APPDATA%\\blockframe\\config\.toml/);
  }
  const { warnings } = await format(man, `${page}.nonsense \\[nowhere]\n`);
  match(warnings, /nonsense|nowhere/, "a warning would be seen");
});

Deno.test("the manual page has every command, option, variable and exit code", async () => {
  const { text } = await format(groff, formatManual());
  for (const name of commandNames) {
    const isAlias = name === "reconstruct" || name === "repair";
    const heading = new RegExp(`^   ${name}$`, "m");
    equal(heading.test(text), !isAlias, name);
    const told = isAlias ? `Also called ${name}` : `blockframe ${name}`;
    ok(text.replaceAll(/\s+/g, " ").includes(told), told);
    const help = parseArguments([name, "--help"], 80);
    const options = help.kind === "help" ? help.text.match(/--[a-z-]+/g) : [];
    for (const option of options ?? []) ok(text.includes(option), option);
  }
  for (const code of Object.values(exitCodes)) {
    match(text, new RegExp(`^       ${code} `, "m"));
  }
  for (const name of variableNames) ok(text.includes(name), name);
});
