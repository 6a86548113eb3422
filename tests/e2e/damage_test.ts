import { deepEqual, equal, ok } from "node:assert/strict";
import type { DamageCause } from "../../src/archive/report.ts";
import {
  damage,
  flipAnyBit,
  makePipe,
  remove,
  replace,
  resize,
  rot,
} from "./damage.ts";
import { describe, readTree } from "./tree.ts";
import { kib, manyLeaves, twoBlocks, Workplace } from "./workplace.ts";

const metadata = ["", "hashes/", "hashes_1/", "hashes_2/"];
const manifests = metadata.map((folder) => `${folder}manifest.json`);
const outboards = metadata.map((folder) => `${folder}outboard.bin`);

/** Every kind of file that an entry can have. */
const kinds: readonly {
  readonly bytes: number;
  readonly files: readonly string[];
}[] = [
  {
    bytes: 3 * kib,
    files: [
      "segments/segment_0.dat",
      "parity/segment_0_parity_0.dat",
      "parity/segment_0_parity_2.dat",
      ...manifests,
    ],
  },
  {
    bytes: 50 * kib,
    files: ["segments/segment_12.dat", "parity/segment_12_parity_1.dat"],
  },
  {
    bytes: manyLeaves,
    files: [
      "blocks/block_00/segments/segment_000.dat",
      "blocks/block_16/segments/segment_499.dat",
      "blocks/block_16/parity/parity_2.dat",
      ...manifests,
      ...outboards,
    ],
  },
];

for (const { bytes, files } of kinds) {
  Deno.test(`one bit flipped in any kind of file of ${bytes} bytes is found and mended`, async () => {
    using work = new Workplace({ seed: bytes });
    const { content, folder } = await work.commit("file", bytes);
    const before = readTree(work.archive);
    for (const file of files) {
      flipAnyBit(`${folder}/${file}`, work.chance);
      const checked = await work.health(["--check"]);
      equal(checked.code, 4, file);
      const found = await work.expectRepair();
      deepEqual(
        found.map((each) => [each.file, each.cause, each.repaired]),
        [[file, "rotten", true]],
      );
      deepEqual(readTree(work.archive), before);
    }
    await work.expectRestore(0, "file", content);
  });
}

/** Ways to harm a file, and what they are called in the report. */
const harms: readonly {
  readonly what: string;
  readonly cause: DamageCause;
  /** For copies of manifest and outboard, where it is another. */
  readonly metadataCause?: DamageCause;
  readonly harm: (path: string, outside: string) => void;
}[] = [
  { what: "missing", cause: "missing", harm: remove },
  {
    what: "emptied",
    cause: "truncated",
    harm: (path) => resize(path, 0),
  },
  {
    what: "cut by one byte",
    cause: "truncated",
    harm: (path) => resize(path, sizeOf(path) - 1),
  },
  {
    what: "cut in half",
    cause: "truncated",
    harm: (path) => resize(path, sizeOf(path) >> 1),
  },
  {
    what: "a byte too long",
    cause: "overlong",
    harm: (path) => resize(path, sizeOf(path) + 1),
  },
  {
    what: "far too long",
    cause: "overlong",
    harm: (path) => resize(path, sizeOf(path) + 10_000_000),
  },
  {
    what: "all zeros",
    cause: "rotten",
    harm: (path) =>
      damage(
        path,
        () => Deno.writeFileSync(path, new Uint8Array(sizeOf(path))),
      ),
  },
  {
    what: "a symbolic link to its own bytes outside",
    cause: "unsafe",
    harm: (path, outside) => {
      Deno.copyFileSync(path, outside);
      replace(path, () => Deno.symlinkSync(outside, path));
    },
  },
  {
    what: "a symbolic link that leads nowhere",
    cause: "unsafe",
    harm: (path) => replace(path, () => Deno.symlinkSync("nowhere", path)),
  },
  {
    what: "a symbolic link to itself",
    cause: "unsafe",
    harm: (path) => replace(path, () => Deno.symlinkSync(path, path)),
  },
  {
    what: "a FIFO",
    cause: "unsafe",
    harm: (path) => replace(path, () => makePipe(path)),
  },
  {
    what: "a rotten file with a second name outside",
    cause: "rotten",
    harm: (path, outside) => {
      rot(path, sizeOf(path) >> 1, 1);
      Deno.linkSync(path, outside);
    },
  },
  {
    what: "a file too long with a second name outside",
    cause: "overlong",
    harm: (path, outside) => {
      resize(path, sizeOf(path) + 7);
      Deno.linkSync(path, outside);
    },
  },
];

