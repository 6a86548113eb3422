import { deepEqual, equal, match, ok } from "node:assert/strict";
import { pause } from "./program.ts";
import { remove, rot } from "./damage.ts";
import { describe, listTree, readTree } from "./tree.ts";
import { kib, manyLeaves, Workplace } from "./workplace.ts";

Deno.test("commits into one archive at once all succeed, also the very first ones", async () => {
  using work = new Workplace();
  const names = ["one", "two", "three", "four"];
  const contents = names.map((name) => work.fill(name, manyLeaves));
  const endings = await Promise.all(
    names.map((name) => work.expect(0, ["commit", name, "--json"])),
  );
  equal(endings.length, names.length);
  for (const [index, name] of names.entries()) {
    await work.expectRestore(0, name, contents[index]!);
  }
  const health = await work.health();
  deepEqual([health.code, health.stderr], [0, ""]);
  equal(topOf(work).length, names.length);
});

Deno.test("the same file committed several times at once becomes as many entries", async () => {
  using work = new Workplace();
  const content = work.fill("file", 100 * kib);
  await Promise.all(
    [1, 2, 3].map(() => work.expect(0, ["commit", "--force", "file"])),
  );
  equal(topOf(work).length, 3);
  equal((await work.health()).summary.healthyCount, 3);
  await work.expectRestore(0, "file", content);
});

Deno.test("a health run beside a commit sees whole entries only", async () => {
  using work = new Workplace();
  await work.commit("early", 100 * kib);
  work.fill("file", manyLeaves);
  const args = ["commit", "--force", "file", "file", "file", "file"];
  using running = work.start(args);
  let ended = false;
  running.ending.finally(() => ended = true).catch(() => {});
  let runs = 0;
  while (!ended) {
    const health = await work.health();
    equal(health.code, 0, JSON.stringify(health));
    ok(health.entries.length >= 1 && health.entries.length <= 5);
    if (health.stderr !== "") {
      match(health.stderr, /^blockframe: warning: .*unless one is running now/);
    }
    runs++;
  }
  ok(runs > 0);
  equal((await running.ending).code, 0);
  const health = await work.health();
  deepEqual([health.code, health.entries.length, health.stderr], [0, 5, ""]);
});

Deno.test("two repairs of one entry at once do no harm", async () => {
  using work = new Workplace({ seed: 5 });
  const { content, folder } = await work.commit("file", manyLeaves);
  const before = readTree(work.archive);
  for (let time = 0; time < 4; time++) {
    for (const block of ["00", "03", "07", "16"]) {
      const shards = listTree(`${folder}/blocks/block_${block}`)
        .filter((path) => path.endsWith(".dat"));
      const at = (shard: number) =>
        `${folder}/blocks/block_${block}/${shards[shard]}`;
      const first = work.chance.below(shards.length - 2);
      remove(at(first));
      rot(at(first + 1), 10, 10);
      await Deno.link(at(first + 1), work.at(`outside-${time}-${block}`));
    }
    remove(`${folder}/hashes_1`);
    rot(`${folder}/outboard.bin`, 7, 7);
    const both = await Promise.all([work.health(), work.health()]);
    for (const { code } of both) ok(code === 0 || code === 1 || code === 4);
    const after = await work.health();
    ok(after.code === 0 || after.code === 1, JSON.stringify(after));
    deepEqual(readTree(work.archive), before);
    await work.expectRestore(0, "file", content);
  }
});

Deno.test("restores beside a repair give the right bytes", async () => {
  using work = new Workplace();
  const { content, folder } = await work.commit("file", manyLeaves);
  for (let block = 0; block < 16; block++) {
    const inner = `blocks/block_${String(block).padStart(2, "0")}/parity`;
    remove(`${folder}/${inner}`);
  }
  const outputs = ["a", "b", "c"];
  const [health, ...restores] = await Promise.all([
    work.health(),
    ...outputs.map((output) =>
      work.expect(0, ["restore", "file", "-o", output])
    ),
  ]);
  equal(health.code, 1);
  equal(restores.length, outputs.length);
  for (const output of outputs) deepEqual(work.read(output), content);
});

