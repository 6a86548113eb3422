// Registry: files of packages of the npm registry, fetched by Deno as it fetches any package (its
// cache, its proxy settings, its `.npmrc`), and taken only if they are what was pinned.

import { formatHex } from "../../src/base/bytes.ts";
import { runDeno } from "./run_deno.ts";
import type { RegistryFile } from "./targets.ts";

/**
 * The bytes of a pinned file.
 * @throws {Error} where it cannot be fetched, or is another one than was pinned.
 */
export async function readRegistryFile(
  file: RegistryFile,
): Promise<Uint8Array<ArrayBuffer>> {
  const own = await readOwn(file);
  if (own !== undefined) return own;
  const name = `${file.package}@${file.version}`;
  await runDeno(
    undefined,
    ...["cache", "--quiet", "--no-config", "--no-lock", `npm:${name}`],
  );
  for (const path of await listCached(file)) {
    const bytes = await readMeant(path, file);
    if (await digestOf(bytes) === file.digest) return bytes;
    throw new Error(
      `${file.path} of ${name} is not what was pinned: its SHA-256 differs (${path})`,
    );
  }
  throw new Error(`Deno fetched ${name} and has no ${file.path} of it`);
}

/** This very Deno, if it is the pinned file: it often is. */
async function readOwn(
  file: RegistryFile,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (!file.package.startsWith("@deno/")) return undefined;
  if (Deno.version.deno !== file.version) return undefined;
  const bytes = await readMeant(Deno.execPath(), file);
  return await digestOf(bytes) === file.digest ? bytes : undefined;
}

async function readMeant(
  path: string,
  file: RegistryFile,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await Deno.readFile(path);
  return bytes.subarray(0, file.bytes);
}

/** Where it may lie in Deno's cache: below one folder for each registry. */
async function listCached(file: RegistryFile): Promise<string[]> {
  const { npmCache } = JSON.parse(
    await runDeno(undefined, "info", "--json", "--no-config"),
  );
  const paths: string[] = [];
  for await (const { name } of Deno.readDir(npmCache)) {
    const path =
      `${npmCache}/${name}/${file.package}/${file.version}/${file.path}`;
    try {
      if ((await Deno.stat(path)).isFile) paths.push(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return paths;
}

/** SHA-256. */
export async function digestOf(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  return formatHex(
    new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)),
  );
}
