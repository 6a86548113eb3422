// Harm: what was damaged in a world before an operation, within what can be rebuilt, and its repair.

import { deepStrictEqual } from "node:assert/strict";
import type { Store } from "../../src/store/store.ts";
import {
  cutFile,
  listFiles,
  removeFile,
  rotBytes,
} from "../archive/harness.ts";
import { contentOf } from "./archive_files.ts";
import type { Run } from "./operation.ts";
import type { World } from "./world.ts";

/** Harms files of the first entry within what can be rebuilt: m shards of every block, metadata. */
export function damage(world: World): void {
  const { archive, prng, shape } = world;
  const [folder] = archive.list("").map(({ name }) => name)
    .filter((name) => !name.startsWith("."));
  const files = listFiles(archive, folder!);
  const shards = files.filter((path) =>
    path.endsWith(".dat") && (archive.stat(path)?.bytes ?? 0) > 0
  );
  for (const block of Map.groupBy(shards, blockOf).values()) {
    const count = Math.min(shape.parityShards, block.length);
    for (const index of prng.sample(prng.below(count + 1), block.length)) {
      harm(archive, block[index]!, prng.below(3));
    }
  }
  const copies = files.filter((path) => path.endsWith("manifest.json"));
  for (const path of copies.slice(prng.below(2), 1 + prng.below(3))) {
    harm(archive, path, prng.below(3));
  }
  // All of it has been there for long.
  for (const path of listFiles(archive, "")) {
    archive.plantFile(path, archive.contentOf(path));
  }
  world.damaged = true;
}

/** What tells the shards of one block from those of others: its folder, or with k = 1 its segment. */
function blockOf(path: string): string {
  return /block_\d+|segment_\d+|column_\d+/.exec(path)?.[0] ?? path;
}

function harm(store: Store, path: string, kind: number): void {
  const bytes = store.stat(path)!.bytes;
  if (kind === 0) removeFile(store, path);
  else if (kind === 1) cutFile(store, path, Math.floor(bytes / 2));
  else rotBytes(store, path, Math.floor(bytes / 3), 1);
}

/** Harms the world's archive; the repair that must bring back all of it. */
export function damageForRepair(world: World): Run {
  const pristine = contentOf(world.archive);
  damage(world);
  return {
    run: async (bench) => {
      const reports = await bench.health(true);
      return reports.every(({ state }) =>
        state === "healthy" || state === "repaired"
      );
    },
    expectDone: ({ archive }) =>
      deepStrictEqual(contentOf(archive), pristine, "all is repaired"),
  };
}
