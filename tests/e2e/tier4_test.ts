// Tier 4 with the real program and its threads: whole blocks gone, and shards of every other.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { readTree } from "./tree.ts";
import { kib, Workplace } from "./workplace.ts";

const config = `segment_size = "64KiB"
workers = 2
[tiers]
tier1_max = "1KiB"
tier2_max = "2KiB"
tier3_max = "3KiB"
`;

Deno.test("an entry of tier 4 outlives a whole block and three shards of every other one", async () => {
  using work = new Workplace({ config });
  // More than is done without threads, most of it zeros, which cost nothing.
  const content = new Uint8Array(32_000 * kib + 77);
  const chance = new Prng(4);
  for (let at = 0; at + 9000 < content.length; at += 400_001) {
    content.set(chance.bytes(9000), at);
  }
  work.write("big", content);
  await work.expect(0, ["commit", "big"]);
  const { stdout } = await work.expect(0, ["show", "--json", "big"]);
  const { entry } = JSON.parse(stdout);
  equal(entry.tier, 4);
  equal(entry.blockCount, 17);
  equal(JSON.stringify(entry.crossBlock), `{"groups":1,"parity":1}`);
  const shown = await work.expect(0, ["show", "big"]);
  match(shown.stdout, /besides of any 1 of the 17 blocks/);
  const before = readTree(work.archive);

  const folder = `${work.archive}/${entry.folder}`;
  const blocks = namesIn(`${folder}/blocks`);
  const lose = (gone: number) => {
    blocks.forEach((block, index) => {
      const inner = `${folder}/blocks/${block}`;
      if (index === gone) {
        Deno.removeSync(inner, { recursive: true });
        return;
      }
      const files = Object.keys(before).filter((path) =>
        path.includes(`/blocks/${block}/`) && path.endsWith(".dat")
      );
      for (const nth of [3, 7, 11]) {
        Deno.removeSync(
          `${work.archive}/${files[(index + nth) % files.length]}`,
        );
      }
    });
  };
  lose(16);
  const check = await work.health(["--check"]);
  equal(check.code, 4);
  equal(check.entries[0]!.state, "repairable");
  const report = await work.expectRestore(1, "big", content);
  ok(report.complete);
  const damage = await work.expectRepair();
  const gone = Object.keys(before).filter((path) =>
    path.includes("/blocks/block_16/") && path.endsWith(".dat")
  );
  equal(damage.length, 16 * 3 + gone.length);
  deepEqual(readTree(work.archive), before);
});

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map((each) => each.name).sort();
}
