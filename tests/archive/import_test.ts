import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { ImportReport } from "../../src/archive/report.ts";
import { type Bytes, equalBytes } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import {
  Bench,
  cutFile,
  flipBit,
  kib,
  readFile,
  removeFile,
  rotBytes,
  writeFile,
} from "./harness.ts";
import {
  blake3,
  type Epoch,
  epochs,
  type LegacyBlock,
  type LegacySpec,
  writeDeep,
  writeLegacy,
} from "./legacy_writer.ts";

/** An old archive in the bench's source store. */
class Old {
  readonly store = new MemoryStore();
  readonly bench: Bench;

  constructor(archive?: MemoryStore, signal?: AbortSignal) {
    this.bench = new Bench({
      sources: this.store,
      ...(archive === undefined ? {} : { archive }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async import(dryRun = false): Promise<ImportReport[]> {
    const before = readPlain(this.store, "");
    const reports = await collect(
      this.bench.engine.import({ root: "sources", dryRun }),
    );
    assertSameTree(readPlain(this.store, ""), before);
    for (const { name } of this.bench.archive.list("")) {
      ok(!name.startsWith("."), `${name} is left behind`);
    }
    return reports;
  }

  async importOne(): Promise<ImportReport> {
    const reports = await this.import();
    equal(reports.length, 1);
    return reports[0]!;
  }

  health() {
    return collect(this.bench.engine.healthOfLegacy("sources"));
  }

  async expectPayload(report: ImportReport, payload: Bytes): Promise<void> {
    equal(report.outcome, "imported", JSON.stringify(report));
    equal(report.entry?.root, blake3(payload));
    const { report: restored, bytes } = await this.bench.restore(
      report.entry!.id,
    );
    equal(restored.complete, true);
    ok(bytes !== undefined && equalBytes(bytes, payload));
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** All files by path; what is no file is named only. */
function readPlain(store: MemoryStore, folder: string): Map<string, Bytes> {
  const tree = new Map<string, Bytes>();
  for (const { name, kind } of store.list(folder)) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if (kind === "folder") {
      for (const [inner, bytes] of readPlain(store, path)) {
        tree.set(inner, bytes);
      }
    } else {
      tree.set(
        path,
        kind === "file" ? readFile(store, path) : new Uint8Array(),
      );
    }
  }
  return tree;
}

function assertSameTree(
  actual: Map<string, Bytes>,
  expected: Map<string, Bytes>,
): void {
  deepEqual([...actual.keys()], [...expected.keys()]);
  for (const [path, bytes] of expected) {
    ok(equalBytes(actual.get(path)!, bytes), `${path} was changed`);
  }
}

interface Case {
  readonly tier: 1 | 2 | 3;
  readonly epoch: Epoch;
  readonly bytes: number;
}

/** Payload sizes: short and long last segments and blocks, one segment, many. */
const sizes: Readonly<Record<1 | 2 | 3, readonly number[]>> = {
  1: [0, 1, 10, 64, 5001, 70_000],
  2: [1, 4096, 4096 * 3 + 17, 4096 * 12],
  // A last block of one segment has an even length: the old program could not write another.
  3: [
    4096 * 2 + 1,
    4096 * 4,
    4096 * 30,
    4096 * 30 + 100,
    4096 * 33 + 77,
    4096 * 61,
  ],
};

const cases: readonly Case[] = ([1, 2, 3] as const).flatMap((tier) =>
  epochs.filter((epoch) => tier !== 3 || epoch !== "2025-11")
    .flatMap((epoch) => sizes[tier].map((bytes) => ({ tier, epoch, bytes })))
);

function specOf({ tier, epoch, bytes }: Case, seed: number): LegacySpec {
  const name = `a_file.${tier}`;
  return { name, tier, epoch, payload: new Prng(seed).bytes(bytes) };
}

for (const each of cases) {
  const { tier, epoch, bytes } = each;
  Deno.test(`import() takes ${bytes} bytes of tier ${tier} of ${epoch}`, async () => {
    const old = new Old();
    const spec = specOf(each, bytes);
    writeLegacy(old.store, spec);
    const [health] = await old.health();
    equal(health?.state, "healthy", JSON.stringify(health));
    equal(health?.problem, undefined);
    deepEqual((await old.import(true)).map((one) => one.outcome), [
      "importable",
    ]);
    equal(old.bench.archive.list("").length, 0, "a dry run writes nothing");
    const report = await old.importOne();
    deepEqual(report.damage, []);
    await old.expectPayload(report, spec.payload);
    equal(report.entry?.modified, undefined);
    equal((await old.importOne()).outcome, "present");
    equal((await old.bench.healthOfOne(false)).state, "healthy");
  });
}

Deno.test("import() takes segments of the size that the first version did not name", async () => {
  const old = new Old();
  const payload = new Prng(5).bytes(33 * 1024 * kib);
  const { blocks } = writeLegacy(old.store, {
    name: "large",
    tier: 2,
    epoch: "2025-11",
    payload,
  });
  equal(blocks.length, 2);
  const report = await old.importOne();
  equal(report.entry?.root, blake3(payload));
});

type Harm = (store: MemoryStore, path: string, chance: Prng) => void;

const harms: Readonly<Record<string, Harm>> = {
  missing: (store, path) => removeFile(store, path),
  rotten: (store, path, chance) => {
    const bytes = readFile(store, path).length;
    const length = 1 + chance.below(Math.min(bytes, 300));
    rotBytes(store, path, chance.below(bytes - length + 1), length);
  },
  truncated: (store, path, chance) =>
    cutFile(store, path, chance.below(readFile(store, path).length)),
  overlong: (store, path) => {
    const bytes = readFile(store, path);
    // Longer than any filling up to 64 bytes.
    writeFile(store, path, new Uint8Array([...bytes, ...new Uint8Array(65)]));
  },
  unsafe: (store, path) => {
    removeFile(store, path);
    store.plantOther(path);
  },
};
const causes = Object.keys(harms);

/** Harms so many shards of each block; gives cause by path. */
function harm(
  old: Old,
  written: { folder: string; blocks: readonly LegacyBlock[] },
  countOf: (shardCount: number) => number,
  chance: Prng,
): Map<string, string> {
  const harmed = new Map<string, string>();
  for (const paths of written.blocks) {
    for (const at of chance.sample(countOf(paths.length), paths.length)) {
      const cause = causes[chance.below(causes.length)]!;
      harms[cause]!(old.store, `${written.folder}/${paths[at]}`, chance);
      harmed.set(paths[at]!, cause);
    }
  }
  return harmed;
}

const withHashes: readonly Case[] = [
  { tier: 1, epoch: "2025-11", bytes: 5001 },
  { tier: 1, epoch: "2026-01", bytes: 300 },
  { tier: 2, epoch: "2025-12-21", bytes: 4096 * 3 + 17 },
  { tier: 2, epoch: "2026-01", bytes: 4096 * 5 + 1 },
  { tier: 3, epoch: "2025-12-21", bytes: 4096 * 33 + 77 },
  { tier: 3, epoch: "2026-01", bytes: 4096 * 32 },
];

for (const each of withHashes) {
  const { tier, epoch } = each;
  Deno.test(`import() rebuilds up to three shards of every block, tier ${tier} of ${epoch}`, async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const chance = new Prng(seed);
      const old = new Old();
      const spec = specOf(each, seed);
      const harmed = harm(
        old,
        writeLegacy(old.store, spec),
        () => chance.below(4),
        chance,
      );
      const [health] = await old.health();
      const state = harmed.size === 0 ? "healthy" : "repairable";
      equal(health?.state, state, `seed ${seed}`);
      const report = await old.importOne();
      assertDamage(report, harmed, seed);
      deepEqual(health?.damage, report.damage);
      await old.expectPayload(report, spec.payload);
    }
  });

  Deno.test(`import() gives up on four shards of a block, and on nothing else, tier ${tier} of ${epoch}`, async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const chance = new Prng(seed);
      const old = new Old();
      const written = writeLegacy(old.store, specOf(each, seed));
      const other = new Prng(99).bytes(1000);
      writeLegacy(old.store, {
        name: "other",
        tier: 1,
        epoch,
        payload: other,
      });
      const harmed = harm(old, written, () => 4, chance);
      const reports = await old.import();
      equal(reports.length, 2);
      const [report, second] = reports as [ImportReport, ImportReport];
      equal(report.outcome, "lost", `seed ${seed}`);
      assertDamage(report, harmed, seed);
      ok(report.lostRanges.length > 0);
      for (const { rebuiltLeafCount } of report.damage) {
        equal(rebuiltLeafCount, 0);
      }
      await old.expectPayload(second, other);
      equal(old.bench.engine.list().entries.length, 1);
      equal((await old.health())[0]?.state, "lost");
    }
  });
}

function assertDamage(
  report: ImportReport,
  harmed: ReadonlyMap<string, string>,
  seed: number,
): void {
  const found = report.damage.map(({ file, cause }) => [file, cause]);
  deepEqual(
    new Map(found as [string, string][]),
    sorted(found, harmed),
    `seed ${seed}`,
  );
}

/** What was harmed, in the order in which it was found. */
function sorted(
  found: readonly (readonly string[])[],
  harmed: ReadonlyMap<string, string>,
): Map<string, string> {
  const order = found.map(([file]) => file);
  return new Map(
    [...harmed].toSorted(([a], [b]) => order.indexOf(a) - order.indexOf(b)),
  );
}

const withRoots: readonly Case[] = [
  { tier: 2, epoch: "2025-11", bytes: 5001 },
  { tier: 2, epoch: "2025-12-04", bytes: 4096 * 3 + 17 },
  { tier: 3, epoch: "2025-12-04", bytes: 4096 * 3 + 17 },
  { tier: 3, epoch: "2025-12-04", bytes: 4096 * 33 },
];

for (const each of withRoots) {
  const { tier, epoch, bytes } = each;
  Deno.test(`import() finds the good shards by the root of their block, ${bytes} bytes of tier ${tier} of ${epoch}`, async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const chance = new Prng(seed);
      const old = new Old();
      const spec = specOf(each, seed);
      const written = writeLegacy(old.store, spec);
      const harmed = new Set<string>();
      for (const paths of written.blocks) {
        const missing = chance.sample(chance.below(4), paths.length);
        for (const at of missing) {
          const path = `${written.folder}/${paths[at]}`;
          // With up to one missing, rot in columns of its own can be told; else it is two rows off.
          if (missing.length === 3 || chance.below(2) === 0) {
            removeFile(old.store, path);
          } else {
            const column = missing.indexOf(at);
            flipBit(old.store, path, 8 * column + chance.below(8));
          }
          harmed.add(paths[at]!);
        }
      }
      const report = await old.importOne();
      deepEqual(
        report.damage.map((item) => item.file).toSorted(),
        [...harmed].toSorted(),
        `seed ${seed}`,
      );
      await old.expectPayload(report, spec.payload);
    }
  });

  Deno.test(`import() gives up on four shards without hashes, ${bytes} bytes of tier ${tier} of ${epoch}`, async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const chance = new Prng(seed);
      const old = new Old();
      harm(old, writeLegacy(old.store, specOf(each, seed)), () => 4, chance);
      const report = await old.importOne();
      equal(report.outcome, "lost", `seed ${seed}`);
      const { bytes } = each;
      deepEqual(report.lostRanges, [{ payloadOffset: 0, bytes }]);
      equal((await old.health())[0]?.state, "lost");
      equal(old.bench.archive.list("").length, 0);
    }
  });
}

