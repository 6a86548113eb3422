import { deepEqual, equal, match, ok } from "node:assert/strict";
import { equalBytes } from "../../src/base/bytes.ts";
import type { Prng } from "../../src/base/prng.ts";
import { remove, rot } from "./damage.ts";
import { readTree, withoutRoot } from "./tree.ts";
import { kib, twoBlocks, Workplace } from "./workplace.ts";

const segmentBytes = 4 * kib;
const leafBytes = 1 * kib;
const rowsPerBlock = segmentBytes / leafBytes;
const dataShards = 30;
const shardsPerBlock = 33;

for (const seed of [1, 2, 3]) {
  Deno.test(`any 3 of the 33 shards of each block can go (seed ${seed})`, async () => {
    using work = new Workplace({ seed });
    const { content, folder } = await work.commit("video", twoBlocks);
    const before = readTree(work.archive);
    const chosen = [0, 1].flatMap((block) =>
      choose(3, work.chance).map((shard) => shardPath(block, shard))
    );
    if (seed === 1) chosen.push(...swapForParity(chosen));
    for (const path of chosen) remove(`${folder}/${path}`);
    const report = await work.expectRestore(1, "video", content);
    const lostData = chosen.filter((path) => path.includes("/segments/"));
    const seen = report.damage.map(({ file }) => file);
    deepEqual(lostData.filter((path) => !seen.includes(path)), []);
    const damage = await work.expectRepair();
    deepEqual(damage.map(({ file }) => file).sort(), chosen.sort());
    ok(damage.every(({ cause, repaired }) => cause === "missing" && repaired));
    deepEqual(readTree(work.archive), before);
  });
}

Deno.test("the 3 parity shards of a block can go: restore sees nothing of it, health makes them anew", async () => {
  using work = new Workplace();
  const { content, folder } = await work.commit("video", twoBlocks);
  const before = readTree(work.archive);
  for (const shard of [30, 31, 32]) remove(`${folder}/${shardPath(0, shard)}`);
  await work.expectRestore(0, "video", content);
  const first = await work.expect(1, ["health"]);
  equal(
    first.stdout,
    "✗ video: 3 missing parity shards\n" +
      "  → Recomputed: parity shards 0-2 of block 0\n" +
      "1 entry: 1 repaired\n",
  );
  await work.expect(0, ["health"]);
  deepEqual(readTree(work.archive), before);
});

Deno.test("damage over more than 3 shards is mended where no row lost more than 3 leaves", async () => {
  using work = new Workplace();
  const { content, folder } = await work.commit("video", twoBlocks);
  const before = readTree(work.archive);
  const damaged = new Set<string>();
  for (const block of [0, 1]) {
    // Row r loses the leaves of shards 3r, 3r + 1 and 3r + 2 from a random place on.
    const first = work.chance.below(shardsPerBlock);
    for (let row = 0; row < rowsPerBlock; row++) {
      for (let each = 0; each < 3; each++) {
        const shard = (first + 8 * row + each) % shardsPerBlock;
        const path = shardPath(block, shard);
        const offset = row * leafBytes + work.chance.below(leafBytes / 2);
        rot(`${folder}/${path}`, offset, 1 + work.chance.below(leafBytes / 2));
        damaged.add(path);
      }
    }
  }
  equal(damaged.size, 2 * 3 * rowsPerBlock, "that is 12 shards of each block");
  await work.expectRestore(1, "video", content);
  const damage = await work.expectRepair();
  deepEqual(damage.map(({ file }) => file).sort(), [...damaged].sort());
  ok(
    damage.every(({ cause, leafCount }) =>
      cause === "rotten" && leafCount === 1
    ),
  );
  deepEqual(readTree(work.archive), before);
});

