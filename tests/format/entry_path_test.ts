import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  entryFolder,
  entryFolders,
  idOfFolder,
  nameProblem,
  plainFolder,
  portableName,
  shardFilesOf,
  shardPath,
} from "../../src/format/entry_path.ts";
import {
  blockCountOf,
  blockDataShards,
  planGeometry,
} from "../../src/format/geometry.ts";

const id = "0123456789abcdef";

Deno.test("nameProblem() refuses names that no file can have, and no others", () => {
  for (
    const name of [
      "",
      ".",
      "..",
      "a/b",
      "/",
      "a\0b",
      "x".repeat(256),
      "é".repeat(128),
    ]
  ) {
    ok(nameProblem(name) !== undefined, JSON.stringify(name));
  }
  const fine = [
    "a",
    "...",
    "-rf",
    " ",
    "a\nb",
    "x".repeat(255),
    "é".repeat(127),
    "a\\b",
    "CON",
  ];
  for (const name of fine) {
    strictEqual(nameProblem(name), undefined, JSON.stringify(name));
  }
});

Deno.test("portableName() makes names that every file system takes", () => {
  const rows: [string, string][] = [
    ["video.mp4", "video.mp4"],
    ["a_b_c", "a_b_c"],
    ["Ünïcode 名前", "Ünïcode 名前"],
    ["-rf", "_rf"],
    [".hidden", "_hidden"],
    ["a:b*c?", "a_b_c_"],
    ["line\nbreak", "line_break"],
    ["CON", "_CON"],
    ["con.txt", "_con.txt"],
    ["COM1.x.y", "_COM1.x.y"],
    ["console", "console"],
    ["a\\b", "a_b"],
  ];
  for (const [name, portable] of rows) {
    strictEqual(portableName(name), portable);
  }
});

Deno.test("entryFolder() is bounded, portable and unique by its id", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", minLength: 1, maxLength: 300 }),
      (name) => {
        const folder = entryFolder(name, id);
        ok(new TextEncoder().encode(folder).length <= 100);
        // deno-lint-ignore no-control-regex -- that there are none is what is tested
        ok(!/[\u0000-\u001f<>:"/\\|?*]/.test(folder), folder);
        ok(!/^[-. ]/.test(folder) && !/[. ]$/.test(folder), folder);
        strictEqual(idOfFolder(folder), id);
        strictEqual(folder.isWellFormed(), true);
      },
    ),
  );
});

Deno.test("idOfFolder() knows no other folders", () => {
  for (
    const folder of [
      "photos",
      `.staging_${id}`,
      `x_${id.slice(1)}`,
      `x_${id}0`,
      id,
    ]
  ) {
    strictEqual(idOfFolder(folder), undefined, folder);
  }
});

Deno.test("shardPath() names sort in payload order, so that a shell's * restores the payload", () => {
  const geometry = planGeometry({
    payloadBytes: 1000 * 1024,
    dataShards: 4,
    parityShards: 2,
    segmentBytesMax: 8 * 1024,
  });
  const segments: string[] = [];
  for (let block = 0; block < blockCountOf(geometry); block++) {
    for (let shard = 0; shard < blockDataShards(geometry, block); shard++) {
      segments.push(shardPath(geometry, block, shard));
    }
  }
  ok(segments.length > 100);
  deepStrictEqual(segments.toSorted(), segments);
});

Deno.test("shardPath() puts one data shard a block into segments and parity", () => {
  const geometry = planGeometry({
    payloadBytes: 20 * 1024,
    dataShards: 1,
    parityShards: 3,
    segmentBytesMax: 8 * 1024,
  });
  strictEqual(shardPath(geometry, 0, 0), "segments/segment_0.dat");
  strictEqual(shardPath(geometry, 2, 3), "parity/segment_2_parity_2.dat");
  deepStrictEqual(entryFolders(geometry), [
    "hashes",
    "hashes_1",
    "hashes_2",
    "segments",
    "parity",
  ]);
});

Deno.test("every shard has a path of its own below a folder that is made", () => {
  const geometry = planGeometry({
    payloadBytes: 333 * 1024,
    dataShards: 3,
    parityShards: 2,
    segmentBytesMax: 16 * 1024,
  });
  const folders = new Set(entryFolders(geometry));
  const paths = new Set<string>();
  for (let block = 0; block < blockCountOf(geometry); block++) {
    for (let shard = 0; shard < blockDataShards(geometry, block) + 2; shard++) {
      const path = shardPath(geometry, block, shard);
      ok(folders.has(path.slice(0, path.lastIndexOf("/"))), path);
      ok(!paths.has(path.toLowerCase()), path);
      paths.add(path.toLowerCase());
    }
  }
});

Deno.test("parity across blocks lies in a folder for each group, each file named once", () => {
  const geometry = {
    payloadBytes: 53 * 1024,
    leafBytes: 1024,
    segmentBytes: 2048,
    dataShards: 3,
    parityShards: 1,
    crossBlock: { groups: 2, parity: 2 },
  };
  strictEqual(blockCountOf(geometry), 9);
  const blocks = blockCountOf(geometry);
  // A segment has one path, whichever way one comes to it.
  strictEqual(
    shardPath(geometry, blocks + 1, 2),
    "blocks/block_4/segments/segment_13.dat",
  );
  strictEqual(
    shardPath(geometry, blocks + 1, 5),
    "groups/group_0/column_1_parity_0.dat",
  );
  const files = [...shardFilesOf(geometry)].map(({ path }) => path);
  strictEqual(new Set(files).size, files.length);
  strictEqual(files.length, 27 + 9 + 6 * 2);
  deepStrictEqual(
    files.filter((path) => path.startsWith("groups/")).at(-1),
    "groups/group_1/column_2_parity_1.dat",
  );
  const folders = new Set(entryFolders(geometry));
  for (const path of files) {
    ok(folders.has(path.slice(0, path.lastIndexOf("/"))), path);
  }
});

Deno.test("plainFolder() is ASCII, and keeps the id", () => {
  strictEqual(
    plainFolder("日本語 🎉_0123456789abcdef"),
    "___ __0123456789abcdef",
  );
  strictEqual(plainFolder("a b~_0123456789abcdef"), "a b~_0123456789abcdef");
});
