import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import type { Bytes } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import type { ResumeWish } from "../../src/archive/commit.ts";
import { FaultyStore } from "../../src/store/faulty_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import type { Store } from "../../src/store/store.ts";
import {
  Bench,
  cutFile,
  flipBit,
  kib,
  listFiles,
  readFile,
  readTree,
  removeFile,
  rotBytes,
  writeFile,
} from "./harness.ts";

const payload: Bytes = new Prng(2).bytes(300 * kib + 9);

/** Three blocks of 4+2 in several runs each; or 19 of one segment; or with columns. */
const shapes = ["erasure:4+2", "replicate:2", "tier 4"];

interface Options {
  readonly policy?: string;
  readonly resume?: ResumeWish;
  readonly source?: Bytes;
  readonly modifiedMs?: number;
}

let seed = 0;

function openBench(archive: Store, policy: string, sources?: Store): Bench {
  const tiers = policy === "tier 4"
    ? { tier1Max: 1, tier2Max: 2, tier3Max: 3 }
    : undefined;
  return new Bench({
    archive,
    seed: ++seed,
    ...(sources === undefined ? {} : { sources }),
    settings: {
      resumeBytesMin: 20 * kib,
      ...(tiers === undefined ? {} : { tiers, segmentBytes: 2 * kib }),
    },
  });
}

function makeSource(options: Options = {}): MemoryStore {
  const store = new MemoryStore();
  writeFile(store, "source", options.source ?? payload);
  const modifiedMs = options.modifiedMs ?? 1_700_000_000_000;
  store.setAttributes("source", { modifiedMs });
  return store;
}

function commit(bench: Bench, options: Options = {}) {
  const { policy, resume } = options;
  return bench.engine.commit({
    source: { root: "sources", path: "source" },
    sourceLabel: "source",
    name: "x",
    ...(policy === undefined || policy === "tier 4" ? {} : { policy }),
    ...(resume === undefined ? {} : { resume }),
  });
}

