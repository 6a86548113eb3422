import { deepEqual, equal, match, ok } from "node:assert/strict";
import { remove, rot } from "./damage.ts";
import { Mount, onMedium } from "./mount.ts";
import { readTree } from "./tree.ts";
import { kib, manyLeaves, twoBlocks, Workplace } from "./workplace.ts";

onMedium(
  "a read-only archive is listed, verified and restored like any other",
  async () => {
    using work = new Workplace();
    const { content } = await work.commit("file", twoBlocks);
    using _medium = Mount.readOnly(work.makeFolder("disc"), work.archive);
    const health = await work.health(["-a", "disc"]);
    equal(health.code, 0);
    equal(health.stderr, "");
    await work.expect(0, ["list", "-a", "disc"]);
    await work.expect(0, ["restore", "file", "-a", "disc", "-o", "restored"]);
    deepEqual(work.read("restored"), content);
  },
);

onMedium(
  "a damaged read-only archive gives everything back, and health says what it could not write",
  async () => {
    using work = new Workplace();
    const { content, folder } = await work.commit("file", manyLeaves);
    const files = [
      "blocks/block_00/segments/segment_001.dat",
      "blocks/block_00/parity/parity_2.dat",
      "hashes/manifest.json",
      "hashes_2/outboard.bin",
    ];
    for (const file of files) rot(`${folder}/${file}`, 50, 5);
    remove(`${folder}/blocks/block_01/parity`);
    remove(`${folder}/blocks/block_02/segments/segment_060.dat`);
    using _medium = Mount.readOnly(work.makeFolder("disc"), work.archive);
    const before = readTree(work.archive, { times: true });
    const health = await work.health(["-a", "disc"]);
    equal(health.code, 4);
    const [entry] = health.entries;
    equal(entry?.state, "repairable");
    equal(entry.damage.length, files.length + 3 + 1);
    for (const each of entry.damage) {
      equal(each.repaired, false);
      equal(each.rebuiltLeafCount, each.leafCount);
      ok(each.obstacle !== undefined, each.file);
    }
    const text = await work.expect(4, ["health", "-a", "disc"]);
    match(text.stdout, /→ Not written back \(.*the file system is read-only/);
    match(text.stdout, /^1 entry: 1 damaged but repairable$/m);
    const restored = await work.expect(1, [
      "restore",
      "file",
      "-a",
      "disc",
      "-o",
      "restored",
    ]);
    match(restored.stderr, /warning: The archive has damage in file/);
    deepEqual(work.read("restored"), content);
    deepEqual(readTree(work.archive, { times: true }), before);
  },
);

onMedium("commit and remove say that an archive is read-only", async () => {
  using work = new Workplace();
  await work.commit("file", 20 * kib);
  using _medium = Mount.readOnly(work.makeFolder("disc"), work.archive);
  const before = readTree(work.archive, { times: true });
  for (const args of [["commit", "file"], ["remove", "file", "--yes"]]) {
    const { stdout, stderr } = await work.expect(8, [...args, "-a", "disc"]);
    equal(stdout, "");
    match(stderr, /^blockframe: error: .*the file system is read-only.*\n$/);
  }
  deepEqual(readTree(work.archive, { times: true }), before);
});

onMedium(
  "a commit to a full disk fails, says so, and leaves the archive as it was",
  async () => {
    using work = new Workplace();
    const stored = await work.commit("stored", 20 * kib);
    work.fill("big", 600 * kib);
    using disk = Mount.ofSize(work.makeFolder("disk"), 512 * kib);
    await work.expect(0, ["commit", "stored", "-a", "disk/archive"]);
    const before = readTree(work.at("disk/archive"));
    for (const workers of ["0", "2"]) {
      const { stdout, stderr } = await work.expect(8, [
        "commit",
        "big",
        "-a",
        "disk/archive",
        "--workers",
        workers,
      ]);
      equal(stdout, "");
      match(
        stderr,
        /^blockframe: error: Cannot commit "big": the archive's disk is full: it needs about 7\d\d KiB, and 4\d\d KiB are free\. The archive is as it was\nhint: `blockframe prune .*` removes old versions, .*\n$/,
      );
      deepEqual(readTree(work.at("disk/archive")), before);
    }
    disk.fill();
    const { stderr } = await work.expect(8, [
      "commit",
      "config.toml",
      "-a",
      "disk/archive",
    ]);
    match(stderr, /the archive's disk is full/);
    deepEqual(readTree(work.at("disk/archive")), before);
    disk.drain();
    const restore = [
      "restore",
      "stored",
      "-a",
      "disk/archive",
      "-o",
      "restored",
    ];
    await work.expect(0, restore);
    deepEqual(work.read("restored"), stored.content);
  },
);

onMedium(
  "on a full disk one source fails, and what still fits is committed",
  async () => {
    using work = new Workplace();
    work.fill("big", 600 * kib);
    const small = work.fill("small", 3 * kib);
    using _disk = Mount.ofSize(work.makeFolder("disk"), 512 * kib);
    const archive = ["-a", "disk/archive"];
    const { stdout } = await work.expect(8, [
      "commit",
      "big",
      "small",
      ...archive,
    ]);
    match(stdout, /^✓ small: committed/);
    await work.expect(0, ["restore", "small", ...archive, "-o", "restored"]);
    deepEqual(work.read("restored"), small);
  },
);

onMedium(
  "health mends rotten leaves in place on a disk without a byte of room",
  async () => {
    using work = new Workplace();
    const { content } = await work.commit("file", manyLeaves);
    using disk = Mount.ofSize(work.makeFolder("disk"), 20_000 * kib);
    const archive = ["-a", "disk/archive"];
    await work.expect(0, ["commit", "file", ...archive]);
    const before = readTree(work.at("disk/archive"));
    disk.fill();
    const folder = onlyEntry(work.at("disk/archive"));
    for (
      const file of [
        "blocks/block_00/segments/segment_001.dat",
        "blocks/block_00/parity/parity_2.dat",
        "blocks/block_16/segments/segment_499.dat",
        "hashes/manifest.json",
        "hashes_2/outboard.bin",
      ]
    ) rot(`${folder}/${file}`, 50, 5);
    const first = await work.health(archive);
    equal(first.code, 1, JSON.stringify(first));
    equal((await work.health(archive)).code, 0);
    deepEqual(readTree(work.at("disk/archive")), before);
    await work.expect(0, ["restore", "file", ...archive, "-o", "restored"]);
    deepEqual(work.read("restored"), content);
  },
);

onMedium(
  "a lost shard waits for room on a full disk, and is made when there is some",
  async () => {
    using work = new Workplace();
    await work.commit("file", 60 * kib);
    using disk = Mount.ofSize(work.makeFolder("disk"), 1000 * kib);
    const archive = ["-a", "disk/archive"];
    await work.expect(0, ["commit", "file", ...archive]);
    const before = readTree(work.at("disk/archive"));
    const folder = onlyEntry(work.at("disk/archive"));
    remove(`${folder}/segments/segment_00.dat`);
    disk.fill();
    const first = await work.health(archive);
    equal(first.code, 4);
    match(first.entries[0]?.damage[0]?.obstacle ?? "", /the disk is full/);
    await work.expect(1, ["restore", "file", ...archive, "-o", "restored"]);
    disk.drain();
    equal((await work.health(archive)).code, 1);
    equal((await work.health(archive)).code, 0);
    deepEqual(readTree(work.at("disk/archive")), before);
  },
);

onMedium("a restore to a full disk leaves no file there", async () => {
  using work = new Workplace();
  await work.commit("file", 600 * kib);
  using disk = Mount.ofSize(work.makeFolder("disk"), 256 * kib);
  work.write("disk/old", "an older version");
  const before = readTree(disk.path);
  for (const output of [["disk/"], ["disk/old", "--overwrite"]]) {
    const args = ["restore", "file", "-o", ...output];
    const { stdout, stderr } = await work.expect(8, args);
    equal(stdout, "");
    match(
      stderr,
      /^blockframe: error: Cannot restore to "disk\/\w+": the disk is full: it needs about 600 KiB, and 2\d\d KiB are free\. Nothing was left there\n$/,
    );
    deepEqual(readTree(disk.path), before);
  }
});

onMedium(
  "a log file on a full disk is said once, and the work is done",
  async () => {
    using work = new Workplace();
    const { folder } = await work.commit("file", 20 * kib);
    using disk = Mount.ofSize(work.makeFolder("disk"), 64 * kib);
    work.write("disk/log", "");
    disk.fill();
    rot(`${folder}/segments/segment_2.dat`, 0, 1);
    const args = ["health", "--log-file", "disk/log"];
    const { stdout, stderr } = await work.expect(1, args);
    match(stdout, /Recovered from parity: segment 2/);
    match(
      stderr,
      /^blockframe: warning: Cannot write the log file any more: .*\n$/,
    );
    await work.expect(0, ["health"]);
  },
);

onMedium(
  "with not a byte of room an archive is listed, verified, restored from, and can be made smaller",
  async () => {
    using work = new Workplace();
    const stored = await work.commit("stored", 20 * kib);
    work.fill("other", 9 * kib);
    using disk = Mount.ofSize(work.makeFolder("disk"), 512 * kib);
    const archive = ["-a", "disk/archive"];
    const log = ["--log-file", "disk/log"];
    for (let version = 0; version < 3; version++) {
      await work.expect(0, ["commit", "stored", "--force", ...archive]);
    }
    await work.expect(0, ["commit", "other", ...archive]);
    work.write("disk/log", "");
    disk.fill();
    for (
      const args of [
        ["list", "--all"],
        ["find", "st"],
        ["show", "stored"],
        ["health", "--check"],
        ["health"],
        ["restore", "stored", "-o", "restored"],
        ["prune", "--keep-last", "2", "--yes"],
        ["cleanup", "--yes"],
        ["remove", "other", "--yes"],
      ]
    ) {
      await work.expect(0, [...args, ...archive, ...log]);
      // What a removal freed is taken again.
      disk.fill();
    }
    deepEqual(work.read("restored"), stored.content);
    const list = await work.expect(0, ["list", "--all", "--json", ...archive]);
    equal(JSON.parse(list.stdout).entries.length, 2);
  },
);

onMedium(
  "what cannot fit is refused before anything is written; a hole takes no room",
  async () => {
    using work = new Workplace({ config: undefined });
    await Deno.writeFile(work.at("big"), new Uint8Array(70 * kib * kib));
    work.write("sparse", "x");
    await Deno.truncate(work.at("sparse"), 70 * kib * kib);
    using disk = Mount.ofSize(work.makeFolder("disk"), 40 * kib * kib);
    const commit = ["commit", "-a", "disk/archive"];
    const { stderr } = await work.expect(8, [...commit, "big"]);
    match(
      stderr,
      /^blockframe: error: Cannot commit "big": it needs 28\d MiB on the archive's disk, of which 40\.0 MiB are free: 24\d MiB are missing\. Nothing was written\nhint: /,
    );
    deepEqual(Object.keys(readTree(disk.path)), [""], "no archive either");
    await work.expect(0, [...commit, "sparse"]);
  },
);

/** The folder of the entry of an archive that has one. */
function onlyEntry(archive: string): string {
  const names = [...Deno.readDirSync(archive)].map(({ name }) => name);
  equal(names.length, 1);
  return `${archive}/${names[0]}`;
}
