// Permissions: what each command needs of Deno's permission flags. An executable has them baked in,
// so that only the checkout's suite runs this file.

import { deepEqual, equal, match } from "node:assert/strict";
import { expectTakenOver } from "../e2e/abandoned_lock.ts";
import { remove } from "../e2e/damage.ts";
import { repository } from "../e2e/home.ts";
import type { RunOptions } from "../e2e/program.ts";
import { Mount, onMedium } from "../e2e/mount.ts";
import { watchThreads } from "../e2e/threads.ts";
import { describe, readTree } from "../e2e/tree.ts";
import { kib, twoBlocks, Workplace } from "../e2e/workplace.ts";

/** More than is done without threads. */
const bigBytes = 40 * kib * kib;

/** A run in another folder with these permissions and no other: no environment, no system. */
function within(
  work: Workplace,
  read: readonly string[],
  write: readonly string[] = [],
): Partial<RunOptions> {
  const list = (name: string, paths: readonly string[]) =>
    paths.length === 0 ? [] : [`--allow-${name}=${paths.join(",")}`];
  return {
    cwd: work.makeFolder("elsewhere"),
    permissions: [...list("read", read), ...list("write", write)],
  };
}

for (
  const { what, bytes, config, program, threads } of [
    {
      what: "a small entry",
      bytes: twoBlocks,
      config: 'segment_size = "4KiB"',
      program: [],
      threads: false,
    },
    {
      what: "a big entry, without threads",
      bytes: bigBytes,
      config: undefined,
      program: [],
      threads: false,
    },
    {
      what: "a big entry, with threads where the program may be read, too",
      bytes: bigBytes,
      config: undefined,
      program: [`${repository}/src`],
      threads: true,
    },
  ]
) {
  Deno.test(`health needs to read and write the archive and nothing else: ${what}`, async () => {
    using work = new Workplace({ config });
    const { folder } = await work.commit("file", bytes);
    const before = readTree(work.archive);
    const { archive } = work;
    remove(`${folder}/hashes_1`);
    const checkOnly = within(work, [archive, ...program]);
    const checked = await work.health(["--check", "-a", archive], checkOnly);
    deepEqual([checked.code, checked.summary.repairableCount], [4, 1]);
    const all = within(work, [archive, ...program], [archive]);
    using running = work.start(["health", "-a", archive], all);
    const sawThreads = await watchThreads(running.child.pid, running.ending);
    const { code, stdout, stderr } = await running.ending;
    equal(code, 1, stdout + stderr);
    equal(
      stderr.replace(/^hint: .*\n/m, ""),
      "",
      "nothing more was asked for",
    );
    equal(sawThreads, threads);
    const second = await work.health(["-a", archive], all);
    equal(second.code, 0);
    deepEqual(readTree(archive), before);
  });

  Deno.test(`commit needs to read the source and to write the archive: ${what}`, async () => {
    using work = new Workplace({ config });
    const content = work.fill("file", bytes);
    const { archive } = work;
    const options = within(work, [archive, work.at("file"), ...program], [
      archive,
    ]);
    for (const what of ["a new archive", "one that is there"]) {
      using running = work.start(
        ["commit", work.at("file"), "-a", archive],
        options,
      );
      const sawThreads = await watchThreads(running.child.pid, running.ending);
      const { code, stderr } = await running.ending;
      deepEqual([code, stderr], [0, ""], what);
      equal(sawThreads, threads);
    }
    await work.expectRestore(0, "file", content);
  });

  Deno.test(`restore needs to read the archive and to write the folder: ${what}`, async () => {
    using work = new Workplace({ config });
    await work.commit("file", bytes);
    const out = work.makeFolder("out");
    const options = within(work, [work.archive, out, ...program], [out]);
    using running = work.start(
      ["restore", "file", "-a", work.archive, "-o", out],
      options,
    );
    const sawThreads = await watchThreads(running.child.pid, running.ending);
    const { code, stderr } = await running.ending;
    deepEqual([code, stderr], [0, ""]);
    equal(sawThreads, threads);
    equal(describe(`${out}/file`), describe(work.at("file")));
  });
}

Deno.test("list, find, show and remove need the archive and nothing else", async () => {
  using work = new Workplace();
  const { entry } = await work.commit("file", 20 * kib);
  const { archive } = work;
  const look = within(work, [archive]);
  for (const args of [["list"], ["find", "f"], ["show", "file"]]) {
    const { stdout, stderr } = await work.expect(
      0,
      [...args, "-a", archive],
      look,
    );
    match(stdout, new RegExp(entry.id));
    equal(stderr, "");
  }
  const change = within(work, [archive], [archive]);
  await work.expect(0, ["remove", "file", "--yes", "-a", archive], change);
  deepEqual(Object.keys(readTree(archive)), [""]);
});

