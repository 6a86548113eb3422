// Mount: small file systems of a test's own, which can be full or read-only. Only root may mount, and
// not in every container; where it cannot be done the tests that need it are ignored, and say so.

import { equal, ok } from "node:assert/strict";
import { makeTemporaryFolder } from "./workplace.ts";

/** Whether this process may mount at all. */
export const canMount: boolean = tryMount();

/** A test of file systems of its own. */
export function onMedium(name: string, body: () => Promise<void>): void {
  Deno.test({ name, ignore: !canMount, fn: body });
}

/** A mounted file system. Disposing unmounts it; the folder that it lay on stays. */
export class Mount implements Disposable {
  readonly path: string;

  private constructor(path: string, ...args: readonly string[]) {
    this.path = path;
    equal(mount(...args, path), "");
  }

  /** A file system in memory of `bytes` bytes. */
  static ofSize(path: string, bytes: number): Mount {
    Deno.mkdirSync(path, { recursive: true });
    const options = ["-o", `size=${bytes}`, "blockframe"];
    return new Mount(path, "-t", "tmpfs", ...options);
  }

  /** What `folder` holds, at a second place that cannot be written. */
  static readOnly(path: string, folder: string): Mount {
    Deno.mkdirSync(path, { recursive: true });
    const bound = new Mount(path, "--bind", folder);
    equal(mount("-o", "remount,ro,bind", path), "");
    return bound;
  }

  /** Gives a file system in memory another size. */
  resize(bytes: number): void {
    equal(mount("-o", `remount,size=${bytes}`, this.path), "");
  }

  /** Takes all room that is left, to the last byte. */
  fill(): void {
    const bytes = new Uint8Array(64 * 1024);
    using file = Deno.openSync(`${this.path}/filler`, {
      append: true,
      create: true,
    });
    for (let full = false; !full;) {
      try {
        ok(file.writeSync(bytes) > 0);
      } catch {
        full = true;
      }
    }
    equal(canTake(this.path), false, "the disk is full");
  }

  /** Gives back what fill() took. */
  drain(): void {
    Deno.removeSync(`${this.path}/filler`);
    equal(canTake(this.path), true, "the disk has room");
  }

  [Symbol.dispose](): void {
    const { success } = new Deno.Command("umount", { args: [this.path] })
      .outputSync();
    ok(success, `umount ${this.path}`);
  }
}

function canTake(folder: string): boolean {
  const path = `${folder}/probe`;
  try {
    Deno.writeFileSync(path, new Uint8Array(1));
    return true;
  } catch {
    return false;
  } finally {
    Deno.removeSync(path);
  }
}

function mount(...args: readonly string[]): string {
  const { code, stderr } = new Deno.Command("mount", { args: [...args] })
    .outputSync();
  return code === 0 ? "" : new TextDecoder().decode(stderr);
}

function tryMount(): boolean {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  const folder = makeTemporaryFolder();
  try {
    if (mount("-t", "tmpfs", "blockframe", folder) !== "") return false;
    return new Deno.Command("umount", { args: [folder] }).outputSync().success;
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
