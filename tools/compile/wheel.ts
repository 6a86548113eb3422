// Wheel: files of packages of Python's registry, fetched by pip (its cache, its proxy settings, its
// configuration), and taken only if they are what was pinned. Only what nobody needs comes from there:
// a runtime to try `deno compile` for Windows with.

import { digestOf } from "./registry.ts";
import { runProgram } from "./run_deno.ts";
import type { WheelFile } from "./targets.ts";

/**
 * The bytes of a pinned file.
 * @throws {Error} where it cannot be fetched, or is another one than was pinned.
 */
export async function readWheelFile(
  file: WheelFile,
): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await Deno.makeTempDir();
  try {
    const python = (...args: string[]) =>
      runProgram("python3", ["-m", ...args], { cwd: folder });
    const name = `${file.package}==${file.version}`;
    const wheels = ["--only-binary", ":all:", "--platform", file.platform];
    await python("pip", "download", "--quiet", "--no-deps", ...wheels, name);
    for await (const { name } of Deno.readDir(folder)) {
      await python("zipfile", "--extract", name, folder);
    }
    const bytes = await Deno.readFile(`${folder}/${file.path}`);
    if (await digestOf(bytes) === file.digest) return bytes;
    throw new Error(`${file.path} of ${name} is not what was pinned`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
