import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { type Bytes, formatHex, joinBytes } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { Codec } from "../../src/codec/mod.ts";
import { entryFolders } from "../../src/format/entry_path.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import type { Store } from "../../src/store/store.ts";
import {
  Bench,
  kib,
  listFiles,
  readFile,
  readTree,
  smallSettings,
  writeFile,
} from "./harness.ts";

/** The payload as `cat` over the segment files gives it. */
function catSegments(store: Store, folder: string): Bytes {
  const paths = listFiles(store, folder)
    .filter((path) => path.includes("/segments/"))
    .sort();
  return joinBytes(paths.map((path) => readFile(store, path)));
}

Deno.test("commit() keeps the payload raw and its root plain BLAKE3 at every tier boundary", async () => {
  const { tier1Max, tier2Max } = smallSettings.tiers;
  const rows: [number, number][] = [
    [0, 1],
    [1, 1],
    [kib - 1, 1],
    [kib, 1],
    [kib + 1, 1],
    [tier1Max - 1, 1],
    [tier1Max, 2],
    [tier1Max + 1, 2],
    [tier2Max - 1, 2],
    [tier2Max, 3],
    [tier2Max + 1, 3],
    [500 * kib + 7, 3],
    [30 * 16 * kib, 3],
    [30 * 16 * kib + 1, 3],
    [61 * 16 * kib + 333, 3],
  ];
  for (const [size, tier] of rows) {
    const bench = new Bench();
    const payload = new Prng(size).bytes(size);
    const report = await bench.commit("file.bin", payload);
    strictEqual(report.tier, tier, `tier of ${size}`);
    strictEqual(
      report.root,
      formatHex(Codec.open().digest(payload)),
      `root of ${size}`,
    );
    deepStrictEqual(
      catSegments(bench.archive, report.folder),
      payload,
      `segments of ${size}`,
    );
    const { report: restored, bytes } = await bench.restore("file.bin");
    deepStrictEqual(bytes, payload, `restore of ${size}`);
    strictEqual(restored.complete, true);
    strictEqual(
      (await bench.healthOfOne(false)).state,
      "healthy",
      `health of ${size}`,
    );
    const stored = [...readTree(bench.archive, "").values()]
      .reduce((sum, bytes) => sum + bytes.length, 0);
    strictEqual(report.storedBytes, stored, `stored bytes of ${size}`);
  }
});

Deno.test("commit() follows the policy that it is given", async () => {
  const payload = new Prng(4).bytes(40 * kib + 11);
  const rows: [string, number, number][] = [
    ["erasure:4+2", 4, 2],
    ["erasure:5+0", 5, 0],
    ["erasure:1+1", 1, 1],
    ["erasure:200+56", 200, 56],
    ["replicate:3", 1, 2],
    ["replicate:1", 1, 0],
  ];
  for (const [policy, dataShards, parityShards] of rows) {
    const bench = new Bench();
    const report = await bench.commit("x", payload, policy);
    strictEqual(report.policy, policy);
    strictEqual(report.dataShards, dataShards, policy);
    strictEqual(report.parityShards, parityShards, policy);
    strictEqual(report.tier, 0, policy);
    deepStrictEqual((await bench.restore("x")).bytes, payload, policy);
    strictEqual((await bench.healthOfOne(false)).state, "healthy", policy);
  }
});

Deno.test("replicate:n stores n equal copies", async () => {
  const bench = new Bench();
  const payload = new Prng(9).bytes(3000);
  const { folder } = await bench.commit("x", payload, "replicate:3");
  deepStrictEqual(
    readFile(bench.archive, `${folder}/segments/segment_0.dat`),
    payload,
  );
  deepStrictEqual(
    readFile(bench.archive, `${folder}/parity/segment_0_parity_0.dat`),
    payload,
  );
  deepStrictEqual(
    readFile(bench.archive, `${folder}/parity/segment_0_parity_1.dat`),
    payload,
  );
});

