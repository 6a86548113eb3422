import { deepEqual, equal, match, ok } from "node:assert/strict";
import { resize } from "./damage.ts";
import { Nobody } from "./nobody.ts";
import { readTree } from "./tree.ts";
import { kib, manyLeaves, Workplace } from "./workplace.ts";

Deno.test("files of an entry that refuse to be read or written are replaced", async () => {
  using work = new Workplace();
  using nobody = new Nobody();
  const { content, folder } = await work.commit("file", manyLeaves);
  const before = readTree(work.archive);
  const unreadable = [
    "blocks/block_00/segments/segment_003.dat",
    "blocks/block_01/parity/parity_1.dat",
    "hashes/manifest.json",
    "hashes_1/outboard.bin",
  ];
  const unwritable = [
    "blocks/block_02/segments/segment_070.dat",
    "hashes_2/manifest.json",
  ];
  nobody.own(work.path);
  for (const file of unwritable) resize(`${folder}/${file}`, 5);
  for (const file of unwritable) await Deno.chmod(`${folder}/${file}`, 0o444);
  for (const file of unreadable) await Deno.chmod(`${folder}/${file}`, 0o000);
  const args = ["restore", "file", "-o", "restored"];
  const restored = await work.expect(1, args, nobody.options);
  match(restored.stderr, /1 unreadable/);
  deepEqual(work.read("restored"), content);
  const health = await work.health([], nobody.options);
  equal(health.code, 1, JSON.stringify(health));
  deepEqual(
    health.entries[0]?.damage.map(({ file }) => file).sort(),
    [...unreadable, ...unwritable].sort(),
  );
  equal((await work.health([], nobody.options)).code, 0);
  deepEqual(readTree(work.archive), before);
});

Deno.test("folders that refuse are said; nothing of the entry is called lost for it", async () => {
  using work = new Workplace();
  using nobody = new Nobody();
  const { content, folder } = await work.commit("file", 60 * kib);
  const before = readTree(work.archive);
  nobody.own(work.path);
  await Deno.chmod(`${folder}/parity`, 0o000);
  await Deno.chmod(`${folder}/hashes_1`, 0o000);
  const args = ["restore", "file", "-o", "restored"];
  await work.expect(1, args, nobody.options);
  deepEqual(work.read("restored"), content);
  const health = await work.health([], nobody.options);
  equal(health.code, 4);
  equal(health.entries[0]?.state, "repairable");
  for (const each of health.entries[0].damage) {
    equal(each.cause, "unreadable");
    ok(each.obstacle?.includes("permission denied"), each.obstacle);
  }
  await Deno.chmod(`${folder}/parity`, 0o755);
  await Deno.chmod(`${folder}/hashes_1`, 0o755);
  equal((await work.health([], nobody.options)).code, 0);
  deepEqual(readTree(work.archive), before);
});

Deno.test("an archive or an entry that may not be looked into is said, and is not empty", async () => {
  using work = new Workplace();
  using nobody = new Nobody();
  const { folder } = await work.commit("closed", 1000);
  await work.commit("open", 1000);
  nobody.own(work.path);
  await Deno.chmod(folder, 0o000);
  const list = await work.expect(4, ["list"], nobody.options);
  match(
    list.stderr,
    /^blockframe: error: Cannot read closed_[0-9a-f]{16} as an/,
  );
  match(list.stdout, /^open /m);
  const health = await work.health([], nobody.options);
  equal(health.code, 4);
  equal(health.summary.problemCount, 1);
  await Deno.chmod(folder, 0o755);
  await Deno.chmod(work.archive, 0o000);
  for (const args of [["list"], ["health"], ["commit", "open"]]) {
    const { stdout, stderr } = await work.expect(8, args, nobody.options);
    equal(stdout, "");
    match(stderr, /blockframe: error: .*permission denied/);
  }
  await Deno.chmod(work.archive, 0o755);
  equal((await work.health([], nobody.options)).code, 0);
});