Deno.test("health says which segments it recovered, and names them all with --verbose", async () => {
  using work = new Workplace();
  const { folder } = await work.commit("dataset.bin", twoBlocks);
  for (const segment of [3, 4, 5, 45]) {
    rot(`${folder}/${shardPath(Math.floor(segment / 30), segment % 30)}`, 0, 9);
  }
  const expected = (state: string) =>
    "✗ dataset.bin: 4 corrupt segments\n" +
    `  → ${state}: segments 3-5, 45\n`;
  const checked = await work.expect(4, ["health", "--check", "-v"]);
  equal(
    checked.stdout,
    expected("Can be recovered from parity") +
      [3, 4, 5, 45].map((segment) =>
        `    ${shardPath(Math.floor(segment / 30), segment % 30)}: ` +
        "corrupt, 1 leaf, can be repaired\n"
      ).join("") + "1 entry: 1 damaged but repairable\n",
  );
  equal(checked.stderr, "hint: `blockframe health` repairs it\n");
  const mended = await work.expect(1, ["health"]);
  equal(
    mended.stdout,
    expected("Recovered from parity") + "1 entry: 1 repaired\n",
  );
  equal(mended.stderr, "");
});

Deno.test("4 lost shards of one block are said exactly, and nothing else is touched", async () => {
  using work = new Workplace();
  const good = await work.commit("good", twoBlocks);
  const { content, entry, folder } = await work.commit("video", twoBlocks);
  const lost = [2, 7, 11, 20];
  for (const shard of lost) remove(`${folder}/${shardPath(0, shard)}`);
  const before = readTree(work.archive, { times: true });
  for (const flags of [["--check"], []]) {
    const { stdout, stderr } = await work.expect(4, ["health", ...flags]);
    equal(stdout, lostText);
    equal(
      stderr,
      "hint: `blockframe restore video --partial` writes what can still be recovered\n",
    );
    const health = await work.health(flags);
    equal(health.code, 4);
    deepEqual(health.entries.map(({ state }) => state), ["healthy", "lost"]);
    deepEqual({ ...health.entries[1], elapsedMs: 0 }, {
      type: "entry",
      schema: 1,
      id: entry.id,
      name: "video",
      folder: entry.folder,
      state: "lost",
      payloadBytes: twoBlocks,
      versionCount: 1,
      segmentCount: 60,
      parityCount: 6,
      damage: lost.map((shard) => ({
        file: shardPath(0, shard),
        role: "segment",
        index: shard,
        block: 0,
        cause: "missing",
        leafCount: rowsPerBlock,
        rebuiltLeafCount: 0,
        repaired: false,
      })),
      lostRanges: rangesOf(lost),
      lostParityLeafCount: 0,
      strangers: [],
      elapsedMs: 0,
    });
  }
  const after = readTree(work.archive, { times: true });
  deepEqual(withoutRoot(after), withoutRoot(before));
  await expectHoles(work, content, lost);
  await work.expectRestore(0, "good", good.content);
});

const lostText = "✓ good: healthy (60 segments)\n" +
  "✗ video: 4 missing segments\n" +
  "  → Beyond repair: segments 2, 7, 11, 20\n" +
  "  → Lost for good: 16.0 KiB in 4 ranges\n" +
  "      bytes 8192-12287 (4.00 KiB)\n" +
  "      bytes 28672-32767 (4.00 KiB)\n" +
  "      bytes 45056-49151 (4.00 KiB)\n" +
  "      bytes 81920-86015 (4.00 KiB)\n" +
  "2 entries: 1 healthy, 1 damaged beyond repair\n";

