// Source tree: a folder that a user wants committed, as the engine takes it: its true path, its name,
// the patterns of files that are left out, and where in it the archive itself lies.

import { Failure } from "../base/errors.ts";
import { DirStore } from "../store/dir_store.ts";
import type { ResumeWish } from "./commit.ts";
import type { ResolvedTree } from "./commit_tree.ts";
import { readPatterns } from "./tree_ignore.ts";

/** What of a folder is committed, and how strictly. Goes with folders only. */
export interface TreeWish {
  /** Patterns as in .gitignore, from the folder's root. */
  readonly excludes?: readonly string[];
  /** Files of such patterns. */
  readonly excludeFiles?: readonly string[];
  /** Do not go into folders on other file systems. */
  readonly oneFileSystem?: boolean;
  /** Leave out files that change or vanish while they are read. Default: the commit fails. */
  readonly skipChanged?: boolean;
  /** Leave out files and folders that cannot be read. Default: the commit fails. */
  readonly skipUnreadable?: boolean;
}

/** What to commit, as the user said it. */
export interface TreeRequest extends TreeWish {
  readonly source: string;
  readonly name?: string;
  readonly policy?: string;
  readonly force?: boolean;
  readonly resume?: ResumeWish;
}

/**
 * The tree of a folder whose true path is `real`, for the archive in `archiveRoot`.
 * @throws {Failure} `invalid-argument`, or of a file of patterns
 */
export function resolveTree(
  request: TreeRequest,
  real: string,
  archiveRoot: string,
): ResolvedTree {
  if (real === archiveRoot) {
    throw new Failure(
      "invalid-argument",
      `Cannot commit "${request.source}": it is the archive itself`,
    );
  }
  const inner = pathInside(archiveRoot, real);
  return {
    root: real,
    label: request.source,
    permission: real,
    name: request.name ?? nameOf(request.source, real),
    ...(request.policy === undefined ? {} : { policy: request.policy }),
    force: request.force ?? false,
    ...(request.resume === undefined ? {} : { resume: request.resume }),
    excludes: [
      ...request.excludes ?? [],
      ...(request.excludeFiles ?? []).flatMap(readPatternFile),
    ],
    oneFileSystem: request.oneFileSystem ?? false,
    omit: inner === undefined ? [] : [inner],
    skipChanged: request.skipChanged ?? false,
    skipUnreadable: request.skipUnreadable ?? false,
  };
}

/** The folder's own name, also where it was given as "." or "photos/". */
function nameOf(source: string, real: string): string {
  const last = lastComponent(source);
  return last === "." || last === ".." || last === ""
    ? lastComponent(real)
    : last;
}

function lastComponent(path: string): string {
  return components(path).at(-1) ?? "";
}

function components(path: string): string[] {
  const separator = Deno.build.os === "windows" ? /[/\\]/ : "/";
  return path.split(separator).filter((name) => name !== "");
}

/** Where `path` lies below `folder`, "/"-separated; undefined if it does not. */
function pathInside(path: string, folder: string): string | undefined {
  const outer = components(folder), whole = components(path);
  const isInside = whole.length > outer.length &&
    outer.every((name, index) => name === whole[index]);
  return isInside ? whole.slice(outer.length).join("/") : undefined;
}

function readPatternFile(path: string): string[] {
  let real: string;
  try {
    real = Deno.realPathSync(path);
  } catch (error) {
    throw new Failure(
      "not-found",
      `Cannot read the patterns in "${path}": there is no such file`,
      { cause: error },
    );
  }
  const slash = Math.max(real.lastIndexOf("/"), real.lastIndexOf("\\"));
  const folder = new DirStore(real.slice(0, Math.max(1, slash)));
  return readPatterns(folder, real.slice(slash + 1));
}