Deno.test("commit() keeps every name that a file can have", async () => {
  const names = [
    "with spaces",
    "Ünïcødé 名前 🗂",
    "-rf",
    "--file",
    "a_b__c_",
    "new\nline\ttab",
    "x".repeat(255),
    "é".repeat(127),
    "...",
    " ",
    ".hidden",
    "CON",
    "a\\b",
    "\u001b[31mred",
    "*?[x]{y}",
    "0123456789abcdef",
  ];
  const bench = new Bench();
  for (const name of names) {
    await bench.commit(name, new TextEncoder().encode(name));
  }
  strictEqual(bench.engine.list().entries.length, names.length);
  for (const name of names) {
    strictEqual(bench.engine.show(name).name, name);
    deepStrictEqual(
      (await bench.restore(name)).bytes,
      new TextEncoder().encode(name),
      name,
    );
  }
  for (const report of await bench.health(true)) {
    strictEqual(report.state, "healthy");
  }
});

Deno.test("commit() refuses names that would lead elsewhere, and leaves nothing", async () => {
  const bench = new Bench();
  for (
    const name of [
      "",
      ".",
      "..",
      "a/b",
      "../x",
      "/etc/passwd",
      "a\0b",
      "x".repeat(256),
    ]
  ) {
    await rejects(
      bench.commit(name, new Uint8Array(3)),
      (error) => isFailure(error, "invalid-name"),
      name,
    );
  }
  deepStrictEqual(bench.archive.list(""), []);
});

Deno.test("commit() of the same name makes another entry; the newest answers", async () => {
  const bench = new Bench();
  const first = await bench.commit("x", new Uint8Array([1]));
  const second = await bench.commit("x", new Uint8Array([2]));
  ok(first.id !== second.id);
  strictEqual(bench.engine.list().entries.length, 2);
  strictEqual(bench.engine.show("x").id, second.id);
  deepStrictEqual((await bench.restore("x")).bytes, new Uint8Array([2]));
  deepStrictEqual(
    (await bench.restore(first.id.slice(0, 6))).bytes,
    new Uint8Array([1]),
  );
});

Deno.test("commit() refuses a source that is missing, a folder or a special file", async () => {
  const sources = new MemoryStore();
  const bench = new Bench({ sources });
  sources.makeFolder("folder");
  sources.plantOther("pipe");
  const commit = (path: string) =>
    bench.engine.commit({
      source: { root: "sources", path },
      sourceLabel: path,
      name: "x",
    });
  await rejects(commit("nothing"), (error) => isFailure(error, "not-found"));
  await rejects(commit("folder"), (error) => isFailure(error, "wrong-kind"));
  await rejects(
    commit("pipe"),
    (error) => isFailure(error, "wrong-kind", "unsafe-path"),
  );
  deepStrictEqual(bench.archive.list(""), []);
});

Deno.test("commit() fails when its source changes under it, and leaves nothing", async () => {
  const payload = new Prng(2).bytes(200 * kib);
  for (const change of ["grow", "shrink", "rewrite"]) {
    const bench = new Bench();
    let changed = false;
    const emit = bench.context.emit;
    Object.assign(bench.context, {
      emit: (event: Parameters<typeof emit>[0]) => {
        if (event.kind !== "progress" || changed) return;
        changed = true;
        const sizes = { grow: 201, shrink: 100, rewrite: 200 };
        const size = sizes[change as keyof typeof sizes] * kib;
        writeFile(bench.sources, "source", new Prng(3).bytes(size));
      },
    });
    await rejects(
      bench.commit("x", payload),
      (error) => isFailure(error, "source-changed"),
      change,
    );
    strictEqual(changed, true);
    deepStrictEqual(bench.archive.list(""), [], change);
  }
});

