import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { metadataFolders, metadataPath } from "../../src/format/entry_path.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import {
  Bench,
  cutFile,
  flipBit,
  forgeManifest,
  kib,
  listFiles,
  readFile,
  readTree,
  removeFile,
  rotBytes,
  writeFile,
} from "./harness.ts";

const manifestPaths = metadataFolders.map((folder) =>
  metadataPath(folder, "manifest.json")
);
const outboardPaths = metadataFolders.map((folder) =>
  metadataPath(folder, "outboard.bin")
);

/** An entry whose outboard is a file of several pages: more than 4096 leaves of 1 KiB. */
async function makeLarge(): Promise<
  { archive: MemoryStore; folder: string; size: number }
> {
  const archive = new MemoryStore();
  const size = 4200 * kib;
  const settings = { segmentBytes: 64 * kib, runBytesMax: 2000 * kib };
  const bench = new Bench({ archive, settings });
  const { folder } = await bench.commit("large", new Prng(5).bytes(size));
  ok(readFile(archive, `${folder}/outboard.bin`).length > 2 * 65536);
  return { archive, folder, size };
}

Deno.test("every set of up to three lost manifest copies is repaired from the fourth", async () => {
  const pristineArchive = new MemoryStore();
  const { folder } = await new Bench({ archive: pristineArchive })
    .commit("x", new Prng(1).bytes(3000));
  const pristine = readTree(pristineArchive, "");
  const harms: [string, (archive: MemoryStore, path: string) => void][] = [
    ["removed", removeFile],
    ["cut", (archive, path) => cutFile(archive, path, 100)],
    ["emptied", (archive, path) => cutFile(archive, path, 0)],
    ["rotten", (archive, path) => rotBytes(archive, path, 50, 20)],
    ["overlong", (archive, path) => {
      const bytes = readFile(archive, path);
      writeFile(archive, path, new Uint8Array([...bytes, 10]));
    }],
  ];
  for (const [harm, doHarm] of harms) {
    for (let pattern = 1; pattern < 15; pattern++) {
      const archive = pristineArchive.clone();
      const bench = new Bench({ archive });
      const hit = manifestPaths.filter((_, copy) =>
        (pattern >> copy & 1) === 1
      );
      for (const path of hit) doHarm(archive, `${folder}/${path}`);
      const label = `${harm}, pattern ${pattern.toString(2)}`;
      strictEqual(bench.engine.list().entries.length, 1, label);
      deepStrictEqual(
        (await bench.restore("x")).bytes,
        new Prng(1).bytes(3000),
        label,
      );
      const checked = await bench.healthOfOne(false);
      strictEqual(checked.state, "repairable", label);
      deepStrictEqual(checked.damage.map((each) => each.file), hit, label);
      strictEqual((await bench.healthOfOne(true)).state, "repaired", label);
      deepStrictEqual(readTree(archive, ""), pristine, label);
      strictEqual((await bench.healthOfOne(true)).state, "healthy", label);
    }
  }
});

Deno.test("a flipped bit anywhere in a manifest copy is found and mended", async () => {
  const archive = new MemoryStore();
  const { folder } = await new Bench({ archive }).commit(
    "x",
    new Prng(1).bytes(700),
  );
  const pristine = readTree(archive, "");
  const bits = readFile(archive, `${folder}/manifest.json`).length * 8;
  const bench = new Bench({ archive });
  for (let bit = 0; bit < bits; bit += 29) {
    const path = manifestPaths[bit % manifestPaths.length]!;
    flipBit(archive, `${folder}/${path}`, bit);
    const report = await bench.healthOfOne(true);
    strictEqual(report.state, "repaired", `bit ${bit}`);
    deepStrictEqual(report.damage.map((each) => [each.file, each.role]), [[
      path,
      "manifest",
    ]]);
  }
  deepStrictEqual(readTree(archive, ""), pristine);
});

