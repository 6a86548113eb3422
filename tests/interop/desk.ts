// Desk: a temporary folder with an archive of one entry, the two programs that work on it
// (BlockFrame as a process of its own, and stranger.py), and damage for them to mend.

import assert from "node:assert/strict";

const folder = import.meta.dirname!;
const repository = `${folder}/../..`;
const decoder = new TextDecoder();

/** A payload and how it is stored. */
export interface Case {
  readonly name: string;
  readonly bytes: number;
  /** The text of config.toml. */
  readonly settings?: string;
  readonly policy?: string;
}

/** What a process came to. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A shard's file, from the entry's folder, and its right length. */
export interface Shard {
  readonly path: string;
  readonly bytes: number;
  /** Of a segment: where it begins in the payload. */
  readonly offset?: number;
}

/** A part of the payload. */
export interface Range {
  readonly offset: number;
  readonly bytes: number;
}

/** Numbers from 0 below 1, the same ones for the same seed. */
export type Random = () => number;

/** Mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number below `end`. */
export function below(random: Random, end: number): number {
  return Math.floor(random() * end);
}

/** `count` of the items, in any order; all of them where there are fewer. */
export function pick<T>(
  random: Random,
  items: readonly T[],
  count: number,
): T[] {
  const keys = new Map(items.map((item) => [item, random()]));
  const sorted = [...items].sort((a, b) => keys.get(a)! - keys.get(b)!);
  return sorted.slice(0, count);
}

function fill(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => below(random, 256));
}

async function start(
  command: string,
  args: readonly string[],
  cwd: string,
): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** Whether there is a Python 3 to run stranger.py. */
export async function hasPython(): Promise<boolean> {
  try {
    return (await start("python3", ["-c", "pass"], ".")).code === 0;
  } catch {
    return false;
  }
}

/** A desk; `using` clears it away. */
export class Desk implements Disposable {
  readonly folder: string = Deno.makeTempDirSync({ prefix: "stranger_" });