Deno.test("commit() onto a full disk leaves the archive as it was and says what it needed", async () => {
  const roomy = new MemoryStore();
  const first = new Bench({ archive: roomy });
  await first.commit("old", new Prng(1).bytes(5 * kib));
  const used = [...readTree(roomy, "").values()].reduce(
    (sum, each) => sum + each.length,
    0,
  );
  let refused = 0;
  for (let free = 0; free < 70 * kib; free += 3 * kib) {
    const archive = new MemoryStore();
    const bench = new Bench({ archive });
    await bench.commit("old", new Prng(1).bytes(5 * kib));
    archive.capacityBytes = used + free;
    const before = readTree(archive, "");
    await rejects(
      bench.commit("new", new Prng(2).bytes(60 * kib)),
      (error) =>
        isFailure(error, "no-space") &&
        /needs about 3\d\d KiB, and [\d.]+ K?i?B are free/.test(error.message),
    );
    deepStrictEqual(readTree(archive, ""), before);
    deepStrictEqual(
      (await bench.restore("old")).bytes,
      new Prng(1).bytes(5 * kib),
    );
    refused++;
  }
  ok(refused > 10);
});

Deno.test("commit() into a read-only archive is refused", async () => {
  const bench = new Bench({ archive: new MemoryStore({ readOnly: true }) });
  await rejects(
    bench.commit("x", new Uint8Array(1)),
    (error) => isFailure(error, "read-only"),
  );
});

Deno.test("commit() that is interrupted leaves nothing", async () => {
  const controller = new AbortController();
  const bench = new Bench({ signal: controller.signal });
  let steps = 0;
  Object.assign(bench.context, {
    emit: () => {
      if (++steps === 3) controller.abort();
    },
  });
  await rejects(
    bench.commit("x", new Prng(1).bytes(300 * kib)),
    (error) => isFailure(error, "interrupted"),
  );
  deepStrictEqual(bench.archive.list(""), []);
});

Deno.test("commit() remembers time and mode; restore gives them back", async () => {
  const sources = new MemoryStore();
  const bench = new Bench({ sources });
  writeFile(sources, "source", new Uint8Array([1, 2, 3]));
  sources.setAttributes("source", {
    modifiedMs: 1_234_567_890_123,
    mode: 0o640,
  });
  await bench.engine.commit({
    source: { root: "sources", path: "source" },
    sourceLabel: "source",
    name: "x",
  });
  strictEqual(bench.engine.show("x").modified, "2009-02-13T23:31:30.123Z");
  strictEqual(bench.engine.show("x").mode, "0640");
  await bench.restore("x");
  strictEqual(bench.outputs.stat("out")?.modifiedMs, 1_234_567_890_123);
  strictEqual(bench.outputs.stat("out")?.mode, 0o640);
});

Deno.test("an entry is made of the files that the format names, and no others", async () => {
  const bench = new Bench();
  const { folder } = await bench.commit("x", new Prng(1).bytes(600 * kib));
  const expected = new Set(entryFolders({
    payloadBytes: 600 * kib,
    leafBytes: 1 * kib,
    segmentBytes: bench.engine.show("x").segmentBytes,
    dataShards: 30,
    parityShards: 3,
  }));
  for (const path of listFiles(bench.archive, folder)) {
    const inner = path.slice(folder.length + 1);
    const parent = inner.includes("/")
      ? inner.slice(0, inner.lastIndexOf("/"))
      : "";
    ok(parent === "" || expected.has(parent), inner);
  }
  strictEqual(
    readFile(bench.archive, `${folder}/hashes_2/manifest.json`).length > 500,
    true,
  );
});

Deno.test("segments of one leaf have the digests of short streams in their copies", async () => {
  const bench = new Bench({ settings: { segmentBytes: 1 * kib } });
  const payload = new Prng(8).bytes(3 * kib + 5);
  await bench.commit("x", payload);
  strictEqual((await bench.healthOfOne(false)).state, "healthy");
  deepStrictEqual((await bench.restore("x")).bytes, payload);
});
