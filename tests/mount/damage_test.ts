// Damage under a mount: what is rebuilt reads right and is mended on the disk; what cannot be rebuilt
// is an I/O error for exactly its bytes, and the rest of the file reads.

import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { equalBytes } from "../../src/base/bytes.ts";
import { remove, resize, rot } from "../e2e/damage.ts";
import { canGiveAway } from "../e2e/owners.ts";
import {
  kib,
  temporaryFolder,
  twoBlocks,
  Workplace,
} from "../e2e/workplace.ts";
import { Mounted, openPath, readBytes, runTool, until } from "./mounted.ts";

/** Leaves of 64 KiB, as real archives have them, in segments of 256 KiB. */
const realLeaves = `segment_size = "256KiB"
[tiers]
tier1_max = "64KiB"
tier2_max = "1MiB"
`;

/** Reads page by page, past the kernel's read-ahead; gives the offsets of pages that fail with EIO. */
function lostPages(path: string, content: Uint8Array): number[] {
  const lost: number[] = [];
  const pageBytes = 4 * kib;
  using file = openPath(path);
  for (let offset = 0; offset < content.length; offset += pageBytes) {
    const page = new Uint8Array(
      Math.min(pageBytes, content.length - offset),
    );
    file.seekSync(offset, Deno.SeekMode.Start);
    try {
      equal(file.readSync(page), page.length);
      const expected = content.subarray(offset, offset + page.length);
      ok(equalBytes(page, expected), `right bytes at ${offset}`);
    } catch (error) {
      match(`${error}`, /os error 5\b|EIO/);
      lost.push(offset);
    }
  }
  return lost;
}

/** All of the archive is right on the disk soon. */
async function expectMended(work: Workplace): Promise<void> {
  let code = -1;
  const endMs = Date.now() + 20_000;
  while (code !== 0 && Date.now() < endMs) {
    code = (await work.health(["--check"])).code;
  }
  equal(code, 0, "the mount mended all that was read");
}

Deno.test("damage up to the parity, done while mounted: reads are right, and the disk is mended", async () => {
  using work = new Workplace({ config: realLeaves, seed: 5 });
  const { content, folder } = await work.commit("it", 5_000_000);
  await using mounted = await Mounted.at(work);
  const segments = `${folder}/blocks/block_0/segments`;
  // A first read, so that the archive was open when it was damaged.
  equal(readBytes(mounted.at("it")).length, content.length);
  await work.commit("other", 100);
  rot(`${segments}/segment_02.dat`, 70_000, 10);
  remove(`${segments}/segment_07.dat`);
  resize(`${segments}/segment_11.dat`, 1000);
  await using second = await Mounted.at(
    new Workplace({ path: work.makeFolder("second"), config: undefined }),
    ["-a", work.archive],
  );
  ok(equalBytes(readBytes(second.at("it")), content));
  await expectMended(work);
  const ending = await second.unmount();
  match(ending.stderr, /Damage was met: \d+ leaves rebuilt, \d+ written back/);
  await mounted.unmount();
});

const whatRootWrites = async () => {
  using work = new Workplace();
  const { content, folder } = await work.commit("it", 20_000);
  runTool("chown", "-R", "65534:65534", work.archive);
  await using mounted = await Mounted.at(work);
  const segments = `${folder}/segments`;
  remove(segments);
  ok(equalBytes(readBytes(mounted.at("it")), content));
  await expectMended(work);
  // Giving waits until the times of change can tell, and the end of the mount for that.
  const { stderr } = await mounted.unmount();
  doesNotMatch(stderr, /root has them now/);
  const found = runTool("find", segments, "-printf", "%U:%G\n").trim();
  const owners = found.split("\n");
  ok(owners.length > 2);
  deepEqual(new Set(owners), new Set(["65534:65534"]), found);
};

if (canGiveAway(temporaryFolder)) {
  Deno.test(
    "what root's mount writes back into somebody's archive is theirs",
    whatRootWrites,
  );
}

Deno.test("--no-repair leaves the archive as it is", async () => {
  using work = new Workplace();
  const { content, folder } = await work.commit("it", 20_000);
  const segment = `${folder}/segments/segment_0.dat`;
  rot(segment, 100, 10);
  const rotten = readBytes(segment);
  await using mounted = await Mounted.at(work, ["--no-repair"]);
  ok(equalBytes(readBytes(mounted.at("it")), content));
  await mounted.unmount();
  ok(equalBytes(readBytes(segment), rotten));
});

Deno.test("more damage than parity: EIO exactly there, and the rest reads", async () => {
  using work = new Workplace({ config: realLeaves, seed: 6 });
  const { content, folder, entry } = await work.commit("it", 5_000_000);
  const { segmentBytes, leafBytes, dataShards } = entry;
  equal(dataShards, 30);
  equal(leafBytes % (4 * kib), 0, "a page lies in one leaf");
  // Row 1 of four shards, of which the parity can give three: all four leaves are lost.
  const hurt = [1, 4, 9, 12];
  for (const segment of hurt) {
    const name = `segment_${`${segment}`.padStart(2, "0")}.dat`;
    rot(`${folder}/blocks/block_0/segments/${name}`, leafBytes + 5, 7);
  }
  const expected: number[] = [];
  for (const segment of hurt) {
    const base = segment * segmentBytes + leafBytes;
    const end = Math.min(base + leafBytes, (segment + 1) * segmentBytes);
    for (
      let page = Math.floor(base / 4096) * 4096;
      page < end;
      page += 4 * kib
    ) expected.push(page);
  }
  await using mounted = await Mounted.at(work);
  deepEqual(lostPages(mounted.at("it"), content), expected);
  // Again, and with large reads first, whose read-ahead fails as a whole.
  using file = openPath(mounted.at("it"));
  const large = new Uint8Array(1024 * kib);
  const count = file.readSync(large)!;
  ok(equalBytes(large.subarray(0, count), content.subarray(0, count)));
  equal(count, expected[0], "up to the first lost page");
  deepEqual(lostPages(mounted.at("it"), content), expected);
});

Deno.test("the health of an entry, as far as reads met it, is an attribute", async () => {
  using work = new Workplace();
  const { folder } = await work.commit("it", twoBlocks);
  await using mounted = await Mounted.at(work);
  const health = () => {
    const { stdout } = new Deno.Command("python3", {
      args: [
        "-c",
        "import os,sys; print(os.getxattr(sys.argv[1], 'user.blockframe.health').decode(), end='')",
        mounted.at("it"),
      ],
    }).outputSync();
    return new TextDecoder().decode(stdout);
  };
  equal(health(), "intact");
  rot(`${folder}/blocks/block_0/segments/segment_00.dat`, 100, 10);
  readBytes(mounted.at("it"));
  await until(() => health() === "repaired");
});
