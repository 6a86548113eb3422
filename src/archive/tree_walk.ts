// Tree walk: what a folder of somebody's holds, as rows of a file table in their order, without any
// content. Links are not followed. What cannot be stored is collected, so that a person hears of all
// of it at once; who decides what becomes of that is the caller.

import { Failure, messageOf } from "../base/errors.ts";
import { formatTimeNs } from "../base/calendar.ts";
import { dataRangeCountMax, xattrsBytesMax } from "../base/limits.ts";
import type {
  FileRow,
  PlainFileRow,
  RowAttributes,
  Xattr,
} from "../format/file_row.ts";
import { treePathProblem } from "../format/tree_path.ts";
import {
  type DataRange,
  floorMs,
  type TreeName,
  type TreeStat,
  type TreeStore,
} from "../store/tree_store.ts";
import type { SkippedPath } from "./report.ts";
import { ignoreFileName, readPatterns, TreeIgnore } from "./tree_ignore.ts";

/** Which part of a folder is meant. */
export interface WalkRequest {
  /** Lines of .gitignore that hold from the root. */
  readonly excludes: readonly string[];
  /** Do not go into folders on other file systems: they are stored empty. */
  readonly oneFileSystem: boolean;
  /** Paths that are not for storing: the archive itself, where it lies in the tree. */
  readonly omit: readonly string[];
}

/** A file as it was found: where its content lies in a payload, and its hash, others know. */
export type FoundFile = Omit<PlainFileRow, "data" | "blake3" | "nameCount"> & {
  nameCount: number;
};

/** A row of a table to be. There may be very many: each holds what nobody else does. */
export type FoundRow = FoundFile | Exclude<FileRow, PlainFileRow>;

/** A file that is to be read. */
export interface FileSource {
  readonly row: FoundFile;
  /** Its times in the source when it was looked at, if known: while they stay, so does the content. */
  readonly modifiedMs: number | undefined;
  readonly changedMs: number | undefined;
  /** Where it has data, if not everywhere: the rest are holes. */
  readonly ranges: readonly DataRange[] | undefined;
}

/** What a walk found. */
export interface WalkedTree {
  readonly root: RowAttributes;
  /** In the order of a file table. Those of files are the rows of `files`. */
  readonly rows: readonly FoundRow[];
  /** In the order of the rows. */
  readonly files: readonly FileSource[];
  /** What cannot be stored, or is not for storing. */
  readonly skipped: readonly SkippedPath[];
  /** Files and folders that a pattern leaves out. */
  readonly excludedCount: number;
  /** Names of extended attributes that are not kept. */
  readonly lostAttributes: ReadonlySet<string>;
}

/** Called now and then with the files found so far; may wait, and may throw. */
export type WalkPause = (fileCount: number) => Promise<void>;

const namesPerPause = 500;

/** Walks the whole tree of a store. @throws {Failure} if its root cannot be read, or a pattern is none */
export async function walkTree(
  store: TreeStore,
  request: WalkRequest,
  pause: WalkPause,
): Promise<WalkedTree> {
  const walk = new Walk(store, request, pause);
  await walk.run();
  return walk;
}

class Walk implements WalkedTree {
  root: RowAttributes = {};
  readonly rows: FoundRow[] = [];
  readonly files: FileSource[] = [];
  readonly skipped: SkippedPath[] = [];
  excludedCount = 0;
  readonly lostAttributes: Set<string> = new Set();
  readonly #store: TreeStore;
  readonly #request: WalkRequest;
  readonly #pause: WalkPause;
  readonly #omit: ReadonlySet<string>;
  /** Files of several names by identity, when the first of these was met. */
  readonly #linked: Map<string, FoundFile> = new Map();
  #device: string | undefined;
  #nameCount = 0;

  constructor(store: TreeStore, request: WalkRequest, pause: WalkPause) {
    this.#store = store;
    this.#request = request;
    this.#pause = pause;
    this.#omit = new Set(request.omit);
  }

