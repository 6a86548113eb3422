// Tree place: where a restored tree goes. A tree that is new is made under a hidden name beside its
// own and gets that in one step. Into a folder that is there, files go one by one, each in one step,
// from a hidden folder in it. Either way nothing half written ever has its own name.

import { Failure, isFailure } from "../base/errors.ts";
import type { FileRow } from "../format/file_row.ts";
import type { TreeKind, TreeStore } from "../store/tree_store.ts";

/** What to do about files that are there already. */
export type ExistingPolicy = "refuse" | "skip" | "overwrite";

/** Paths that a refusal lists before it counts the rest. */
const listedCountMax = 10;

/** Where a tree goes: `path` in the store, or the store's own root where that is "". */
export class TreePlace {
  readonly store: TreeStore;
  readonly path: string;
  /** The output as the caller named it. */
  readonly label: string;
  /** Whether the output is there, and the tree is to be put into it. */
  readonly isMerge: boolean;
  /** Hidden folder in which the tree is made. */
  readonly temporary: string;
  readonly #existing: ExistingPolicy;

  /** @throws {Failure} `wrong-kind`, `unsafe-path` if something else than a folder is there */
  constructor(
    store: TreeStore,
    output: {
      readonly path: string;
      readonly label: string;
      readonly existing: ExistingPolicy;
      readonly temporaryName: string;
    },
  ) {
    this.store = store;
    this.path = output.path;
    this.label = output.label;
    this.#existing = output.existing;
    const found = store.statExactly(output.path)?.kind;
    if (found !== undefined && found !== "folder") {
      throw new Failure(
        found === "file" ? "wrong-kind" : "unsafe-path",
        `Cannot restore to "${output.label}": it is ${
          describeKind(found)
        }, not a folder`,
      );
    }
    this.isMerge = found !== undefined;
    this.temporary = this.isMerge
      ? joinPath(output.path, output.temporaryName)
      : joinPath(parentOf(output.path), output.temporaryName);
  }

  /** Whether what is there is replaced, also the attributes of folders. */
  get isOverwrite(): boolean {
    return this.#existing === "overwrite";
  }

  /** Where something of the tree is while it is made. */
  at(path: string): string {
    return joinPath(this.temporary, path);
  }

  /** Where something of the tree is in the end. */
  finalAt(path: string): string {
    return joinPath(this.path, path);
  }

  /**
   * The rows that are to be restored, given what is there: all, or without those to be skipped.
   * @throws {Failure} `exists` with a list of what is in the way, of which nothing was touched
   */
  rowsToMake(rows: readonly FileRow[]): readonly FileRow[] {
    if (!this.isMerge) return rows;
    const conflicts: string[] = [];
    let free: string | undefined;
    const wanted = rows.filter((row) => {
      if (free !== undefined && row.path.startsWith(`${free}/`)) return true;
      const found = this.#find(row.path);
      if (found === undefined) {
        if (row.kind === "folder") free = row.path;
        return true;
      }
      const verdict = this.#judge(row, found);
      if (verdict === "conflict") conflicts.push(describe(row, found));
      return verdict !== "skip";
    });
    if (conflicts.length === 0) return wanted;
    const listed = conflicts.slice(0, listedCountMax).join(", ");
    const rest = conflicts.length - listedCountMax;
    throw new Failure(
      "exists",
      `Cannot restore to "${this.label}": these are in the way: ${listed}` +
        (rest > 0 ? ` and ${rest} more` : ""),
    );
  }

  /**
   * Gives a name of the finished tree its place.
   * @throws {Failure} `exists` if something has come into it meanwhile that is not to be replaced
   */
  move(row: FileRow): void {
    const target = this.finalAt(row.path);
    const found = this.store.statExactly(target)?.kind;
    if (found !== undefined && this.#judge(row, found) !== "replace") {
      throw new Failure(
        "exists",
        `Cannot restore "${target}": something has come into its place`,
      );
    }
    this.store.moveName(this.at(row.path), target);
  }

  /** What is at a path of the output. */
  kindAt(path: string): TreeKind | undefined {
    return this.store.statExactly(this.finalAt(path))?.kind;
  }

  /** As kindAt; below a link or a file there is nothing, and these are conflicts themselves. */
  #find(path: string): TreeKind | undefined {
    try {
      return this.kindAt(path);
    } catch (error) {
      if (isFailure(error, "unsafe-path")) return undefined;
      throw error;
    }
  }

  #judge(
    row: FileRow,
    found: TreeKind,
  ): "enter" | "replace" | "skip" | "conflict" {
    if (row.kind === "folder" || found === "folder") {
      return row.kind === "folder" && found === "folder" ? "enter" : "conflict";
    }
    // A device, a pipe or a socket is nothing that a restore could have made.
    if (found === "other") return "conflict";
    switch (this.#existing) {
      case "refuse":
        return "conflict";
      case "skip":
        return "skip";
      case "overwrite":
        return "replace";
    }
  }
}

function describe(row: FileRow, found: TreeKind): string {
  const path = JSON.stringify(row.path);
  const isOfKind = row.kind === found ||
    row.kind === "hardlink" && found === "file";
  return isOfKind ? path : `${path} (${describeKind(found)})`;
}

function describeKind(kind: TreeKind): string {
  return kind === "other" ? "a special file" : `a ${kind}`;
}

/** Two paths, of which the first may be "" for the root. */
export function joinPath(folder: string, path: string): string {
  return folder === "" ? path : `${folder}/${path}`;
}

/** The folder above a path. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}
