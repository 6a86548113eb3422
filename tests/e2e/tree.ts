// Tree: everything below a folder as plain data, so that two looks at it can be compared: names,
// kinds, content, and where wanted the times.

import { Codec } from "../../src/codec/mod.ts";
import { formatHex } from "../../src/base/bytes.ts";

/** What lies at each path, in words; "" is the folder itself. */
export type Tree = Readonly<Record<string, string>>;

/** Looks at what `folder` is and at everything below it; no link below it is followed. */
export function readTree(
  folder: string,
  options: { readonly times?: boolean } = {},
): Tree {
  const tree: Record<string, string> = {};
  for (const path of ["", ...listTree(folder)]) {
    const place = path === "" ? folder : `${folder}/${path}`;
    tree[path] = describe(place, options.times ?? false);
  }
  return tree;
}

/** A tree without the folder itself: locks come and go in an archive's own, and touch its time. */
export function withoutRoot({ "": _root, ...rest }: Tree): Tree {
  return rest;
}

/** Paths of all that lies below `folder`, sorted. */
export function listTree(folder: string, prefix = ""): string[] {
  const paths: string[] = [];
  if (!Deno.statSync(folder).isDirectory) return paths;
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    paths.push(prefix + name);
    if (isDirectory) {
      paths.push(...listTree(`${folder}/${name}`, `${prefix}${name}/`));
    }
  }
  return paths.sort();
}

/** Paths of all plain files below `folder`, sorted. */
export function listFiles(folder: string): string[] {
  return listTree(folder).filter((path) =>
    Deno.lstatSync(`${folder}/${path}`).isFile
  );
}

/** What lies at `path`, in words: kind and content, and where wanted mode and time of change. */
export function describe(path: string, times = false): string {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "nothing";
    throw error;
  }
  const when = times
    ? ` ${info.mode?.toString(8)} ${info.mtime?.getTime()}`
    : "";
  if (info.isSymlink) return `link to ${Deno.readLinkSync(path)}${when}`;
  if (info.isDirectory) return `folder${when}`;
  if (!info.isFile) return `special${when}`;
  return `${info.size} bytes ${digestOf(path)}${when}`;
}

/** BLAKE3 of a file, hexadecimal. */
export function digestOf(path: string): string {
  return formatHex(Codec.open().digest(Deno.readFileSync(path)));
}
