// Memory group: processes that may have so much memory together and no more, as on a small machine:
// what the kernel keeps of their files counts, and there is no swap. A control group of Linux, of
// either version. Needs root, and a kernel or container that lets it make one.

/** One group. Disposing removes it; its processes must have ended. */
export class MemoryGroup implements Disposable {
  readonly #folder: string;
  /** The file that tells how many of its processes were killed for want of memory. */
  readonly #events: string;

  private constructor(folder: string, events: string) {
    this.#folder = folder;
    this.#events = events;
  }

  /** Makes a group that may have `bytes`; undefined where that cannot be done. */
  static open(bytes: number): MemoryGroup | undefined {
    const name = `blockframe-${crypto.randomUUID()}`;
    const second = `/sys/fs/cgroup/${name}`;
    if (make(second, ["memory.max", bytes], ["memory.swap.max", 0])) {
      return new MemoryGroup(second, `${second}/memory.events`);
    }
    const first = `/sys/fs/cgroup/memory/${name}`;
    const memory = "memory.limit_in_bytes";
    // Memory and swap together.
    const both = "memory.memsw.limit_in_bytes";
    return make(first, [memory, bytes], [both, bytes])
      ? new MemoryGroup(first, `${first}/memory.oom_control`)
      : undefined;
  }

  /** Words before the command line of a process that is to be in the group. */
  get prefix(): string[] {
    const script = 'echo $$ > "$0" && exec "$@"';
    return ["/bin/sh", "-c", script, `${this.#folder}/cgroup.procs`];
  }

  /** How many of its processes the kernel has killed, because there was no more memory. */
  get killedCount(): number {
    const text = Deno.readTextFileSync(this.#events);
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1]);
  }

  /** Removes the group. */
  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder);
  }
}

type Limit = readonly [file: string, bytes: number];

/** Makes the group and its limits; undoes it where there can be none. */
function make(folder: string, memory: Limit, swap: Limit): boolean {
  try {
    Deno.mkdirSync(folder);
  } catch {
    return false;
  }
  // A kernel that knows no swap has no file for it.
  if (write(folder, memory)) {
    write(folder, swap);
    return true;
  }
  Deno.removeSync(folder);
  return false;
}

function write(folder: string, [file, bytes]: Limit): boolean {
  try {
    // Opened, not made: where the file is not there, nobody would heed it.
    Deno.writeTextFileSync(`${folder}/${file}`, `${bytes}`, { create: false });
    return true;
  } catch {
    return false;
  }
}
