// The command line of mount: lists of options as mount(8) passes them, what is refused before anything
// is opened, and what a run in the background is started with.

import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import { parseMountOptions } from "../../src/cli/mount_options.ts";
import { entryOf, newWorld, run } from "./fakes.ts";

const lists: readonly [readonly string[], unknown][] = [
  [[], {}],
  [["ro,rw,defaults,nofail,x-systemd.automount,comment=a"], {}],
  [["default_permissions,user=me,X-mount.mkdir,lazytime,owner"], {}],
  [["allow_other,uid=5", "gid=6,mode=0440"], {
    allowOther: true,
    uid: 5,
    gid: 6,
    mode: "0440",
  }],
  [["cache=1GiB,no_repair"], { cache: "1GiB", noRepair: true }],
  [["bogus"], { problem: "-o bogus is no option of mount" }],
  [["uid=x"], { problem: "-o uid=x is no option of mount" }],
  [["uid=4294967295"], { problem: "-o uid=4294967295 is no option of mount" }],
  [["mode=9"], { problem: "-o mode=9 is no option of mount" }],
  [["allow_other=1"], { problem: "-o allow_other=1 is no option of mount" }],
];

for (const [words, expected] of lists) {
  Deno.test(`parseMountOptions(${JSON.stringify(words)})`, () => {
    deepEqual(parseMountOptions(words), expected);
  });
}

Deno.test("mount without a folder, or with an unknown option, is a usage error", async () => {
  for (
    const args of [["mount"], ["mount", "-m", "a", "-o", "bogus"], [
      "mount",
      "-m",
      "a",
      "--mode",
      "8",
    ]]
  ) {
    equal(await run(newWorld(), ...args), 16, args.join(" "));
  }
});

Deno.test("mount --remote says that it is not possible yet, and opens nothing", async () => {
  const world = newWorld();
  const args = ["mount", "-m", "a", "--remote", "http://there/"];
  equal(await run(world, ...args), 16);
  match(world.stderr, /from a server is not possible yet/);
  equal(world.opened.length, 0);
});

Deno.test("mount --background starts the same mount with whole paths", async () => {
  const world = newWorld();
  const args = [
    "mount",
    "-m",
    "mnt",
    "-a",
    "archive",
    "--background",
    "--cache",
    "32MiB",
    "-o",
    "allow_other,uid=7",
  ];
  equal(await run(world, ...args), 0);
  deepEqual(world.startedInBackground, [[
    "mount",
    "--json",
    "--no-progress",
    "--mountpoint",
    "/here/mnt",
    "--archive",
    "/here/archive",
    "--log-level",
    "warn",
    "--cache",
    "32MiB",
    "--uid",
    "7",
    "--allow-other",
  ]]);
  match(world.stdout, /archive: mounted at mnt/);
});

Deno.test("mount --background passes on why it could not be", async () => {
  const ended = { kind: "ended", code: 8, stderr: "" } as const;
  const document = {
    type: "error",
    code: "exists",
    message: "Cannot mount at x: it is mounted there already",
  };
  const told = newWorld({
    started: { ...ended, stdout: JSON.stringify(document) + "\n" },
  });
  equal(await run(told, "mount", "-m", "x", "--background"), 8);
  match(told.stderr, /is mounted there already/);
  const silent = newWorld({ started: { ...ended, stdout: "" } });
  equal(await run(silent, "mount", "-m", "x", "--background"), 8);
  match(silent.stderr, /the process ended with 8/);
});

Deno.test("mount refuses an archive that nobody lets it list", async () => {
  const listError = new Deno.errors.PermissionDenied("no");
  const world = newWorld({ listError });
  equal(await run(world, "mount", "-m", "mnt"), 8);
  match(
    world.stderr,
    /Cannot list the archive "archive_directory": permission/,
  );
});

Deno.test("mount in the background says what a folder that is not empty hides", async () => {
  const world = newWorld();
  world.archive.entries = [entryOf()];
  equal(await run(world, "mount", "-m", "mnt", "--background"), 0);
  match(world.stderr, /"mnt" is not empty: what lies in it is hidden/);
  const empty = newWorld();
  equal(await run(empty, "mount", "-m", "mnt", "--background"), 0);
  doesNotMatch(empty.stderr, /not empty/);
});
