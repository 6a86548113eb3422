// Workplace: a temporary folder with a configuration so small that kilobytes reach every tier, the
// files that a test commits, and the archive. It is the current folder of every process that a test
// starts, and gone when the test ends.

import { equal, match, ok } from "node:assert/strict";
import type {
  EntrySummary,
  FileDamage,
  HealthReport,
  RestoreReport,
} from "../../src/archive/report.ts";
import { equalBytes } from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import {
  type Ending,
  type Running,
  type RunOptions,
  runProgram,
  startProgram,
} from "./program.ts";

export const kib = 1024;

/** Tier 1 below 8 KiB, tier 2 below 64 KiB, tier 3 from there on; segments of 4 KiB. */
export const smallConfig = `segment_size = "4KiB"
[tiers]
tier1_max = "8KiB"
tier2_max = "64KiB"
`;

/** Two full blocks of tier 3 but for 100 bytes; its digests are in the manifest. */
export const twoBlocks: number = 240 * kib - 100;

/** Tier 3 with more digests than a manifest holds: it has the file outboard.bin. */
export const manyLeaves: number = 2000 * kib - 7;

/** The last line of `health --json`. */
export interface HealthSummary {
  readonly entryCount: number;
  readonly healthyCount: number;
  readonly repairedCount: number;
  readonly repairableCount: number;
  readonly lostCount: number;
  readonly problemCount: number;
  readonly exitCode: number;
}

/** What `health --json` said. */
export interface Health {
  readonly code: number;
  readonly entries: readonly HealthReport[];
  readonly summary: HealthSummary;
  readonly stderr: string;
}

/** A temporary folder to work in. */
export class Workplace implements Disposable {
  readonly path: string;
  readonly chance: Prng;

  /** Makes the folder; `config` is its config.toml, `seed` that of its files and of the damage. */
  constructor(
    options: {
      readonly config?: string | undefined;
      readonly seed?: number;
      readonly path?: string;
    } = {},
  ) {
    this.path = options.path ?? makeTemporaryFolder();
    const seed = options.seed ?? 1;
    this.chance = new Prng(seed);
    const config = "config" in options ? options.config : smallConfig;
    if (config !== undefined) this.write("config.toml", config);
  }

  /** The archive's folder: the one that is taken where none is named. */
  get archive(): string {
    return `${this.path}/archive_directory`;
  }

  /** The path of `name` in this folder. */
  at(name: string): string {
    return `${this.path}/${name}`;
  }

  /** Writes a file of this folder. */
  write(name: string, content: string | Uint8Array): string {
    const path = this.at(name);
    if (typeof content === "string") Deno.writeTextFileSync(path, content);
    else Deno.writeFileSync(path, content);
    return path;
  }

  /** Writes a file of random bytes. */
  fill(name: string, bytes: number): Uint8Array {
    const content = this.chance.bytes(bytes);
    this.write(name, content);
    return content;
  }

  /** Makes a folder in this one. */
  makeFolder(name: string): string {
    const path = this.at(name);
    Deno.mkdirSync(path, { recursive: true });
    return path;
  }

  /** The content of a file of this folder. */
  read(name: string): Uint8Array {
    return Deno.readFileSync(this.at(name));
  }

  /** Runs the program here, to its end. */
  run(
    args: readonly string[],
    options: Partial<RunOptions> = {},
  ): Promise<Ending> {
    return runProgram(args, { cwd: this.path, ...options });
  }

  /** Starts the program here. */
  start(args: readonly string[], options: Partial<RunOptions> = {}): Running {
    return startProgram(args, { cwd: this.path, ...options });
  }

  /** Runs the program, which must end with `code`. */
  async expect(
    code: number,
    args: readonly string[],
    options: Partial<RunOptions> = {},
  ): Promise<Ending> {
    const ending = await this.run(args, options);
    equal(
      ending.code,
      code,
      `${args.join(" ")}\n${ending.stdout}\n${ending.stderr}`,
    );
    return ending;
  }

  /** Commits a file of random bytes; gives its content and its entry. */
  async commit(
    name: string,
    bytes: number,
    ...options: readonly string[]
  ): Promise<{ content: Uint8Array; entry: EntrySummary; folder: string }> {
    const content = this.fill(name, bytes);
    const args = ["commit", "--json", ...options, "--", name];
    const { stdout } = await this.expect(0, args);
    const entry: EntrySummary = JSON.parse(stdout).entries[0];
    return { content, entry, folder: `${this.archive}/${entry.folder}` };
  }

  /** Runs `health --json`, whose lines must make sense together. */
  async health(
    args: readonly string[] = [],
    options: Partial<RunOptions> = {},
  ): Promise<Health> {
    const ending = await this.run(["health", "--json", ...args], options);
    const lines = ending.stdout.trimEnd().split("\n")
      .map((line) => JSON.parse(line));
    const summary = lines.pop();
    equal(summary?.type, "summary", ending.stdout + ending.stderr);
    equal(summary.exitCode, ending.code);
    equal(summary.entryCount, lines.length);
    for (const line of lines) equal(line.type, "entry");
    return {
      code: ending.code,
      entries: lines,
      summary,
      stderr: ending.stderr,
    };
  }

  /** `health` must mend everything, say so, and then find nothing any more. */
  async expectRepair(): Promise<readonly FileDamage[]> {
    const first = await this.health();
    equal(first.code, 1, JSON.stringify(first));
    const second = await this.health(["--check"]);
    equal(second.code, 0, JSON.stringify(second));
    return first.entries.flatMap((entry) => entry.damage);
  }

  /** Restores `name`, which must end with `code` and give `content`. */
  async expectRestore(
    code: 0 | 1,
    name: string,
    content: Uint8Array,
  ): Promise<RestoreReport> {
    const args = ["restore", "--json", "--overwrite", "-o", "restored", "--"];
    const ending = await this.expect(code, [...args, name]);
    const restored = this.read("restored");
    ok(equalBytes(restored, content), `${name} comes back byte for byte`);
    if (code === 1) match(ending.stderr, /warning: The archive has damage in/);
    else equal(ending.stderr, "");
    return JSON.parse(ending.stdout);
  }

  /** Removes the folder with all that it has. */
  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Where big files may lie. */
export const temporaryFolder: string = Deno.env.get("TMPDIR") || "/var/tmp";

/** A new folder there. */
export function makeTemporaryFolder(): string {
  return Deno.realPathSync(
    Deno.makeTempDirSync({ dir: temporaryFolder, prefix: "blockframe-e2e-" }),
  );
}
