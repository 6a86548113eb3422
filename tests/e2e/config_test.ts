import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readTree } from "./tree.ts";
import { kib, Workplace } from "./workplace.ts";

/** Configurations that are refused, and what must be named. */
const refused: readonly (readonly [text: string, ...named: string[]])[] = [
  ['segment_sise = "4KiB"', '"segment_sise"', '"segment_size"'],
  ["[tier]\ntier1_max = 1", '"tier"', '"tiers"'],
  ["[tiers]\ntier4_max = 1", '"tiers.tier4_max"'],
  ['segment_size = "4 apples"', "segment_size", "4 apples"],
  ["segment_size = -1", "segment_size", "-1"],
  ["segment_size = 1.5", "segment_size", "1.5"],
  ["segment_size = 1023", "segment_size", "1023"],
  ['segment_size = "3GiB"', "segment_size", "3GiB"],
  ["segment_size = true", "segment_size", "true"],
  ["segment_size_mb = 0", "segment_size_mb", "0"],
  ["segment_size_mb = 32\nsegment_size = 32768", "segment_size_mb"],
  ["workers = 257", "workers", "257"],
  ['workers = "two"', "workers", "two"],
  ['log_level = "loud"', "log_level", "loud"],
  ["log_file = 3", "log_file", "3"],
  ['archive_directory = ""', "archive_directory"],
  ["archive_directory = []", "archive_directory", "an array"],
  ["tiers = 3", "tiers", "3"],
  ['[tiers]\ntier1_max = "2GB"', "tiers.tier1_max", "grow"],
  ['[tiers]\ntier2_max = "lots"', "tiers.tier2_max", "lots"],
  ["workers = 1\nworkers = 2", "line 2"],
  ["segment_size = ", "line 1"],
  ["not toml", "line 1"],
];

Deno.test("a configuration that is wrong is refused with its file, its key and what is allowed", async () => {
  for (const [text, ...named] of refused) {
    using work = new Workplace({ config: text });
    work.fill("file", 100);
    const { stdout, stderr } = await work.expect(16, ["commit", "file"]);
    equal(stdout, "");
    ok(stderr.startsWith("blockframe: error: config.toml: "), stderr);
    equal(stderr.trimEnd().split("\n").length, 1, stderr);
    for (const word of named) ok(stderr.includes(word), `${word}: ${stderr}`);
    deepEqual(Object.keys(readTree(work.path)), ["", "config.toml", "file"]);
  }
});

Deno.test("a configuration file that was named must be there", async () => {
  using work = new Workplace({ config: undefined });
  work.makeFolder("folder");
  for (const path of ["nowhere.toml", "folder"]) {
    const flag = await work.expect(16, ["list", "--config", path]);
    match(flag.stderr, /^blockframe: error: Cannot read ".*", which --config/);
    const env = { BLOCKFRAME_CONFIG: path };
    const variable = await work.expect(16, ["list"], { env });
    match(variable.stderr, /Cannot read ".*", which BLOCKFRAME_CONFIG names/);
    const json = await work.expect(16, ["list", "--json", "--config", path]);
    const { type, code, exitCode } = JSON.parse(json.stdout);
    deepEqual([type, code, exitCode], ["error", "invalid-config", 16]);
  }
});

Deno.test("a variable with a bad value is refused by its name; an empty one is unset", async () => {
  using work = new Workplace();
  await work.commit("file", 100);
  for (
    const [name, value] of [
      ["BLOCKFRAME_WORKERS", "many"],
      ["BLOCKFRAME_WORKERS", "-1"],
      ["BLOCKFRAME_WORKERS", "257"],
      ["BLOCKFRAME_LOG_LEVEL", "loud"],
    ] as const
  ) {
    const options = { env: { [name]: value } };
    const { stdout, stderr } = await work.expect(16, ["list"], options);
    equal(stdout, "");
    ok(stderr.startsWith(`blockframe: error: ${name} is "${value}"`), stderr);
    await work.expect(0, ["list"], { env: { [name]: "" } });
  }
});

Deno.test("a flag beats a variable, that beats the file, and that beats the default", async () => {
  using work = new Workplace({
    config: `archive_directory = "from file"\nlog_level = "error"\n`,
  });
  work.fill("file", 100);
  const env = { BLOCKFRAME_ARCHIVE: "from variable" };
  const flag = ["-a", "from flag"];
  const bare = { BLOCKFRAME_CONFIG: work.write("empty.toml", "") };
  await work.expect(0, ["commit", "file", ...flag], { env });
  deepEqual(archivesIn(work), ["from flag"]);
  await work.expect(0, ["commit", "file"], { env });
  deepEqual(archivesIn(work), ["from flag", "from variable"]);
  await work.expect(0, ["commit", "file"]);
  deepEqual(archivesIn(work), ["from file", "from flag", "from variable"]);
  await work.expect(0, ["commit", "file"], { env: bare });
  deepEqual(archivesIn(work), [
    "archive_directory",
    "from file",
    "from flag",
    "from variable",
  ]);
});

