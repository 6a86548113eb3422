// Core: what an archive must do on the file system of a stick, as steps that a real program takes there.
// The stick may be of any kind: exFAT through FUSE here, FAT32 in a kernel of its own.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { equalBytes } from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import { remove, resize, rot } from "../e2e/damage.ts";
import type { Ending } from "../e2e/program.ts";

/** A mounted stick, a folder that is not on it, and the program. */
export interface Desk {
  /** Where the stick is mounted. */
  readonly stick: string;
  /** A folder on an ordinary file system; the program runs there. */
  readonly home: string;
  /** Runs the program. */
  run(args: readonly string[]): Promise<Ending>;
  /** Makes the kernel forget what it knows of files that nobody has open. */
  forget(): void;
}

/** One thing that must work. */
export interface Step {
  readonly name: string;
  readonly body: (desk: Desk) => Promise<void>;
}

const config = `segment_size = "4KiB"
[tiers]
tier1_max = "8KiB"
tier2_max = "64KiB"
`;

/** Names that FAT32 or exFAT or Windows refuse, or take for another one. */
const oddNames: readonly string[] = [
  "con",
  "NUL.txt",
  "com1",
  "dot at the end.",
  "space at the end ",
  "Readme",
  "README",
  "readme",
  "\u00e9 in one part",
  "e\u0301 in two parts",
  "日本語 🎉",
  "<a:b|c>?*",
  'quote"s',
  "back\\slash",
  "a\nb",
  "x".repeat(255),
];

/** All steps, each with an archive of its own. */
export const steps: readonly Step[] = [
  { name: "entries of every tier come back from the stick", body: everyTier },
  { name: "damage on the stick is found and repaired there", body: repairs },
  {
    name: "entries of odd names, and of names that differ by case only",
    body: odd,
  },
  { name: "a file is restored onto the stick", body: restoresOnto },
  { name: "remove, prune and cleanup take all files away", body: removes },
  {
    name: "what the kernel has forgotten is still the same folder",
    body: forgets,
  },
  {
    name: "a full stick refuses a commit, and everything else works",
    body: full,
  },
];

async function everyTier(desk: Desk): Promise<void> {
  const contents = new Map<string, Uint8Array>();
  for (const bytes of [0, 1, 5000, 20_000, 250_000]) {
    contents.set(`file ${bytes}`, fill(desk, `file ${bytes}`, bytes));
  }
  await expect(desk, 0, ["commit", ...contents.keys()]);
  await expect(desk, 0, ["health"]);
  await expectAll(desk, contents);
  await expect(desk, 0, ["commit", ...contents.keys()]);
  equal(
    (await list(desk)).length,
    contents.size,
    "the same is not stored twice",
  );
}

async function repairs(desk: Desk): Promise<void> {
  const content = fill(desk, "file", 250_000);
  const folder = await commit(desk, "file");
  const [rotten, lost] = segmentsOf(folder);
  rot(rotten!, 100, 50);
  remove(lost!);
  resize(`${firstBlockOf(folder)}/parity/parity_1.dat`, 100);
  remove(`${folder}/hashes_1`);
  rot(`${folder}/manifest.json`, 10, 5);
  await expect(desk, 4, ["health", "--check"]);
  await expectAll(desk, new Map([["file", content]]), 1);
  await expect(desk, 1, ["health"]);
  await expect(desk, 0, ["health", "--check"]);
  await expectAll(desk, new Map([["file", content]]));
}

async function odd(desk: Desk): Promise<void> {
  const contents = new Map(
    oddNames.map((name, index) => [name, fill(desk, name, 10 + index)]),
  );
  await expect(desk, 0, [
    "commit",
    ...oddNames.map((name) => `--file=${name}`),
  ]);
  deepEqual((await list(desk)).sort(), [...oddNames].sort());
  await expect(desk, 0, ["health"]);
  await expectAll(desk, contents);
}

async function restoresOnto(desk: Desk): Promise<void> {
  const content = fill(desk, "file", 30_001);
  await Deno.chmod(`${desk.home}/file`, 0o640);
  await Deno.utime(`${desk.home}/file`, 1_600_000_001, 1_600_000_001);
  await expect(desk, 0, ["commit", "file"]);
  const { stderr } = await expect(desk, 0, [
    "restore",
    "file",
    "-o",
    `${desk.stick}/`,
  ]);
  equal(stderr, "");
  ok(equalBytes(await Deno.readFile(`${desk.stick}/file`), content));
  // FAT32 counts time in steps of two seconds, and has no modes.
  const { mtime } = await Deno.stat(`${desk.stick}/file`);
  ok(Math.abs(mtime!.getTime() - 1_600_000_001_000) <= 2000, String(mtime));
  const again = ["restore", "file", "-o", `${desk.stick}/FILE`];
  match((await expect(desk, 8, again)).stderr, /it exists already/);
  await expect(desk, 0, [...again, "--overwrite"]);
  ok(equalBytes(await Deno.readFile(`${desk.stick}/file`), content));
  await Deno.remove(`${desk.stick}/file`);
}