  async run(): Promise<void> {
    const stat = this.#store.statExactly("");
    if (stat === undefined || stat.kind !== "folder") {
      throw new Failure(
        "wrong-kind",
        `Cannot walk ${this.#store.location}: it is no folder`,
      );
    }
    this.#device = stat.device;
    this.root = this.#attributesOf("", stat);
    const names = this.#store.listExactly("");
    await this.#walk("", names, TreeIgnore.of(this.#request.excludes));
  }

  async #walk(
    folder: string,
    names: readonly TreeName[],
    outer: TreeIgnore,
  ): Promise<void> {
    const hasIgnoreFile = names.some(({ name, kind }) =>
      name === ignoreFileName && kind === "file"
    );
    const ignored = hasIgnoreFile
      ? outer.with(
        folder,
        readPatterns(this.#store, joinPath(folder, ignoreFileName)),
      )
      : outer;
    for (const name of names) {
      if (++this.#nameCount % namesPerPause === 0) {
        await this.#pause(this.files.length);
      }
      const path = joinPath(folder, name.name);
      if (this.#omit.has(path)) {
        this.skipped.push({ path, reason: "archive" });
      } else if (ignored.isIgnored(path, name.kind === "folder")) {
        this.excludedCount++;
      } else {
        const inner = this.#attempt(path, () => this.#visit(path, name));
        if (inner !== undefined) await this.#walk(path, inner, ignored);
      }
    }
  }

  /** Takes up what lies at a path; gives the names in a folder that is to be gone into. */
  #visit(path: string, { kind }: TreeName): TreeName[] | undefined {
    const problem = kind === "unreachable"
      ? "its name is not UTF-8"
      : treePathProblem(path);
    if (problem !== undefined) {
      this.#skip(path, "unreadable", problem);
      return undefined;
    }
    const stat = this.#store.statExactly(path);
    if (stat === undefined) {
      this.#skip(path, "vanished");
      return undefined;
    }
    switch (stat.kind) {
      case "file":
        this.#addFile(path, stat);
        return undefined;
      case "folder":
        return this.#addFolder(path, stat);
      case "link": {
        const target = this.#store.readLink(path);
        this.rows.push({
          kind: "link",
          path,
          target,
          ...this.#attributesOf(path, stat),
        });
        return undefined;
      }
      case "other":
        this.#skip(path, "special");
        return undefined;
    }
  }

  #addFolder(path: string, stat: TreeStat): TreeName[] | undefined {
    const isElsewhere = this.#request.oneFileSystem &&
      stat.device !== this.#device;
    // Before its row: a folder that cannot be listed is left out as a whole, and said.
    const names = isElsewhere ? [] : this.#store.listExactly(path);
    this.rows.push({
      kind: "folder",
      path,
      ...this.#attributesOf(path, stat),
    });
    if (isElsewhere) this.skipped.push({ path, reason: "other-file-system" });
    return names;
  }

  #addFile(path: string, stat: TreeStat): void {
    if (this.#request.oneFileSystem && stat.device !== this.#device) {
      this.skipped.push({ path, reason: "other-file-system" });
      return;
    }
    const first = stat.identity !== undefined && stat.linkCount > 1
      ? this.#linked.get(stat.identity)
      : undefined;
    if (first !== undefined) {
      first.nameCount++;
      this.rows.push({ kind: "hardlink", path, target: first.path });
      return;
    }
    this.#requireReadable(path, stat);
    const row: FoundFile = {
      kind: "file",
      path,
      bytes: stat.bytes,
      nameCount: 1,
      ...this.#attributesOf(path, stat),
    };
    const ranges = this.#rangesOf(path, stat);
    this.rows.push(row);
    this.files.push({
      row,
      ranges,
      modifiedMs: stat.modifiedNs === undefined
        ? undefined
        : floorMs(stat.modifiedNs),
      changedMs: stat.changedMs,
    });
    if (stat.identity !== undefined && stat.linkCount > 1) {
      this.#linked.set(stat.identity, row);
    }
  }

  /** Finds out before anything is stored, where the mode gives reason to doubt. @throws {Failure} */
  #requireReadable(path: string, { mode }: TreeStat): void {
    if (mode === undefined || (mode & 0o444) === 0o444) return;
    this.#store.openFile(path, "read")[Symbol.dispose]();
  }

  #rangesOf(
    path: string,
    stat: TreeStat,
  ): readonly DataRange[] | undefined {
    // Only who takes up less than its size can have holes; asking costs an open.
    const mayHaveHoles = this.#store.capabilities.holes &&
      stat.allocatedBytes !== undefined && stat.allocatedBytes < stat.bytes;
    if (!mayHaveHoles) return undefined;
    return boundRanges(this.#store.readDataRanges(path), stat.bytes);
  }

  #attributesOf(path: string, stat: TreeStat): RowAttributes {
    const modified = stat.modifiedNs === undefined
      ? undefined
      : formatTimeNs(stat.modifiedNs);
    const xattrs = stat.kind === "link" ? [] : this.#xattrsOf(path);
    return {
      ...(stat.mode === undefined ? {} : { mode: stat.mode }),
      ...(modified === undefined ? {} : { modified }),
      ...(stat.userId === undefined ? {} : { uid: stat.userId }),
      ...(stat.groupId === undefined ? {} : { gid: stat.groupId }),
      ...(xattrs.length === 0 ? {} : { xattrs }),
    };
  }

  #xattrsOf(path: string): Xattr[] {
    if (!this.#store.capabilities.extendedAttributes) return [];
    const { values, skipped } = this.#store.readExtended(path);
    for (const name of skipped) this.lostAttributes.add(name);
    const xattrs = [...values].map(([name, value]) => ({ name, value }));
    const bytes = xattrs.reduce(
      (sum, { name, value }) => sum + 3 * name.length + value.length,
      0,
    );
    if (bytes <= xattrsBytesMax) return xattrs;
    throw new Failure(
      "source-unreadable",
      `Cannot keep the extended attributes of "${path}": they take more than ${xattrsBytesMax} bytes`,
    );
  }

  #attempt<T>(path: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Failure) || error.code === "offline") throw error;
      const isGone = error.code === "not-found";
      this.#skip(path, isGone ? "vanished" : "unreadable", messageOf(error));
      return undefined;
    }
  }

  #skip(path: string, reason: SkippedPath["reason"], problem?: string): void {
    this.skipped.push({
      path,
      reason,
      ...(problem === undefined ? {} : { problem }),
    });
  }
}

