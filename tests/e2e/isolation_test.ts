import { deepEqual, equal, match, ok } from "node:assert/strict";
import { damage, makePipe, remove, replace, rot } from "./damage.ts";
import { forgeManifests } from "./forged_manifest.ts";
import { readTree, withoutRoot } from "./tree.ts";
import { kib, twoBlocks, Workplace } from "./workplace.ts";

const manifests = ["", "hashes/", "hashes_1/", "hashes_2/"]
  .map((folder) => `${folder}manifest.json`);

/** An entry that cannot be read as one, what is said of it, and the exit codes. */
const broken: readonly {
  readonly what: string;
  readonly code: string;
  readonly problem: RegExp;
  readonly exitCode: number;
  readonly harm: (folder: string, outside: string) => void;
}[] = [
  {
    what: "without any manifest",
    code: "no-manifest",
    problem: /none of its 4 manifest copies can be read/,
    exitCode: 4,
    harm: (folder) => {
      for (const path of manifests) remove(`${folder}/${path}`);
    },
  },
  {
    what: "whose manifest copies are all rotten",
    code: "no-manifest",
    problem: /none of its 4 manifest copies can be read/,
    exitCode: 4,
    harm: (folder) => {
      for (const path of manifests) rot(`${folder}/${path}`, 99, 1);
    },
  },
  {
    what: "whose manifest copies are FIFOs",
    code: "no-manifest",
    problem: /none of its 4 manifest copies can be read/,
    exitCode: 4,
    harm: (folder) => {
      for (const each of manifests) {
        const path = `${folder}/${each}`;
        replace(path, () => makePipe(path));
      }
    },
  },
  {
    what: "of a newer version",
    code: "unsupported-format",
    problem: /it has format version 2; this program reads 1/,
    exitCode: 8,
    harm: (folder) =>
      forgeManifests(folder, (members) => members["version"] = 2),
  },
  {
    what: "with a feature of a newer version",
    code: "unsupported-format",
    problem:
      /it needs features that this program does not know: "seal\\u{202e}"/,
    exitCode: 8,
    harm: (folder) =>
      forgeManifests(folder, (members) => {
        members["required_features"] = ["seal\u202e"];
      }),
  },
  {
    what: "that somebody made up",
    code: "no-manifest",
    problem: /its manifest contradicts the format: "name" cannot be/,
    exitCode: 4,
    harm: (folder) =>
      forgeManifests(folder, (members) => members["name"] = "../../etc/x"),
  },
  {
    what: "whose folder is a link to a good entry outside",
    code: "unreadable",
    problem: /it is not a folder; links are not followed/,
    exitCode: 4,
    harm: (folder, outside) =>
      damage(folder, () => {
        Deno.renameSync(folder, outside);
        Deno.symlinkSync(outside, folder);
      }),
  },
  {
    what: "in whose place a plain file lies",
    code: "unreadable",
    problem: /it is not a folder; links are not followed/,
    exitCode: 4,
    harm: (folder) => replace(folder, () => Deno.writeTextFileSync(folder, "")),
  },
];

for (const { what, code, problem, exitCode, harm } of broken) {
  Deno.test(`an entry ${what} is said and never hides or stops the others`, async () => {
    using work = new Workplace();
    const good = await work.commit("good", twoBlocks);
    const bad = await work.commit("bad", 20 * kib);
    const rotten = await work.commit("rotten", 20 * kib);
    rot(`${rotten.folder}/segments/segment_3.dat`, 5, 5);
    harm(bad.folder, work.at("outside"));
    const before = readTree(bad.folder, { times: true });
    await expectListed(work, bad.entry.folder, { code, problem, exitCode });
    const health = await work.health();
    equal(health.code, 1 | exitCode);
    deepEqual(
      health.entries.map(({ name, state }) => [name, state]).sort(),
      [[bad.entry.folder, "lost"], ["good", "healthy"], ["rotten", "repaired"]],
    );
    const text = await work.expect(exitCode, ["health"]);
    match(text.stdout, /^✗ bad_[0-9a-f]{16}: cannot be examined: /m);
    match(text.stdout, problem);
    match(text.stdout, /^3 entries: 2 healthy, 1 could not be examined$/m);
    deepEqual(readTree(bad.folder, { times: true }), before);
    await work.expectRestore(0, "good", good.content);
    await work.expectRestore(0, "rotten", rotten.content);
    for (const selector of ["bad", bad.entry.id, bad.entry.folder]) {
      await work.expect(8, ["restore", selector, "-o", "never"]);
      await work.expect(8, ["show", selector]);
    }
    await work.commit("new", 1000);
  });
}

