// Mounted: what the benchmarks of mounts share: a mount by the real program, and order among values.

import { program } from "./program.ts";

/** A mount that is up. */
export class Mount implements AsyncDisposable {
  /** Where the archive is. */
  readonly path: string;
  readonly #child: Deno.ChildProcess;

  private constructor(path: string, child: Deno.ChildProcess) {
    this.path = path;
    this.#child = child;
  }

  /** Mounts; resolves once it can be used. */
  static async open(archive: string, path: string): Promise<Mount> {
    const child = new Deno.Command(program[0]!, {
      args: [...program.slice(1), "mount", "-a", archive, "-m", path, "--json"],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    reader.releaseLock();
    return new Mount(path, child);
  }

  /** The largest resident set so far, MiB. */
  peakMib(): number {
    const status = Deno.readTextFileSync(`/proc/${this.#child.pid}/status`);
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }

  /** Unmounts and waits for the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await run("fusermount3", "-u", this.path);
    await this.#child.stdout.cancel();
    await this.#child.status;
  }
}

/** Runs a program that must succeed. */
export async function run(command: string, ...args: string[]): Promise<void> {
  const { success } = await new Deno.Command(command, {
    args,
    stdout: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")}`);
}

/** The value below which that share of them lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[
    Math.min(sorted.length - 1, Math.floor(sorted.length * share))
  ]!;
}

/** The one in the middle. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
