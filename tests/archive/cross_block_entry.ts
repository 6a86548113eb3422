// Cross-block entry: an entry with parity across blocks in any shape that the format allows. A
// commit makes only those of 30+3; small ones of other shapes show more in less time.

import type { Bytes } from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import { digestBytes } from "../../src/base/limits.ts";
import { entryFolder, stagingFolder } from "../../src/format/entry_path.ts";
import { type Geometry, payloadLeafCount } from "../../src/format/geometry.ts";
import type { Manifest } from "../../src/format/manifest.ts";
import { planOutboardRecord } from "../../src/format/outboard.ts";
import {
  encodeShards,
  makeFiles,
  publish,
  writeMetadata,
} from "../../src/archive/staging.ts";
import { Syncs } from "../../src/archive/syncs.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import type { Store } from "../../src/store/store.ts";
import { Bench, kib, readTree, writeFile } from "./harness.ts";
import type { Sample } from "./judge.ts";

/** The shape of an entry with parity across blocks. Segments have `segmentLeaves` leaves of 1 KiB. */
export interface Shape {
  readonly dataShards: number;
  readonly parityShards: number;
  readonly groups: number;
  readonly parity: number;
  readonly segmentLeaves: number;
  readonly payloadBytes: number;
}

/** The numbers of a shape as the manifest has them. */
export function geometryOf(shape: Shape): Geometry {
  const { dataShards, parityShards, payloadBytes, groups, parity } = shape;
  return {
    payloadBytes,
    leafBytes: kib,
    segmentBytes: shape.segmentLeaves * kib,
    dataShards,
    parityShards,
    crossBlock: { groups, parity },
  };
}

/** An entry of this shape, named "sample.bin", in a store of its own. */
export async function makeShaped(shape: Shape): Promise<Sample> {
  const archive = new MemoryStore();
  const payload = new Prng(shape.payloadBytes).bytes(shape.payloadBytes);
  const folder = await writeShaped(archive, shape, payload);
  const geometry = geometryOf(shape);
  const pristine = readTree(archive, "");
  return { archive, folder, geometry, payload, pristine };
}

/** Writes an entry of this shape; gives its folder. */
export async function writeShaped(
  archive: Store,
  shape: Shape,
  payload: Bytes,
): Promise<string> {
  const { context, sources } = new Bench({ archive });
  const { codec } = context;
  writeFile(sources, "source", payload);
  const geometry = geometryOf(shape);
  const id = "00000000000000aa";
  const target = { folder: stagingFolder(id), geometry };
  const file = { root: "sources", path: "source" };
  const syncs = new Syncs(context.store, context);
  const feed = {
    sourceOf: () => ({ kind: "file", file }) as const,
    permissions: [],
  };
  makeFiles(target, feed, context);
  const outboard = await encodeShards(target, feed, syncs, context);
  const leaves = payloadLeafCount(geometry);
  const { dataShards, parityShards } = shape;
  const manifest: Manifest = {
    id,
    name: "sample.bin",
    created: "2026-11-21T12:00:00.000Z",
    tier: 0,
    policy: { kind: "erasure", dataShards, parityShards },
    geometry,
    root: codec.rootOf(outboard.digests.subarray(0, leaves * digestBytes)),
    outboard: planOutboardRecord(
      outboard.digests,
      (bytes) => codec.digest(bytes),
    ),
    source: {},
  };
  const { paths } = writeMetadata(
    manifest,
    { outboard, table: undefined },
    target.folder,
    context,
  );
  syncs.start(paths);
  await syncs.finish();
  const folder = entryFolder(manifest.name, id);
  publish(target, folder, context);
  return folder;
}