async function expectListed(
  work: Workplace,
  folder: string,
  expected: {
    readonly code: string;
    readonly problem: RegExp;
    readonly exitCode: number;
  },
): Promise<void> {
  for (const command of [["list"], ["find", "*"]]) {
    const text = await work.expect(expected.exitCode, command);
    equal(
      text.stdout.trimEnd().split("\n").length,
      3,
      "a title and two entries",
    );
    match(text.stderr, /^blockframe: error: Cannot read bad_[0-9a-f]+ as an/);
    match(text.stderr, expected.problem);
    const json = await work.expect(expected.exitCode, [...command, "--json"]);
    const { entries, problems } = JSON.parse(json.stdout);
    deepEqual(
      entries.map((entry: { name: string }) => entry.name),
      ["good", "rotten"],
    );
    equal(problems.length, 1);
    equal(problems[0].folder, folder);
    equal(problems[0].code, expected.code);
  }
}

Deno.test("what is not an entry lies in the archive unseen and untouched", async () => {
  using work = new Workplace();
  const { content } = await work.commit("file", 20 * kib);
  work.makeFolder("archive_directory/my photos/segments");
  work.makeFolder("archive_directory/.staging_0123456789abcdef/segments");
  work.makeFolder("archive_directory/lost+found");
  work.write("archive_directory/my photos/one.jpg", "a photo");
  work.write("archive_directory/README.txt", "read me");
  await Deno.symlink("/", `${work.archive}/way out`);
  makePipe(`${work.archive}/pipe`);
  const before = readTree(work.archive, { times: true });
  const list = await work.expect(0, ["list"]);
  equal(list.stderr, "");
  equal(list.stdout.trimEnd().split("\n").length, 2);
  const health = await work.health();
  equal(health.code, 0);
  equal(health.entries.length, 1);
  await work.expectRestore(0, "file", content);
  deepEqual(
    withoutRoot(readTree(work.archive, { times: true })),
    withoutRoot(before),
  );
});

Deno.test("files in an entry that are none of it are said and left alone", async () => {
  using work = new Workplace();
  const { content, entry, folder } = await work.commit("file", 20 * kib);
  await Deno.writeTextFile(`${folder}/notes.txt`, "mine");
  await Deno.writeTextFile(`${folder}/segments/.DS_Store`, "Apple's");
  await Deno.symlink("/", `${folder}/parity/way out`);
  const before = readTree(folder, { times: true });
  const text = await work.expect(0, ["health"]);
  match(
    text.stdout,
    /^ {2}· Left alone: 3 files not part of the entry: notes\.txt, segments\/\.DS_Store, parity\/way out$/m,
  );
  const { entries } = await work.health();
  deepEqual(entries[0]?.strangers, [
    "notes.txt",
    "segments/.DS_Store",
    "parity/way out",
  ]);
  await work.expectRestore(0, "file", content);
  deepEqual(readTree(folder, { times: true }), before);
  await work.expect(0, ["remove", entry.id, "--yes"]);
  equal(readTree(work.path)[`archive_directory/${entry.folder}`], undefined);
  ok((await Deno.stat("/")).isDirectory);
});

for (const inner of ["segments", "parity", "hashes_1"]) {
  Deno.test(`the folder ${inner} as a link outside is not followed, for reading or for writing`, async () => {
    using work = new Workplace();
    const { content, folder } = await work.commit("file", 20 * kib);
    const path = `${folder}/${inner}`;
    damage(path, () => {
      Deno.renameSync(path, work.at("outside"));
      Deno.symlinkSync(work.at("outside"), path);
    });
    const outside = readTree(work.at("outside"), { times: true });
    const seen = inner === "parity" ? 0 : 1;
    await work.expectRestore(seen, "file", content);
    const health = await work.health();
    equal(health.code, 4);
    equal(health.entries[0]?.state, "repairable");
    for (const each of health.entries[0].damage) {
      equal(each.cause, "unsafe");
      ok(each.obstacle?.includes("a link or a special file is in the way"));
    }
    deepEqual(readTree(work.at("outside"), { times: true }), outside);
    remove(path);
    await work.expectRepair();
    deepEqual(readTree(work.at("outside"), { times: true }), outside);
  });
}

Deno.test("a shard with sound bytes and a second name is healthy and stays as it is", async () => {
  using work = new Workplace();
  const { folder } = await work.commit("file", 20 * kib);
  const shard = `${folder}/segments/segment_1.dat`;
  await Deno.link(shard, work.at("outside"));
  rot(`${folder}/segments/segment_2.dat`, 0, 1);
  const before = await Deno.stat(work.at("outside"));
  await work.expectRepair();
  const after = await Deno.stat(work.at("outside"));
  deepEqual([after.mtime, after.ino, after.nlink], [
    before.mtime,
    before.ino,
    2,
  ]);
});

Deno.test("an archive whose own folder is a link works", async () => {
  using work = new Workplace();
  const { content, folder } = await work.commit("file", 20 * kib);
  await Deno.symlink("archive_directory", work.at("link"));
  rot(`${folder}/segments/segment_2.dat`, 0, 1);
  const health = await work.health(["-a", "link"]);
  equal(health.code, 1);
  await work.expect(0, ["restore", "file", "-a", "link", "-o", "restored"]);
  await work.expectRestore(0, "file", content);
});
