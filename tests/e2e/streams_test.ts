import { deepEqual, equal, match } from "node:assert/strict";
import { makePipe, remove, rot } from "./damage.ts";
import { kill, type Running, waitFor } from "./program.ts";
import { describe, listTree, readTree } from "./tree.ts";
import { kib, manyLeaves, twoBlocks, Workplace } from "./workplace.ts";

/** Words before the program's that run it in a shell command, as `"$@"`. */
function inShell(command: string): { prefix: string[] } {
  return { prefix: ["bash", "-o", "pipefail", "-c", command, "bash"] };
}

Deno.test("cat FILE | commit - --name stores what came, whatever its size", async () => {
  using work = new Workplace({ seed: 21 });
  for (const bytes of [1, 5000, 60 * kib, twoBlocks, manyLeaves]) {
    const content = work.fill("source", bytes);
    const args = ["commit", "--file", "-", "--name", `of ${bytes}`];
    const { stderr } = await work.expect(
      0,
      args,
      inShell('cat source | "$@"'),
    );
    equal(stderr, "");
    await work.expectRestore(0, `of ${bytes}`, content);
  }
  const health = await work.health();
  deepEqual([health.code, health.stderr, health.entries.length], [0, "", 5]);
  equal(
    listTree(work.archive).filter((path) => path.startsWith(".")).length,
    0,
    "no staging folder stays",
  );
});

Deno.test("the same from standard input again is unchanged; nothing from it is stored, with a warning", async () => {
  using work = new Workplace();
  const args = ["commit", "-", "--name", "db.sql"];
  await work.expect(0, args, { stdin: "create table t;" });
  const again = await work.expect(0, args, { stdin: "create table t;" });
  match(again.stdout, /^= db\.sql: unchanged/);
  const empty = await work.expect(0, args);
  equal(
    empty.stderr,
    'blockframe: warning: Nothing came from "-": the entry is empty\n',
  );
  const list = await work.expect(0, ["list", "--all", "--json"]);
  deepEqual(
    JSON.parse(list.stdout).entries
      .map((entry: { payloadBytes: number }) => entry.payloadBytes),
    [0, 15],
  );
});

Deno.test("a pipe is read like standard input where a name is given", async () => {
  using work = new Workplace();
  const content = work.fill("source", twoBlocks);
  const args = ["commit", "pipe", "--name", "x"];
  makePipe(work.at("pipe"));
  await work.expect(0, args, inShell('cat source > pipe & "$@"'));
  await work.expectRestore(0, "x", content);
  const command = '"$@" <(head -c 1000 source)';
  await work.expect(0, ["commit", "--name", "y"], inShell(command));
  await work.expectRestore(0, "y", content.subarray(0, 1000));
});

for (const when of ["while it waits", "while bytes come"]) {
  Deno.test(`SIGINT ${when} ends a commit of standard input, and nothing of it stays`, async () => {
    using work = new Workplace();
    await work.expect(0, ["commit", "config.toml"]);
    const before = describe(work.archive);
    const source = when === "while it waits"
      ? "head -c 5000 /dev/zero; exec sleep 100 2>&-"
      : "cat /dev/zero";
    // The shell is replaced, so that the signal comes to the program alone.
    const shell = inShell(`exec "$@" < <(${source})`);
    using running = work.start(["commit", "-", "--name", "x"], shell);
    await waitForStaging(work, running);
    kill(running.child, "SIGINT");
    const { code, stdout, stderr } = await running.ending;
    deepEqual([code, stdout], [130, ""]);
    match(stderr, /blockframe: error: Interrupted\n$/);
    equal(describe(work.archive), before);
  });
}

Deno.test("standard input that cannot be read is said", async () => {
  using work = new Workplace();
  const shell = inShell('"$@" < .');
  const { stderr } = await work.expect(
    8,
    ["commit", "-", "--name", "x"],
    shell,
  );
  match(
    stderr,
    /^blockframe: error: Cannot commit "-": it cannot be read: .*\n$/,
  );
  equal(describe(work.archive), "nothing");
});

Deno.test("restore -o - | b3sum sees the bytes that were committed, damaged or not", async () => {
  using work = new Workplace({ seed: 22 });
  const { folder, entry } = await work.commit("file", manyLeaves);
  const args = ["restore", "file", "-o", "-"];
  const shell = inShell('"$@" | b3sum --no-names');
  const whole = await work.expect(0, args, shell);
  deepEqual([whole.stdout, whole.stderr], [`${entry.root}\n`, ""]);
  rot(`${folder}/blocks/block_00/segments/segment_001.dat`, 50, 5);
  remove(`${folder}/blocks/block_03/segments/segment_100.dat`);
  const before = readTree(work.archive, { times: true });
  const rebuilt = await work.expect(1, args, shell);
  equal(rebuilt.stdout, `${entry.root}\n`);
  match(rebuilt.stderr, /^blockframe: warning: The archive has damage in file/);
  deepEqual(readTree(work.archive, { times: true }), before);
});

Deno.test("restore -o - ends before what is lost with 4; with --partial there are zeros", async () => {
  using work = new Workplace({ seed: 23 });
  const { content, folder } = await work.commit("file", twoBlocks);
  for (const segment of ["34", "35", "36", "37"]) {
    remove(`${folder}/blocks/block_1/segments/segment_${segment}.dat`);
  }
  const shell = inShell('"$@" > out');
  const args = ["restore", "file", "-o", "-"];
  const cut = await work.expect(4, args, shell);
  match(
    cut.stderr,
    /error: Cannot restore "file" to standard output: 4096 bytes from byte 139264 on are lost/,
  );
  deepEqual(work.read("out"), content.subarray(0, 34 * 4 * kib));
  const partial = await work.expect(4, [...args, "--partial"], shell);
  match(partial.stderr, /✗ file: restored in part to standard output/);
  const holes = content.slice();
  holes.fill(0, 34 * 4 * kib, 38 * 4 * kib);
  deepEqual(work.read("out"), holes);
});

Deno.test("restore -o - | head ends without a word; a full disk behind it is said", async () => {
  using work = new Workplace({ seed: 24 });
  const { content } = await work.commit("file", manyLeaves);
  const args = ["restore", "file", "-o", "-"];
  const head = await work.expect(
    141,
    args,
    inShell('"$@" | head -c 1000 > out'),
  );
  deepEqual([head.stdout, head.stderr], ["", ""]);
  deepEqual(work.read("out"), content.subarray(0, 1000));
  const full = await work.expect(8, args, inShell('"$@" > /dev/full'));
  match(full.stderr, /^blockframe: error: Cannot write the output: .*\n$/);
});

Deno.test("SIGINT ends a restore whose reader sleeps", async () => {
  using work = new Workplace({ seed: 25 });
  await work.commit("file", manyLeaves);
  work.write("seen", new Uint8Array());
  const reader = "head -c 1 > seen 2>&-; exec sleep 100 2>&- >&-";
  const shell = inShell(`exec "$@" > >(${reader})`);
  using running = work.start(["restore", "file", "-o", "-"], shell);
  await waitFor(running, () => work.read("seen").length > 0);
  kill(running.child, "SIGINT");
  const { code, stderr } = await running.ending;
  equal(code, 130);
  match(stderr, /blockframe: error: (Interrupted|Stopped on request)\n$/);
});

async function waitForStaging(work: Workplace, running: Running) {
  let ended = false;
  running.ending.finally(() => ended = true).catch(() => {});
  while (
    !ended && !listTree(work.archive).some((path) => path.includes("/piece_"))
  ) await new Promise((resolve) => setTimeout(resolve, 1));
}
