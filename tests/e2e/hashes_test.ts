// What `show --hashes` prints is given to the real b3sum, as a person would.

import { deepEqual, equal, match } from "node:assert/strict";
import { flipBit, remove } from "./damage.ts";
import { listFiles } from "./tree.ts";
import { manyLeaves, twoBlocks, Workplace } from "./workplace.ts";

/** Runs `b3sum -c` on these lines in `folder`. */
async function verify(
  folder: string,
  lines: string,
): Promise<{ code: number; stdout: string }> {
  const child = new Deno.Command("b3sum", {
    args: ["-c"],
    cwd: folder,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(lines));
  await writer.close();
  const { code, stdout } = await child.output();
  return { code, stdout: new TextDecoder().decode(stdout) };
}

const oddNames = [
  " two  spaces ",
  "-dash",
  "back\\slash\\n",
  "new\nline\\",
  "tab\t and \x1b[31m",
  "*star ü 日本",
];

Deno.test("show --hashes prints what b3sum -c accepts, whatever the name", async () => {
  using work = new Workplace();
  const lines: string[] = [];
  for (const name of oddNames) {
    await work.commit(name, 5000);
    const shown = await work.expect(0, ["show", "--hashes", "--", name]);
    lines.push(shown.stdout);
  }
  const whole = await verify(work.path, lines.join(""));
  equal(whole.code, 0, whole.stdout);
  equal(whole.stdout.match(/: OK$/gm)?.length, oddNames.length);
  work.write(oddNames[3]!, "something else");
  const changed = await verify(work.path, lines.join(""));
  equal(changed.code, 1);
  equal(changed.stdout.match(/: OK$/gm)?.length, oddNames.length - 1);
});

for (
  const [name, bytes] of [["two", twoBlocks], ["many", manyLeaves]] as const
) {
  Deno.test(`show --shards prints what b3sum -c accepts in the entry's folder: ${name}`, async () => {
    using work = new Workplace();
    const { folder } = await work.commit(name, bytes);
    const args = ["show", name, "--hashes", "--shards"];
    const before = await work.expect(0, args);
    equal((await verify(folder, before.stdout)).code, 0);

    const block = `${folder}/blocks/${name === "two" ? "block_0" : "block_00"}`;
    const segments = listFiles(`${block}/segments`);
    flipBit(`${block}/segments/${segments[1]}`, 8 * 1000);
    flipBit(`${block}/parity/parity_2.dat`, 3);
    remove(`${block}/segments/${segments[7]}`);
    remove(`${folder}/hashes/manifest.json`);
    const saved = await verify(folder, before.stdout);
    const now = await work.expect(4, args);
    match(now.stderr, /2 damaged files of (two|many) have a hash of zeros/);
    const fresh = await verify(folder, now.stdout);
    for (const { code, stdout } of [saved, fresh]) {
      equal(code, 1);
      deepEqual(
        failedOf(stdout),
        [
          `${block}/parity/parity_2.dat`,
          `${block}/segments/${segments[1]}`,
          `${block}/segments/${segments[7]}`,
          `${folder}/hashes/manifest.json`,
        ].map((path) => path.slice(folder.length + 1)).sort(),
      );
    }

    await work.expectRepair();
    const after = await work.expect(0, args);
    equal(after.stdout, before.stdout);
    equal((await verify(folder, after.stdout)).code, 0);
  });
}

function failedOf(stdout: string): string[] {
  return [...stdout.matchAll(/^(.*): FAILED/gm)].map((each) => each[1]!).sort();
}
