// Real mounts by the real program: files and versions are there with the right bytes and attributes,
// nothing can be written, what is committed and removed appears and vanishes, and every way to end is
// a clean one. Needs /dev/fuse and the right to mount.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { equalBytes } from "../../src/base/bytes.ts";
import { Workplace } from "../e2e/workplace.ts";
import { Nobody } from "../e2e/nobody.ts";
import { kill } from "../e2e/program.ts";
import {
  errorOf,
  infoOf,
  isMounted,
  Mounted,
  namesIn,
  openPath,
  pause,
  readBytes,
  runTool,
  until,
  writingCalls,
} from "./mounted.ts";

Deno.test("files of every tier, and their versions, read as they were committed", async () => {
  using work = new Workplace();
  const sizes = { empty: 0, one: 1, small: 5000, middle: 40_000, big: 700_001 };
  const contents = new Map<string, Uint8Array>();
  for (const [name, bytes] of Object.entries(sizes)) {
    contents.set(name, (await work.commit(name, bytes)).content);
  }
  const second = await work.commit("small", 6000);
  await using mounted = await Mounted.at(work);
  deepEqual(namesIn(mounted.path), [
    ".versions",
    ...Object.keys(sizes).sort(),
  ]);
  for (const [name, content] of contents) {
    const expected = name === "small" ? second.content : content;
    ok(equalBytes(readBytes(mounted.at(name)), expected), name);
  }
  const versions = namesIn(mounted.at(".versions/small"));
  equal(versions.length, 2);
  const found = versions.map((id) =>
    readBytes(mounted.at(`.versions/small/${id}`)).length
  );
  deepEqual(found.sort(), [5000, 6000]);
  // No request asks for more than one answer holds: a shorter one would be the file's end.
  match(await Deno.readTextFile("/proc/self/mountinfo"), /max_read=1048576/);
  const newest = mounted.at(`.versions/small/${second.entry.id}`);
  equal(infoOf(newest).ino, infoOf(mounted.at("small")).ino);
  match((await mounted.unmount()).stdout, /mounted at .*\n.*unmounted/s);
});

Deno.test("attributes, extended attributes and sums are those of the entries", async () => {
  using work = new Workplace();
  work.fill("it", 5000);
  await Deno.chmod(work.at("it"), 0o640);
  await Deno.utime(work.at("it"), 1_600_000_000, 1_600_000_000);
  await work.expect(0, ["commit", "it"]);
  const { stdout } = await work.expect(0, ["show", "--json", "it"]);
  await using mounted = await Mounted.at(work);
  const info = infoOf(mounted.at("it"));
  deepEqual(
    [info.size, info.mode! & 0o7777, info.mtime?.getTime(), info.isFile],
    [5000, 0o640, 1_600_000_000_000, true],
  );
  const read = (name: string) =>
    runTool(
      "python3",
      "-c",
      "import os,sys; print(os.getxattr(sys.argv[1], sys.argv[2]).decode(), end='')",
      mounted.at("it"),
      `user.blockframe.${name}`,
    );
  const shown = JSON.parse(stdout);
  equal(read("root"), (shown.entry ?? shown).root);
  equal(read("policy"), "erasure:1+3");
  equal(read("health"), "intact");
  const listed = runTool(
    "python3",
    "-c",
    "import os,sys; print(sorted(os.listxattr(sys.argv[1])))",
    mounted.at("it"),
  );
  match(listed, /health.*id.*policy.*root/);
  match(runTool("df", "--output=size,target", mounted.path), /mnt/);
});

Deno.test("nothing can be changed, and what is not there is not there", async () => {
  using work = new Workplace();
  await work.commit("it", 100);
  await using mounted = await Mounted.at(work);
  for (const [name, call] of Object.entries(writingCalls)) {
    equal(errorOf(() => call(mounted.path)), "EROFS", name);
  }
  equal(errorOf(() => infoOf(mounted.at("no"))), "ENOENT");
  equal(errorOf(() => infoOf(mounted.at(".versions/no"))), "ENOENT");
  equal(errorOf(() => infoOf(mounted.at("it/below"))), "ENOTDIR");
});

