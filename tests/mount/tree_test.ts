// A tree under a mount is the tree that was committed: names, kinds, bytes, links, holes, times and
// permission bits, also when its payload is damaged.

import { equal, match, ok } from "node:assert/strict";
import { rot } from "../e2e/damage.ts";
import { Workplace } from "../e2e/workplace.ts";
import {
  errorOf,
  infoOf,
  Mounted,
  namesIn,
  runTool,
  until,
} from "./mounted.ts";

/** Makes a tree with some of everything. */
function grow(work: Workplace): string {
  const tree = work.makeFolder("tree");
  work.makeFolder("tree/a b/deep/deeper");
  work.makeFolder("tree/empty");
  for (let index = 0; index < 60; index++) {
    work.fill(`tree/a b/f${index}`, 37 * index);
  }
  work.fill("tree/a b/deep/big", 300_000);
  work.write("tree/ünï", "ü");
  const script = `
    set -e
    cd "$1"
    ln "a b/deep/big" again
    ln -s ../nowhere link
    truncate -s 3M sparse
    printf x | dd of=sparse bs=1 seek=2000000 conv=notrunc 2> /dev/null
    chmod 600 "a b/f7"
    chmod 750 empty
    touch -d 2001-02-03T04:05:06.123456789Z "a b/f8"
  `;
  runTool("sh", "-c", script, "sh", tree);
  return tree;
}

/** Path, kind, permission bits, size, time, owner and link of all that is not a folder; less of those. */
function describe(folder: string): string {
  const files = String.raw`%P %y %m %s %T@ %U %G %n %l\n`;
  const folders = String.raw`%P %y %m %T@\n`;
  return runTool(
    "sh",
    "-c",
    `cd "$1" && find . ! -type d -printf "$2" | sort && find . -type d -printf "$3" | sort`,
    "sh",
    folder,
    files,
    folders,
  );
}

Deno.test("a tree is as it was committed, with damage up to the parity", async () => {
  using work = new Workplace();
  const tree = grow(work);
  const { stdout } = await work.expect(0, ["commit", "--json", "tree"]);
  const { folder } = JSON.parse(stdout).entries[0];
  await using mounted = await Mounted.at(work);
  equal(describe(mounted.at("tree")), describe(tree));
  const segments = `${work.archive}/${folder}/blocks/block_0/segments`;
  rot(`${segments}/segment_03.dat`, 100, 2000);
  rot(`${segments}/segment_20.dat`, 700, 2000);
  runTool("diff", "-r", "--no-dereference", tree, mounted.at("tree"));
  const ending = await mounted.unmount();
  match(ending.stderr, /Damage was met: \d+ leaves rebuilt/);
  equal((await work.health(["--check"])).code, 0, "mended");
});

Deno.test("versions of a tree lie beside each other", async () => {
  using work = new Workplace();
  const tree = grow(work);
  await work.expect(0, ["commit", "tree"]);
  work.write("tree/new", "new");
  await work.expect(0, ["commit", "tree"]);
  await using mounted = await Mounted.at(work);
  runTool("diff", "-r", "--no-dereference", tree, mounted.at("tree"));
  const versions = namesIn(mounted.at(".versions/tree"))
    .map((name) => mounted.at(`.versions/tree/${name}`));
  equal(versions.length, 2);
  const withNew = versions.filter((path) =>
    runTool("ls", path).includes("new\n")
  );
  equal(withNew.length, 1);
  ok(
    runTool("stat", "-c", "%i", withNew[0]!) ===
      runTool("stat", "-c", "%i", mounted.at("tree")),
  );
});

Deno.test("a tree that changes or goes does so at once below it, too, though its names are remembered", async () => {
  using work = new Workplace();
  work.makeFolder("tree");
  work.write("tree/it", "first");
  await work.expect(0, ["commit", "tree"]);
  await using mounted = await Mounted.at(work);
  const path = mounted.at("tree/it");
  equal(await Deno.readTextFile(path), "first");
  work.write("tree/it", "the second");
  work.write("tree/more", "more");
  await work.expect(0, ["commit", "tree"]);
  await until(() => Deno.readTextFileSync(path) === "the second");
  equal(await Deno.readTextFile(mounted.at("tree/more")), "more");
  await work.expect(0, ["remove", "--yes", "--all-versions", "tree"]);
  await until(() => errorOf(() => infoOf(path)) === "ENOENT");
});
