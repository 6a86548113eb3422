// The index of a large archive: the real program and a real SQLite file.

import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { Codec } from "../../src/codec/mod.ts";
import { entryFolder, indexFile } from "../../src/format/entry_path.ts";
import { decodeManifest, encodeManifest } from "../../src/format/manifest.ts";
import { remove } from "./damage.ts";
import { describe } from "./tree.ts";
import { Nobody } from "./nobody.ts";
import { Workplace } from "./workplace.ts";

const entryCount = 1_100;

/** An archive of many entries: one that is whole, and copies of its manifest. */
async function makeMany(work: Workplace): Promise<Uint8Array> {
  const { content, folder } = await work.commit("whole", 1000);
  const codec = Codec.open();
  const digest = (bytes: Uint8Array) => codec.digest(bytes);
  const manifest = await Deno.readFile(`${folder}/manifest.json`);
  const decoded = decodeManifest(manifest, digest);
  if (decoded.kind !== "valid") throw new Error("the manifest reads back");
  for (let index = 1; index < entryCount; index++) {
    const id = index.toString(16).padStart(16, "0");
    const name = `name-${index}`;
    const inner = `${work.archive}/${entryFolder(name, id)}`;
    await Deno.mkdir(inner);
    const bytes = encodeManifest({ ...decoded.manifest, id, name }, digest);
    await Deno.writeFile(
      `${inner}/manifest.json`,
      bytes as Uint8Array<ArrayBuffer>,
    );
  }
  return content;
}

Deno.test("a listing is the same with an index, without one, and with one that rotted", async () => {
  using work = new Workplace();
  const content = await makeMany(work);
  const index = `${work.archive}/${indexFile}`;
  const list = ["list", "--json"];
  using nobody = new Nobody();
  using _cwd = nobody.look(work.path);
  // Who may look at the archive and not write there.
  const look = async (args: readonly string[]) => {
    using _archive = nobody.look(work.archive);
    return await work.expect(0, args, nobody.options);
  };
  const args = [...list, "-a", work.archive];
  const plain = await look(args);
  equal(describe(index), "nothing", "who may not write makes none");
  equal(JSON.parse(plain.stdout).entries.length, entryCount);
  deepEqual(await work.expect(0, args), plain);
  notEqual(describe(index), "nothing");
  const whole = await Deno.readFile(index);
  ok(whole.length > 20_000 && whole.length < 1_000_000, `${whole.length}`);
  deepEqual(await work.expect(0, args), plain);
  deepEqual(await look(args), plain);
  for (let round = 0; round < 6; round++) {
    const spoiled = whole.slice();
    const bound = round % 3 === 0 ? 200 : spoiled.length;
    for (let each = 0; each < 3; each++) {
      const at = work.chance.below(bound);
      spoiled[at] = spoiled[at]! ^ 0x55;
    }
    const cut = round % 4 === 0 ? work.chance.below(spoiled.length) : undefined;
    await Deno.writeFile(index, spoiled.subarray(0, cut));
    const seen = round % 2 === 0 ? work.expect(0, args) : look(args);
    deepEqual(await seen, plain, `round ${round}`);
  }
  await work.expectRestore(0, "whole", content);
  const { stdout } = await work.expect(0, ["find", "name-77"]);
  match(stdout, /^name-77 /m);
});

Deno.test("commands at once share the index, and what comes and goes is seen", async () => {
  using work = new Workplace();
  await makeMany(work);
  work.fill("new", 100);
  const list = ["list", "--json"];
  await Promise.all([
    work.expect(0, list),
    work.expect(0, ["commit", "new"]),
    work.expect(0, ["remove", "name-5", "--yes"]),
    work.expect(0, list),
    work.expect(0, ["show", "name-6"]),
  ]);
  const { entries } = JSON.parse((await work.expect(0, list)).stdout);
  equal(entries.length, entryCount);
  const names = new Set(entries.map(({ name }: { name: string }) => name));
  deepEqual([names.has("new"), names.has("name-5")], [true, false]);
});

Deno.test("a link in the index's place is not followed", async () => {
  using work = new Workplace();
  await makeMany(work);
  work.write("outside", "mine");
  await Deno.symlink(work.at("outside"), `${work.archive}/${indexFile}`);
  await work.expect(0, ["list"]);
  equal(await Deno.readTextFile(work.at("outside")), "mine");
});

Deno.test("a name whose entry cannot be read says why", async () => {
  using work = new Workplace();
  const { folder, entry } = await work.commit("file", 100);
  for (const copy of ["", "hashes/", "hashes_1/", "hashes_2/"]) {
    remove(`${folder}/${copy}manifest.json`);
  }
  for (
    const selector of ["file", entry.id, entry.id.slice(0, 5), entry.folder]
  ) {
    for (
      const args of [["restore", selector], ["show", selector], [
        "remove",
        selector,
        "--yes",
      ]]
    ) {
      const { stderr } = await work.expect(8, args);
      match(
        stderr,
        /error: Cannot read "file_[0-9a-f]+" as the entry ".*": none of its 4 manifest/,
      );
    }
  }
  const { stderr } = await work.expect(8, ["restore", "fil"]);
  match(stderr, /There is no entry "fil"/);
});