Deno.test("an entry that is removed during a health run or a restore is gone, not damaged", async () => {
  using work = new Workplace({ seed: 3 });
  const kept = await work.commit("kept", 10 * kib);
  for (let time = 0; time < 4; time++) {
    const { entry } = await work.commit("file", manyLeaves);
    using health = work.start(["health", "--json"]);
    using restore = work.start(["restore", entry.id, "-o", `out-${time}`]);
    await pause(60 + work.chance.below(120));
    await work.expect(0, ["remove", entry.id, "--yes"]);
    const seen = await health.ending;
    ok([0, 8].includes(seen.code), seen.stdout + seen.stderr);
    const given = await restore.ending;
    ok([0, 8].includes(given.code), given.stdout + given.stderr);
    if (given.code === 8) {
      match(given.stderr, /not in the archive|no entry|not there any more/);
    }
  }
  equal((await work.health()).code, 0);
  await work.expectRestore(0, "kept", kept.content);
});

function topOf(work: Workplace): string[] {
  return [...Deno.readDirSync(work.archive)].map(({ name }) => name);
}

Deno.test("an entry that is removed before its turn is not called damaged", async () => {
  using work = new Workplace({ config: undefined });
  const policy = ["--policy", "erasure:10+2"];
  const first = await work.commit("a", 100 * kib * kib, ...policy);
  const last = await work.commit("z", 1000);
  const shard = `${first.folder}/blocks/block_0/parity/parity_0.dat`;
  remove(shard);
  using running = work.start(["health", "--json"]);
  let ended = false;
  running.ending.finally(() => ended = true).catch(() => {});
  while (!ended && describe(shard) === "nothing") await pause(1);
  await Deno.rename(last.folder, work.at("gone"));
  const { code, stdout, stderr } = await running.ending;
  equal(code, 1, stdout);
  equal(JSON.parse(stdout.trimEnd().split("\n").at(-1)!).entryCount, 1);
  match(stderr, /^blockframe: warning: "z_[0-9a-f]+" was removed while .*\n$/);
});

Deno.test("a list beside removals lists what is there and finds nothing wrong", async () => {
  using work = new Workplace();
  work.fill("file", 10);
  await work.expect(0, ["commit", ...new Array(200).fill("file")]);
  const names = topOf(work).sort();
  work.makeFolder("gone");
  for (let time = 0; time < 3; time++) {
    using running = work.start(["list"]);
    let ended = false;
    running.ending.finally(() => ended = true).catch(() => {});
    // The last in the listing go first: they are most likely named and not yet read.
    for (const name of names.toReversed()) {
      await Deno.rename(`${work.archive}/${name}`, work.at(`gone/${name}`));
      if (!ended) await pause(1);
    }
    const { code, stderr } = await running.ending;
    deepEqual([code, stderr.replace(/^No entries in .*\n/, "")], [0, ""]);
    for (const name of names) {
      await Deno.rename(work.at(`gone/${name}`), `${work.archive}/${name}`);
    }
  }
});

Deno.test("threads that mend the same lost shard at once do not get into each other's way", async () => {
  using work = new Workplace({ config: undefined });
  const policy = ["--policy", "erasure:30+3"];
  const { folder } = await work.commit("file", 60 * kib * kib, ...policy);
  const before = readTree(work.archive);
  for (let time = 0; time < 8; time++) {
    remove(`${folder}/blocks/block_0/parity`);
    const health = await work.health(["--workers", "8"]);
    equal(health.code, 1, JSON.stringify(health));
    equal(health.entries[0]?.damage.length, 3);
    deepEqual(readTree(work.archive), before);
  }
});
