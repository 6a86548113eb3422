// Summary: an entry's manifest as reports show it.

import { formatHex } from "../base/bytes.ts";
import { digestBytes, metadataCopyCount } from "../base/limits.ts";
import { parityBytesOf, slotCountOf } from "../format/geometry.ts";
import { countsOf, type Manifest } from "../format/manifest.ts";
import { formatPolicy } from "../format/policy.ts";
import type { EntrySummary } from "./report.ts";

/** The summary of the entry in `folder`, whose manifest file has `manifestBytes` bytes. */
export function summarize(
  manifest: Manifest,
  folder: string,
  manifestBytes: number,
): EntrySummary {
  const { geometry, source, files } = manifest;
  const { segmentCount, blockCount } = countsOf(manifest);
  const outboardBytes = manifest.outboard.kind === "pages"
    ? slotCountOf(geometry) * digestBytes
    : 0;
  return {
    id: manifest.id,
    name: manifest.name,
    folder,
    created: manifest.created,
    tier: manifest.tier,
    policy: formatPolicy(manifest.policy),
    payloadBytes: geometry.payloadBytes,
    storedBytes: geometry.payloadBytes + parityBytesOf(geometry) +
      metadataCopyCount *
        (manifestBytes + outboardBytes + (files?.compressed.bytes ?? 0)),
    root: formatHex(manifest.root),
    segmentCount,
    segmentBytes: geometry.segmentBytes,
    blockCount,
    dataShards: geometry.dataShards,
    parityShards: geometry.parityShards,
    ...(geometry.crossBlock === undefined
      ? {}
      : { crossBlock: geometry.crossBlock }),
    leafBytes: geometry.leafBytes,
    ...(source.modified === undefined ? {} : { modified: source.modified }),
    ...(source.mode === undefined ? {} : { mode: source.mode }),
    ...(files === undefined ? {} : { tree: files.counts }),
  };
}
