// Resolve output: where a restore goes, from a path as a person typed it to a store.

import { Failure } from "../base/errors.ts";
import { nameProblem } from "../format/entry_path.ts";
import type { Manifest } from "../format/manifest.ts";
import type { RestoreRequest } from "./archive.ts";
import type { ResolvedOutput } from "./restore.ts";
import { TreeIgnore } from "./tree_ignore.ts";
import type { TreeRequest } from "./tree_restore.ts";
import { pathFailure, splitPath } from "./user_path.ts";

/** The file that a file is restored to. @throws {Failure} */
export function resolveOutput(
  request: RestoreRequest,
  name: string,
): ResolvedOutput {
  const label = outputLabel(request.output, name);
  const { root, path } = resolveNew(label);
  return {
    target: { root, path },
    label,
    overwrite: request.overwrite ?? false,
    partial: request.partial ?? false,
  };
}

/** The folder that a tree is restored to. @throws {Failure} */
export function resolveTreeOutput(
  request: RestoreRequest,
  name: string,
): TreeRequest {
  const label = request.output ?? name;
  const { overwrite = false, skipExisting = false, partial = false } = request;
  if (overwrite && skipExisting) {
    throw new Failure(
      "invalid-argument",
      "Existing files are either overwritten or skipped",
    );
  }
  const existing = overwrite ? "overwrite" : skipExisting ? "skip" : "refuse";
  const where = isExistingFolder(label)
    ? { root: Deno.realPathSync(label), path: "" }
    : resolveNew(label);
  const patterns = request.patterns ?? [];
  const ignored = TreeIgnore.of(request.excludes ?? []);
  return {
    ...where,
    label,
    existing,
    partial,
    patterns,
    isExcluded: (path, isFolder) => ignored.isIgnored(path, isFolder),
  };
}

/** A file has no parts. @throws {Failure} `invalid-argument` */
export function refuseTreeWishes(request: RestoreRequest, name: string): void {
  const { patterns = [], excludes = [], skipExisting = false } = request;
  const hasParts = patterns.length > 0 || excludes.length > 0;
  if (!hasParts && !skipExisting) return;
  throw new Failure(
    "invalid-argument",
    `"${name}" is a file, not a tree: ` +
      (skipExisting ? "nothing of it can be skipped" : "it has no parts"),
  );
}

/** A stream has no files. @throws {Failure} `invalid-argument` */
export function refuseTreeInStream(manifest: Manifest): void {
  if (manifest.files === undefined) return;
  throw new Failure(
    "invalid-argument",
    `"${manifest.name}" is a tree: it goes into a folder, not into a stream`,
  );
}

/** Something that may be there or not, in a folder that is. */
function resolveNew(label: string): { root: string; path: string } {
  const { folder, name: file } = splitPath(label);
  const problem = nameProblem(file);
  if (problem !== undefined) {
    throw new Failure(
      "invalid-name",
      `Cannot restore to "${label}": ${problem}`,
    );
  }
  let root: string;
  try {
    root = Deno.realPathSync(folder);
  } catch (error) {
    const cannot = `Cannot restore to "${label}"`;
    throw error instanceof Deno.errors.NotFound
      ? new Failure(
        "not-found",
        `${cannot}: there is no folder "${folder}"`,
        { cause: error },
      )
      : pathFailure(cannot, error);
  }
  return { root, path: file };
}

function outputLabel(output: string | undefined, name: string): string {
  if (output === undefined) return name;
  const isFolder = output.endsWith("/") || isExistingFolder(output);
  return isFolder ? `${output.replace(/\/+$/, "")}/${name}` : output;
}

function isExistingFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
