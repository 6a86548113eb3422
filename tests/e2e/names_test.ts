import { deepEqual, doesNotMatch, equal, ok } from "node:assert/strict";
import type { EntrySummary } from "../../src/archive/report.ts";
import { equalBytes } from "../../src/base/bytes.ts";
import { listTree } from "./tree.ts";
import { Workplace } from "./workplace.ts";

const names: readonly string[] = [
  "two words",
  "  spaces around  ",
  "Übergröße 日本語 🎉",
  "e\u0301 in two parts",
  "\u00e9 in one part",
  "-x",
  "--json",
  "--",
  "_",
  "...",
  ".hidden",
  "a\nb",
  "tab\tand\rreturn",
  "\x1b[31mred\x07",
  "\u009b31mred, too",
  "\u202egpj.exe",
  "back\\slash",
  "quote\"s and 'such'",
  "$(touch oh) `no` ; &",
  "*?[a-z]{b,c}",
  "con",
  "NUL.txt",
  "<a:b|c>",
  "manifest.json",
  ".staging_0123456789abcdef",
  "like_0123456789abcdef",
  "0123456789abcdef",
  "x".repeat(255),
  "ü".repeat(127) + "x",
];

Deno.test("a file of any name is committed, listed, shown and restored under that name", async () => {
  using work = new Workplace();
  const contents = new Map(
    names.map((name, index) => [name, work.fill(name, 10 + index)]),
  );
  const plain = names.filter((name) => !name.startsWith("-"));
  const dashed = names.filter((name) => name.startsWith("-"));
  const files = plain.map((name) => `--file=${name}`);
  const { stdout } = await work.expect(0, [
    "commit",
    "--json",
    ...files,
    "--",
    ...dashed,
  ]);
  const entries: EntrySummary[] = JSON.parse(stdout).entries;
  deepEqual(entries.map((entry) => entry.name), [...plain, ...dashed]);
  for (const { folder } of entries) {
    // deno-lint-ignore no-control-regex -- control characters are what must not be there
    doesNotMatch(folder, /[\u0000-\u001f\u007f-\u009f<>:"/\\|?*]|^[-. ]/);
  }
  const list = await expectCleanText(work, ["list"], names.length + 1);
  for (
    const shown of [
      "a\\nb ",
      "tab\\tand\\rreturn ",
      "\\x1b[31mred\\x07 ",
      "\\x9b31mred, too ",
      "\\u{202e}gpj.exe ",
    ]
  ) ok(list.includes(`\n${shown}`), shown);
  await expectCleanText(work, ["health"], names.length + 1);
  work.makeFolder("out");
  for (const name of names) {
    await expectNamed(work, name, contents.get(name)!);
  }
  deepEqual(
    listTree(work.at("out")),
    [...names].sort(),
    "and nothing else was written",
  );
});

for (const form of [["--", "-x"], ["--file=-x"], ["-f", "-x"], ["./-x"]]) {
  Deno.test(`a name with a dash is taken from ${form.join(" ")}`, async () => {
    using work = new Workplace();
    const content = work.fill("-x", 1000);
    await work.expect(0, ["commit", ...form]);
    await work.expectRestore(0, "-x", content);
  });
}

Deno.test("--name is the entry's name, and a name that cannot be is refused", async () => {
  using work = new Workplace();
  const content = work.fill("plain", 100);
  await work.expect(0, ["commit", "plain", "--name=-n 1"]);
  await work.expectRestore(0, "-n 1", content);
  for (const name of ["a/b", "..", ".", "x".repeat(256), "ü".repeat(128)]) {
    const { stdout, stderr } = await work.expect(16, [
      "commit",
      "plain",
      "--name",
      name,
    ]);
    equal(stdout, "");
    ok(stderr.startsWith(`blockframe: error: Cannot commit as "`), stderr);
  }
  equal(listTree(work.archive).filter((path) => !path.includes("/")).length, 1);
});

/** Text output that no name can break: the expected number of lines, and no control character. */
async function expectCleanText(
  work: Workplace,
  args: readonly string[],
  lineCount: number,
): Promise<string> {
  const { stdout, stderr } = await work.expect(0, args);
  equal(stderr, "");
  equal(stdout.trimEnd().split("\n").length, lineCount);
  // deno-lint-ignore no-control-regex -- control characters are what must not be there
  doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  return stdout;
}

async function expectNamed(
  work: Workplace,
  name: string,
  content: Uint8Array,
): Promise<void> {
  const options = { cwd: work.at("out") };
  const archive = ["-a", work.archive];
  const shown = await work.expect(
    0,
    ["show", "--json", ...archive, "--", name],
    options,
  );
  equal(JSON.parse(shown.stdout).entry.name, name);
  await work.expect(0, ["restore", ...archive, "--", name], options);
  ok(equalBytes(work.read(`out/${name}`), content), name);
}