Deno.test("the first configuration file of flag, variable, folder and user is read", async () => {
  using work = new Workplace({ config: `archive_directory = "folder"` });
  work.fill("file", 100);
  work.makeFolder(".config/blockframe");
  work.makeFolder("xdg/blockframe");
  const named = (name: string) => `archive_directory = "${work.at(name)}"`;
  work.write(".config/blockframe/config.toml", named("home"));
  work.write("xdg/blockframe/config.toml", named("xdg-user"));
  work.write("variable.toml", named("variable"));
  work.write("flag.toml", named("flag"));
  const xdg = { XDG_CONFIG_HOME: work.at("xdg") };
  const env = { ...xdg, BLOCKFRAME_CONFIG: "variable.toml" };
  const made: string[] = [];
  const expectMade = async (
    name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ) => {
    await work.expect(0, ["commit", "file", ...args], { env });
    made.push(name);
    deepEqual(archivesIn(work), [...made].sort());
  };
  await expectMade("flag", ["--config", "flag.toml"], env);
  await expectMade("variable", [], env);
  await expectMade("folder", [], xdg);
  await Deno.remove(work.at("config.toml"));
  await expectMade("xdg-user", [], xdg);
  await expectMade("home", [], { HOME: work.path });
});

Deno.test("relative paths of a configuration file start at its folder", async () => {
  using work = new Workplace({ config: undefined });
  work.fill("file", 20 * kib);
  work.makeFolder("settings");
  work.write(
    "settings/mine.toml",
    `archive_directory = "archive"\nlog_file = "log/run.jsonl"\nsegment_size = "4KiB"\n`,
  );
  work.makeFolder("settings/log");
  const config = ["--config", "settings/mine.toml"];
  await work.expect(0, ["commit", "file", ...config]);
  const shown = await work.expect(0, ["show", "file", "--json", ...config]);
  equal(JSON.parse(shown.stdout).entry.segmentBytes, 4 * kib);
  equal(archivesIn(work).length, 0);
  const log = (await Deno.readTextFile(work.at("settings/log/run.jsonl")))
    .trimEnd().split("\n").map((line) => JSON.parse(line));
  ok(
    log.some(({ message }) => /^Committed file as [0-9a-f]{16}$/.test(message)),
  );
});

Deno.test("new settings hold for new entries only; the old ones are read as they were written", async () => {
  using work = new Workplace();
  const before = await work.commit("before", 70 * kib);
  work.write("config.toml", 'segment_size = "64KiB"');
  const after = await work.commit("after", 70 * kib);
  deepEqual([before.entry.tier, after.entry.tier], [3, 1]);
  deepEqual([before.entry.segmentCount, after.entry.segmentCount], [24, 2]);
  await work.expectRestore(0, "before", before.content);
  await work.expectRestore(0, "after", after.content);
  equal((await work.health()).code, 0);
});

/** Command lines that are refused, and what is said. */
const usage: readonly (readonly [args: readonly string[], said: RegExp])[] = [
  [[], /No command given/],
  [["comit", "file"], /"comit"\. Did you mean commit\?/],
  [["commit"], /Nothing to commit/],
  [["commit", ""], /Expected a path, got nothing/],
  [["commit", "--polcy", "x", "file"], /Did you mean .*--policy/],
  [["commit", "file", "--policy", "raid:5"], /erasure:K\+M or replicate:N/],
  [["commit", "file", "--policy", "erasure:0+3"], /Policy "erasure:0\+3"/],
  [["commit", "file", "--policy", "erasure:255+2"], /257 shards/],
  [["commit", "file", "--policy", "replicate:0"], /Policy "replicate:0"/],
  [["commit", "file", "file", "--name", "x"], /--name goes with one file/],
  [["commit", "file", "--durability", "some"], /durability/],
  [["commit", "-Z"], /"-Z"/],
  [["restore"], /Expected a NAME/],
  [["restore", "file", "-o", "-", "--overwrite"], /goes with a file/],
  [["restore", "file", "other"], /"file" is a file, not a tree/],
  [["health", "--repair"], /"--repair"/],
  [["list", "file"], /"file"/],
  [["find"], /Expected a PATTERN/],
  [["find", ""], /Expected a pattern, got nothing/],
  [["show"], /Expected a NAME/],
  [["remove", "file"], /--yes removes without asking/],
  [["list", "-q", "-v"], /--quiet and --verbose exclude each other/],
  [["list", "--workers", "257"], /--workers/],
  [["list", "--workers", "few"], /--workers/],
  [["list", "--log-level", "loud"], /--log-level/],
  [["list", "-a"], /-a/],
  [["list", "-a", ""], /Expected a folder, got nothing/],
];

Deno.test("a wrong command line is refused with 16, on standard error only", async () => {
  using work = new Workplace();
  await work.commit("file", 100);
  const before = readTree(work.path, { times: true });
  for (const [args, said] of usage) {
    const { stdout, stderr } = await work.expect(16, args);
    // A program that asked for JSON is told in JSON, too.
    if (!args.includes("--json")) equal(stdout, "");
    match(stderr, /^blockframe: error: /);
    match(stderr, said);
    ok(stderr.trimEnd().split("\n").length <= 2, stderr);
  }
  // A lock comes and goes in the archive's own folder.
  const withoutRoot = (tree: Record<string, string>) =>
    Object.entries(tree).filter(([path]) => path !== "archive_directory");
  deepEqual(
    withoutRoot(readTree(work.path, { times: true })),
    withoutRoot(before),
  );
});

/** Archives of a workplace: folders that have an entry. */
function archivesIn(work: Workplace): string[] {
  return [...Deno.readDirSync(work.path)].map(({ name }) => name)
    .filter((name) =>
      Object.keys(readTree(work.at(name))).some((path) =>
        /^file_[0-9a-f]{16}$/.test(path)
      )
    ).sort();
}
