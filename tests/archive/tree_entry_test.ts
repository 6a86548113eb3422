import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { blake3 } from "hash-wasm";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { Bench, readTree, rotBytes } from "./harness.ts";
import { commitTree, plantTree, readEntry } from "./trees.ts";

Deno.test("engine.files() lists what paths and globs mean", async () => {
  const sources = new MemoryStore();
  plantTree(sources, {
    "a/x.jpg": "",
    "a/b/y.jpg": "",
    "a/b/z.txt": "",
    "a[1]/w.jpg": "",
    ".hidden/v.jpg": "",
  });
  const bench = new Bench({ sources });
  const report = await commitTree(bench);
  const list = async (...patterns: string[]) =>
    [...await bench.engine.files(report, patterns)].map((row) => row.path);
  deepStrictEqual(await list(), [
    ".hidden",
    ".hidden/v.jpg",
    "a",
    "a/b",
    "a/b/y.jpg",
    "a/b/z.txt",
    "a/x.jpg",
    "a[1]",
    "a[1]/w.jpg",
  ]);
  deepStrictEqual(await list("a/b"), ["a/b", "a/b/y.jpg", "a/b/z.txt"]);
  deepStrictEqual(await list("./a/b/"), ["a/b", "a/b/y.jpg", "a/b/z.txt"]);
  deepStrictEqual(await list("*.jpg"), [
    ".hidden/v.jpg",
    "a/b/y.jpg",
    "a/x.jpg",
    "a[1]/w.jpg",
  ]);
  deepStrictEqual(await list("a/*.jpg"), ["a/x.jpg"]);
  deepStrictEqual(await list("a/**/*.txt", "a/x.jpg"), [
    "a/b/z.txt",
    "a/x.jpg",
  ]);
  deepStrictEqual(await list("a[1]"), ["a[1]", "a[1]/w.jpg"]);
  await rejects(list("b"), (error) => isFailure(error, "not-found"));
  await rejects(list("a/nope"), (error) => isFailure(error, "not-found"));
  await rejects(list("../x"), (error) => isFailure(error, "invalid-argument"));
  const file = await bench.commit("file", encodeUtf8("x"));
  await rejects(
    bench.engine.files(file, []),
    (error) => isFailure(error, "wrong-kind"),
  );
});

Deno.test("hashes of a tree are those of its files, and of the files that store it", async () => {
  const sources = new MemoryStore();
  plantTree(sources, { "a": "one", "b/c": "two" });
  sources.plantHardLink("d", "a");
  const bench = new Bench({ sources });
  const report = await commitTree(bench);
  const content = await Array.fromAsync(bench.engine.hashes(report, "content"));
  deepStrictEqual(content, [
    { file: "a", blake3: await blake3("one") },
    { file: "b/c", blake3: await blake3("two") },
    { file: "d", blake3: await blake3("one") },
  ]);
  const stored = await Array.fromAsync(bench.engine.hashes(report, "stored"));
  const files = readTree(bench.archive, report.folder);
  strictEqual(stored.length, files.size);
  for (const { file, blake3: digest } of stored) {
    const bytes = files.get(`${report.folder}/${file}`);
    ok(bytes !== undefined, file);
    strictEqual(digest, await blake3(bytes), file);
  }
});

Deno.test("a rotten copy of a file table is found and mended, also of all but one", async () => {
  const sources = new MemoryStore();
  plantTree(sources, { "a": "one" });
  const bench = new Bench({ sources });
  const { folder } = await commitTree(bench);
  const whole = readTree(bench.archive, "");
  for (const copy of ["", "hashes/", "hashes_2/"]) {
    rotBytes(bench.archive, `${folder}/${copy}files.jsonl.gz`, 20, 9);
  }
  const seen = await bench.healthOfOne(false);
  strictEqual(seen.state, "repairable");
  deepStrictEqual(
    seen.damage.map(({ role, cause, repaired }) => [role, cause, repaired]),
    Array(3).fill(["table", "rotten", false]),
  );
  strictEqual((await bench.healthOfOne(true)).state, "repaired");
  strictEqual((await bench.healthOfOne(false)).state, "healthy");
  deepStrictEqual(readTree(bench.archive, ""), whole);
});

Deno.test("a file table that is damaged at different places of all copies is whole together", async () => {
  const sources = new MemoryStore();
  const prng = new Prng(11);
  // Names that do not compress, for a table of several pages.
  for (let index = 0; index < 3000; index++) {
    const name = [...prng.bytes(40)].map((byte) => byte.toString(16)).join("");
    sources.plantFile(name, new Uint8Array(0));
  }
  const bench = new Bench({ sources });
  const { folder } = await commitTree(bench);
  const whole = readTree(bench.archive, "");
  const size = whole.get(`${folder}/files.jsonl.gz`)!.length;
  ok(size > 2 * 65_536, `${size}`);
  const copies = ["", "hashes/", "hashes_1/", "hashes_2/"];
  // Page 0 in every copy, at other bytes; page 1 in three of them.
  copies.forEach((copy, index) => {
    rotBytes(bench.archive, `${folder}/${copy}files.jsonl.gz`, 640 * index, 99);
    if (index < 3) {
      rotBytes(bench.archive, `${folder}/${copy}files.jsonl.gz`, 70_000, 99);
    }
  });
  const { table } = await readEntry(bench, folder);
  strictEqual(table.rowCount, 3000);
  strictEqual((await bench.healthOfOne(true)).state, "repaired");
  deepStrictEqual(readTree(bench.archive, ""), whole);
});

Deno.test("a file table of which a page is lost is said to be lost, and the payload kept", async () => {
  const sources = new MemoryStore();
  plantTree(sources, { "a": "one" });
  const bench = new Bench({ sources });
  const report = await commitTree(bench);
  const { folder } = report;
  for (const copy of ["", "hashes/", "hashes_1/", "hashes_2/"]) {
    rotBytes(bench.archive, `${folder}/${copy}files.jsonl.gz`, 20, 9);
  }
  const before = readTree(bench.archive, "");
  strictEqual((await bench.healthOfOne(true)).state, "lost");
  deepStrictEqual(readTree(bench.archive, ""), before);
  await rejects(
    bench.engine.files(report, []),
    (error) => isFailure(error, "damaged"),
  );
});