/** Without --partial nothing is written; with it, zeros stand where bytes are lost. */
async function expectHoles(
  work: Workplace,
  content: Uint8Array,
  lost: readonly number[],
): Promise<void> {
  const refused = await work.expect(4, ["restore", "video", "-o", "out"]);
  match(refused.stdout, /^✗ video: nothing was written$/m);
  match(refused.stderr, /`blockframe restore video --partial` writes/);
  equal(readTree(work.path)["out"], undefined);
  const json = await work.expect(4, [
    "restore",
    "video",
    "-o",
    "out",
    "--json",
  ]);
  const none = JSON.parse(json.stdout);
  equal(none.complete, false);
  equal(none.output, undefined);
  deepEqual(none.holes, rangesOf(lost));
  const partial = await work.expect(4, [
    "restore",
    "video",
    "-o",
    "out",
    "--partial",
    "--json",
  ]);
  const report = JSON.parse(partial.stdout);
  equal(report.output, "out");
  equal(report.exitCode, 4);
  deepEqual(report.holes, rangesOf(lost));
  const holed = content.slice();
  for (const { payloadOffset, bytes } of rangesOf(lost)) {
    holed.fill(0, payloadOffset, payloadOffset + bytes);
  }
  ok(equalBytes(work.read("out"), holed));
  ok(!equalBytes(holed, content));
}

Deno.test("where one row of a block lost 4 leaves, the other rows are still mended", async () => {
  using work = new Workplace();
  const { content, folder } = await work.commit("video", twoBlocks);
  for (const shard of [0, 1, 2]) remove(`${folder}/${shardPath(0, shard)}`);
  rot(`${folder}/${shardPath(0, 3)}`, 2 * leafBytes + 5, 1);
  const first = await work.health();
  equal(first.code, 4);
  const [report] = first.entries;
  const ranges = [0, 1, 2, 3].map((shard) => ({
    payloadOffset: shard * segmentBytes + 2 * leafBytes,
    bytes: leafBytes,
  }));
  deepEqual(report?.lostRanges, ranges);
  const partial = ["restore", "video", "--partial", "-o", "out"];
  await work.expect(4, partial);
  const holed = content.slice();
  for (const { payloadOffset, bytes } of ranges) {
    holed.fill(0, payloadOffset, payloadOffset + bytes);
  }
  ok(equalBytes(work.read("out"), holed));
  const second = await work.health();
  equal(second.code, 4);
  deepEqual(second.entries[0]?.lostRanges, ranges, "and it stays at that");
});

Deno.test("lost bytes are there again once one of the lost shards comes back", async () => {
  using work = new Workplace();
  const { content, folder } = await work.commit("video", twoBlocks);
  const before = readTree(work.archive);
  const path = `${folder}/${shardPath(0, 30)}`;
  await Deno.copyFile(path, work.at("found elsewhere"));
  for (const shard of [0, 1, 2, 30]) remove(`${folder}/${shardPath(0, shard)}`);
  equal((await work.health()).code, 4);
  await Deno.copyFile(work.at("found elsewhere"), path);
  await work.expectRestore(1, "video", content);
  await work.expectRepair();
  deepEqual(readTree(work.archive), before);
});

/** The file of a shard of an entry with two blocks of 30 + 3. */
function shardPath(block: number, shard: number): string {
  const folder = `blocks/block_${block}`;
  if (shard >= dataShards) {
    return `${folder}/parity/parity_${shard - dataShards}.dat`;
  }
  const segment = String(block * dataShards + shard).padStart(2, "0");
  return `${folder}/segments/segment_${segment}.dat`;
}

/** Different shards of a block, any of the 33. */
function choose(count: number, chance: Prng): number[] {
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(chance.below(shardsPerBlock));
  return [...chosen].sort((left, right) => left - right);
}

/** Takes one choice out of `chosen` and gives a parity shard of the same block instead. */
function swapForParity(chosen: string[]): string[] {
  const index = chosen.findIndex((path) => path.includes("/segments/"));
  const [taken] = chosen.splice(index, 1);
  const block = taken!.includes("block_0") ? 0 : 1;
  const parity = [30, 31, 32].map((shard) => shardPath(block, shard));
  return parity.filter((path) => !chosen.includes(path)).slice(0, 1);
}

function rangesOf(segments: readonly number[]) {
  return segments.map((segment) => ({
    payloadOffset: segment * segmentBytes,
    bytes: segmentBytes,
  }));
}
