import assert from "node:assert/strict";
import { entryOf, type FakeWorld, newWorld, run } from "./fakes.ts";

async function offer(
  world: FakeWorld,
  shell: string,
  ...words: readonly string[]
): Promise<string[]> {
  assert.equal(await run(world, "completions", shell, "--", ...words), 0);
  assert.equal(world.stderr, "");
  const lines = world.stdout.split("\n").filter((line) => line !== "");
  world.stdout = "";
  return lines.map((line) => line.split(/[\t\0]/)[0]!);
}

function worldOf(...names: readonly string[]): FakeWorld {
  const world = newWorld();
  world.archive.entries = names.map((name) => entryOf({ name }));
  return world;
}

Deno.test("completions asks the archive that the line, the environment or the settings name", async () => {
  const rows: [Partial<FakeWorld>, readonly string[], string][] = [
    [{}, ["show", ""], "archive_directory"],
    [{}, ["-a", "x", "show", ""], "x"],
    [{}, ["show", "--archive=y", ""], "y"],
    [{}, ["-a", "x", "show", "-a", "'my disk/'z", ""], "my disk/z"],
    [
      { variables: { HOME: "/home/me" } },
      ["-a", "~/x", "show", ""],
      "/home/me/x",
    ],
    [{ variables: { BLOCKFRAME_ARCHIVE: "v" } }, ["remove", ""], "v"],
    [
      { files: { "config.toml": 'archive_directory = "/c"' } },
      ["health", ""],
      "/c",
    ],
    [{ files: { s: 'archive_directory = "/s"' } }, [
      "--config",
      "s",
      "prune",
      "",
    ], "/s"],
  ];
  for (const [parts, words, archive] of rows) {
    const world = newWorld(parts);
    world.archive.entries = [
      entryOf({ name: "one" }),
      entryOf({ name: "one" }),
    ];
    assert.deepEqual(await offer(world, "bash", ...words), ["one"]);
    assert.deepEqual(world.opened.map(({ path }) => path), [archive]);
    assert.equal(world.gaveUpChanges, true);
  }
});

Deno.test("completions opens no archive where no name is wanted", async () => {
  const world = worldOf("one");
  for (
    const words of [["sh"], ["find", ""], ["show", "--"], [
      "commit",
      "--name",
      "",
    ]]
  ) {
    await offer(world, "zsh", ...words);
  }
  assert.deepEqual(world.opened, []);
});

Deno.test("completions offers no name that would be more than a word", async () => {
  const world = worldOf("a b", "a$(c)", "a\nd", "-e", "a;f", "a'g", "日本");
  const escaped = ["a\\ b", "a\\$\\(c\\)", "a\\;f", "a\\'g", "日本"];
  assert.deepEqual(await offer(world, "bash", "show", ""), escaped);
  assert.deepEqual(await offer(world, "bash", "show", "'a"), ["a b", "a;f"]);
  assert.deepEqual(await offer(world, "bash", "show", "a\\ "), ["a\\ b"]);
  assert.deepEqual(await offer(world, "fish", "show", ""), [
    "a b",
    "a$(c)",
    "a;f",
    "a'g",
    "日本",
  ]);
});

Deno.test("completions says nothing where something is wrong", async () => {
  const rows: Partial<FakeWorld>[] = [
    { openError: new Error("no archive") },
    { files: { "config.toml": "colour = 1" } },
  ];
  for (const parts of rows) {
    const world = newWorld(parts);
    world.archive.entries = [entryOf()];
    assert.deepEqual(await offer(world, "bash", "show", ""), []);
  }
  const many = worldOf(
    ...Array.from({ length: 5001 }, (_, index) => `${index}`),
  );
  assert.deepEqual(await offer(many, "bash", "show", ""), []);
  assert.deepEqual(await offer(worldOf(), "tcsh", "sh"), []);
  assert.deepEqual(await offer(worldOf(), "bash"), []);
});

Deno.test("completions offers help and version where they are options", async () => {
  const world = newWorld();
  const rows: [readonly string[], readonly string[]][] = [
    [["--he"], ["--help"]],
    [["list", "--v"], ["--verbose", "--version"]],
    [["remove", "--vers"], ["--version"]],
    [["list", "--", "--he"], []],
  ];
  for (const [words, wanted] of rows) {
    assert.deepEqual(await offer(world, "fish", ...words), wanted);
  }
});