  /** The entry's folder. */
  entry = "";
  payload: Uint8Array = new Uint8Array();

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }

  /** Has BlockFrame store a payload of random bytes. */
  async commit(what: Case, random: Random): Promise<void> {
    this.payload = fill(random, what.bytes);
    this.write("payload", this.payload);
    await this.store("payload", what);
  }

  /** Has BlockFrame store what lies at a path. */
  async store(
    path: string,
    what: Pick<Case, "settings" | "policy">,
  ): Promise<void> {
    this.write("config.toml", new TextEncoder().encode(what.settings ?? ""));
    const policy = what.policy === undefined ? [] : ["--policy", what.policy];
    const ended = await this.blockframe("commit", path, policy);
    assert.equal(ended.code, 0, ended.stderr);
    const [made] = Deno.readDirSync(`${this.folder}/archive`);
    assert.ok(made !== undefined);
    this.entry = `archive/${made.name}`;
  }

  /** Runs BlockFrame on the archive. */
  blockframe(
    command: string,
    ...args: readonly (string | readonly string[])[]
  ): Promise<Ended> {
    const program = `${repository}/main.ts`;
    const config = `${repository}/deno.json`;
    return start(
      Deno.execPath(),
      ["run", "--quiet", "--no-prompt", "-A", "--config", config, program]
        .concat(command, "-a", "archive", args.flat()),
      this.folder,
    );
  }

  /** Runs stranger.py on the entry. */
  stranger(command: "restore" | "repair"): Promise<Ended> {
    const program = `${folder}/stranger.py`;
    const output = command === "restore" ? ["restored"] : [];
    return this.python([program, command, this.entry, ...output]);
  }

  /** Runs a Python program, which is there. */
  python(args: readonly string[]): Promise<Ended> {
    // No compiled module is left beside the sources.
    return start("python3", ["-B", ...args], this.folder);
  }

  /** Has stranger.py restore the entry, and compares it with the payload. */
  async assertRestored(): Promise<void> {
    const ended = await this.stranger("restore");
    assert.equal(ended.code, 0, ended.stderr + ended.stdout);
    const restored = this.read("restored");
    assert.ok(restored !== undefined && isEqual(restored, this.payload));
    Deno.removeSync(`${this.folder}/restored`);
  }

  /** Has BlockFrame look for damage; it must find none. */
  async assertHealthy(): Promise<void> {
    const ended = await this.blockframe("health", "--check");
    assert.equal(ended.code, 0, ended.stderr + ended.stdout);
  }

  /** Bytes of a file on the desk; `undefined` where there is none. */
  read(path: string): Uint8Array | undefined {
    try {
      return Deno.readFileSync(`${this.folder}/${path}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  write(path: string, bytes: Uint8Array): void {
    const full = `${this.folder}/${path}`;
    Deno.mkdirSync(full.slice(0, full.lastIndexOf("/")), { recursive: true });
    Deno.writeFileSync(full, bytes);
  }

  /** All files of the entry, by their path from its folder. */
  snapshot(): Map<string, Uint8Array> {
    const paths = listFiles(`${this.folder}/${this.entry}`);
    return new Map(
      paths.map((path) => [path, this.read(`${this.entry}/${path}`)!]),
    );
  }

  /** Changes a file of the entry with `change`, which returns its new bytes, or nothing to delete it. */
  damage(
    path: string,
    change: (bytes: Uint8Array) => Uint8Array | undefined,
  ): void {
    const before = this.read(`${this.entry}/${path}`);
    assert.ok(before !== undefined, `${path} is there to be damaged`);
    const after = change(before.slice());
    assert.ok(after === undefined || !isEqual(before, after), path);
    if (after === undefined) {
      Deno.removeSync(`${this.folder}/${this.entry}/${path}`);
    } else this.write(`${this.entry}/${path}`, after);
  }

  /** The geometry that the manifest tells, and the shards of each block, segments first. */
  survey(): Survey {
    const bytes = this.read(`${this.entry}/manifest.json`);
    const manifest = JSON.parse(decoder.decode(bytes));
    const policy: string = manifest.policy;
    const [first, second] = policy.split(/\D+/).slice(1).map(Number);
    const k = policy.startsWith("erasure") ? first! : 1;
    const m = policy.startsWith("erasure") ? second! : first! - 1;
    const files = [...this.snapshot()].map(([path, content]) => ({
      path,
      bytes: content.length,
    }));
    const segments = files.filter((one) => one.path.includes("segments/"))
      .map((one, s) => ({ ...one, offset: s * manifest.segment_bytes }));
    const parity = files.filter((one) => one.path.includes("parity/"));
    const blocks: Shard[][] = [];
    for (let b = 0; b * k < segments.length; b++) {
      const data = segments.slice(b * k, b * k + k);
      blocks.push([...data, ...parity.slice(b * m, b * m + m)]);
    }
    assert.equal(blocks.flat().length, segments.length + parity.length);
    return {
      m,
      blocks,
      leafBytes: manifest.leaf_bytes,
      pages: manifest.outboard.pages?.length ?? 0,
    };
  }
}

/** What damage needs to know of an entry. */
export interface Survey {
  readonly m: number;
  readonly leafBytes: number;
  /** Pages of the outboard; 0 where it is in the manifest. */
  readonly pages: number;
  readonly blocks: readonly (readonly Shard[])[];
}

function listFiles(folder: string, prefix = ""): string[] {
  const found: string[] = [];
  for (const one of Deno.readDirSync(`${folder}/${prefix}`)) {
    const path = prefix + one.name;
    if (one.isDirectory) found.push(...listFiles(folder, `${path}/`));
    else found.push(path);
  }
  return found.sort();
}

/** Whether two files have the same bytes. */
export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Changes one bit of a byte from `start` to before `end`. */
export function flip(
  random: Random,
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): Uint8Array {
  const at = start + below(random, end - start);
  bytes[at]! ^= 1 << below(random, 8);
  return bytes;
}

/** Damages leaf `r` of a shard; whether the shard has such a leaf. */
export function rotLeaf(
  desk: Desk,
  random: Random,
  shard: Shard,
  r: number,
  leafBytes: number,
): boolean {
  const end = Math.min(shard.bytes, (r + 1) * leafBytes);
  if (r * leafBytes >= end) return false;
  desk.damage(shard.path, (bytes) => flip(random, bytes, r * leafBytes, end));
  return true;
}

/** Rots up to `m` leaves of each row of a block, of other shards in each row. */
export function rotRows(
  desk: Desk,
  random: Random,
  survey: Survey,
  block: readonly Shard[],
): void {
  const rows = Math.ceil(block[0]!.bytes / survey.leafBytes);
  for (let r = 0; r < rows; r++) {
    const there = block.filter((one) => one.bytes > r * survey.leafBytes);
    for (const shard of pick(random, there, survey.m)) {
      rotLeaf(desk, random, shard, r, survey.leafBytes);
    }
  }
}

/** Deletes, truncates, replaces or lengthens `m` whole shards of a block. */
export function hitShards(
  desk: Desk,
  random: Random,
  survey: Survey,
  block: readonly Shard[],
): void {
  const hits: ((bytes: Uint8Array) => Uint8Array | undefined)[] = [
    () => undefined,
    (bytes) => bytes.subarray(0, below(random, bytes.length)),
    (bytes) => Uint8Array.from([...fill(random, 900), ...bytes]),
    (bytes) => Uint8Array.from([...bytes, ...fill(random, 900)]),
  ];
  const first = below(random, hits.length);
  for (const [i, shard] of pick(random, block, survey.m).entries()) {
    desk.damage(shard.path, hits[(first + i) % hits.length]!);
  }
}

const copies = ["", "hashes/", "hashes_1/", "hashes_2/"];

/** Damages three copies of the manifest, and each page of the outboard in three copies. */
export function hitCopies(desk: Desk, random: Random, survey: Survey): void {
  const [gone, cut, rotten] = pick(random, copies, 3);
  desk.damage(`${gone}manifest.json`, () => undefined);
  desk.damage(`${cut}manifest.json`, (bytes) => bytes.subarray(0, -1));
  desk.damage(`${rotten}manifest.json`, (bytes) => flip(random, bytes));
  if (survey.pages === 0) return;
  const [first, second, third, fourth] = pick(random, copies, 4);
  const page = 65536;
  desk.damage(`${first}outboard.bin`, () => undefined);
  desk.damage(
    `${second}outboard.bin`,
    (bytes) => bytes.subarray(0, Math.min(page, bytes.length) - 1),
  );
  desk.damage(
    `${third}outboard.bin`,
    (bytes) => flip(random, bytes, 0, Math.min(page, bytes.length)),
  );
  if (survey.pages > 1) {
    desk.damage(`${fourth}outboard.bin`, (bytes) => flip(random, bytes, page));
  }
}
