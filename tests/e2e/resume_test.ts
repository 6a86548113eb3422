import { deepEqual, equal, match, ok } from "node:assert/strict";
import { kill, type Running } from "./program.ts";
import { describe, readTree } from "./tree.ts";
import { kib, Workplace } from "./workplace.ts";

const mib = kib * kib;

/** Six segments of 32 MiB, each in four runs. */
const bigBytes = 180 * mib + 17;

/** What one run of 8 MiB has in the journal: a header, two digests a row, a check. */
const runRecordBytes = 24 + 2 * 128 * 32 + 32;

const commit = ["commit", "big", "--policy", "replicate:2"];

interface Place {
  readonly inode: number | null;
  readonly modifiedMs: number | undefined;
  readonly changedMs: number | undefined;
}

function placeOf(path: string): Place {
  const { ino, mtime, ctime } = Deno.statSync(path);
  return {
    inode: ino,
    modifiedMs: mtime?.getTime(),
    changedMs: ctime?.getTime(),
  };
}

/** Writes "big", of which no two parts are the same. */
async function makeBig(work: Workplace): Promise<string> {
  const part = work.chance.bytes(mib);
  using file = await Deno.create(work.at("big"));
  for (let at = 0; at < bigBytes; at += mib) {
    new DataView(part.buffer).setUint32(0, at);
    await file.write(part.subarray(0, Math.min(mib, bigBytes - at)));
  }
  return describe(work.at("big"));
}

function stagingIn(work: Workplace): string | undefined {
  try {
    return [...Deno.readDirSync(work.archive)].map(({ name }) => name)
      .find((name) => name.startsWith(".staging_"));
  } catch {
    return undefined;
  }
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}

/** Lets a commit run until `runCount` runs are written, then sends it a signal; gives its folder. */
async function cutOff(
  work: Workplace,
  signal: Deno.Signal,
  args: readonly string[] = commit,
  runCount = 13,
): Promise<{ folder: string; stderr: string; code: number }> {
  using running: Running = work.start(args);
  let ended = false;
  running.ending.finally(() => ended = true).catch(() => {});
  const isFar = () => {
    const path = `${work.archive}/${stagingIn(work)}/progress.bin`;
    return sizeOf(path) >= runCount * runRecordBytes;
  };
  while (!ended && !isFar()) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  kill(running.child, signal);
  const { stderr, code } = await running.ending;
  const folder = stagingIn(work);
  ok(folder !== undefined, `it was met at work: ${stderr}`);
  return { folder, stderr, code };
}

Deno.test("a commit that SIGKILL cut off is gone on with; its finished segments are not written again", async () => {
  using work = new Workplace({ config: undefined, seed: 31 });
  const big = await makeBig(work);
  const { folder } = await cutOff(work, "SIGKILL");
  const staged = `${work.archive}/${folder}`;
  // Thirteen runs, of which two may be those of later segments: two of these are done.
  const finished = ["segments/segment_0.dat", "parity/segment_0_parity_0.dat"];
  const before = finished.map((path) => placeOf(`${staged}/${path}`));
  const list = await work.expect(0, ["list", "--all"]);
  match(
    list.stdout,
    /left over or in use: \.staging_\w+ \(.*; commit of big from big, [\d.]+ MiB of 180 MiB written: the same commit goes on with it\)/,
  );
  const { stdout, stderr } = await work.expect(0, [...commit, "--json"]);
  match(
    stderr,
    /^Going on with a commit of big that was cut off: [\d.]+ MiB of 180 MiB written, which is verified\n$/m,
  );
  const [entry] = JSON.parse(stdout).entries;
  ok(entry.resumedBytes >= 64 * mib, `${entry.resumedBytes}`);
  ok(folder.endsWith(entry.id));
  const after = finished.map((path) =>
    placeOf(`${work.archive}/${entry.folder}/${path}`)
  );
  deepEqual(after, before);
  equal(stagingIn(work), undefined);
  equal((await work.health(["--check"])).code, 0);
  await work.expect(0, ["restore", "big", "-o", "out"]);
  equal(describe(work.at("out")), big);
});

Deno.test("SIGINT says what it kept and how to go on; --resume does, and insists", async () => {
  using work = new Workplace({ config: undefined, seed: 32 });
  const big = await makeBig(work);
  const none = await work.expect(8, [...commit, "--resume"]);
  match(
    none.stderr,
    /^blockframe: error: Cannot resume the commit of "big" as "big": no commit of it, as it is now, was cut off/,
  );
  const { folder, stderr, code } = await cutOff(work, "SIGINT");
  equal(code, 130);
  match(
    stderr,
    new RegExp(
      `warning: What was written of big \\(.* MiB of 180 MiB\\) is kept in ${folder}\n` +
        "hint: the same commit goes on with it; `blockframe cleanup --older-than 0h` removes it\n" +
        "blockframe: error: Interrupted\n$",
    ),
  );
  await work.expect(0, [...commit, "--resume"]);
  equal(stagingIn(work), undefined);
  await work.expect(0, ["restore", "big", "-o", "out"]);
  equal(describe(work.at("out")), big);
});

Deno.test("a file that was changed meanwhile, or --no-resume, is committed from its beginning", async () => {
  using work = new Workplace({ config: undefined, seed: 33 });
  await makeBig(work);
  const { folder } = await cutOff(work, "SIGTERM");
  const anew = await work.expect(0, [...commit, "--no-resume", "--json"]);
  equal(JSON.parse(anew.stdout).entries[0].resumedBytes, undefined);
  equal(stagingIn(work), folder);
  await Deno.writeTextFile(work.at("big"), "more", { append: true });
  const changed = await work.expect(0, [...commit, "--json"]);
  equal(JSON.parse(changed.stdout).entries[0].resumedBytes, undefined);
  match(
    changed.stderr,
    /^blockframe: warning: "big" or the settings changed since a commit of it was cut off: what that one left in \.staging_\w+ is of no use any more$/m,
  );
});

Deno.test("a folder is gone on with as a file is, unless something in it changed", async () => {
  using work = new Workplace({ config: undefined, seed: 34 });
  await makeBig(work);
  work.makeFolder("tree/inner");
  await Deno.rename(work.at("big"), work.at("tree/inner/big"));
  work.fill("tree/small", 1000);
  const args = ["commit", "tree", "--policy", "replicate:2"];
  const { folder } = await cutOff(work, "SIGKILL", args);
  const { stdout, stderr } = await work.expect(0, [...args, "--json"]);
  match(stderr, /^Going on with a commit of tree that was cut off: /m);
  const [entry] = JSON.parse(stdout).entries;
  ok(entry.resumedBytes >= 64 * mib && folder.endsWith(entry.id));
  equal((await work.health(["--check"])).code, 0);
  await work.expect(0, ["restore", "tree", "-o", "out"]);
  deepEqual(readTree(work.at("out")), readTree(work.at("tree")));
  await work.expect(0, ["remove", "tree", "--yes"]);
  await cutOff(work, "SIGKILL", args);
  work.fill("tree/small", 1000);
  const anew = await work.expect(0, [...args, "--json"]);
  equal(JSON.parse(anew.stdout).entries[0].resumedBytes, undefined);
});
