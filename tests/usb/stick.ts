// Stick: a real exFAT file system in an image file, through a loop device and FUSE, because few kernels
// of test machines have exFAT built in. It can be pulled out in the middle of the work.

import { equal, ok } from "node:assert/strict";

/** A mounted exFAT file system. Disposing unmounts it and takes the loop device away. */
export class ExfatStick implements Disposable {
  readonly path: string;
  readonly #device: string;
  #driver: Deno.ChildProcess | undefined;

  private constructor(path: string, device: string) {
    this.path = path;
    this.#device = device;
  }

  /** Formats an image of `bytes` bytes below `folder` and mounts it there. */
  static async make(folder: string, bytes: number): Promise<ExfatStick> {
    const image = `${folder}/exfat.img`;
    Deno.writeFileSync(image, new Uint8Array());
    Deno.truncateSync(image, bytes);
    call("mkfs.exfat", image);
    const path = `${folder}/exfat`;
    Deno.mkdirSync(path);
    const device = call("losetup", "--find", "--show", image).trim();
    const stick = new ExfatStick(path, device);
    await stick.plugIn();
    return stick;
  }

  /** Mounts it, as at the first time. */
  async plugIn(): Promise<void> {
    const device = Deno.statSync(this.path).dev;
    // With -d the driver stays our child, so that it can be killed by its id.
    this.#driver = new Deno.Command("mount.exfat-fuse", {
      args: ["-d", this.#device, this.path],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    for (let time = 0; Deno.statSync(this.path).dev === device; time++) {
      ok(time < 1000, "exFAT is mounted within ten seconds");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Kills the driver, as if the stick were pulled: every call fails from now on. */
  async pull(): Promise<void> {
    this.#driver?.kill("SIGKILL");
    await this.#driver?.status;
    this.#driver = undefined;
  }

  /** Unmounts it lazily: what is open goes on, and the folder is empty. */
  detach(): void {
    call("umount", "--lazy", this.path);
  }

  /** Takes away what a pull left, so that it can be plugged in again. */
  async unplug(): Promise<void> {
    new Deno.Command("umount", { args: [this.path] }).outputSync();
    await this.#driver?.status;
    this.#driver = undefined;
  }

  /**
   * Mends the file system, as the system that a pulled stick is plugged in to has to: the driver writes
   * which clusters are free long after the files that have them, so what was being written then may
   * have clusters that the next file would get, too.
   */
  mend(): void {
    const { code, said } = run("fsck.exfat", ["-y", this.#device]);
    ok(code === 0 || code === 1, `fsck.exfat -y ended with ${code}: ${said}`);
  }

  /** What the file system's own check says. */
  expectSound(): void {
    call("fsck.exfat", "-n", this.#device);
  }

  [Symbol.dispose](): void {
    new Deno.Command("umount", { args: ["--lazy", this.path] }).outputSync();
    new Deno.Command("losetup", { args: ["--detach", this.#device] })
      .outputSync();
  }
}

/** Runs a program of the system, which must succeed; gives its standard output. */
export function call(program: string, ...args: readonly string[]): string {
  const { code, stdout, said } = run(program, args);
  equal(code, 0, `${program} ${args.join(" ")}: ${said}`);
  return stdout;
}

/** Runs a program of the system; `said` is all it says. */
function run(
  program: string,
  args: readonly string[],
): { readonly code: number; readonly stdout: string; readonly said: string } {
  const { code, ...output } = new Deno.Command(program, {
    args: [...args],
    stdin: "null",
  }).outputSync();
  const decoder = new TextDecoder();
  const stdout = decoder.decode(output.stdout);
  return { code, stdout, said: stdout + decoder.decode(output.stderr) };
}