Deno.test("import() finds the good copy where three rotted in the same way, without hashes", async () => {
  for (const good of [0, 1, 2, 3]) {
    const old = new Old();
    const payload = new Prng(good).bytes(5000);
    const written = writeLegacy(old.store, {
      name: "copies",
      tier: 2,
      epoch: "2025-12-04",
      segmentBytes: 8192,
      payload,
    });
    const paths = written.blocks[0]!;
    for (const path of paths) {
      if (path === paths[good]) continue;
      rotBytes(old.store, `${written.folder}/${path}`, 512, 512);
    }
    const report = await old.importOne();
    equal(report.damage.length, 3);
    await old.expectPayload(report, payload);
  }
});

Deno.test("import() makes no entry whose payload has another hash than its manifest says", async () => {
  for (const tier of [1, 2, 3] as const) {
    const old = new Old();
    writeLegacy(old.store, {
      name: "forged",
      tier,
      epoch: "2026-01",
      payload: new Prng(1).bytes(10_000),
      originalHash: "ab".repeat(32),
    });
    const [health] = await old.health();
    match(health?.problem ?? "", /not the hash of the file/);
    equal((await old.import(true))[0]?.outcome, "lost");
    const report = await old.importOne();
    equal(report.outcome, "lost");
    match(report.problem ?? "", /its BLAKE3 is [0-9a-f]{64}, not abab/);
    equal(old.bench.archive.list("").length, 0);
  }
});