/** An archive in which a commit was cut off after about `share` of its reads. */
async function cutOff(
  policy: string,
  share: number,
): Promise<{ store: MemoryStore; folder: string; bytesDone: number }> {
  const store = new MemoryStore();
  const count = new FaultyStore(makeSource(), [{
    kind: "fail",
    call: "readInto",
    nth: 1e9,
  }]);
  let reads = 0;
  const counting = new Proxy(count, {
    get: (target, key) => {
      const value = Reflect.get(target, key, target);
      if (key === "openFile") reads++;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  await commit(openBench(new MemoryStore(), policy, counting), { policy });
  const faulty = new FaultyStore(makeSource(), [{
    kind: "fail",
    call: "openFile",
    nth: Math.max(1, Math.round(reads * share)),
    times: Infinity,
  }]);
  const bench = openBench(store, policy, faulty);
  await rejects(commit(bench, { policy }), (error) => isFailure(error, "io"));
  const kept = bench.events.find((event) => event.kind === "kept");
  ok(kept?.kind === "kept", "it was worth keeping");
  ok(kept.bytesDone >= 20 * kib && kept.bytesDone < payload.length);
  return { store, folder: kept.folder, bytesDone: kept.bytesDone };
}

async function expectWhole(store: Store, policy: string): Promise<void> {
  const bench = openBench(store, policy);
  const { entries, problems } = bench.engine.list();
  deepStrictEqual([entries.length, problems], [1, []]);
  const report = await bench.healthOfOne(false);
  deepStrictEqual([report.state, report.strangers], ["healthy", []]);
  deepStrictEqual((await bench.restore("x")).bytes, payload);
}

for (const policy of shapes) {
  Deno.test(`a commit that was cut off is gone on with: the same entry comes of it (${policy})`, async () => {
    const whole = new MemoryStore();
    const { folder: wanted } = await commit(
      openBench(whole, policy, makeSource()),
      { policy },
    );
    for (const share of [0.4, 0.8]) {
      const { store, folder, bytesDone } = await cutOff(policy, share);
      const bench = openBench(store, policy, makeSource());
      const report = await commit(bench, { policy });
      strictEqual(report.outcome, "committed");
      strictEqual(report.resumedBytes, bytesDone);
      ok(folder.endsWith(report.id), "the folder has become the entry");
      deepStrictEqual(
        bench.events.find((event) => event.kind === "resumed"),
        {
          kind: "resumed",
          folder,
          name: "x",
          bytesDone,
          bytesTotal: payload.length,
        },
      );
      deepStrictEqual(store.list("").map(({ name }) => name), [report.folder]);
      await expectWhole(store, policy);
      const files = (from: MemoryStore, entry: string) =>
        new Map(
          [...readTree(from, entry)].filter(([path]) => path.endsWith(".dat"))
            .map(([path, bytes]) => [path.slice(entry.length), bytes]),
        );
      deepStrictEqual(files(store, report.folder), files(whole, wanted));
    }
  });

  Deno.test(`what was written before is not written again, and what rotted is (${policy})`, async () => {
    const { store, folder } = await cutOff(policy, 0.7);
    const blocks = listFiles(store, folder)
      .filter((path) => path.endsWith(".dat"));
    const first = blocks.filter((path) =>
      /block_0+\/|segment_0+\.dat|segment_0+_parity/.test(path)
    );
    ok(first.length >= 2, "there is a first block");
    const faulty = new FaultyStore(
      copyOf(store),
      first.map((path) => ({
        kind: "fail" as const,
        call: "writeFrom" as const,
        path,
      })),
    );
    const bench = openBench(faulty, policy, makeSource());
    strictEqual((await commit(bench, { policy })).outcome, "committed");
    strictEqual(faulty.unfired().length, first.length, "no write to it");
    for (const path of first) {
      const rotten = copyOf(store);
      rotBytes(rotten, path, 100, 50);
      const report = await commit(openBench(rotten, policy, makeSource()), {
        policy,
      });
      ok(report.resumedBytes !== undefined && report.resumedBytes > 0);
      await expectWhole(rotten, policy);
    }
  });
}

Deno.test("shards that are gone, short or long, strangers and links in the folder do no harm", async () => {
  const { store, folder } = await cutOff("erasure:4+2", 0.6);
  const shards = listFiles(store, folder)
    .filter((path) => path.endsWith(".dat"));
  removeFile(store, shards[0]!);
  cutFile(store, shards[1]!, 100);
  writeFile(store, shards[2]!, payload);
  store.removeTree(`${folder}/blocks/block_1`);
  writeFile(store, `${folder}/manifest.json`, payload);
  writeFile(store, `${folder}/stranger`, payload);
  store.makeFolder(`${folder}/blocks/folder`);
  writeFile(store, `${folder}/blocks/folder/stranger`, payload);
  store.plantOther(`${folder}/blocks/link`);
  store.removeFile(shards[4]!);
  store.plantOther(shards[4]!);
  await commit(openBench(store, "", makeSource()), { policy: "erasure:4+2" });
  await expectWhole(store, "erasure:4+2");
});

Deno.test("a journal that is torn anywhere is believed as far as it is whole", async () => {
  const { store, folder, bytesDone } = await cutOff("erasure:4+2", 0.9);
  const path = `${folder}/progress.bin`;
  const size = readFile(store, path).length;
  const seen = new Set<number>();
  for (let bytes = 0; bytes < size; bytes += 61) {
    const torn = copyOf(store);
    cutFile(torn, path, bytes);
    const report = await commit(openBench(torn, "", makeSource()), {
      policy: "erasure:4+2",
    });
    ok(report.resumedBytes! < bytesDone);
    seen.add(report.resumedBytes!);
    await expectWhole(torn, "erasure:4+2");
  }
  ok(seen.size > 4 && seen.has(0), `${[...seen]}`);
});

Deno.test("a journal with any bit flipped never makes a wrong entry", async () => {
  const { store, folder } = await cutOff("replicate:2", 0.5);
  const chance = new Prng(5);
  for (const name of ["commit.json", "progress.bin"]) {
    const path = `${folder}/${name}`;
    const bits = readFile(store, path).length * 8;
    for (let time = 0; time < 40; time++) {
      const flipped = copyOf(store);
      flipBit(flipped, path, chance.below(bits));
      await commit(openBench(flipped, "", makeSource()), {
        policy: "replicate:2",
      });
      await expectWhole(flipped, "replicate:2");
    }
  }
});

const others: readonly [string, Options][] = [
  ["another time", { modifiedMs: 1_700_000_000_001 }],
  ["another size", { source: payload.subarray(1) }],
  ["another policy", { policy: "erasure:5+2" }],
];
for (const [what, options] of others) {
  Deno.test(`a source with ${what} is committed anew, which is said`, async () => {
    const { store, folder } = await cutOff("erasure:4+2", 0.6);
    const bench = openBench(store, "", makeSource(options));
    const wish = { policy: "erasure:4+2", ...options };
    await rejects(
      commit(bench, { ...wish, resume: "require" }),
      (error) =>
        isFailure(error, "not-found") &&
        /^Cannot resume the commit of "source" as "x": /.test(error.message),
    );
    bench.events.length = 0;
    const report = await commit(bench, wish);
    strictEqual(report.resumedBytes, undefined);
    const warning = bench.events.find(({ kind }) => kind === "warning");
    ok(warning?.kind === "warning");
    match(warning.message, /^"source" or the settings changed since/);
    ok(warning.message.includes(folder));
    strictEqual(store.stat(folder)?.kind, "folder", "it is left to cleanup");
    deepStrictEqual(
      (await bench.restore("x")).bytes,
      options.source ?? payload,
    );
  });
}

Deno.test("resume: required without anything to resume fails and changes nothing; never starts anew", async () => {
  const empty = new MemoryStore();
  const bench = openBench(empty, "", makeSource());
  await rejects(
    commit(bench, { resume: "require" }),
    (error) => isFailure(error, "not-found"),
  );
  deepStrictEqual(empty.list(""), []);
  const { store, folder } = await cutOff("erasure:4+2", 0.6);
  const again = openBench(store, "", makeSource());
  const wish = { policy: "erasure:4+2" } as const;
  const anew = await commit(again, { ...wish, resume: "never" });
  strictEqual(anew.resumedBytes, undefined);
  strictEqual(store.stat(folder)?.kind, "folder");
});

Deno.test("a folder in which somebody may be at work is not taken over", async () => {
  const { store, folder } = await cutOff("erasure:4+2", 0.6);
  // Without the lock only age tells; the store's clock is that of the computer.
  const locked = new FaultyStore(store, [{
    kind: "fail",
    call: "openLockFile",
    times: Infinity,
    code: "permission-denied",
  }]);
  const bench = openBench(locked, "", makeSource());
  const report = await commit(bench, { policy: "erasure:4+2" });
  deepStrictEqual(locked.unfired(), []);
  strictEqual(report.resumedBytes, undefined);
  strictEqual(store.stat(folder)?.kind, "folder");
});

Deno.test("what a small commit wrote goes when it is cut off, and a changed source leaves nothing", async () => {
  const store = new MemoryStore();
  const faulty = new FaultyStore(makeSource(), [{
    kind: "fail",
    call: "readInto",
    nth: 2,
  }]);
  await rejects(
    commit(openBench(store, "", faulty), { policy: "erasure:4+2" }),
    (error) => isFailure(error, "io"),
  );
  deepStrictEqual(store.list(""), [], "too little was written");
  const cut = await cutOff("erasure:4+2", 0.8);
  const source = makeSource();
  const shrinking = new FaultyStore(source, [{
    kind: "short-read",
    bytes: 5,
  }]);
  await rejects(
    commit(openBench(cut.store, "", shrinking), { policy: "erasure:4+2" }),
    (error) => isFailure(error, "source-changed"),
  );
  deepStrictEqual(cut.store.list(""), []);
});

Deno.test("leftovers say what was being committed, and how far it got", async () => {
  const { store, folder, bytesDone } = await cutOff("erasure:4+2", 0.6);
  const [leftover] = openBench(store, "").engine.leftovers();
  strictEqual(leftover?.folder, folder);
  deepStrictEqual(leftover.commit, {
    name: "x",
    source: "source",
    payloadBytes: payload.length,
    bytesDone,
  });
});

function copyOf(store: MemoryStore): MemoryStore {
  return new MemoryStore({}, store.copyRoot());
}
