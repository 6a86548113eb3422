// The recipe of section 11 of docs/format.md, carried out as it stands there: its program is built
// from the page, its commands are run from the page. The library in it is not ours.

import assert from "node:assert/strict";
import { examplePayload, makeExample } from "../archive/worked_example.ts";
import { listFiles, readFile } from "../archive/harness.ts";
import {
  type Case,
  createRandom,
  Desk,
  isEqual,
  pick,
  type Random,
  type Shard,
} from "./desk.ts";

const here = import.meta.dirname!;
const page = await Deno.readTextFile(`${here}/../../docs/format.md`);
const section = page.slice(
  page.indexOf("\n## 11. "),
  page.indexOf("\n## Appendix"),
);
const decoder = new TextDecoder();

/** The only block of the section in this language. */
function blockOf(language: string): string {
  const blocks = section.matchAll(
    new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "gm"),
  );
  const [first, ...more] = [...blocks].map((match) => match[1]!);
  assert.ok(first !== undefined && more.length === 0, language);
  return first;
}

/** Puts the page's program where its commands look for it; the lock pins what it is made of. */
function writeProgram(folder: string): void {
  Deno.mkdirSync(`${folder}/recover/src`, { recursive: true });
  Deno.writeTextFileSync(`${folder}/recover/Cargo.toml`, blockOf("toml"));
  Deno.writeTextFileSync(`${folder}/recover/src/main.rs`, blockOf("rust"));
  Deno.copyFileSync(
    `${here}/recover/Cargo.lock`,
    `${folder}/recover/Cargo.lock`,
  );
}

// Without pipefail: `cat | head -c` ends cat by SIGPIPE where head is the faster one.
async function runBash(script: string, cwd: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-eu", "-c", script],
    cwd,
    stdin: "null",
  }).output();
  assert.equal(code, 0, decoder.decode(stdout) + decoder.decode(stderr));
  return decoder.decode(stdout);
}

/** Removes up to `m` shards of every block, one segment at least. */
function loseShards(
  desk: Desk,
  random: Random,
  block: readonly Shard[],
  m: number,
): void {
  const segments = block.filter((one) => one.offset !== undefined);
  const [first] = pick(random, segments, 1);
  const others = pick(random, block.filter((one) => one !== first), m - 1);
  for (const { path } of [first!, ...others]) {
    desk.damage(path, () => undefined);
  }
}

const small = `segment_size = "8KiB"
[tiers]
tier1_max = "8KiB"
tier2_max = "64KiB"
`;
const cases: readonly Case[] = [
  { name: "tier 1", bytes: 30_001 },
  { name: "tier 2", bytes: 40_000, settings: small },
  { name: "tier 3", bytes: 700_000, settings: small },
  {
    name: "erasure:4+2, the last segment shorter",
    bytes: 200_001,
    settings: `segment_size = "64KiB"`,
    policy: "erasure:4+2",
  },
  {
    name: "erasure:200+56",
    bytes: 1_000_000,
    settings: small,
    policy: "erasure:200+56",
  },
];

Deno.test("the recipe of docs/format.md brings lost segments back", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "recipe_" });
  try {
    writeProgram(folder);
    await t.step("as it stands on the page", async () => {
      const { bench, folder: entry } = await makeExample();
      const paths = listFiles(bench.archive, entry);
      const made = new Map(
        paths.map((path) => [path, readFile(bench.archive, path)]),
      );
      writeExample(folder, made);
      assert.match(await runBash(blockOf("bash"), folder), /^lines.txt: OK$/m);
      const restored = await Deno.readFile(`${folder}/lines.txt`);
      assert.ok(isEqual(restored, examplePayload));
      for (const [path, bytes] of made) {
        assert.ok(isEqual(await Deno.readFile(`${folder}/${path}`), bytes));
      }
    });
    const program = `${folder}/recover/target/release/recover`;
    for (const [seed, one] of cases.entries()) {
      await t.step(`for ${one.name}`, () => recoverAll(one, seed, program));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Writes the example but for the two segments that the page supposes to be gone. */
function writeExample(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
): void {
  let goneCount = 0;
  for (const [path, bytes] of files) {
    const full = `${folder}/${path}`;
    const parent = full.slice(0, full.lastIndexOf("/"));
    Deno.mkdirSync(parent, { recursive: true });
    if (/segment_[12]\.dat$/.test(path)) goneCount++;
    else Deno.writeFileSync(full, bytes);
  }
  assert.equal(goneCount, 2);
}

/** Loses what may be lost of every block, recovers it by the page's rules, and compares. */
async function recoverAll(
  one: Case,
  seed: number,
  program: string,
): Promise<void> {
  const random = createRandom(300 + seed);
  using desk = new Desk();
  await desk.commit(one, random);
  const { m, blocks } = desk.survey();
  const list = await desk.blockframe("show", "payload", "--hashes");
  const stored = await desk.blockframe("show", "payload", "--shards");
  desk.write("payload.b3", new TextEncoder().encode(list.stdout));
  desk.write("stored.b3", new TextEncoder().encode(stored.stdout));
  const entry = `${desk.folder}/${desk.entry}`;
  await runBash(`b3sum -c ../../stored.b3`, entry);
  for (const block of blocks) loseShards(desk, random, block, m);
  await assert.rejects(() => runBash(`b3sum -c ../../stored.b3`, entry));
  for (const block of blocks) {
    const { bytes } = block[0]!;
    const files = block.map((shard) => shard.path);
    await runBash([program, bytes, m, ...files].join(" "), entry);
  }
  const { length } = desk.payload;
  const segments = blocks.length > 0 && blocks[0]!.length > 1 + m
    ? "blocks/*/segments/*"
    : "segments/*";
  // Beside the entry first: where the file's own name is, the list is checked.
  await runBash(
    `cat ${segments} | head -c ${length} > ../../restored && cd ../.. &&
     mv restored payload && b3sum -c payload.b3`,
    entry,
  );
  assert.ok(isEqual(desk.read("payload")!, desk.payload));
  const last = blocks.at(-1)!.findLast((shard) => shard.offset !== undefined)!;
  await runBash(
    `truncate -s ${last.bytes} ${last.path} && b3sum -c ../../stored.b3`,
    entry,
  );
}
