import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { EntrySummary } from "../../src/archive/report.ts";
import { remove, zero } from "./damage.ts";
import { listTree } from "./tree.ts";
import { Workplace } from "./workplace.ts";

const mib = 1024 * 1024;

/** Tier 3 by its default limit of 1 GB, and no round number of anything. */
const payloadBytes = 1_012_345_678;

Deno.test("a file of more than 1 GB at default settings outlives what tier 3 promises", async () => {
  using work = new Workplace({ config: undefined });
  await writeRandom(work, payloadBytes);
  const committed = await work.expect(0, ["commit", "--json", "video.mp4"]);
  const [entry]: EntrySummary[] = JSON.parse(committed.stdout).entries;
  ok(entry !== undefined);
  deepEqual(
    [entry.tier, entry.policy, entry.payloadBytes, entry.leafBytes],
    [3, "erasure:30+3", payloadBytes, 64 * 1024],
  );
  equal(await hash(work, "cat video.mp4"), entry.root);
  await Deno.remove(work.at("video.mp4"));
  const folder = `${work.archive}/${entry.folder}`;
  const segments = listTree(folder).filter((path) =>
    path.includes("/segments/segment_")
  );
  equal(segments.length, entry.segmentCount);
  const all = segments.map((path) => `'${folder}/${path}'`).join(" ");
  equal(await hash(work, `cat ${all}`), entry.root);

  const harmed = harm(work, folder, entry);
  const restored = await work.expect(1, ["restore", "video.mp4"]);
  match(restored.stderr, /warning: The archive has damage in video\.mp4: /);
  equal(await hash(work, "cat video.mp4"), entry.root);
  await Deno.remove(work.at("video.mp4"));
  const first = await work.health();
  equal(first.code, 1, JSON.stringify(first));
  deepEqual(
    first.entries[0]?.damage.map(({ file }) => file).sort(),
    harmed.sort(),
  );
  const second = await work.health();
  equal(second.code, 0, JSON.stringify(second));
});

/**
 * Takes any 3 of the 33 shards of one block away, and zeros 1 MiB in each of 20 shards of another, at
 * different offsets. Where there is one block only, the zeroed shards are among the others of it.
 */
function harm(work: Workplace, folder: string, entry: EntrySummary): string[] {
  const blocks = listTree(`${folder}/blocks`).filter((path) =>
    !path.includes("/")
  );
  equal(blocks.length, entry.blockCount);
  const shardsOf = (block: string) =>
    shuffle(
      listTree(`${folder}/blocks/${block}`)
        .filter((path) => path.endsWith(".dat"))
        .map((path) => `blocks/${block}/${path}`),
      work,
    );
  const lost = shardsOf(blocks[0]!).slice(0, 3);
  for (const path of lost) remove(`${folder}/${path}`);
  const zeroed = shardsOf(blocks.at(-1)!).slice(0, 20);
  const room = entry.segmentBytes / 20;
  zeroed.forEach((path, index) => {
    // Every shard loses leaves of other rows; two neighbours may meet in some.
    const offset = Math.floor(index * room * 0.9);
    zero(`${folder}/${path}`, offset, 1 * mib);
  });
  return [...lost, ...zeroed];
}

function shuffle(paths: string[], work: Workplace): string[] {
  for (let index = paths.length - 1; index > 0; index--) {
    const other = work.chance.below(index + 1);
    [paths[index], paths[other]] = [paths[other]!, paths[index]!];
  }
  return paths;
}

/** Writes random bytes: a seeded megabyte, and in every place of the file another change of it. */
async function writeRandom(work: Workplace, bytes: number): Promise<void> {
  const base = new Uint32Array(work.chance.bytes(mib).buffer);
  const piece = new Uint32Array(base.length);
  const view = new Uint8Array(piece.buffer);
  using file = await Deno.create(work.at("video.mp4"));
  for (let offset = 0, turn = 1; offset < bytes; offset += mib, turn++) {
    const step = Math.imul(turn, 0x9e3779b1);
    for (let index = 0; index < base.length; index++) {
      piece[index] = base[index]! ^ (step + index);
    }
    const length = Math.min(mib, bytes - offset);
    equal(await file.write(view.subarray(0, length)), length);
  }
}

/** What b3sum says of what a shell command prints. */
async function hash(work: Workplace, command: string): Promise<string> {
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `${command} | b3sum --no-names`],
    cwd: work.path,
    stdin: "null",
  }).output();
  return new TextDecoder().decode(stdout).trim();
}
