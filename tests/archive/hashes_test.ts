import { deepStrictEqual as equal } from "node:assert/strict";
import { formatHex } from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import { Codec } from "../../src/codec/mod.ts";
import {
  Bench,
  cutFile,
  flipBit,
  kib,
  listFiles,
  readFile,
  removeFile,
} from "./harness.ts";
import { TreeWriter } from "./tree_writer.ts";

const entries: readonly (readonly [string, number, string?, 4?])[] = [
  ["an empty file", 0],
  ["one leaf", 700],
  ["tier 1", 5 * kib + 1],
  ["tier 2, several segments", 50 * kib + 3],
  ["tier 3", 90 * kib + 5],
  ["three blocks, the last of one segment", 65 * kib, "erasure:2+1"],
  ["no parity", 40 * kib, "erasure:1+0"],
  ["more digests than a manifest holds", 600 * kib, "erasure:2+1"],
  ["tier 4", 1100 * kib + 5, "", 4],
];

async function hashesOf(bench: Bench, of: "content" | "stored") {
  const [entry] = bench.engine.list().entries;
  const hashes = await Array.fromAsync(bench.engine.hashes(entry!, of));
  return new Map(hashes.map(({ file, blake3 }) => [file, blake3]));
}

function digestsOf(bench: Bench): Map<string, string> {
  const { folder } = bench.engine.list().entries[0]!;
  const digest = (path: string) =>
    formatHex(Codec.open().digest(readFile(bench.archive, path)));
  return new Map(
    listFiles(bench.archive, folder)
      .map((path) => [path.slice(folder.length + 1), digest(path)]),
  );
}

for (const [title, bytes, policy, tier] of entries) {
  Deno.test(`hashes() are those of every file of the entry: ${title}`, async () => {
    const tiers = { tier1Max: 1, tier2Max: 2, tier3Max: 3 };
    const bench = new Bench(tier === 4 ? { settings: { tiers } } : {});
    const content = new Prng(bytes).bytes(bytes);
    const report = await bench.commit("file", content, policy || undefined);
    if (tier !== undefined) equal(report.tier, tier);
    equal(
      await hashesOf(bench, "content"),
      new Map([["file", formatHex(Codec.open().digest(content))]]),
    );
    const hashes = await hashesOf(bench, "stored");
    equal(
      [...hashes].toSorted(),
      [...digestsOf(bench)].toSorted(),
    );
  });
}

Deno.test("hashes() are those of every file, with parity across blocks, too", async () => {
  const tiers = { tier1Max: kib, tier2Max: 2 * kib, tier3Max: 3 * kib };
  const bench = new Bench({ settings: { tiers, segmentBytes: 2 * kib } });
  await bench.commit("file", new Prng(2).bytes(200 * kib + 1));
  equal(bench.engine.list().entries[0]!.tier, 4);
  const hashes = await hashesOf(bench, "stored");
  equal([...hashes].toSorted(), [...digestsOf(bench)].toSorted());
});

Deno.test("hashes() of a tree are those of its files by their paths, its table has one, too", async () => {
  const bench = new Bench();
  const blake3 = (content: Uint8Array) =>
    formatHex(Codec.open().digest(content));
  const [a, b] = [new Prng(4).bytes(9 * kib), new Prng(5).bytes(70)];
  await new TreeWriter()
    .folder("in")
    .file("in/a\nb", a, { blake3: blake3(a) } as object)
    .file("hole", new Uint8Array(5000), {}, [])
    .file("z", b, { blake3: blake3(b) } as object)
    .hardlink("zz", "z")
    .link("zzz", "z")
    .commit(bench, "tree");
  const hashes = await hashesOf(bench, "content");
  equal([...hashes], [["in/a\nb", blake3(a)], ["z", blake3(b)], [
    "zz",
    blake3(b),
  ]]);
  const warnings = bench.events.filter(({ kind }) => kind === "warning");
  equal(JSON.stringify(warnings).includes("vast holes: 1"), true);
  const stored = await hashesOf(bench, "stored");
  equal([...stored].toSorted(), [...digestsOf(bench)].toSorted());
});

Deno.test("hashes() gives none for a damaged segment, and that of what belongs there for the rest", async () => {
  const bench = new Bench();
  await bench.commit("file", new Prng(1).bytes(90 * kib), "erasure:4+2");
  const right = digestsOf(bench);
  const { folder } = bench.engine.list().entries[0]!;
  const segment = (s: number) =>
    `blocks/block_${s >> 2}/segments/segment_${s}.dat`;
  flipBit(bench.archive, `${folder}/${segment(0)}`, 5 * kib * 8);
  cutFile(bench.archive, `${folder}/${segment(2)}`, 100);
  removeFile(bench.archive, `${folder}/${segment(5)}`);
  removeFile(bench.archive, `${folder}/blocks/block_1/parity/parity_0.dat`);
  removeFile(bench.archive, `${folder}/hashes/manifest.json`);
  const hashes = await hashesOf(bench, "stored");
  for (const s of [0, 2, 5]) {
    equal(hashes.get(segment(s)), undefined);
    hashes.set(segment(s), right.get(segment(s)));
  }
  equal([...hashes].toSorted(), [...right].toSorted());
});
