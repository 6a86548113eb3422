import { deepEqual, equal, match } from "node:assert/strict";
import type { EntrySummary } from "../../src/archive/report.ts";
import { remove } from "./damage.ts";
import { listFiles, listTree, readTree } from "./tree.ts";
import { kib, twoBlocks, Workplace } from "./workplace.ts";

/** Payload sizes around every boundary of the small configuration, and the tier of each. */
const sizes: readonly (readonly [bytes: number, tier: number])[] = [
  [1, 1],
  [1 * kib - 1, 1],
  [1 * kib, 1],
  [1 * kib + 1, 1],
  [4 * kib - 1, 1],
  [4 * kib, 1],
  [4 * kib + 1, 1],
  [8 * kib - 1, 1],
  [8 * kib, 2],
  [8 * kib + 1, 2],
  [64 * kib - 1, 2],
  [64 * kib, 3],
  [64 * kib + 1, 3],
  [120 * kib - 1, 3],
  [120 * kib, 3],
  [120 * kib + 1, 3],
  [twoBlocks, 3],
  [2000 * kib, 3],
];

Deno.test("a file of any size goes into its tier, is verified, and comes back", async () => {
  using work = new Workplace();
  const contents = new Map(
    sizes.map(([bytes]) => [`${bytes}`, work.fill(`${bytes}`, bytes)]),
  );
  const names = [...contents.keys()];
  const { stdout } = await work.expect(0, ["commit", "--json", ...names]);
  const entries: EntrySummary[] = JSON.parse(stdout).entries;
  deepEqual(
    entries.map(({ payloadBytes, tier, policy }) => [
      payloadBytes,
      tier,
      policy,
    ]),
    sizes.map(([bytes, tier]) => [
      bytes,
      tier,
      tier === 3 ? "erasure:30+3" : "erasure:1+3",
    ]),
  );
  for (const entry of entries) await expectRoot(work, entry);
  const health = await work.health(["--check"]);
  equal(health.code, 0);
  equal(health.summary.healthyCount, sizes.length);
  for (const [name, content] of contents) {
    await work.expectRestore(0, name, content);
  }
});

for (
  const policy of [
    "erasure:1+0",
    "erasure:2+1",
    "erasure:5+2",
    "erasure:10+4",
    "erasure:253+3",
    "replicate:1",
    "replicate:3",
  ]
) {
  Deno.test(`a file under ${policy} loses as many shards of a block as it may, and is mended`, async () => {
    using work = new Workplace();
    const bytes = 50 * kib + 3;
    const { content, entry, folder } = await work.commit(
      "some file",
      bytes,
      "--policy",
      policy,
    );
    equal(entry.policy, policy);
    equal(entry.tier, 0);
    await expectRoot(work, entry);
    const before = readTree(work.archive);
    const shards = shardsOfBlock(folder, entry, 0);
    equal(
      shards.length,
      Math.min(entry.dataShards, entry.segmentCount) + entry.parityShards,
    );
    for (const shard of shards.slice(0, entry.parityShards)) {
      remove(`${folder}/${shard}`);
    }
    await work.expectRestore(
      entry.parityShards === 0 ? 0 : 1,
      "some file",
      content,
    );
    if (entry.parityShards > 0) {
      const damage = await work.expectRepair();
      deepEqual(
        damage.map(({ file, cause, repaired }) => [file, cause, repaired]),
        shards.slice(0, entry.parityShards).map((
          file,
        ) => [file, "missing", true]),
      );
    }
    deepEqual(readTree(work.archive), before);
  });
}

Deno.test("an empty file is an entry like any other", async () => {
  using work = new Workplace();
  const { content, entry, folder } = await work.commit("empty", 0);
  equal(entry.segmentCount, 0);
  equal(
    entry.root,
    "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
  );
  deepEqual(listFiles(folder), [
    "hashes/manifest.json",
    "hashes_1/manifest.json",
    "hashes_2/manifest.json",
    "manifest.json",
  ]);
  await work.expectRestore(0, "empty", content);
  equal((await work.health()).code, 0);
  remove(`${folder}/hashes_1`);
  await work.expectRestore(1, "empty", content);
  await work.expectRepair();
});

Deno.test("show prints what is known of an entry", async () => {
  using work = new Workplace();
  await work.commit("a file", twoBlocks);
  const { stdout, stderr } = await work.expect(0, ["show", "a file"]);
  equal(stderr, "");
  match(stdout, /^name: +a file$/m);
  match(stdout, /^size: +240 KiB \(245660 bytes\)$/m);
  match(stdout, /^tier: +3$/m);
  match(
    stdout,
    /^survives: +the loss of any 3 of the 33 shards of each block$/m,
  );
  match(stdout, /^blocks: +2$/m);
  match(stdout, /^segments: +60 of at most 4.00 KiB$/m);
});

Deno.test("modification time and permissions come back with the file", async () => {
  using work = new Workplace();
  work.fill("script", 10_000);
  await Deno.chmod(work.at("script"), 0o750);
  await Deno.utime(work.at("script"), 1_500_000_000, 1_500_000_000.25);
  await work.expect(0, ["commit", "script"]);
  await work.expect(0, ["restore", "script", "-o", "again"]);
  const before = await Deno.stat(work.at("script"));
  const after = await Deno.stat(work.at("again"));
  equal(after.mode! & 0o7777, 0o750);
  equal(after.mtime?.getTime(), before.mtime?.getTime());
});

Deno.test("a second commit of a name is a second version; restore gives the newest", async () => {
  using work = new Workplace();
  const old = await work.commit("notes", 100);
  const young = await work.commit("notes", 200);
  await work.expectRestore(0, "notes", young.content);
  await work.expectRestore(0, old.entry.id, old.content);
  await work.expectRestore(0, old.entry.id.slice(0, 8), old.content);
  const refused = await work.expect(8, ["remove", "notes", "--yes"]);
  match(refused.stderr, /2 entries have this name/);
  await work.expect(0, ["remove", young.entry.id, "--yes"]);
  await work.expectRestore(0, "notes", old.content);
  deepEqual(
    Object.keys(readTree(work.archive)).includes(young.entry.folder),
    false,
  );
});

/** The plain BLAKE3 of the segments in their order is the root that `show` prints. */
async function expectRoot(work: Workplace, entry: EntrySummary): Promise<void> {
  const folder = `${work.archive}/${entry.folder}`;
  const segments = listTree(folder).filter((path) =>
    /(^|\/)segments\/segment_\d+\.dat$/.test(path)
  );
  equal(segments.length, entry.segmentCount);
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `cat -- "$@" | b3sum --no-names`, "sh", ...segments],
    cwd: folder,
    stdin: "null",
  }).output();
  equal(new TextDecoder().decode(stdout).trim(), entry.root);
}

/** Files of a block's shards, data first. */
function shardsOfBlock(
  folder: string,
  entry: EntrySummary,
  block: number,
): string[] {
  const all = listTree(folder);
  const inBlock = (path: string, kind: string) =>
    entry.dataShards === 1
      ? new RegExp(`^${kind}/segment_0*${block}(_parity_\\d+)?\\.dat$`).test(
        path,
      )
      : new RegExp(`^blocks/block_0*${block}/${kind}/.*\\.dat$`).test(path);
  return [
    ...all.filter((path) => inBlock(path, "segments")),
    ...all.filter((path) => inBlock(path, "parity")),
  ];
}