/** One file of every role, in different blocks. */
const targets = [
  "blocks/block_03/segments/segment_090.dat",
  "blocks/block_05/parity/parity_1.dat",
  "hashes_1/manifest.json",
  "outboard.bin",
];

for (const { what, cause, harm } of harms) {
  Deno.test(`what is ${what} is mended, and nothing outside the archive is changed`, async () => {
    using work = new Workplace();
    const { content, folder } = await work.commit("file", manyLeaves);
    const before = readTree(work.archive);
    work.makeFolder("outside");
    targets.forEach((target, index) =>
      harm(`${folder}/${target}`, work.at(`outside/${index}`))
    );
    const outside = readTree(work.at("outside"));
    await work.expectRestore(1, "file", content);
    const found = await work.expectRepair();
    deepEqual(found.map(({ file }) => file), targets);
    for (const each of found) {
      if (each.role !== "manifest" && each.role !== "outboard") {
        equal(each.cause, cause, each.file);
      }
    }
    deepEqual(readTree(work.archive), before);
    deepEqual(readTree(work.at("outside")), outside);
    await work.expectRestore(0, "file", content);
  });
}

Deno.test("a folder in place of a file is left alone and said; the bytes come back without it", async () => {
  using work = new Workplace();
  const { content, folder } = await work.commit("file", manyLeaves);
  for (const target of targets) {
    const path = `${folder}/${target}`;
    replace(path, () => Deno.mkdirSync(path));
    await Deno.writeTextFile(`${path}/mine`, "something of the user's");
  }
  const before = readTree(work.archive);
  await work.expectRestore(1, "file", content);
  const health = await work.health();
  equal(health.code, 4);
  const [entry] = health.entries;
  equal(entry?.state, "repairable");
  deepEqual(entry.damage.map(({ file }) => file), targets);
  for (const each of entry.damage) {
    equal(each.cause, "unsafe");
    ok(each.obstacle?.includes("it is a folder"), each.obstacle);
  }
  deepEqual(readTree(work.archive), before);
  for (const target of targets) remove(`${folder}/${target}`);
  await work.expectRepair();
});

for (
  const { bytes, folders } of [
    {
      bytes: 50 * kib,
      folders: ["segments", "parity", "hashes", "hashes_1", "hashes_2"],
    },
    {
      bytes: twoBlocks,
      folders: ["blocks/block_0/parity", "blocks/block_1/parity", "hashes_1"],
    },
  ]
) {
  for (const lost of folders) {
    Deno.test(`the folder ${lost} of ${bytes} bytes comes back with all its files`, async () => {
      using work = new Workplace();
      const { content, folder } = await work.commit("file", bytes);
      const before = readTree(work.archive);
      remove(`${folder}/${lost}`);
      const seen = lost.endsWith("parity") ? 0 : 1;
      await work.expectRestore(seen, "file", content);
      await work.expectRepair();
      deepEqual(readTree(work.archive), before);
    });
  }
}

Deno.test("outboard copies that are rotten at different places make one good outboard", async () => {
  // 640 leaves four times are two pages of digests, the second one short; two copies lose each page.
  using work = new Workplace({ config: undefined });
  const { content, folder } = await work.commit("file", 40 * 1024 * kib);
  const before = readTree(work.archive);
  outboards.forEach((file, index) =>
    rot(`${folder}/${file}`, index % 2 * 64 * kib + 17, 40)
  );
  await work.expectRestore(1, "file", content);
  const found = await work.expectRepair();
  deepEqual(found.map(({ file }) => file), outboards);
  deepEqual(readTree(work.archive), before);
});