Deno.test("an entry without any manifest copy is reported lost and hides no other", async () => {
  const archive = new MemoryStore();
  const bench = new Bench({ archive });
  const broken = await bench.commit("broken", new Prng(1).bytes(3000));
  await bench.commit("fine", new Prng(2).bytes(3000));
  for (const path of manifestPaths) {
    removeFile(archive, `${broken.folder}/${path}`);
  }
  const listing = bench.engine.list();
  deepStrictEqual(listing.entries.map((entry) => entry.name), ["fine"]);
  deepStrictEqual(listing.problems.map((each) => [each.folder, each.code]), [
    [broken.folder, "no-manifest"],
  ]);
  const reports = await bench.health(true);
  deepStrictEqual(reports.map((each) => each.state), ["lost", "healthy"]);
  ok(reports[0]!.problem !== undefined);
  ok(
    readFile(archive, `${broken.folder}/segments/segment_0.dat`).length ===
      3000,
  );
});

Deno.test("another entry's manifest in place of a copy does not win over the rest", async () => {
  const archive = new MemoryStore();
  const bench = new Bench({ archive });
  const one = await bench.commit("one", new Prng(1).bytes(3000));
  const two = await bench.commit("two", new Prng(2).bytes(3000));
  writeFile(
    archive,
    `${one.folder}/hashes/manifest.json`,
    readFile(archive, `${two.folder}/manifest.json`),
  );
  const [report] = await bench.health(true, "one");
  strictEqual(report?.state, "repaired");
  deepStrictEqual(report?.damage.map((each) => each.file), [
    "hashes/manifest.json",
  ]);
  deepStrictEqual(
    readFile(archive, `${one.folder}/hashes/manifest.json`),
    readFile(archive, `${one.folder}/manifest.json`),
  );
});

Deno.test("an outboard whose copies are all damaged at different places is whole together", async () => {
  const { archive, folder, size } = await makeLarge();
  const pristine = readTree(archive, "");
  outboardPaths.forEach((path, copy) => {
    const page = copy % 2;
    rotBytes(archive, `${folder}/${path}`, page * 65536 + 100 * copy, 5000);
  });
  const bench = new Bench({ archive });
  const checked = await bench.healthOfOne(false);
  strictEqual(checked.state, "repairable");
  deepStrictEqual(checked.damage.map((each) => each.file), outboardPaths);
  deepStrictEqual(
    (await bench.restore("large")).bytes,
    new Prng(5).bytes(size),
  );
  strictEqual((await bench.healthOfOne(true)).state, "repaired");
  deepStrictEqual(readTree(archive, ""), pristine);
});

Deno.test("an outboard of which no copy is left is computed anew from the shards", async () => {
  const { archive, folder } = await makeLarge();
  const pristine = readTree(archive, "");
  for (const path of outboardPaths) removeFile(archive, `${folder}/${path}`);
  const bench = new Bench({ archive });
  strictEqual((await bench.healthOfOne(true)).state, "repaired");
  deepStrictEqual(readTree(archive, ""), pristine);
});

Deno.test("a page that no copy has, over rotten leaves, is lost and nothing is made up", async () => {
  const { archive, folder } = await makeLarge();
  for (const path of outboardPaths) {
    rotBytes(archive, `${folder}/${path}`, 0, 100);
  }
  const segment = listFiles(archive, folder).find((path) =>
    path.includes("/segments/")
  )!;
  rotBytes(archive, segment, 10, 10);
  const before = readTree(archive, "");
  const bench = new Bench({ archive });
  const report = await bench.healthOfOne(true);
  strictEqual(report.state, "lost");
  ok(report.lostRanges.length > 0);
  // The first page covers 2048 leaves of 1 KiB: nothing beyond them is lost.
  const end = Math.max(
    ...report.lostRanges.map((each) => each.payloadOffset + each.bytes),
  );
  ok(end <= 2048 * kib, `${end}`);
  deepStrictEqual(readTree(archive, ""), before);
});

