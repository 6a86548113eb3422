// Worked example: the entry of section 10 of docs/format.md, made anew.

import { Bench, kib, writeFile } from "./harness.ts";

/** The payload of the example: the line, again and again, cut at 6000 bytes. */
export const examplePayload: Uint8Array<ArrayBuffer> = new TextEncoder()
  .encode("BlockFrame keeps this line safe.\n".repeat(187)).subarray(0, 6000);

/** Commits the example; gives its folder. */
export async function makeExample(): Promise<
  { bench: Bench; folder: string }
> {
  const bench = new Bench({ settings: { segmentBytes: 2 * kib } });
  Object.assign(bench.context, {
    clock: { nowMs: () => Date.UTC(2026, 10, 21, 12), monotonicMs: () => 0 },
    chance: {
      fill: (target: Uint8Array) =>
        target.set([1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]),
    },
  });
  writeFile(bench.sources, "lines.txt", examplePayload);
  bench.sources.setAttributes("lines.txt", {
    modifiedMs: Date.UTC(2026, 10, 20),
    mode: 0o644,
  });
  const { folder } = await bench.engine.commit({
    source: { root: "sources", path: "lines.txt" },
    sourceLabel: "lines.txt",
    name: "lines.txt",
    policy: "erasure:2+1",
  });
  return { bench, folder };
}
