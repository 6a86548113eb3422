// Repository: the checkout as the house tests see it: its root, its files, and a way to ask `deno`.

/** The root of the checkout. */
export const root: URL = new URL("../../", import.meta.url);

/** Folders that are made by working here and are no part of the repository (see .gitignore). */
const madeFolders =
  /^(\.git|dist|coverage|logs|archive_directory|wasm\/target)$/;

/**
 * Paths of all files below `folder` ("" is the root), from the root of the repository, sorted; none
 * where the folder is not there (Git keeps no empty one).
 */
export function listFiles(folder: string): string[] {
  const found: string[] = [];
  const prefix = folder === "" ? "" : `${folder}/`;
  if (!exists(folder)) return found;
  for (const entry of Deno.readDirSync(new URL(prefix || ".", root))) {
    const path = prefix + entry.name;
    if (madeFolders.test(path)) continue;
    if (entry.isDirectory) found.push(...listFiles(path));
    else found.push(path);
  }
  return found.sort();
}

/** Paths of the program's own TypeScript, below `src/` and `ffi/`. */
export function listSources(): string[] {
  return [...listFiles("src"), ...listFiles("ffi")].filter((path) =>
    path.endsWith(".ts")
  );
}

/** Whether there is a file or folder at `path`, from the root of the repository. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(new URL(path || ".", root));
    return true;
  } catch {
    return false;
  }
}

/** The text of a file of the repository. */
export function readText(path: string): string {
  return Deno.readTextFileSync(new URL(path, root));
}

/** Runs `deno` in the root and gives what it printed. Fails with that when `deno` does. */
export async function runDeno(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) {
    throw new Error(`deno ${args.join(" ")}: ${decoder.decode(stderr)}`);
  }
  return decoder.decode(stdout);
}
