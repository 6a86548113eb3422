import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { Nobody } from "./nobody.ts";
import { readTree } from "./tree.ts";
import { kib, Workplace } from "./workplace.ts";

function runTool(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args);
  equal(status, 0, `${program} ${args.join(" ")}: ${stderr}`);
}

/** A folder with one of everything. */
function makeTree(work: Workplace): string {
  const folder = work.makeFolder("tree");
  work.makeFolder("tree/sub/deep");
  work.makeFolder("tree/empty");
  work.write("tree/a.txt", "first\n");
  work.fill("tree/sub/deep/big", 300 * kib + 1);
  work.write("tree/sub/odd \n name\\", "odd");
  work.write("tree/.hidden", "");
  Deno.linkSync(`${folder}/a.txt`, `${folder}/sub/again`);
  Deno.symlinkSync("../a.txt", `${folder}/sub/link`);
  Deno.symlinkSync("/etc/passwd", `${folder}/sub/out`);
  Deno.symlinkSync("nowhere", `${folder}/dangling`);
  {
    using sparse = Deno.openSync(`${folder}/sparse`, {
      createNew: true,
      write: true,
    });
    sparse.seekSync(900 * kib, Deno.SeekMode.Start);
    sparse.writeSync(new Uint8Array(4 * kib).fill(7));
    sparse.truncateSync(2000 * kib);
  }
  Deno.chmodSync(`${folder}/a.txt`, 0o640);
  Deno.chmodSync(`${folder}/sub`, 0o750);
  runTool("touch", "-d", "2001-02-03 04:05:06.789012345", `${folder}/a.txt`);
  runTool("touch", "-d", "1999-12-31 23:59:59.5", `${folder}/sub`);
  return folder;
}

function lookAt(work: Workplace, name: string): Deno.FileInfo {
  return Deno.lstatSync(work.at(name));
}

/** A segment of each block, and two copies of the file table. */
function damageEveryBlock(folder: string): void {
  for (const { name } of Deno.readDirSync(`${folder}/blocks`)) {
    const segments = `${folder}/blocks/${name}/segments`;
    const [first] = [...Deno.readDirSync(segments)];
    Deno.removeSync(`${segments}/${first!.name}`);
  }
  Deno.removeSync(`${folder}/files.jsonl.gz`);
  Deno.writeTextFileSync(`${folder}/hashes_1/files.jsonl.gz`, "rot");
}

Deno.test("a folder is committed and comes back with all that is in it", async () => {
  using work = new Workplace();
  const folder = makeTree(work);
  const before = readTree(folder, { times: true });
  const { stdout } = await work.expect(0, ["commit", "tree/", "--json"]);
  const [entry] = JSON.parse(stdout).entries;
  equal(entry.name, "tree");
  deepEqual(entry.tree, {
    fileCount: 5,
    folderCount: 3,
    linkCount: 3,
    hardLinkCount: 1,
    contentBytes: 6 + 300 * kib + 1 + 3 + 2000 * kib,
  });
  // The holes took no room.
  ok(entry.payloadBytes < 310 * kib, String(entry.payloadBytes));
  deepEqual(readTree(folder, { times: true }), before);
  equal((await work.health(["--check"])).code, 0);

  await work.expect(0, ["restore", "tree", "-o", "back"]);
  deepEqual(readTree(work.at("back"), { times: true }), before);
  equal(
    lookAt(work, "back/a.txt").ino,
    lookAt(work, "back/sub/again").ino,
  );
  const { blocks } = lookAt(work, "back/sparse");
  ok(blocks !== null && blocks < 100, `${blocks} blocks`);

  const again = await work.expect(0, ["commit", "tree"]);
  match(again.stdout, /= tree: unchanged \(5 files, /);
});

Deno.test("a tree with a damaged shard in every block and a damaged file table comes back", async () => {
  using work = new Workplace();
  const folder = makeTree(work);
  const { stdout } = await work.expect(0, ["commit", "tree", "--json"]);
  const [entry] = JSON.parse(stdout).entries;
  const stored = `${work.archive}/${entry.folder}`;
  equal(entry.tier, 3);
  damageEveryBlock(stored);
  await work.expect(1, ["restore", "tree", "-o", "back"]);
  deepEqual(
    readTree(work.at("back"), { times: true }),
    readTree(folder, { times: true }),
  );
  await work.expectRepair();
});

Deno.test("a folder is committed without what patterns leave out", async () => {
  using work = new Workplace();
  makeTree(work);
  work.write("tree/sub/.blockframeignore", "deep/\n!*.keep\n");
  work.write("tree/sub/x.keep", "");
  work.write("tree/y.keep", "");
  work.write("patterns", "# none of these\n*.keep\r\n");
  const { stdout } = await work.expect(0, [
    "commit",
    "tree",
    "--exclude",
    "/dangling",
    "--exclude=sparse",
    "--exclude-from",
    "patterns",
  ]);
  match(stdout, /left out: 4 excluded/);
  const listed = await work.expect(0, ["show", "tree", "--files", "--json"]);
  const paths = listed.stdout.trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  ).filter(({ type }) => type === "file").map(({ path }) => path);
  deepEqual(paths, [
    ".hidden",
    "a.txt",
    "empty",
    "sub",
    "sub/.blockframeignore",
    "sub/again",
    "sub/link",
    "sub/odd \n name\\",
    "sub/out",
    "sub/x.keep",
  ]);
  const some = await work.expect(0, ["show", "tree", "--files", "sub/o*"]);
  deepEqual(some.stdout.trimEnd().split("\n").map((line) => line.slice(45)), [
    "sub/odd \\n name\\",
    "sub/out -> /etc/passwd",
  ]);
  await work.expect(8, ["show", "tree", "--files", "nothing"]);
  await work.expect(16, ["show", "tree", "sub"]);
  await work.expect(16, ["commit", "tree", "--exclude", ""]);
  await work.expect(8, ["commit", "tree", "--exclude-from", "not there"]);
});