Deno.test("entries that are committed and removed appear and vanish", async () => {
  using work = new Workplace();
  const first = await work.commit("a", 1000);
  await using mounted = await Mounted.at(work);
  deepEqual(namesIn(mounted.path), [".versions", "a"]);
  const { content } = await work.commit("b", 2000);
  await until(() => namesIn(mounted.path).includes("b"));
  ok(equalBytes(readBytes(mounted.at("b")), content));
  const newer = await work.commit("a", 1500);
  await until(() => readBytes(mounted.at("a")).length === 1500);
  ok(equalBytes(readBytes(mounted.at("a")), newer.content));
  await work.expect(0, ["remove", "--yes", newer.entry.id]);
  await until(() => readBytes(mounted.at("a")).length === 1000);
  await work.expect(0, ["remove", "--yes", first.entry.id]);
  await until(() => !namesIn(mounted.path).includes("a"));
  await until(() => errorOf(() => infoOf(mounted.at("a"))) === "ENOENT");
});

Deno.test("eight readers at random places all get the right bytes", async () => {
  using work = new Workplace();
  const { content } = await work.commit("it", 3_000_001);
  await using mounted = await Mounted.at(work, ["--cache", "16MiB"]);
  const readers = Array.from({ length: 8 }, async (_, index) => {
    using file = await Deno.open(mounted.at("it"));
    const place = (count: number) => (index * 7919 + count * 104_729) * 31;
    for (let count = 0; count < 40; count++) {
      const offset = place(count) % content.length;
      const target = new Uint8Array(1 + place(count + 1) % 70_000);
      await file.seek(offset, Deno.SeekMode.Start);
      let length = 0;
      while (length < target.length) {
        const part = await file.read(target.subarray(length));
        if (part === null) break;
        length += part;
      }
      const expected = content.subarray(offset, offset + target.length);
      ok(equalBytes(target.subarray(0, length), expected), `at ${offset}`);
    }
  });
  await Promise.all(readers);
});

Deno.test("SIGINT, SIGTERM and SIGHUP end it cleanly, also with files open and reads under way", async () => {
  using work = new Workplace();
  await work.commit("it", 2_000_000);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    await using mounted = await Mounted.at(work);
    using _open = await Deno.open(mounted.at("it"));
    // A program of its own: one that is killed while it waits for the kernel must not be this one.
    const load = new Deno.Command("sh", {
      args: [
        "-c",
        `while cat "$1" > /dev/null; do :; done`,
        "sh",
        mounted.at("it"),
      ],
      stdout: "null",
      stderr: "null",
    }).spawn();
    await pause(200);
    await mounted.stop(signal);
    await load.status;
  }
});

Deno.test("a dead mount is cleared by the next one", async () => {
  using work = new Workplace();
  const { content } = await work.commit("it", 9000);
  {
    await using mounted = await Mounted.at(work);
    kill(mounted.running.child, "SIGKILL");
    await mounted.running.ending;
    equal(isMounted(mounted.path), true, "the dead mount is still there");
    equal(errorOf(() => openPath(mounted.path)), "ENOTCONN");
    await using second = await Mounted.at(work);
    ok(equalBytes(readBytes(second.at("it")), content));
    await second.unmount();
  }
});

Deno.test("--background returns once the mount can be used, and the mount stays", async () => {
  using work = new Workplace();
  const { content } = await work.commit("it", 9000);
  const path = work.makeFolder("mnt");
  await work.expect(0, ["mount", "-m", "mnt", "--background"]);
  try {
    ok(equalBytes(readBytes(`${path}/it`), content));
    const again = await work.run(["mount", "-m", "mnt", "--background"]);
    equal(again.code, 8);
    match(again.stderr, /is mounted there already/);
  } finally {
    runTool("fusermount3", "-u", path);
  }
  equal(isMounted(path), false);
});

