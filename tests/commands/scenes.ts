// Scenes: what every_command_test.ts has each command do, at default settings.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { equalBytes } from "../../src/base/bytes.ts";
import { DirStore } from "../../src/store/dir_store.ts";
import { writeLegacy } from "../archive/legacy_writer.ts";
import { remove, rot } from "../e2e/damage.ts";
import { watchThreads } from "../e2e/threads.ts";
import { listFiles, listTree, readTree } from "../e2e/tree.ts";
import { kib, type Workplace } from "../e2e/workplace.ts";
import { isMounted, Mounted, readBytes, runTool } from "../mount/mounted.ts";

/** A scene for each command, by its name. */
export const scenes: Readonly<
  Record<string, (work: Workplace) => Promise<void>>
> = {
  commit: async (work) => {
    // More than is done without threads.
    const big = work.fill("big", 40 * kib * kib);
    using running = work.start(["commit", "big"]);
    const sawThreads = await watchThreads(running.child.pid, running.ending);
    const { code, stdout, stderr } = await running.ending;
    deepEqual([code, stderr, sawThreads], [0, "", true]);
    match(stdout, /^✓ big: committed/);
    await work.commit("small", 100, "--policy", "erasure:3+2");
    const stdin = { stdin: "create table t;" };
    await work.expect(0, ["commit", "-", "--name", "db.sql"], stdin);
    const again = await work.expect(0, ["commit", "big"]);
    match(again.stdout, /^= big: unchanged/);
    await work.expectRestore(0, "big", big);
    await work.expect(16, ["commit"]);
    await work.expect(8, ["commit", "nowhere"]);
  },

  restore: async (work) => {
    makeTree(work);
    const { content, folder } = await work.commit("file", 300 * kib);
    await work.expect(0, ["commit", "tree"]);
    rot(`${folder}/segments/segment_0.dat`, 50, 5);
    await work.expectRestore(1, "file", content);
    await work.expect(0, ["restore", "tree", "-o", "copy"]);
    deepEqual(
      readTree(work.at("copy"), { times: true }),
      readTree(work.at("tree"), { times: true }),
    );
    await work.expect(0, ["restore", "tree", "sub/*.txt", "-o", "part"]);
    deepEqual(listTree(work.at("part")), ["sub", "sub/b.txt"]);
    await work.expect(0, ["commit", "-", "--name", "text"], { stdin: "text" });
    const streamed = await work.expect(0, ["restore", "text", "-o", "-"]);
    equal(streamed.stdout, "text");
  },

  reconstruct: async (work) => {
    const { content } = await work.commit("file", 5000);
    const out = await work.expect(0, ["reconstruct", "file", "-o", "out"]);
    equal(out.stderr, "");
    deepEqual(work.read("out"), content);
  },

  health: async (work) => {
    const { content, folder } = await work.commit(
      "file",
      9000 * kib,
      "--policy",
      "erasure:3+2",
    );
    const before = readTree(work.archive);
    const shards = listFiles(folder).filter((path) => path.endsWith(".dat"));
    equal(shards.length, 5);
    remove(`${folder}/${shards[0]}`);
    remove(`${folder}/hashes_1`);
    rot(`${folder}/${shards.at(-1)}`, 1, 99);
    equal((await work.health(["--check"])).code, 4);
    const { stdout } = await work.expect(1, ["health"]);
    match(stdout, /1 entry: 1 repaired/);
    deepEqual(readTree(work.archive), before);
    await work.expectRestore(0, "file", content);
  },

  repair: async (work) => {
    const { folder } = await work.commit("file", 100);
    remove(`${folder}/manifest.json`);
    await work.expect(1, ["repair", "file"]);
    await work.expect(0, ["repair", "--check"]);
  },

  list: async (work) => {
    const { entry } = await work.commit("file", 100);
    await work.expect(0, ["commit", "--force", "file"]);
    const { stdout } = await work.expect(0, ["list"]);
    equal(stdout.trimEnd().split("\n").length, 2);
    const all = await work.expect(0, ["list", "--all"]);
    match(all.stdout, new RegExp(entry.id));
    // The environment is read where there is one, and so is a settings file.
    const env = { BLOCKFRAME_ARCHIVE: "elsewhere" };
    await work.expect(8, ["list"], { env });
    work.write("config.toml", 'archive_directory = "elsewhere"\n');
    await work.expect(8, ["list"]);
    await work.expect(0, ["list", "-a", "archive_directory"]);
  },

  find: async (work) => {
    await work.commit("one.txt", 100);
    await work.commit("two.bin", 100);
    const { stdout } = await work.expect(0, ["find", "*.txt"]);
    match(stdout, /^one\.txt /m);
    equal(/two/.test(stdout), false);
  },

  show: async (work) => {
    makeTree(work);
    const { entry } = await work.commit("file", 20 * kib);
    await work.expect(0, ["commit", "tree"]);
    match((await work.expect(0, ["show", "file"])).stdout, RegExp(entry.id));
    const files = await work.expect(0, ["show", "tree", "--files"]);
    match(files.stdout, /sub\/b\.txt/);
    const sums = await work.expect(0, ["show", "file", "--hashes"]);
    work.write("sums", sums.stdout);
    const { success } = await new Deno.Command("b3sum", {
      args: ["--check", "sums"],
      cwd: work.path,
    }).output();
    ok(success, sums.stdout);
  },

  remove: async (work) => {
    await work.commit("file", 100);
    await work.expect(16, ["remove", "file"]);
    await work.expect(0, ["remove", "file", "--yes"]);
    deepEqual(listTree(work.archive), []);
  },

  import: async (work) => {
    const store = new DirStore(work.makeFolder("old"));
    const payload = work.chance.bytes(9 * kib + 1);
    for (const tier of [1, 2] as const) {
      const name = `old ${tier}`;
      writeLegacy(store, { name, payload, tier, epoch: "2025-11" });
    }
    const { stdout } = await work.expect(0, ["import", "old"]);
    match(stdout, /2 entries: 2 imported/);
    await work.expectRestore(0, "old 1", payload);
    await work.expect(0, ["health", "--legacy", "old"]);
  },

  prune: async (work) => {
    for (let version = 0; version < 3; version++) {
      await work.commit("file", 100 + version);
    }
    await work.expect(0, ["prune", "--keep-last", "2", "--yes"]);
    equal(listArchive(work).length, 2);
  },

  cleanup: async (work) => {
    await work.commit("file", 100);
    work.makeFolder("archive_directory/.staging_00000000000000aa/segments");
    const args = ["cleanup", "--older-than", "0h", "--yes"];
    const { stdout } = await work.expect(0, args);
    match(stdout, /1 folder removed/);
    equal(listArchive(work).length, 1);
  },

  mount: async (work) => {
    makeTree(work);
    const { content, folder } = await work.commit("file", 300 * kib);
    await work.expect(0, ["commit", "tree"]);
    rot(`${folder}/segments/segment_0.dat`, 50, 5);
    {
      await using mounted = await Mounted.at(work);
      ok(equalBytes(readBytes(mounted.at("file")), content));
      deepEqual(readTree(mounted.at("tree")), readTree(work.at("tree")));
      const { stderr } = await mounted.unmount();
      match(stderr, /repaired|rebuilt/);
    }
    const path = work.at("mnt");
    await work.expect(0, ["mount", "-m", path, "--background"]);
    try {
      ok(equalBytes(readBytes(`${path}/file`), content));
    } finally {
      runTool("fusermount3", "-u", path);
    }
    equal(isMounted(path), false);
  },

  completions: async (work) => {
    for (const shell of ["bash", "zsh", "fish", "powershell"]) {
      const { stdout } = await work.expect(0, ["completions", shell]);
      ok(stdout.length > 100 && stdout.includes("blockframe"), shell);
    }
    await work.commit("a name", 100);
    const words = ["completions", "fish", "--", "restore", "a"];
    match((await work.expect(0, words)).stdout, /a name/);
  },

  man: async (work) => {
    const { stdout } = await work.expect(0, ["man"]);
    match(stdout, /^\.TH BLOCKFRAME 1/m);
  },

  "self-test": async (work) => {
    const { stdout } = await work.expect(0, ["self-test"]);
    equal(/✗/.test(stdout), false, stdout);
    match(stdout, /✓/);
    deepEqual(listTree(work.path), [], "nothing of it stays");
  },

  version: async (work) => {
    const { stdout } = await work.expect(0, ["version"]);
    match(stdout, /^blockframe \d+\.\d+\.\d+\n(?:\w+ +.+\n)+$/);
    equal((await work.expect(0, ["--version"])).stdout, stdout);
  },
};

function makeTree(work: Workplace): void {
  work.makeFolder("tree/sub/empty");
  work.write("tree/a.txt", "first\n");
  work.write("tree/sub/b.txt", "second\n");
  work.fill("tree/sub/c.bin", 40 * kib);
  Deno.symlinkSync("../a.txt", work.at("tree/sub/link"));
}

function listArchive(work: Workplace): string[] {
  return [...Deno.readDirSync(work.archive)].map(({ name }) => name)
    .filter((name) => name !== ".index"); // made by whoever lists
}
