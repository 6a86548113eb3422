import { deepEqual, equal, match, ok } from "node:assert/strict";
import { equalBytes } from "../../src/base/bytes.ts";
import { DirStore } from "../../src/store/dir_store.ts";
import { epochs, writeLegacy } from "../archive/legacy_writer.ts";
import { Nobody } from "./nobody.ts";
import { listTree, readTree } from "./tree.ts";
import { kib, Workplace } from "./workplace.ts";

/** An archive of blockframe-rs in the workplace, with an entry for each tier and version. */
function writeOld(work: Workplace) {
  const store = new DirStore(work.makeFolder("old"));
  return epochs.flatMap((epoch) =>
    ([1, 2, 3] as const).filter((tier) => tier < 3 || epoch !== "2025-11")
      .map((tier) => {
        const name = `${epoch} tier_${tier}.bin`;
        const payload = work.chance.bytes(tier === 3 ? 140 * kib : 9 * kib + 1);
        const spec = { name, payload, tier, epoch };
        return { name, payload, ...writeLegacy(store, spec) };
      })
  );
}

function namesIn(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name);
}

Deno.test("import stores every entry of an old archive, and health finds them whole", async () => {
  using work = new Workplace();
  const entries = writeOld(work);
  const before = listTree(work.at("old"));
  const dry = await work.expect(0, ["import", "-n", "old"]);
  match(dry.stdout, /11 entries: 11 would be imported/);
  deepEqual(listTree(work.at("old")), before);
  const { stdout, stderr } = await work.expect(0, ["import", "old"]);
  equal(stderr, "");
  match(stdout, /11 entries: 11 imported/);
  deepEqual(listTree(work.at("old")), before);
  for (const { name, payload } of entries) {
    await work.expectRestore(0, name, payload);
  }
  equal((await work.health(["--check"])).code, 0);
  const again = await work.expect(0, ["import", "old", "--json"]);
  const summary = JSON.parse(again.stdout.trimEnd().split("\n").at(-1)!);
  equal(summary.presentCount, 11);
  equal(summary.exitCode, 0);
  ok(!namesIn(work.archive).some((name) => name.startsWith(".")));
});

Deno.test("import rebuilds damage, gives up on what is lost, and takes the rest", async () => {
  using work = new Workplace();
  const [hurt, lost, ...others] = writeOld(work).slice(-5);
  for (const at of [0, 1, 3]) {
    await Deno.remove(work.at(`old/${hurt!.folder}/${hurt!.blocks[0]![at]}`));
  }
  for (const at of [0, 1, 2, 3]) {
    await Deno.truncate(work.at(`old/${lost!.folder}/${lost!.blocks[0]![at]}`));
  }
  const health = await work.health(["--legacy", "old"]);
  equal(health.code, 4);
  deepEqual(
    health.entries.filter((entry) => entry.state !== "healthy")
      .map((entry) => [entry.name, entry.state]).toSorted(),
    [[hurt!.name, "repairable"], [lost!.name, "lost"]].toSorted(),
  );
  const { stdout } = await work.expect(5, ["import", "old"]);
  match(stdout, /11 entries: 10 imported, 1 damaged beyond repair/);
  await work.expectRestore(0, hurt!.name, hurt!.payload);
  await work.expectRestore(0, others[0]!.name, others[0]!.payload);
  await work.expect(8, ["show", lost!.name]);
});

Deno.test("import follows no link and needs no more than to read the old archive", async () => {
  using work = new Workplace();
  using nobody = new Nobody();
  const [one] = writeOld(work);
  const shard = work.at(`old/${one!.folder}/${one!.blocks[0]![0]}`);
  await Deno.rename(shard, work.at("elsewhere"));
  await Deno.symlink(work.at("elsewhere"), shard);
  await Deno.symlink(work.at("old"), work.at(`old/linked_${"ab".repeat(32)}`));
  work.makeFolder("archive_directory");
  nobody.own(work.archive);
  using _look = nobody.look(work.path);
  const before = readTree(work.at("old"), { times: true });
  const { stdout } = await work.expect(
    5,
    ["import", "old", "--json"],
    nobody.options,
  );
  deepEqual(readTree(work.at("old"), { times: true }), before);
  const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  const found = lines.find((line) => line.name === one!.name);
  equal(found.outcome, "imported");
  deepEqual(
    found.damage.map((item: { cause: string }) => item.cause),
    ["unsafe"],
  );
  equal(lines.find((line) => line.name === "linked").outcome, "failed");
  ok(equalBytes(work.read("elsewhere"), one!.payload));
});

Deno.test("import of no folder, or of one without entries, makes no entry", async () => {
  using work = new Workplace();
  const { stderr } = await work.expect(8, ["import", "nowhere"]);
  match(stderr, /Cannot open the archive "nowhere": there is no such folder/);
  ok(!namesIn(work.path).includes("archive_directory"));
  work.makeFolder("empty");
  const ending = await work.expect(0, ["import", "empty"]);
  match(ending.stderr, /No entries of blockframe-rs in empty/);
});

Deno.test("import writes nothing into the archive that it reads", async () => {
  using work = new Workplace();
  writeOld(work);
  const before = listTree(work.at("old"));
  const { stderr } = await work.expect(16, ["import", "old", "-a", "old"]);
  match(stderr, /into itself/);
  deepEqual(listTree(work.at("old")), before);
});