Deno.test("without any outboard the digests are computed anew from sound shards", async () => {
  using work = new Workplace();
  const { content, folder } = await work.commit("file", manyLeaves);
  const before = readTree(work.archive);
  for (const file of outboards) remove(`${folder}/${file}`);
  await work.expectRestore(1, "file", content);
  await work.expectRepair();
  deepEqual(readTree(work.archive), before);
});

Deno.test("one manifest copy is enough", async () => {
  using work = new Workplace();
  const { content, folder } = await work.commit("file", 20_000);
  const before = readTree(work.archive);
  for (const file of manifests.slice(0, 3)) remove(`${folder}/${file}`);
  await work.expectRestore(1, "file", content);
  const found = await work.expectRepair();
  deepEqual(found.map(({ file }) => file), manifests.slice(0, 3));
  deepEqual(readTree(work.archive), before);
});

Deno.test("a manifest of another entry in the wrong place is outvoted", async () => {
  using work = new Workplace();
  const other = await work.commit("other", 20_000);
  const { content, folder } = await work.commit("file", 20_000);
  const before = readTree(work.archive);
  const path = `${folder}/hashes/manifest.json`;
  damage(path, () => Deno.copyFileSync(`${other.folder}/manifest.json`, path));
  await work.expectRestore(1, "file", content);
  await work.expectRepair();
  deepEqual(readTree(work.archive), before);
});

Deno.test("two shards that changed places are both found and mended", async () => {
  using work = new Workplace();
  const { content, folder } = await work.commit("file", twoBlocks);
  const before = readTree(work.archive);
  const one = `${folder}/blocks/block_0/segments/segment_04.dat`;
  const two = `${folder}/blocks/block_1/segments/segment_40.dat`;
  damage(one, () => {
    Deno.renameSync(one, work.at("held"));
    Deno.renameSync(two, one);
    Deno.renameSync(work.at("held"), two);
  });
  await work.expectRestore(1, "file", content);
  equal((await work.expectRepair()).length, 2);
  deepEqual(readTree(work.archive), before);
});

Deno.test("health --check changes nothing, whatever it finds", async () => {
  using work = new Workplace();
  const { folder } = await work.commit("file", manyLeaves);
  await work.commit("another", 100);
  for (const target of targets) rot(`${folder}/${target}`, 100, 3);
  remove(`${folder}/blocks/block_07/parity`);
  remove(`${folder}/hashes_2`);
  resize(`${folder}/blocks/block_08/segments/segment_240.dat`, 5000);
  const link = `${folder}/blocks/block_09/parity/parity_0.dat`;
  replace(link, () => Deno.symlinkSync("/etc/hostname", link));
  const before = readTree(work.archive, { times: true });
  for (let time = 0; time < 2; time++) {
    const { code, entries } = await work.health(["--check"]);
    equal(code, 4);
    deepEqual(entries.map(({ state }) => state), ["healthy", "repairable"]);
    ok(entries.every((entry) => entry.damage.every((each) => !each.repaired)));
  }
  deepEqual(readTree(work.archive, { times: true }), before);
  await work.expectRepair();
  ok(describe("/etc/hostname").length > 0);
});

Deno.test("health of named entries leaves the others alone", async () => {
  using work = new Workplace();
  const one = await work.commit("one", 20_000);
  const two = await work.commit("two", 20_000);
  for (const { folder } of [one, two]) {
    rot(`${folder}/segments/segment_2.dat`, 0, 1);
  }
  const rotten = readTree(two.folder, { times: true });
  const health = await work.health(["one"]);
  equal(health.code, 1);
  deepEqual(health.entries.map(({ name }) => name), ["one"]);
  deepEqual(readTree(two.folder, { times: true }), rotten);
  await work.expectRestore(1, "two", two.content);
});

function sizeOf(path: string): number {
  return Deno.statSync(path).size;
}
