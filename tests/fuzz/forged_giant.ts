// Forged giants: entries whose manifests claim far more than there is. Run as a process of its own, it
// looks at them in every way and prints the most memory that the process ever had, in MiB.

import { isFailure } from "../../src/base/errors.ts";
import { metadataFolders, metadataPath } from "../../src/format/entry_path.ts";
import { slotCountOf } from "../../src/format/geometry.ts";
import { isInline, pageCountOf } from "../../src/format/outboard.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { Bench, kib } from "../archive/harness.ts";
import { runTarget, targets } from "./fuzz.ts";
import { seal } from "./seal.ts";

/** Payload, leaf, segment, k, m: few large files, and many small ones. */
const giants = [
  [8 * 2 ** 30, 64 * kib, 32 * 2 ** 20, 1, 3],
  [32 * 2 ** 20, kib, kib, 30, 3],
  [2 ** 40, 64 * kib, 2 ** 30, 4, 0],
] as const;

function plantGiant(store: MemoryStore, index: number): void {
  const [payloadBytes, leafBytes, segmentBytes, dataShards, parityShards] =
    giants[index]!;
  const slotCount = slotCountOf({
    payloadBytes,
    leafBytes,
    segmentBytes,
    dataShards,
    parityShards,
  });
  const zeros = "0".repeat(64);
  const bytes = seal({
    format: "blockframe",
    version: 1,
    required_features: [],
    id: `000000000000000${index}`,
    name: `giant_${index}`,
    created: "2026-11-21T12:00:00.000Z",
    tier: 0,
    policy: `erasure:${dataShards}+${parityShards}`,
    payload_bytes: payloadBytes,
    segment_bytes: segmentBytes,
    leaf_bytes: leafBytes,
    root: zeros,
    source: {},
    outboard: isInline(slotCount)
      ? { inline: zeros.repeat(slotCount) }
      : { pages: new Array(pageCountOf(slotCount)).fill(zeros) },
  });
  for (const copy of metadataFolders) {
    const path = metadataPath(copy, "manifest.json");
    store.plantFile(`giant_${index}_000000000000000${index}/${path}`, bytes);
  }
}

async function lookAtGiants(): Promise<void> {
  const archive = new MemoryStore();
  giants.forEach((_, index) => plantGiant(archive, index));
  const settings = { runBytesMax: 16 * 2 ** 20 };
  const bench = new Bench({ archive, settings });
  const { entries } = bench.engine.list();
  if (entries.length !== giants.length) throw new Error("they are not listed");
  for (const [index, entry] of entries.entries()) {
    // The last one would take its time.
    if (index === giants.length - 1) continue;
    await bench.health(false, entry.name);
    try {
      await Array.fromAsync(bench.engine.hashes(entry, "stored"));
      await bench.restore(entry.name);
    } catch (error) {
      if (!isFailure(error)) throw error;
    }
  }
}

function readPeakMib(): number {
  const status = Deno.readTextFileSync("/proc/self/status");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
}

if (import.meta.main) {
  for (const name of ["manifest", "file table", "legacy", "config"]) {
    const target = targets.find((each) => each.name === name)!;
    await runTarget(target, 1, 300);
  }
  await lookAtGiants();
  console.log(readPeakMib().toFixed(0));
}
