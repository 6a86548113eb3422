// A machine with little memory: the program does its work in a control group that has less of it
// than the files have bytes. Where no group can be made these are ignored, and say so.

import { equal, ok } from "node:assert/strict";
import { MemoryGroup } from "../../tools/memory_group.ts";
import { remove, rot } from "./damage.ts";
import { listFiles } from "./tree.ts";
import { kib, Workplace } from "./workplace.ts";

const mib = kib * kib;
const limitBytes = 256 * mib;

/** More than the limit, and one block of 30+3. */
const fileBytes = 320 * mib;

/** Two threads, as few as a small machine has; so many are what a limit is about. */
const config = "workers = 2\n";

const canLimit = (() => {
  using group = MemoryGroup.open(limitBytes);
  return group !== undefined;
})();

function withLittle(
  name: string,
  body: (work: Workplace, group: MemoryGroup) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: !canLimit,
    fn: async () => {
      using work = new Workplace({ config });
      using group = MemoryGroup.open(limitBytes)!;
      await body(work, group);
    },
  });
}

withLittle(
  "a process that takes more than its group has is killed",
  async (_, group) => {
    const script = `const all = [];
    for (let mib = 0; mib < 600; mib++) all.push(new Uint8Array(1 << 20).fill(1));
    console.log(all.length);`;
    const [first, ...words] = [
      ...group.prefix,
      Deno.execPath(),
      "eval",
      script,
    ];
    const { signal } = await new Deno.Command(first!, { args: words }).output();
    equal(signal, "SIGKILL");
    equal(group.killedCount, 1);
  },
);

withLittle(
  "a file larger than the memory is committed, repaired and restored",
  async (work, group) => {
    writeBig(work);
    const prefix = group.prefix;
    const policy = ["--policy", "erasure:30+3"];
    await work.expect(0, ["commit", ...policy, "big"], { prefix });
    const shards = listFiles(work.archive).filter((path) =>
      path.endsWith(".dat")
    );
    ok(shards.length >= 33);
    remove(`${work.archive}/${shards[3]}`);
    rot(`${work.archive}/${shards[12]}`, 0, 2 * mib);
    await work.expect(1, ["health"], { prefix });
    await work.expect(0, ["restore", "big", "-o", "back"], { prefix });
    const { success } = await new Deno.Command("cmp", {
      args: [work.at("big"), work.at("back")],
    }).output();
    ok(success, "it comes back byte for byte");
    equal(group.killedCount, 0);
  },
);

/** Writes the file: no two leaves of it are the same. */
function writeBig(work: Workplace): void {
  using file = Deno.openSync(work.at("big"), { create: true, write: true });
  const leaf = work.chance.bytes(64 * kib);
  for (let done = 0; done < fileBytes; done += leaf.length) {
    new DataView(leaf.buffer).setUint32(0, done);
    file.writeSync(leaf);
  }
}

withLittle(
  "a tree of 5,000 files is committed and listed",
  async (work, group) => {
    for (let folder = 0; folder < 50; folder++) {
      work.makeFolder(`tree/${folder}`);
      for (let file = 0; file < 100; file++) {
        work.write(`tree/${folder}/a file with a name ${file}`, `${file}`);
      }
    }
    const prefix = group.prefix;
    await work.expect(0, ["commit", "tree"], { prefix });
    const { stdout } = await work.expect(0, ["show", "--files", "tree"], {
      prefix,
    });
    ok(stdout.includes("a file with a name 99"), stdout.slice(0, 1000));
    await work.expect(0, ["restore", "tree", "-o", "back"], { prefix });
    equal(listFiles(work.at("back")).length, 5000);
    equal(group.killedCount, 0);
  },
);