Deno.test("what cannot be mounted is refused with the reason", async () => {
  using work = new Workplace();
  await work.commit("it", 100);
  work.makeFolder("mnt");
  runTool("mkfifo", work.at("pipe"));
  const archive = work.archive;
  const refusals: readonly [readonly string[], number, RegExp][] = [
    [["-m", "none"], 8, /there is no such folder/],
    [["-m", "it"], 8, /it is not a folder/],
    [["-m", "pipe"], 8, /it is not a folder/],
    [["-m", archive], 16, /it is the archive itself/],
    [
      ["-m", `${archive}/${namesIn(archive).at(-1)}`],
      16,
      /it lies in the archive/,
    ],
    [["-m", "."], 16, /the archive lies in it/],
    [["-m", "mnt", "-r", "http://a/"], 16, /from a server is not possible yet/],
    [["-m", "mnt", "--cache", "1KiB"], 16, /cache must be from/],
    [["-m", "mnt", "--cache", "x"], 16, /--cache is "x"/],
    [["-m", "mnt", "-o", "nosuchthing"], 16, /-o nosuchthing is no option/],
    [["-m", "mnt", "-a", "nowhere"], 8, /Cannot open the archive/],
    [["-m", "mnt", "--foreground", "--background"], 16, /exclude each other/],
  ];
  for (const [args, code, reason] of refusals) {
    const ending = await work.run(["mount", ...args]);
    equal(ending.code, code, `${args.join(" ")}: ${ending.stderr}`);
    match(ending.stderr, reason);
  }
});

Deno.test("owner and permission bits can be chosen, also as mount(8) passes them", async () => {
  using work = new Workplace();
  await work.commit("it", 100);
  await using mounted = await Mounted.at(work, [
    "--uid",
    "1234",
    "-o",
    "rw,gid=77,mode=440,allow_other,nofail",
  ]);
  const file = infoOf(mounted.at("it"));
  deepEqual([file.uid, file.gid, file.mode! & 0o7777], [1234, 77, 0o440]);
  const folder = infoOf(mounted.at(".versions"));
  deepEqual([folder.uid, folder.mode! & 0o7777], [1234, 0o550]);
  const line = (await Deno.readTextFile("/proc/self/mountinfo")).split("\n")
    .find((each) => each.includes(mounted.path));
  match(`${line}`, /allow_other/);
});

Deno.test("a user who is not root mounts through fusermount3, for nobody else's eyes", async () => {
  using work = new Workplace();
  await work.commit("it", 9000);
  work.makeFolder("mnt");
  using nobody = new Nobody();
  nobody.own(work.path);
  const asNobody = nobody.options.prefix ?? [];
  // Where a container gives the device to root only: one for all, seen by this test alone.
  const script = `
    mknod "$1/fuse" c 10 229 && chmod 666 "$1/fuse" && mount --bind "$1/fuse" /dev/fuse || exit 99
    shift
    exec "$@"
  `;
  const inside = ["unshare", "-m", "sh", "-c", script, "sh", work.path];
  using running = work.start(["mount", "-m", "mnt"], {
    ...nobody.options,
    prefix: [...inside, ...asNobody],
  });
  const look = (user: readonly string[], ...words: string[]) =>
    new TextDecoder().decode(
      new Deno.Command("nsenter", {
        args: ["-t", `${running.child.pid}`, "-m", ...user, ...words],
        stderr: "null",
      }).outputSync().stdout,
    );
  const mounted = `${work.path}/mnt/it`;
  const compare = 'cmp -s "$1" "$2" && echo same';
  await until(() =>
    look(asNobody, "sh", "-c", compare, "sh", work.at("it"), mounted) ===
      "same\n"
  );
  match(look(asNobody, "stat", "-c", "%u %g %a", mounted), /^65534 65534 6/);
  equal(look([], "stat", "-c", "%u", mounted), "", "not even for root");
  kill(running.child, "SIGTERM");
  equal((await running.ending).code, 0);
});

Deno.test("a lazy unmount under load ends when the last reader does", async () => {
  using work = new Workplace();
  await work.commit("it", 2_000_000);
  await using mounted = await Mounted.at(work);
  const load = new Deno.Command("sh", {
    args: [
      "-c",
      'while cat "$1" > /dev/null 2>&1; do :; done',
      "sh",
      mounted.at("it"),
    ],
  }).spawn();
  await pause(300);
  runTool("fusermount3", "-u", "-z", mounted.path);
  await load.status;
  await mounted.ending();
});
