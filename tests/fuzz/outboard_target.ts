// Outboard target: four copies of the digests with every kind of harm, some to the shards too, and
// digests that somebody made up to fit.

import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { openOutboard } from "../../src/archive/outboard_copies.ts";
import { type Bytes, equalBytes } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { outboardPageBytes } from "../../src/base/limits.ts";
import { Prng } from "../../src/base/prng.ts";
import { metadataFolders, metadataPath } from "../../src/format/entry_path.ts";
import { decodeManifest, type Manifest } from "../../src/format/manifest.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { Bench, kib, readFile } from "../archive/harness.ts";
import { byteMutations, mutateBytes } from "./byte_mutation.ts";
import { openLaw, type Target } from "./target.ts";

const copyIndex = fc.nat(metadataFolders.length - 1);
const copyHarm = fc.oneof(
  fc.record({
    how: fc.constant("mutate" as const),
    copy: copyIndex,
    mutations: byteMutations,
  }),
  fc.record({ how: fc.constant("remove" as const), copy: copyIndex }),
  fc.record({ how: fc.constant("link" as const), copy: copyIndex }),
  fc.record({
    how: fc.constant("exchange" as const),
    copy: copyIndex,
    page: fc.nat(2),
    withPage: fc.nat(2),
  }),
);
type CopyHarm = typeof copyHarm extends fc.Arbitrary<infer T> ? T : never;

interface Sample {
  readonly store: MemoryStore;
  readonly folder: string;
  readonly manifest: Manifest;
  readonly digests: Bytes;
}

/** The target. */
export const outboardTarget: Target = {
  name: "outboard",
  weight: 4,
  cases: 250,
  open: async () => {
    const sample = await makeSample();
    return openLaw(
      fc.property(
        fc.array(copyHarm, { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(8), { maxLength: 3 }),
        fc.option(byteMutations, { freq: 3 }),
        (harms, shards, forged) => judge(sample, harms, shards, forged),
      ),
    );
  },
};

/** An entry whose digests take three pages. */
async function makeSample(): Promise<Sample> {
  const store = new MemoryStore();
  const bench = new Bench({
    archive: store,
    settings: { segmentBytes: 1024 * kib },
  });
  const content = new Prng(1).bytes(2900 * kib);
  const { folder } = await bench.commit("file", content, "erasure:2+1");
  const decoded = decodeManifest(
    readFile(store, `${folder}/manifest.json`),
    (bytes) => bench.context.codec.digest(bytes),
  );
  ok(decoded.kind === "valid" && decoded.manifest.outboard.kind === "pages");
  const digests = readFile(store, `${folder}/outboard.bin`);
  ok(digests.length > 2 * outboardPageBytes);
  return { store, folder, manifest: decoded.manifest, digests };
}

function judge(
  sample: Sample,
  harms: readonly CopyHarm[],
  shards: readonly number[],
  forged: Parameters<typeof mutateBytes>[1] | null,
): void {
  const store = sample.store.clone();
  const bench = new Bench({ archive: store });
  let { manifest } = sample;
  if (forged !== null) manifest = forge(sample, forged, store, bench);
  for (const harm of harms) applyHarm(harm, sample.folder, store);
  const dats = store.filePaths().filter((path) => path.endsWith(".dat"));
  for (const shard of shards) {
    store.plantFile(dats[shard % dats.length]!, new Prng(shard).bytes(700_000));
  }
  const before = store.filePaths();
  try {
    const found = openOutboard(sample.folder, manifest, bench.context);
    judgePages(sample, found, forged !== null);
  } catch (error) {
    ok(isFailure(error, "damaged") && forged !== null, String(error));
  }
  deepStrictEqual(store.filePaths(), before);
}

/** Every page is right or known to be lost; made-up digests at least lead to the root. */
function judgePages(
  { digests, manifest }: Sample,
  found: ReturnType<typeof openOutboard>,
  isForged: boolean,
): void {
  ok(found.outboard.digests.length === digests.length);
  if (isForged) return;
  const lost = new Set(found.lostPages);
  for (let page = 0; page * outboardPageBytes < digests.length; page++) {
    const from = page * outboardPageBytes, end = from + outboardPageBytes;
    const isRight = equalBytes(
      found.outboard.digests.subarray(from, end),
      digests.subarray(from, end),
    );
    ok(isRight || lost.has(page), `page ${page} is wrong and not lost`);
  }
  ok(manifest.outboard.kind === "pages");
}

function applyHarm(harm: CopyHarm, folder: string, store: MemoryStore): void {
  const pathOf = (copy: number) =>
    `${folder}/${metadataPath(metadataFolders[copy]!, "outboard.bin")}`;
  const path = pathOf(harm.copy);
  if (store.stat(path)?.kind !== "file") return;
  const bytes = store.contentOf(path);
  switch (harm.how) {
    case "mutate":
      return store.plantFile(path, mutateBytes(bytes, harm.mutations));
    case "remove":
      return store.removeFile(path);
    case "link":
      return store.plantOther(path);
    case "exchange": {
      const at = (page: number) => page * outboardPageBytes;
      const changed = bytes.slice();
      if (at(harm.page) >= changed.length) return;
      const source = bytes.subarray(at(harm.withPage), at(harm.withPage + 1));
      changed.set(
        source.subarray(0, changed.length - at(harm.page)),
        at(harm.page),
      );
      return store.plantFile(path, changed);
    }
  }
}

/** Digests that somebody made up, in all copies, and a manifest that vouches for their pages. */
function forge(
  { digests, folder, manifest }: Sample,
  mutations: Parameters<typeof mutateBytes>[1],
  store: MemoryStore,
  bench: Bench,
): Manifest {
  const forged = new Uint8Array(digests.length);
  forged.set(mutateBytes(digests, mutations).subarray(0, digests.length));
  for (const copy of metadataFolders) {
    store.plantFile(`${folder}/${metadataPath(copy, "outboard.bin")}`, forged);
  }
  const pages: Bytes[] = [];
  for (let at = 0; at < forged.length; at += outboardPageBytes) {
    const page = forged.subarray(at, at + outboardPageBytes);
    pages.push(bench.context.codec.digest(page));
  }
  const pageDigests = new Uint8Array(pages.length * 32);
  pages.forEach((digest, page) => pageDigests.set(digest, page * 32));
  return {
    ...manifest,
    outboard: { ...manifest.outboard, pageDigests } as Manifest["outboard"],
  };
}