Deno.test("import() reports folders that it cannot read, and takes the others", async () => {
  const old = new Old();
  const hash = "cd".repeat(32);
  const payload = new Prng(2).bytes(2000);
  const base = { tier: 1, epoch: "2026-01", payload } as const;
  writeLegacy(old.store, { ...base, name: "good" });
  writeLegacy(old.store, {
    ...base,
    name: "gen1",
    change: (manifest) => delete manifest.tier,
  });
  writeLegacy(old.store, {
    ...base,
    name: "up",
    change: (manifest) => manifest.name = "../../up",
  });
  writeLegacy(old.store, {
    ...base,
    name: "renamed",
    change: (manifest) => manifest.name = "other",
  });
  writeDeep(old.store, `garbage_${hash}/manifest.json`, payload);
  writeDeep(old.store, `huge_${hash}/manifest.json`, new Uint8Array(5_000_000));
  writeDeep(old.store, `aborted_${hash}/data.dat`, payload);
  writeDeep(old.store, `big.iso_computing/segments/segment_0.dat`, payload);
  writeDeep(old.store, `stray/manifest.json`, payload);
  writeFile(old.store, `file_${hash}`, payload);
  old.store.plantFolder(`linked_${hash}`);
  old.store.plantOther(`linked_${hash}/manifest.json`);
  old.store.plantOther(`link_${hash}`);
  const before = await collect(
    old.bench.engine.import({ root: "sources", dryRun: false }),
  );
  const outcomes = Object.fromEntries(
    before.map(({ name, outcome, problemCode }) => [
      name,
      problemCode ?? outcome,
    ]),
  );
  deepEqual(outcomes, {
    aborted: "no-manifest",
    file: "unreadable",
    garbage: "unreadable",
    gen1: "unsupported-format",
    good: "imported",
    huge: "unreadable",
    link: "unreadable",
    linked: "unreadable",
    renamed: "unreadable",
    up: "unreadable",
  });
  const warnings = old.bench.events.filter((event) => event.kind === "warning");
  equal(warnings.length, 1);
  const health = await old.health();
  equal(health.filter((each) => each.problem === undefined).length, 1);
  deepEqual(
    health.filter((each) => each.problem !== undefined)
      .map((each) => each.problemCode),
    before.filter((each) => each.outcome === "failed")
      .map((each) => each.problemCode),
  );
});

