// The executable for 64-bit ARM: the codec, files, trees and a mount, against what the same program
// does on this machine.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { present } from "../../src/base/assert.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";
import { nativeFiles } from "../../src/store/native_files.ts";
import { flipBit, remove, rot } from "../e2e/damage.ts";
import { listTree, readTree, type Tree } from "../e2e/tree.ts";
import { kib } from "../e2e/workplace.ts";
import { isMounted, Mounted, runTool } from "../mount/mounted.ts";
import {
  armHome,
  ArmWorkplace,
  runShell,
  smallEmulator,
  target,
} from "./aarch64.ts";

/** Tiers 1 to 3 for kilobytes. */
const config = `segment_size = "1MiB"
workers = 2
[tiers]
tier1_max = "8KiB"
tier2_max = "64KiB"
`;

const native = present(nativeFiles, "this is Linux");

/** Bytes from which on the engine works on threads. */
const threadedBytes = 33 * kib * kib;

Deno.test("the executable says that it is for aarch64", async () => {
  using work = new ArmWorkplace();
  const { stdout } = await work.expect(0, ["--version"]);
  match(stdout, new RegExp(target));
});

Deno.test("the executable ends with 8 where it cannot find its own file", async () => {
  using work = new ArmWorkplace();
  const bytes = await Deno.readFile(armHome().path);
  // The emulator always knows this one: so that it is another one that the start looks for.
  const start = bytes.length - 4 * kib;
  const end = new TextDecoder("latin1").decode(bytes.subarray(start));
  const at = end.indexOf("/proc/self/exe\0");
  ok(at > 0);
  bytes.set(encodeUtf8("/proc/self/not"), start + at);
  await Deno.writeFile(work.at("program"), bytes, { mode: 0o755 });
  const home = { kind: "executable", path: work.at("program") } as const;
  const { stderr } = await work.expect(8, ["health"], { home });
  match(stderr, /^blockframe: error: .* there is no \/proc here\nhint: .*\n$/);
});

Deno.test("the self-test finds all parts, on a smaller processor and in little address space", async () => {
  using work = new ArmWorkplace();
  const { stdout } = await work.expect(0, ["self-test"], {
    prefix: smallEmulator,
  });
  match(stdout, /^(?:9 parts: 9|8 parts: 8) ok$/m);
});

Deno.test("entries of both kinds of machine, in all tiers, are repaired to the very same bytes", async () => {
  using work = new ArmWorkplace({ config });
  const names: string[] = [];
  for (const machine of ["arm", "host"]) {
    work.fill(`${machine}-1`, 5 * kib + 1);
    work.fill(`${machine}-2`, 40 * kib + 1);
    work.fill(`${machine}-3`, 100 * kib + 1);
    names.push(`${machine}-1`, `${machine}-2`, `${machine}-3`);
  }
  const big = new Uint8Array(threadedBytes + 7);
  for (let at = 0; at + 9000 < big.length; at += 400_001) {
    big.set(work.chance.bytes(9000), at);
  }
  work.write("arm-4", big);
  await work.expect(0, ["commit", ...names.slice(0, 3), "arm-4"]);
  await work.expectNative(0, ["commit", ...names.slice(3)]);
  await work.expectNative(0, ["health", "--check"]);
  const before = readTree(work.archive);

  for (
    const folder of Object.keys(before).filter((each) => /^[^/]+$/.test(each))
  ) {
    if (/^(arm|host)-/.test(folder)) harmEntry(work, before, folder);
  }
  const { code, summary } = await work.health();
  equal(code, 1);
  equal(summary.repairedCount, 7);
  deepEqual(readTree(work.archive), before);
  await work.expectNative(0, ["health", "--check"]);

  const shards = shardsOf(before, "arm-4");
  const segment = shards.find((path) => path.includes("/segments/"));
  remove(`${work.archive}/${segment}`);
  await work.expectRestore(1, "arm-4", big);
});

