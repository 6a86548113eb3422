// Packing: a folder as one compressed file whose bytes depend on the content alone: names in order,
// one time, one owner, modes without the umask.

import { runCommand } from "./command.ts";

/**
 * Packs `folder` of `parent` into `target`, a .tar.xz, which takes 65 MiB of memory to unpack. The
 * filter for x86 code would make it smaller still, but small unpackers (busybox) do not know it.
 */
export async function packTarXz(
  parent: string,
  folder: string,
  target: string,
  epochSeconds: number,
): Promise<void> {
  const tar = `${parent}/${folder}.tar`;
  await runCommand("tar", [
    "--create",
    "--format=ustar",
    "--sort=name",
    `--mtime=@${epochSeconds}`,
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--mode=u=rwX,go=rX",
    `--file=${tar}`,
    `--directory=${parent}`,
    folder,
  ]);
  // One thread: several cut the input into pieces, and the bytes would be others.
  const args = ["--threads=1", "-9", "--stdout"];
  await runCommand("xz", args, { input: tar, output: target });
  await Deno.remove(tar);
}

/** Packs `folder` of `parent` into `target`, a .zip as Windows opens it. */
export async function packZip(
  parent: string,
  folder: string,
  target: string,
  epochSeconds: number,
): Promise<void> {
  const paths = await listPaths(parent, folder);
  for (const path of paths) {
    await Deno.utime(`${parent}/${path}`, epochSeconds, epochSeconds);
  }
  // -X: no times of last access, no owners; names in the order that they are given in.
  await runCommand("zip", ["-9", "-X", "-q", "-D", target, ...paths], {
    cwd: parent,
  });
}

/** Paths of all files below, sorted, from `parent`. */
export async function listPaths(
  parent: string,
  folder: string,
): Promise<string[]> {
  const paths: string[] = [];
  for await (const entry of Deno.readDir(`${parent}/${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) paths.push(...await listPaths(parent, path));
    else paths.push(path);
  }
  return paths.sort();
}
