// Targets: the executables that lie in dist/, and what each machine is called by others: in the names
// of downloads, and by Debian.

import { targets as compiled } from "../compile/targets.ts";

/** A kind of machine that an executable is made for. */
export interface Target {
  /** As `deno compile --target` spells it; it is also in the download's name. */
  readonly name: string;
  /** What Debian calls the architecture; only where there is a .deb. */
  readonly debian?: string;
  /** How the download is packed. */
  readonly packing: "tar.xz" | "zip";
}

/** An executable that lies in `dist/`. */
export interface Executable {
  readonly target: Target;
  readonly path: string;
}

const debianNames: Readonly<Record<string, string>> = {
  "aarch64-unknown-linux-gnu": "arm64",
  "x86_64-unknown-linux-gnu": "amd64",
};

/** Every target that `deno task compile` knows. */
export const targets: readonly Target[] = compiled.map(({ name, ending }) => {
  const packing = ending === ".exe" ? "zip" : "tar.xz";
  const debian = debianNames[name];
  return debian === undefined ? { name, packing } : { name, packing, debian };
});

/** The name of the program's file: it ends in `.exe` on Windows. */
export function programName(target: Target): string {
  return target.packing === "zip" ? "blockframe.exe" : "blockframe";
}

/**
 * The executables in `folder`: `blockframe-TARGET`, and `blockframe`, which is this machine's, where
 * it has no other. Fails where there are none.
 */
export async function listExecutables(folder: string): Promise<Executable[]> {
  const found: Executable[] = [];
  for (const target of targets) {
    const ending = target.packing === "zip" ? ".exe" : "";
    const names = [`blockframe-${target.name}${ending}`];
    if (target.name === Deno.build.target) names.push(programName(target));
    for (const name of names) {
      const path = `${folder}/${name}`;
      if (!await isFile(path)) continue;
      found.push({ target, path });
      break;
    }
  }
  if (found.length === 0) {
    throw new Error(
      `No executable lies in ${folder}: make one with deno task compile`,
    );
  }
  return found;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