Deno.test("a folder that holds the archive is committed without it", async () => {
  using work = new Workplace();
  work.write("a", "1");
  const { stdout, stderr } = await work.expect(0, [
    "commit",
    ".",
    "--json",
    "--log-level",
    "info",
  ]);
  const [entry] = JSON.parse(stdout).entries;
  equal(entry.name, work.path.split("/").at(-1));
  deepEqual(entry.skipped, [{
    path: "archive_directory",
    reason: "archive",
  }]);
  match(stderr, /"archive_directory" is the archive itself/);
  const { stderr: refused } = await work.expect(16, [
    "commit",
    "archive_directory",
  ]);
  match(refused, /it is the archive itself/);
});

Deno.test("what nobody may read stops a commit, or is left out with code 2", async () => {
  using work = new Workplace();
  using nobody = new Nobody();
  makeTree(work);
  runTool("mkfifo", work.at("tree/pipe"));
  work.makeFolder("tree/shut");
  work.write("tree/locked", "secret");
  nobody.own(work.path);
  for (const name of ["locked", "shut"]) {
    runTool("chmod", "0", work.at(`tree/${name}`));
  }
  const strict = await work.expect(8, ["commit", "tree"], nobody.options);
  match(strict.stderr, /"pipe" is a device, a pipe or a socket/);
  match(strict.stderr, /"locked".*permission denied/);
  match(strict.stderr, /"shut".*permission denied/);
  match(strict.stderr, /"locked" cannot be read, and 1 more/);
  const listed = await work.run(["list", "--json"], nobody.options);
  ok(!listed.stdout.includes("tree"), listed.stdout);

  const lenient = await work.expect(
    2,
    ["commit", "tree", "--skip-unreadable", "--json"],
    nobody.options,
  );
  const [{ skipped }] = JSON.parse(lenient.stdout).entries;
  deepEqual(
    skipped.map(({ path, reason }: Record<string, string>) => [path, reason]),
    [["locked", "unreadable"], ["pipe", "special"], ["shut", "unreadable"]],
  );
});

Deno.test("the program of docs/format.md takes a tree apart", async () => {
  using work = new Workplace();
  const folder = makeTree(work);
  const { stdout } = await work.expect(0, ["commit", "tree", "--json"]);
  const [entry] = JSON.parse(stdout).entries;
  const page = await Deno.readTextFile(
    new URL("../../docs/format.md", import.meta.url),
  );
  const program = /```py\n(.*?)```/s.exec(page)?.[1];
  ok(program !== undefined);
  const script = `set -e; mkdir taken; cd taken
    cat ../archive_directory/${entry.folder}/blocks/*/segments/* > payload
    cp ../archive_directory/${entry.folder}/files.jsonl.gz .
    python3 - <<'END'\n${program}\nEND`;
  const { status, stderr } = spawnSync("sh", ["-c", script], {
    cwd: work.path,
  });
  equal(status, 0, String(stderr));
  deepEqual(readTree(work.at("taken/tree")), readTree(folder));
});