Deno.test("a permission that is missing is said by its flag; help and version need none", async () => {
  using work = new Workplace();
  await work.commit("file", 20 * kib);
  const { archive } = work;
  const none = within(work, []);
  for (const args of [["--help"], ["--version"], ["help", "commit"]]) {
    const { stderr } = await work.expect(0, args, none);
    equal(stderr, "");
  }
  const list = await work.expect(8, ["list", "-a", archive], none);
  match(list.stderr, /^blockframe: error: .*--allow-read flag\n/);
  const commit = await work.expect(
    8,
    ["commit", work.at("file"), "-a", archive],
    within(work, [archive], [archive]),
  );
  match(
    commit.stderr,
    /^blockframe: error: Cannot commit ".*": .*--allow-read flag\n$/,
  );
  const health = await work.health(["-a", archive], within(work, [archive]));
  equal(health.code, 0, "where nothing is to be repaired, nothing is written");
});

Deno.test("without the right to write no listing makes an index, and an import reads no more than its folder", async () => {
  using work = new Workplace();
  await work.commit("file", 20 * kib);
  const before = readTree(work.archive, { times: true });
  const { archive } = work;
  await work.expect(0, ["list", "-a", archive], within(work, [archive]));
  deepEqual(readTree(archive, { times: true }), before);
  const old = work.makeFolder("old");
  const { stderr } = await work.expect(
    0,
    ["import", old, "-a", archive],
    within(work, [old, archive], [archive]),
  );
  match(stderr, /No entries of blockframe-rs in /);
});

Deno.test("without FFI a tree is stored all the same, and what is not kept is said", async () => {
  using work = new Workplace();
  work.makeFolder("tree/sub");
  work.fill("tree/sub/file", 20 * kib);
  await Deno.utime(work.at("tree/sub/file"), 981173106.5, 981173106.5);
  await Deno.symlink("sub/file", work.at("tree/link"));
  const permissions = [
    "--allow-read",
    "--allow-write",
    "--allow-env",
    "--allow-sys",
  ];
  const { stdout } = await work.expect(0, ["commit", "tree"], { permissions });
  match(
    stdout,
    /not kept: times below a millisecond, extended attributes, holes/,
  );
  await work.expect(0, ["restore", "tree", "-o", "back"], { permissions });
  // Nobody but the C library can set the time of a link.
  const withoutLinks = (name: string) =>
    Object.entries(readTree(work.at(name), { times: true }))
      .filter(([, what]) => !what.startsWith("link"));
  deepEqual(withoutLinks("back"), withoutLinks("tree"));
});

Deno.test("the lock of a process that was killed is taken over when it is silent, in a sandbox", async () => {
  // Whether the process still runs cannot be asked there.
  const permissions = ["--allow-read", "--allow-write"];
  await expectTakenOver({ permissions }, 9);
});

onMedium(
  "a commit that fills the disk keeps what it wrote, and goes on when there is room",
  async () => {
    using work = new Workplace({ config: undefined });
    const content = work.fill("big", 100 * kib * kib);
    using disk = Mount.ofSize(work.makeFolder("disk"), 180 * kib * kib);
    const args = ["commit", "big", "--policy", "replicate:2"];
    const archive = ["-a", "disk/archive"];
    // Without the right to ask how much is free, as in a sandbox: else it is refused at once.
    const permissions = ["--allow-read", "--allow-write", "--allow-env"];
    const full = await work.run([...args, ...archive], { permissions });
    equal(full.code, 8);
    match(
      full.stderr,
      /^blockframe: warning: What was written of big \(.* MiB of 100 MiB\) is kept in \.staging_\w+\nhint: .*\nblockframe: error: Cannot commit "big": the archive's disk is full: it needs about 200 MiB\. No entry was changed\n/,
    );
    equal(
      JSON.parse(
        (await work.expect(0, ["list", "--json", ...archive])).stdout,
      ).entries.length,
      0,
    );
    disk.resize(300 * kib * kib);
    const { stderr } = await work.expect(0, [...args, ...archive]);
    match(stderr, /^Going on with a commit of big that was cut off: /);
    await work.expect(0, ["restore", "big", ...archive, "-o", "restored"]);
    deepEqual(work.read("restored"), content);
  },
);