/** Takes a whole shard and some of another, one copy of the manifest, and of the outboard where it is a file. */
function harmEntry(work: ArmWorkplace, before: Tree, folder: string): void {
  const [first, second] = shardsOf(before, folder);
  remove(`${work.archive}/${first}`);
  rot(`${work.archive}/${second}`, 3, 1000);
  flipBit(`${work.archive}/${folder}/manifest.json`, 100);
}

/** Paths of an entry's shards. */
function shardsOf(before: Tree, folder: string): string[] {
  return Object.keys(before).filter((path) =>
    path.startsWith(folder) && path.endsWith(".dat")
  );
}

Deno.test("a tree comes back with its times, attributes, links and holes, and so it is under a mount", async () => {
  using work = new ArmWorkplace({ config });
  grow(work);
  const { stdout } = await work.expect(0, ["commit", "--json", "tree"]);
  const { folder } = JSON.parse(stdout).entries[0];
  await work.expect(0, ["restore", "tree", "-o", "back"]);
  runTool("diff", "-r", "--no-dereference", work.at("tree"), work.at("back"));
  equal(describe(work.at("back")), describe(work.at("tree")));

  const shards = `${work.archive}/${folder}/segments`;
  remove(`${shards}/segment_0.dat`);
  {
    await using mounted = await Mounted.at(work);
    const tree = mounted.at("tree");
    equal(describe(tree), describe(work.at("tree")));
    runTool("diff", "-r", "--no-dereference", work.at("tree"), tree);
    const ending = await mounted.unmount();
    match(ending.stderr, /Damage was met: \d+ lea(f|ves) rebuilt/);
  }
  ok(!isMounted(work.at("mnt")));
});

Deno.test("a mount in the background starts the executable once more, by its own file", async () => {
  using work = new ArmWorkplace();
  work.write("it", "kept");
  await work.expectNative(0, ["commit", "it"]);
  work.makeFolder("mnt");
  const said = runShell(
    work.path,
    `trap 'fusermount3 -u -z mnt' EXIT
    "$1" mount -m mnt --background > said
    cat mnt/it`,
  );
  equal(said, "kept");
  match(`${decodeUtf8(work.read("said"))}`, /mounted at mnt/);
});

/** Makes a tree of what only calls of the C library can keep. */
function grow(work: ArmWorkplace): void {
  const tree = work.makeFolder("tree");
  work.makeFolder("tree/deep/deeper");
  work.fill("tree/deep/bytes", 50_000);
  work.write("tree/ünï", "ü");
  native.setExtended(`${tree}/deep/bytes`, "user.note", encodeUtf8("kept"));
  const script = `
    set -e
    cd "$1"
    ln deep/bytes again
    ln -s ../nowhere link
    truncate -s 3M holes
    printf x | dd of=holes bs=1 seek=2000000 conv=notrunc 2> /dev/null
    chmod 1750 deep/deeper
    touch -d 1969-07-20T20:17:40.123456789Z ünï
    touch -h -d 2001-02-03T04:05:06.123456789Z link
    touch -d 2011-12-13T14:15:16.987654321Z deep/deeper deep .
  `;
  runTool("sh", "-c", script, "sh", tree);
}

/** Of all that is there: kind, permission bits, size, time, links, and extended attributes. */
function describe(folder: string): string {
  const files = String.raw`%P %y %m %s %T@ %n %l\n`;
  const folders = String.raw`%P %y %m %T@\n`;
  const script = `cd "$1" &&
    find . ! -type d -printf "$2" | sort && find . -type d -printf "$3" | sort`;
  const attributes = listTree(folder).map((path) => {
    const place = `${folder}/${path}`;
    // Besides these a mount shows its own: which entry a file is of, and in what state.
    const names = native.listExtended(place)
      .map((name) => present(decodeUtf8(name), "the tests name them"))
      .filter((name) => !name.startsWith("user.blockframe."));
    const lines = names.map((name) => {
      const value = present(native.readExtended(place, name), "it is there");
      return `${name}=${decodeUtf8(value)}`;
    });
    return `${path} ${lines.join(" ")}\n`;
  });
  const found = runTool("sh", "-c", script, "sh", folder, files, folders);
  return found + attributes.join("");
}