async function removes(desk: Desk): Promise<void> {
  for (let version = 0; version < 4; version++) {
    fill(desk, "file", 20_000 + version);
    await expect(desk, 0, ["commit", "file"]);
  }
  const other = fill(desk, "other", 100);
  await expect(desk, 0, ["commit", "other"]);
  const prune = ["prune", "--keep-last", "1", "--yes"];
  await expect(desk, 0, prune);
  await expect(desk, 0, ["remove", "file", "--yes"]);
  deepEqual(await list(desk), ["other"]);
  await expectAll(desk, new Map([["other", other]]));
  await expect(desk, 0, ["remove", "other", "--yes"]);
  deepEqual(visibleNames(archiveOf(desk)), []);
}

async function forgets(desk: Desk): Promise<void> {
  const content = fill(desk, "file", 250_000);
  const folder = await commit(desk, "file");
  remove(segmentsOf(folder)[7]!);
  const timer = setInterval(() => desk.forget(), 1);
  try {
    await expect(desk, 4, ["health", "--check"]);
    await expect(desk, 1, ["health"]);
    await expectAll(desk, new Map([["file", content]]));
  } finally {
    clearInterval(timer);
  }
}

async function full(desk: Desk): Promise<void> {
  const content = fill(desk, "small", 20_000);
  await expect(desk, 0, ["commit", "small"]);
  const filler = `${desk.stick}/filler`;
  fillUp(filler);
  fill(desk, "big", 100_000);
  const before = visibleNames(archiveOf(desk));
  const { stderr } = await expect(desk, 8, ["commit", "big"]);
  match(stderr, /disk is full|no space|needs/);
  deepEqual(visibleNames(archiveOf(desk)), before);
  await expect(desk, 0, ["health"]);
  await expectAll(desk, new Map([["small", content]]));
  await expect(desk, 0, ["remove", "small", "--yes"]);
  await Deno.remove(filler);
  await expect(desk, 0, ["commit", "big"]);
}

/** Runs one step in folders of its own. */
export async function runStep(desk: Desk, step: Step): Promise<void> {
  await Deno.writeTextFile(`${desk.home}/config.toml`, config);
  try {
    await step.body(desk);
  } finally {
    await Deno.remove(archiveOf(desk), { recursive: true }).catch(() => {});
  }
}

function archiveOf(desk: Desk): string {
  return `${desk.stick}/archive`;
}

async function expect(
  desk: Desk,
  code: number,
  args: readonly string[],
): Promise<Ending> {
  const ending = await desk.run([...args, "-a", archiveOf(desk)]);
  const words = `${args.join(" ")}\n${ending.stdout}\n${ending.stderr}`;
  equal(ending.code, code, words);
  return ending;
}

/** Commits one file; gives its entry's folder. */
async function commit(desk: Desk, name: string): Promise<string> {
  const { stdout } = await expect(desk, 0, ["commit", "--json", name]);
  return `${archiveOf(desk)}/${JSON.parse(stdout).entries[0].folder}`;
}

function firstBlockOf(folder: string): string {
  return `${folder}/blocks/${visibleNames(`${folder}/blocks`)[0]}`;
}

function segmentsOf(folder: string): string[] {
  const segments = `${firstBlockOf(folder)}/segments`;
  return visibleNames(segments).map((name) => `${segments}/${name}`);
}

async function list(desk: Desk): Promise<string[]> {
  const { stdout } = await expect(desk, 0, ["list", "--json"]);
  return JSON.parse(stdout).entries.map(({ name }: { name: string }) => name);
}

async function expectAll(
  desk: Desk,
  contents: ReadonlyMap<string, Uint8Array>,
  code: 0 | 1 = 0,
): Promise<void> {
  const path = `${desk.home}/restored`;
  for (const [name, content] of contents) {
    const args = ["restore", "--overwrite", `--output=${path}`, "--", name];
    const ending = await desk.run(["-a", archiveOf(desk), ...args]);
    equal(ending.code, code, `${name}: ${ending.stderr}`);
    ok(equalBytes(await Deno.readFile(path), content), `${name} comes back`);
  }
}

let lastSeed = 0;

function fill(desk: Desk, name: string, bytes: number): Uint8Array {
  const content = new Prng(++lastSeed).bytes(bytes);
  Deno.writeFileSync(`${desk.home}/${name}`, content);
  return content;
}

function visibleNames(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => !name.startsWith(".")).sort();
}

/** Takes all the room there is, to the last cluster. */
function fillUp(path: string): void {
  using file = Deno.openSync(path, { write: true, create: true });
  for (let bytes = 1024 * 1024; bytes >= 512;) {
    try {
      ok(file.writeSync(new Uint8Array(bytes)) > 0);
    } catch {
      bytes /= 2;
    }
  }
  file.syncSync();
}