/**
 * Ranges within the file, few enough for a row: the smallest holes are given up, which costs bytes
 * and no truth.
 */
export function boundRanges(
  ranges: readonly DataRange[],
  fileBytes: number,
  countMax: number = dataRangeCountMax,
): DataRange[] {
  let bounded: DataRange[] = [];
  for (let holeBytesMin = 1;; holeBytesMin *= 2) {
    bounded = joinOver(bounded.length === 0 ? ranges : bounded, {
      fileBytes,
      holeBytesMin,
    });
    if (bounded.length <= countMax) return bounded;
  }
}

/** Joins ranges with less than `holeBytesMin` between them. */
function joinOver(
  ranges: readonly DataRange[],
  { fileBytes, holeBytesMin }: { fileBytes: number; holeBytesMin: number },
): DataRange[] {
  const joined: DataRange[] = [];
  for (const range of ranges) {
    const end = Math.min(fileBytes, range.offset + range.bytes);
    if (end <= range.offset) continue;
    const last = joined.at(-1);
    const gap = last === undefined
      ? Infinity
      : range.offset - last.offset - last.bytes;
    if (last === undefined || gap >= holeBytesMin) {
      joined.push({ offset: range.offset, bytes: end - range.offset });
    } else {
      joined[joined.length - 1] = {
        offset: last.offset,
        bytes: end - last.offset,
      };
    }
  }
  return joined;
}

function joinPath(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}