Deno.test("bit flips in every outboard copy are found and mended", async () => {
  const { archive, folder } = await makeLarge();
  const pristine = readTree(archive, "");
  const bench = new Bench({ archive });
  const prng = new Prng(3);
  for (let round = 0; round < 12; round++) {
    const path = outboardPaths[round % outboardPaths.length]!;
    const bits = readFile(archive, `${folder}/${path}`).length * 8;
    flipBit(archive, `${folder}/${path}`, prng.below(bits));
    const report = await bench.healthOfOne(true);
    deepStrictEqual(
      report.damage.map((each) => [each.file, each.role, each.repaired]),
      [
        [path, "outboard", true],
      ],
    );
  }
  deepStrictEqual(readTree(archive, ""), pristine);
});

Deno.test("an empty payload has metadata to lose and to repair", async () => {
  const archive = new MemoryStore();
  const bench = new Bench({ archive });
  const { folder } = await bench.commit("empty", new Uint8Array(0));
  const pristine = readTree(archive, "");
  removeFile(archive, `${folder}/manifest.json`);
  removeFile(archive, `${folder}/hashes_1/manifest.json`);
  deepStrictEqual((await bench.restore("empty")).bytes, new Uint8Array(0));
  strictEqual((await bench.healthOfOne(true)).state, "repaired");
  deepStrictEqual(readTree(archive, ""), pristine);
});

Deno.test("lost folders of an entry come back with their files", async () => {
  const archive = new MemoryStore();
  const bench = new Bench({ archive });
  const { folder } = await bench.commit(
    "x",
    new Prng(1).bytes(20 * kib),
    "erasure:2+2",
  );
  const pristine = readTree(archive, "");
  for (const lost of ["hashes", "hashes_2", "blocks/block_0/parity"]) {
    archive.removeTree(`${folder}/${lost}`);
  }
  strictEqual((await bench.healthOfOne(true)).state, "repaired");
  deepStrictEqual(readTree(archive, ""), pristine);
});

Deno.test("foreign manifests in most copies neither win nor cut the entry's files", async () => {
  for (const size of [3000, 20 * kib]) {
    const archive = new MemoryStore();
    const bench = new Bench({ archive });
    const own = await bench.commit("own", new Prng(1).bytes(size));
    const other = await bench.commit("other", new Prng(2).bytes(2000));
    const pristine = readTree(archive, "");
    const foreign = readFile(archive, `${other.folder}/manifest.json`);
    for (let pattern = 1; pattern < 15; pattern++) {
      manifestPaths.forEach((path, copy) => {
        if ((pattern >> copy & 1) === 1) {
          writeFile(archive, `${own.folder}/${path}`, foreign);
        }
      });
      deepStrictEqual(
        bench.engine.list().entries.map((entry) => entry.name).sort(),
        ["other", "own"],
        `pattern ${pattern.toString(2)}`,
      );
      const [report] = await bench.health(true, "own");
      strictEqual(report?.state, "repaired", `pattern ${pattern.toString(2)}`);
      deepStrictEqual(
        readTree(archive, ""),
        pristine,
        `pattern ${pattern.toString(2)}`,
      );
    }
  }
});

Deno.test("in a folder that was renamed, contradicting manifests are judged by the shards", async () => {
  const archive = new MemoryStore();
  const bench = new Bench({ archive });
  const own = await bench.commit("own", new Prng(1).bytes(3000));
  const other = await bench.commit("other", new Prng(2).bytes(2000));
  const foreign = readFile(archive, `${other.folder}/manifest.json`);
  archive.rename(own.folder, "renamed");
  for (const path of manifestPaths.slice(0, 3)) {
    writeFile(archive, `renamed/${path}`, foreign);
  }
  const [report] = await bench.health(true, "own");
  strictEqual(report?.state, "repaired");
  deepStrictEqual((await bench.restore("own")).bytes, new Prng(1).bytes(3000));
});

Deno.test("contradicting manifests that nothing decides between are left alone", async () => {
  const archive = new MemoryStore();
  const bench = new Bench({ archive });
  const own = await bench.commit("own", new Prng(1).bytes(3000));
  const other = await bench.commit("other", new Prng(2).bytes(2000));
  const foreign = readFile(archive, `${other.folder}/manifest.json`);
  archive.rename(own.folder, "renamed");
  archive.removeTree("renamed/segments");
  archive.removeTree("renamed/parity");
  for (const path of manifestPaths.slice(0, 2)) {
    writeFile(archive, `renamed/${path}`, foreign);
  }
  const before = readTree(archive, "");
  const reports = await bench.health(true);
  ok(
    reports.find((each) => each.folder === "renamed")?.problem?.includes(
      "different entries",
    ),
  );
  deepStrictEqual(readTree(archive, ""), before);
});

