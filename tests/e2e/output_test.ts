import { deepEqual, equal, match, ok } from "node:assert/strict";
import { rot } from "./damage.ts";
import { startOf } from "./home.ts";
import { listTree } from "./tree.ts";
import { kib, twoBlocks, Workplace } from "./workplace.ts";

Deno.test("--json prints documents that parse, one a line, for every command", async () => {
  using work = new Workplace();
  const { entry, folder } = await work.commit("file", twoBlocks);
  rot(`${folder}/blocks/block_0/segments/segment_05.dat`, 0, 1);
  const commands: readonly (readonly [
    code: number,
    args: readonly string[],
    types: readonly string[],
  ])[] = [
    [0, ["commit", "--force", "file", "config.toml"], ["commit"]],
    [0, ["commit", "config.toml"], ["commit"]],
    [0, ["list"], ["list"]],
    [0, ["find", "f*"], ["find"]],
    [0, ["show", "file"], ["show"]],
    [1, ["restore", entry.id, "-o", "a"], ["restore"]],
    [4, ["health", "--check"], ["entry", "entry", "entry", "summary"]],
    [1, ["health"], ["entry", "entry", "entry", "summary"]],
    [0, ["health", "file"], ["entry", "entry", "summary"]],
    [0, ["list", "--all"], ["list"]],
    [0, ["prune", "--keep-last", "1", "-n"], ["prune"]],
    [0, ["cleanup", "--yes"], ["cleanup"]],
    [0, ["remove", entry.id, "--dry-run"], ["remove"]],
    [0, ["remove", entry.id, "--yes"], ["remove"]],
    [8, ["show", "nothing"], ["error"]],
    [8, ["restore", "nothing"], ["error"]],
    [8, ["health", "nothing"], ["error"]],
    [8, ["list", "-a", "nowhere"], ["error"]],
    [8, ["health", "-a", "config.toml"], ["error"]],
    [8, ["commit", "nowhere"], ["commit"]],
    [16, ["remove", "file"], ["error"]],
    [16, ["nothing"], ["error"]],
    [16, ["list", "--nothing"], ["error"]],
  ];
  for (const [code, args, types] of commands) {
    const { stdout } = await work.expect(code, [...args, "--json"]);
    ok(stdout.endsWith("\n"));
    const documents = stdout.trimEnd().split("\n").map((line) =>
      JSON.parse(line)
    );
    deepEqual(documents.map(({ type }) => type), types, args.join(" "));
    for (const { schema } of documents) equal(schema, 1);
    const last = documents.at(-1);
    if ("exitCode" in last) equal(last.exitCode, code);
  }
});

Deno.test("an archive that is not there is no archive, and none is made by looking for it", async () => {
  using work = new Workplace();
  const before = listTree(work.path);
  for (
    const args of [["list"], ["health"], ["find", "x"], ["show", "x"], [
      "restore",
      "x",
    ], ["remove", "x", "--yes"]]
  ) {
    const { stdout, stderr } = await work.expect(8, args);
    equal(stdout, "");
    equal(
      stderr,
      'blockframe: error: Cannot open the archive "archive_directory": there is no such folder\n' +
        "hint: `blockframe commit` makes an archive, --archive names another one\n",
    );
  }
  deepEqual(listTree(work.path), before);
});

Deno.test("an empty archive has nothing to list, and health is not content with it", async () => {
  using work = new Workplace();
  work.makeFolder("archive_directory");
  for (const args of [["list"], ["find", "x"]]) {
    const { stdout, stderr } = await work.expect(0, args);
    equal(stdout, "");
    match(stderr, /^No entr(ies|y) in archive_directory( matches x)?\n$/);
    const quiet = await work.expect(0, [...args, "-q"]);
    deepEqual([quiet.stdout, quiet.stderr], ["", ""]);
  }
  for (const args of [["health"], ["health", "-q"]]) {
    const { stdout, stderr } = await work.expect(8, args);
    equal(stdout, "");
    match(stderr, /No entries in archive_directory: nothing was verified\n/);
  }
});

Deno.test("-q is silent where all is well, and is not where it is not", async () => {
  using work = new Workplace();
  const { folder } = await work.commit("file", 20 * kib);
  for (
    const args of [["health"], ["restore", "file", "-o", "a"], [
      "commit",
      "file",
    ]]
  ) {
    const { stdout, stderr } = await work.expect(0, [...args, "-q"]);
    deepEqual([stdout, stderr], ["", ""], args.join(" "));
  }
  rot(`${folder}/segments/segment_2.dat`, 0, 1);
  const { stdout } = await work.expect(1, ["health", "-q"]);
  match(stdout, /→ Recovered from parity: segment 2/);
});

Deno.test("a reader of standard output that goes away ends the run without a word", async () => {
  using work = new Workplace();
  await work.commit("one", 100);
  await work.commit("two", 100);
  for (
    const args of [
      ["list"],
      ["list", "--json"],
      ["find", "o"],
      ["show", "one"],
      ["health"],
      ["health", "--json"],
      ["commit", "one"],
      ["--help"],
      ["--version"],
    ]
  ) {
    const { code, stderr } = await runUnread(work, args);
    deepEqual([code, stderr], [141, ""], args.join(" "));
  }
});

Deno.test("list | head -1 shows one line", async () => {
  using work = new Workplace();
  work.fill("file", 100);
  await work.expect(0, ["commit", ...new Array(30).fill("file")]);
  const { stdout, stderr } = await runShell(work, '"$@" | head -1', ["list"]);
  match(stdout, /^NAME .*\n$/);
  equal(stderr, "");
});

Deno.test("output to a full disk is an error that says so", async () => {
  using work = new Workplace();
  await work.commit("file", 100);
  for (const args of [["list"], ["health", "--json"], ["--help"]]) {
    const { code, stderr } = await runShell(work, '"$@" > /dev/full', args);
    equal(code, 8);
    match(stderr, /^blockframe: error: Cannot write the output: .*\n$/);
  }
  const unheard = await runShell(work, '"$@" 2> /dev/full', ["nothing"]);
  equal(unheard.code, 16, "nobody to tell changes nothing");
});

Deno.test("help is printed for every command, and the version in one line", async () => {
  using work = new Workplace({ config: "not even read" });
  for (
    const command of [
      "commit",
      "restore",
      "health",
      "list",
      "find",
      "show",
      "remove",
    ]
  ) {
    const { stdout, stderr } = await work.expect(0, [command, "--help"]);
    equal(stderr, "");
    match(stdout, new RegExp(`^Usage: blockframe ${command} `, "m"));
    equal((await work.expect(0, ["help", command])).stdout, stdout);
  }
  const version = await work.expect(0, ["--version"]);
  match(version.stdout, /^blockframe \d+\.\d+\.\d+\n/);
});

/** Runs the program with nobody at the other end of its standard output. */
async function runUnread(
  work: Workplace,
  args: readonly string[],
): Promise<{ code: number; stderr: string }> {
  // The shell opens the pipe for writing, closes the only reading end, and then becomes the program.
  const script =
    'mkfifo pipe; exec 3<>pipe 4>pipe 3<&-; rm pipe; exec "$@" >&4';
  return await runShell(work, script, args);
}

/** Runs a line of shell, in which "$@" is the program with these arguments. */
async function runShell(
  work: Workplace,
  script: string,
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { words, env } = startOf(args);
  const { code, stdout, stderr } = await new Deno.Command("/bin/sh", {
    args: ["-c", script, "sh", ...words],
    cwd: work.path,
    clearEnv: true,
    env,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}