Deno.test("import() leaves nothing behind where the disk is full, and says what it needs", async () => {
  const payload = new Prng(4).bytes(200_000);
  for (const capacityBytes of [50_000, 300_000]) {
    const old = new Old(new MemoryStore({ capacityBytes }));
    writeLegacy(old.store, {
      name: "large",
      tier: 2,
      epoch: "2026-01",
      payload,
    });
    const report = await old.importOne();
    equal(report.outcome, "failed");
    equal(report.problemCode, "no-space");
    match(report.problem ?? "", /needs.* [\d.]+ [KM]?i?B/);
    equal(old.bench.archive.list("").length, 0);
  }
});

Deno.test("import() stops on request and leaves nothing behind", async () => {
  const stop = new AbortController();
  const old = new Old(undefined, stop.signal);
  for (const name of ["a", "b"]) {
    const payload = new Prng(4).bytes(20_000);
    writeLegacy(old.store, { name, tier: 2, epoch: "2026-01", payload });
  }
  const outcomes: string[] = [];
  await rejects(
    async () => {
      const request = { root: "sources", dryRun: false };
      for await (const report of old.bench.engine.import(request)) {
        outcomes.push(report.outcome);
        stop.abort();
      }
    },
    (error) => isFailure(error, "interrupted"),
  );
  deepEqual(outcomes, ["imported"]);
  equal(old.bench.archive.list("").length, 1);
});

Deno.test("import() tells names that differ only in their hash apart", async () => {
  const old = new Old();
  for (const seed of [1, 2]) {
    writeLegacy(old.store, {
      name: "twice",
      tier: 1,
      epoch: "2026-01",
      payload: new Prng(seed).bytes(100),
    });
  }
  deepEqual((await old.import()).map((each) => each.outcome), [
    "imported",
    "imported",
  ]);
  deepEqual((await old.import()).map((each) => each.outcome), [
    "present",
    "present",
  ]);
});