Deno.test("one copy of a newer version among older ones keeps all hands off the entry", async () => {
  const archive = new MemoryStore();
  const bench = new Bench({ archive });
  const { folder } = await bench.commit("x", new Prng(1).bytes(3000));
  const old = readFile(archive, `${folder}/manifest.json`);
  forgeManifest(archive, folder, (members) => members["version"] = 2);
  for (const path of manifestPaths.slice(0, 3)) {
    writeFile(archive, `${folder}/${path}`, old);
  }
  removeFile(archive, `${folder}/segments/segment_0.dat`);
  const before = readTree(archive, "");
  const [report] = await bench.health(true);
  ok(report?.problem?.includes("version 2"));
  deepStrictEqual(readTree(archive, ""), before);
});

Deno.test("a page damaged at other slots in every copy comes back although a shard is rotten", async () => {
  const { archive, folder, size } = await makeLarge();
  const pristine = readTree(archive, "");
  outboardPaths.forEach((path, copy) =>
    rotBytes(archive, `${folder}/${path}`, 64 * copy, 3)
  );
  const parity = listFiles(archive, folder).find((path) =>
    path.includes("/parity/")
  )!;
  rotBytes(archive, parity, 10, 10);
  const segment = listFiles(archive, folder).find((path) =>
    path.includes("/segments/")
  )!;
  rotBytes(archive, segment, 10, 10);
  const bench = new Bench({ archive });
  deepStrictEqual(
    (await bench.restore("large")).bytes,
    new Prng(5).bytes(size),
  );
  strictEqual((await bench.healthOfOne(true)).state, "repaired");
  deepStrictEqual(readTree(archive, ""), pristine);
});

Deno.test("without any outboard, an intact payload proves itself and its parity", async () => {
  const { archive, folder } = await makeLarge();
  const pristine = readTree(archive, "");
  for (const path of outboardPaths) removeFile(archive, `${folder}/${path}`);
  const parity = listFiles(archive, folder).find((path) =>
    path.includes("/parity/")
  )!;
  removeFile(archive, parity);
  const bench = new Bench({ archive });
  strictEqual((await bench.healthOfOne(true)).state, "repaired");
  deepStrictEqual(readTree(archive, ""), pristine);
});

Deno.test("a file that is too long keeps its surplus while leaves of it are lost", async () => {
  const archive = new MemoryStore();
  const bench = new Bench({ archive });
  const { folder } = await bench.commit(
    "x",
    new Prng(1).bytes(3000),
    "erasure:1+0",
  );
  const path = `${folder}/segments/segment_0.dat`;
  writeFile(archive, path, new Prng(9).bytes(5000));
  const report = await bench.healthOfOne(true);
  strictEqual(report.state, "lost");
  deepStrictEqual(readFile(archive, path), new Prng(9).bytes(5000));
});

Deno.test("the folder's name decides between manifests when no shard is left to ask", async () => {
  const archive = new MemoryStore();
  const bench = new Bench({ archive });
  const own = await bench.commit("own", new Prng(1).bytes(3000));
  const other = await bench.commit("other", new Prng(2).bytes(2000));
  const foreign = readFile(archive, `${other.folder}/manifest.json`);
  archive.removeTree(`${own.folder}/segments`);
  archive.removeTree(`${own.folder}/parity`);
  for (const path of manifestPaths.slice(0, 3)) {
    writeFile(archive, `${own.folder}/${path}`, foreign);
  }
  const [report] = await bench.health(false, "own");
  strictEqual(report?.state, "lost");
  deepStrictEqual(report?.lostRanges, [{ payloadOffset: 0, bytes: 3000 }]);
});
