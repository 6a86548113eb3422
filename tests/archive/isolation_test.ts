// Isolation: what does not belong to an entry neither hurts it nor is hurt by it.

import {
  deepStrictEqual,
  ok,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import {
  Bench,
  forgeManifest,
  kib,
  readFile,
  readTree,
  removeFile,
  writeFile,
} from "./harness.ts";

/** An archive with three entries. */
async function makeThree(): Promise<
  { archive: MemoryStore; bench: Bench; folders: string[] }
> {
  const archive = new MemoryStore();
  const bench = new Bench({ archive });
  const folders: string[] = [];
  for (const [index, name] of ["a.bin", "b.bin", "c.bin"].entries()) {
    const report = await bench.commit(
      name,
      new Prng(index).bytes(5000 + index),
    );
    folders.push(report.folder);
  }
  return { archive, bench, folders };
}

Deno.test("stray folders and files in an archive hide nothing and are left alone", async () => {
  const { archive, bench } = await makeThree();
  archive.makeFolder("stray");
  writeFile(archive, "stray/manifest.txt", encodeUtf8("x"));
  archive.makeFolder("looks_like_0123456789abcdef");
  archive.makeFolder(".hidden");
  writeFile(archive, "notes.txt", encodeUtf8("mine"));
  writeFile(archive, "file_0123456789abcdef", encodeUtf8("mine"));
  archive.plantOther("link_fedcba9876543210");
  archive.plantOther("link");
  const listing = bench.engine.list();
  deepStrictEqual(listing.entries.map((entry) => entry.name), [
    "a.bin",
    "b.bin",
    "c.bin",
  ]);
  deepStrictEqual(listing.problems.map((each) => each.folder).sort(), [
    "file_0123456789abcdef",
    "link_fedcba9876543210",
    "looks_like_0123456789abcdef",
  ]);
  const states = (await bench.health(true)).map((report) => report.state);
  deepStrictEqual(states, [
    "lost",
    "lost",
    "lost",
    "healthy",
    "healthy",
    "healthy",
  ]);
  deepStrictEqual(readFile(archive, "notes.txt"), encodeUtf8("mine"));
});

Deno.test("strangers inside an entry are reported, harmless and left alone", async () => {
  const { archive, bench, folders } = await makeThree();
  const folder = folders[0]!;
  writeFile(archive, `${folder}/Thumbs.db`, encodeUtf8("mine"));
  writeFile(archive, `${folder}/segments/segment_7.dat`, encodeUtf8("mine"));
  archive.plantOther(`${folder}/link`);
  const [report] = await bench.health(true, "a.bin");
  strictEqual(report?.state, "healthy");
  deepStrictEqual(report?.strangers, [
    "Thumbs.db",
    "link",
    "segments/segment_7.dat",
  ]);
  deepStrictEqual(
    readFile(archive, `${folder}/segments/segment_7.dat`),
    encodeUtf8("mine"),
  );
  deepStrictEqual(
    (await bench.restore("a.bin")).bytes,
    new Prng(0).bytes(5000),
  );
});

Deno.test("one entry beyond repair does not keep the others from it", async () => {
  const { archive, bench, folders } = await makeThree();
  archive.removeTree(`${folders[0]}/segments`);
  archive.removeTree(`${folders[0]}/parity`);
  removeFile(archive, `${folders[1]}/parity/segment_0_parity_1.dat`);
  const reports = await bench.health(true);
  deepStrictEqual(reports.map((report) => report.state), [
    "lost",
    "repaired",
    "healthy",
  ]);
  deepStrictEqual(reports[0]!.lostRanges, [{ payloadOffset: 0, bytes: 5000 }]);
  deepStrictEqual(
    (await bench.restore("b.bin")).bytes,
    new Prng(1).bytes(5001),
  );
});

Deno.test("entries are self-contained: a copied folder is an entry elsewhere, under any name", async () => {
  const { archive, folders } = await makeThree();
  const other = new MemoryStore();
  const bench = new Bench({ archive: other });
  other.makeFolder("renamed by hand");
  for (const [path, bytes] of readTree(archive, folders[2]!)) {
    const inner = path.slice(folders[2]!.length + 1).split("/");
    let folder = "renamed by hand";
    for (const part of inner.slice(0, -1)) {
      other.makeFolder(folder = `${folder}/${part}`);
    }
    writeFile(other, `${folder}/${inner.at(-1)}`, bytes);
  }
  deepStrictEqual(
    (await bench.restore("c.bin")).bytes,
    new Prng(2).bytes(5002),
  );
  strictEqual((await bench.healthOfOne(true)).state, "healthy");
});

Deno.test("a link in place of a shard is not followed; the shard comes back as a file", async () => {
  const { archive, bench, folders } = await makeThree();
  const path = `${folders[0]}/segments/segment_0.dat`;
  const good = readFile(archive, path);
  removeFile(archive, path);
  archive.plantOther(path);
  deepStrictEqual(
    (await bench.restore("a.bin")).bytes,
    new Prng(0).bytes(5000),
  );
  const [checked] = await bench.health(false, "a.bin");
  deepStrictEqual(checked?.damage.map((each) => [each.file, each.cause]), [
    ["segments/segment_0.dat", "unsafe"],
  ]);
  const [report] = await bench.health(true, "a.bin");
  strictEqual(report?.state, "repaired");
  deepStrictEqual(readFile(archive, path), good);
});

Deno.test("a link in place of an entry's folder makes no way out, and is reported", async () => {
  const { archive, bench, folders } = await makeThree();
  archive.removeTree(`${folders[0]}/parity`);
  archive.plantOther(`${folders[0]}/parity`);
  const [report] = await bench.health(true, "a.bin");
  strictEqual(report?.state, "repairable");
  ok(
    report?.damage.every((each) =>
      each.obstacle !== undefined && !each.repaired
    ),
  );
  strictEqual(archive.stat(`${folders[0]}/parity`)?.kind, "other");
});

Deno.test("a manifest whose name leads elsewhere is no entry, although its check is right", async () => {
  const { archive, bench, folders } = await makeThree();
  for (const name of ["../evil", "/etc/passwd", "..", "a/b", ""]) {
    forgeManifest(archive, folders[0]!, (members) => members["name"] = name);
    const listing = bench.engine.list();
    deepStrictEqual(listing.entries.map((entry) => entry.name), [
      "b.bin",
      "c.bin",
    ], name);
    strictEqual(listing.problems[0]?.folder, folders[0], name);
  }
});

Deno.test("a manifest of a newer version is said to be one, and nothing of the entry is touched", async () => {
  const { archive, bench, folders } = await makeThree();
  forgeManifest(archive, folders[0]!, (members) => {
    members["required_features"] = ["time-travel"];
  });
  removeFile(archive, `${folders[0]}/parity/segment_0_parity_0.dat`);
  const before = readTree(archive, folders[0]!);
  const reports = await bench.health(true);
  ok(reports[0]!.problem?.includes("time-travel"));
  strictEqual(bench.engine.list().problems[0]?.code, "unsupported-format");
  deepStrictEqual(readTree(archive, folders[0]!), before);
});

Deno.test("select finds by name, id and prefix, and says when it cannot decide", async () => {
  const { bench } = await makeThree();
  const entry = bench.engine.show("b.bin");
  strictEqual(bench.engine.show(entry.id).name, "b.bin");
  strictEqual(
    bench.engine.show(entry.id.slice(0, 4).toUpperCase()).name,
    "b.bin",
  );
  strictEqual(bench.engine.show(entry.folder).name, "b.bin");
  throws(
    () => bench.engine.show(entry.id.slice(0, 3)),
    (e) => isFailure(e, "not-found"),
  );
  throws(() => bench.engine.show("nothing"), (e) => isFailure(e, "not-found"));
  await bench.commit("b.bin", new Uint8Array(1));
  await rejects(
    bench.engine.remove("b.bin"),
    (e) => isFailure(e, "ambiguous"),
  );
});

Deno.test("find() takes parts of names, globs and prefixes of ids", async () => {
  const { bench } = await makeThree();
  await bench.commit("Holiday [2024].tar", new Uint8Array(1));
  const names = (pattern: string) =>
    bench.engine.find(pattern).entries.map((each) => each.name);
  deepStrictEqual(names("*.bin"), ["a.bin", "b.bin", "c.bin"]);
  deepStrictEqual(names("[ab].bin"), ["a.bin", "b.bin"]);
  deepStrictEqual(names("{a,c}.*"), ["a.bin", "c.bin"]);
  deepStrictEqual(names("holi"), ["Holiday [2024].tar"]);
  deepStrictEqual(names("HOLI*"), ["Holiday [2024].tar"]);
  deepStrictEqual(names("zzz"), []);
  deepStrictEqual(names(bench.engine.show("c.bin").id.slice(0, 8)), ["c.bin"]);
  throws(() => names(""), (error) => isFailure(error, "invalid-argument"));
});

Deno.test("remove() takes one entry and leaves the others", async () => {
  const { archive, bench, folders } = await makeThree();
  const before = readTree(archive, folders[0]!);
  strictEqual((await bench.engine.remove("b.bin")).name, "b.bin");
  deepStrictEqual(archive.list("").map((each) => each.name), [
    folders[0]!,
    folders[2]!,
  ]);
  deepStrictEqual(readTree(archive, folders[0]!), before);
  await rejects(
    bench.engine.remove("b.bin"),
    (error) => isFailure(error, "not-found"),
  );
});

Deno.test("restore() replaces an existing file only when told to", async () => {
  const { bench } = await makeThree();
  writeFile(bench.outputs, "out", encodeUtf8("precious"));
  await rejects(
    bench.restore("a.bin", { overwrite: false }),
    (error) => isFailure(error, "exists"),
  );
  deepStrictEqual(readFile(bench.outputs, "out"), encodeUtf8("precious"));
  await bench.restore("a.bin", { overwrite: true });
  deepStrictEqual(readFile(bench.outputs, "out"), new Prng(0).bytes(5000));
});

Deno.test("restore() onto a full disk leaves no file", async () => {
  const outputs = new MemoryStore({ capacityBytes: 3 * kib });
  const bench = new Bench({ outputs });
  await bench.commit("x", new Prng(1).bytes(20 * kib));
  await rejects(bench.restore("x"), (error) => isFailure(error, "no-space"));
  deepStrictEqual(outputs.list(""), []);
});

Deno.test("health() of a full disk still mends leaves in place, and says what it could not", async () => {
  const archive = new MemoryStore();
  const bench = new Bench({ archive });
  const { folder } = await bench.commit(
    "x",
    new Prng(1).bytes(20 * kib),
    "erasure:2+2",
  );
  const pristine = readTree(archive, "");
  {
    using file = archive.openFile(
      `${folder}/blocks/block_0/parity/parity_0.dat`,
      "update",
    );
    file.writeFrom(new Uint8Array(700), 100);
  }
  removeFile(archive, `${folder}/blocks/block_0/parity/parity_1.dat`);
  const rotten = readTree(archive, "");
  ok(rotten.size < pristine.size);
  archive.capacityBytes = archive.usedBytes;
  const report = await bench.healthOfOne(true);
  strictEqual(report.state, "repairable");
  deepStrictEqual(
    report.damage.map((each) => [each.file.slice(-12), each.repaired]),
    [
      ["parity_0.dat", true],
      ["parity_1.dat", false],
    ],
  );
  ok(report.damage[1]!.obstacle !== undefined);
  archive.capacityBytes = undefined;
  strictEqual((await bench.healthOfOne(true)).state, "repaired");
  deepStrictEqual(readTree(archive, ""), pristine);
});

Deno.test("health() of a read-only archive reports what it would repair", async () => {
  const archive = new MemoryStore();
  const bench = new Bench({ archive });
  const { folder } = await bench.commit("x", new Prng(1).bytes(20 * kib));
  removeFile(archive, `${folder}/parity/segment_0_parity_0.dat`);
  removeFile(archive, `${folder}/hashes/manifest.json`);
  archive.readOnly = true;
  const report = await bench.healthOfOne(true);
  strictEqual(report.state, "repairable");
  strictEqual(report.damage.every((each) => each.obstacle !== undefined), true);
  deepStrictEqual(
    (await bench.restore("x")).bytes,
    new Prng(1).bytes(20 * kib),
  );
});

Deno.test("a rotten shard with a second name is replaced; what the other name shows stays", async () => {
  const { archive, bench, folders } = await makeThree();
  const path = `${folders[0]}/segments/segment_0.dat`;
  const good = readFile(archive, path);
  const precious = new Prng(50).bytes(5000);
  removeFile(archive, path);
  writeFile(archive, "precious", precious);
  archive.plantHardLink(path, "precious");
  strictEqual(archive.stat("precious")?.linkCount, 2);
  const [report] = await bench.health(true, "a.bin");
  strictEqual(report?.state, "repaired");
  deepStrictEqual(readFile(archive, path), good);
  deepStrictEqual(readFile(archive, "precious"), precious);
});

Deno.test("a rebuilt leaf that does not match its digest is lost, and never written", async () => {
  const { archive, bench, folders } = await makeThree();
  // The digest of the last parity shard's leaf is forged: its file is right, but cannot be proven.
  forgeManifest(archive, folders[0]!, (members) => {
    const { inline } = members["outboard"] as { inline: string };
    members["outboard"] = {
      inline: inline.slice(0, -64) + "0".repeat(63) + "1",
    };
  });
  const before = readTree(archive, folders[0]!);
  const [report] = await bench.health(true, "a.bin");
  strictEqual(report?.state, "lost");
  strictEqual(report?.lostParityLeafCount, 1);
  deepStrictEqual(report?.lostRanges, []);
  deepStrictEqual(readTree(archive, folders[0]!), before);
  deepStrictEqual(
    (await bench.restore("a.bin")).bytes,
    new Prng(0).bytes(5000),
  );
});
