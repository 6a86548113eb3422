// Tree work: what a restore of a tree does in the output. Order is what keeps it safe: folders, then
// files, then links, so that nothing is ever written through a link; attributes of folders last; all
// of it under a hidden name first. What is wrong with one name is noted, and the rest goes on.

import { present } from "../base/assert.ts";
import { parseTimeNs } from "../base/calendar.ts";
import { Failure, type FailureCode, isFailure } from "../base/errors.ts";
import type {
  FileRow,
  PlainFileRow,
  RowAttributes,
} from "../format/file_row.ts";
import {
  addRow,
  type FileTable,
  type FileTableCounts,
  noCounts,
} from "../format/file_table.ts";
import type { Geometry } from "../format/geometry.ts";
import type { TreeStore } from "../store/tree_store.ts";
import { type EngineContext, throwIfInterrupted } from "./context.ts";
import type { LostFile, PathProblem, TreeOutcome } from "./report.ts";
import { createFile } from "./payload_output.ts";
import { joinPath, parentOf, type TreePlace } from "./tree_place.ts";
import { TreePlan, type TreeTarget } from "./tree_plan.ts";

/** What is lost of which files. */
export type LostTargets = ReadonlyMap<TreeTarget, LostFile["ranges"]>;

/** How a restore goes about its work. */
export interface TreeWish {
  /** The root of the store of the output. */
  readonly root: string;
  /** Keep files with lost bytes, with zeros in the holes. */
  readonly partial: boolean;
}

/** Failures that concern everything, and not one name. */
const generalCodes: readonly FailureCode[] = [
  "interrupted",
  "io",
  "no-space",
  "offline",
  "read-only",
];

/** Rows between two turns of the event loop. */
const rowsPerPause = 500;

/** Set-uid and set-gid are for who restores to give: a file of another owner would get them too. */
const fileModeMask = 0o777;
const folderModeMask = 0o1777;

/** One restore of a tree under way. */
export class TreeWork {
  readonly place: TreePlace;
  readonly #table: FileTable;
  readonly #wish: TreeWish;
  readonly #context: EngineContext;
  /** What is to be made, in the order of the table. */
  #rows: readonly FileRow[] = [];
  readonly #targets: TreeTarget[] = [];
  /** What could not be made, and folders of the output that were there. */
  readonly #absent = new Set<string>();
  readonly #entered = new Set<string>();
  readonly #problems: PathProblem[] = [];
  readonly #attributeProblems: PathProblem[] = [];
  readonly #lostFiles: LostFile[] = [];
  #skippedCount = 0;

  /** Works on what `take` is given of `table`. */
  constructor(
    table: FileTable,
    place: TreePlace,
    wish: TreeWish,
    context: EngineContext,
  ) {
    this.place = place;
    this.#table = table;
    this.#wish = wish;
    this.#context = context;
  }

  /** Where the hidden folder is, as the threads' permissions name it. */
  get temporaryPath(): string {
    return `${this.#wish.root}/${this.place.temporary}`;
  }

  /** Takes on what of `rows` is to be made. @throws {Failure} `exists` */
  take(rows: readonly FileRow[]): void {
    this.#rows = this.place.rowsToMake(rows);
    this.#skippedCount = rows.length - this.#rows.length;
  }

  /** Makes the hidden folder and all folders in it. @throws {Failure} */
  async makeFolders(): Promise<void> {
    const { place } = this;
    const { store, temporary } = place;
    // What an interrupted restore left is ours to remove: its name has the entry's id.
    this.removeTemporary();
    try {
      store.makeFolder(temporary);
    } catch (error) {
      if (!isFailure(error)) throw error;
      const message = `Cannot restore to "${place.label}": ${error.message}`;
      throw new Failure(error.code, message, { cause: error });
    }
    // Nobody else is to look into it before the modes are what they should be.
    this.#note(".", () => store.setExactly(temporary, { mode: 0o700 }));
    await this.#eachPresent((row) => {
      if (row.kind !== "folder") return;
      this.#make(row.path, (path) => {
        // A file system that takes two names for one would make one folder of two.
        if (store.stat(path) !== undefined) throw taken(path);
        store.makeFolder(path);
      });
    });
  }

  /** Decides which run makes which file, and makes those that no run does. @throws {Failure} */
  plan(geometry: Geometry): TreePlan {
    this.#findTargets();
    const { place } = this;
    const output = { root: this.#wish.root, prefix: place.temporary };
    const { runBytesMax } = this.#context.settings;
    const plan = new TreePlan(geometry, this.#targets, output, runBytesMax);
    for (const target of plan.unowned()) {
      const isMade = this.#make(target.path, (path) => {
        createFile(place.store, path, target.row.bytes)[Symbol.dispose]();
      });
      target.state = isMade ? "made" : "refused";
    }
    plan.onRefused = ({ path }, { code, message }) => {
      this.#absent.add(path);
      this.#problems.push({ path, code, message });
    };
    // While the threads are busy with the next ones. Parity across blocks may come back to a file.
    if (geometry.crossBlock === undefined) {
      plan.onMade = (target) => this.#finishFile(target);
    }
    return plan;
  }

  /** All that is left once every byte is written. @throws {Failure} */
  async finish(lost: LostTargets): Promise<void> {
    const { place } = this;
    const isDurable = this.#context.settings.durable;
    await this.#finishFiles(lost);
    await this.#makeLinks();
    if (!place.isMerge) await this.#finishFolders(place.temporary);
    if (isDurable) await place.store.syncTree(place.temporary);
    if (place.isMerge) await this.#merge();
    else {
      place.store.rename(place.temporary, place.path);
      if (isDurable) place.store.syncFolder(parentOf(place.path));
    }
  }

  /** What it all came to. */
  outcome(): TreeOutcome {
    return {
      ...this.#count(),
      skippedCount: this.#skippedCount,
      lostFiles: this.#lostFiles,
      problems: this.#problems,
      attributeProblems: this.#attributeProblems,
    };
  }

  /** Never fails: what is in the way then is met by who needs the name. */
  removeTemporary(): void {
    const { store, temporary } = this.place;
    try {
      if (store.stat(temporary)?.kind !== "folder") return;
      try {
        store.removeTree(temporary);
      } catch (error) {
        if (!isFailure(error, "permission-denied")) throw error;
        openFolders(store, temporary);
        store.removeTree(temporary);
      }
    } catch (error) {
      if (!isFailure(error)) throw error;
    }
  }

  #findTargets(): void {
    const targets = new Map<string, TreeTarget>();
    const add = (path: string, row: PlainFileRow) => {
      const target: TreeTarget = { row, path, names: [], state: "waiting" };
      if (row.nameCount > 1) targets.set(row.path, target);
      this.#targets.push(target);
    };
    for (const row of this.#rows) {
      if (this.#isAbsent(row.path)) continue;
      if (row.kind === "file") add(row.path, row);
      if (row.kind !== "hardlink") continue;
      const first = targets.get(row.target);
      if (first !== undefined) first.names.push(row.path);
      else {
        const file = this.#table.findFile(row.path);
        add(row.path, present(file, "a hard link leads to a file"));
      }
    }
  }

  async #finishFiles(lost: LostTargets): Promise<void> {
    const { store } = this.place;
    for (const [index, target] of this.#targets.entries()) {
      await this.#pause(index);
      const ranges = lost.get(target);
      if (ranges !== undefined && target.state !== "refused") {
        this.#lostFiles.push({ path: target.path, ranges });
        if (!this.#wish.partial) {
          store.removeFile(this.place.at(target.path));
          target.state = "refused";
        }
      }
      if (target.state === "made") this.#finishFile(target);
      if (target.state !== "refused") continue;
      for (const path of [target.path, ...target.names]) this.#absent.add(path);
    }
  }

  #finishFile(target: TreeTarget): void {
    this.#setAttributes(target.path, target.row, this.place.at(target.path));
    target.state = "done";
  }

  /** Further names and symbolic links: after every file, so that none is written through. */
  async #makeLinks(): Promise<void> {
    const { store } = this.place;
    for (const [index, target] of this.#targets.entries()) {
      await this.#pause(index);
      if (target.state !== "done") continue;
      for (const name of target.names) {
        const existing = this.place.at(target.path);
        this.#make(name, (path) => store.linkFile(existing, path));
      }
    }
    await this.#eachPresent((row) => {
      if (row.kind !== "link") return;
      const isMade = this.#make(
        row.path,
        (path) => store.makeLink(path, row.target),
      );
      if (isMade) this.#setAttributes(row.path, row, this.place.at(row.path));
    });
  }

  /** Attributes of folders, innermost first: what is made in one changes its time. */
  async #finishFolders(base: string): Promise<void> {
    const { isMerge, isOverwrite } = this.place;
    for (const [index, row] of this.#rows.toReversed().entries()) {
      await this.#pause(index);
      if (row.kind !== "folder" || this.#isAbsent(row.path)) continue;
      if (this.#entered.has(row.path) && !isOverwrite) continue;
      this.#setAttributes(row.path, row, joinPath(base, row.path));
    }
    if (isMerge && !isOverwrite) return;
    this.#setAttributes(".", this.#table.header.root, base);
  }

  /** Name after name into the folder that is there; a new folder goes as a whole. */
  async #merge(): Promise<void> {
    const { place } = this;
    const { store } = place;
    const touched = new Set<string>();
    let moved: string | undefined;
    await this.#eachPresent((row) => {
      if (moved !== undefined && row.path.startsWith(`${moved}/`)) return;
      this.#attempt(row.path, () => {
        if (row.kind === "folder" && place.kindAt(row.path) === "folder") {
          this.#entered.add(row.path);
          return;
        }
        place.move(row);
        touched.add(parentOf(place.finalAt(row.path)));
        if (row.kind === "folder") moved = row.path;
      });
    });
    this.removeTemporary();
    await this.#finishFolders(place.path);
    if (!this.#context.settings.durable) return;
    for (const folder of touched) store.syncFolder(folder);
  }

  #setAttributes(path: string, row: RowAttributes, at: string): void {
    const { store } = this.place;
    const { mode, modified, xattrs = [] } = row;
    const isFolder = "kind" in row ? row.kind === "folder" : true;
    const mask = isFolder ? folderModeMask : fileModeMask;
    for (const { name, value } of xattrs) {
      // Before the mode, which may forbid it.
      this.#note(path, () => store.setExtended(at, name, value));
    }
    const modifiedNs = modified === undefined
      ? undefined
      : parseTimeNs(modified);
    this.#note(path, () =>
      store.setExactly(at, {
        ...(mode === undefined ? {} : { mode: mode & mask }),
        ...(modifiedNs === undefined ? {} : { modifiedNs }),
      }));
  }

  /** Makes one name in the hidden folder; false if that is not possible, which is noted. */
  #make(path: string, body: (at: string) => void): boolean {
    return this.#attempt(path, () => body(this.place.at(path)));
  }

  #attempt(path: string, body: () => void): boolean {
    const problem = failureOfName(body);
    if (problem === undefined) return true;
    this.#absent.add(path);
    this.#problems.push({ path, ...problem });
    return false;
  }

  /** Does what need not succeed. */
  #note(path: string, body: () => void): void {
    const problem = failureOfName(body);
    if (problem === undefined) return;
    this.#attributeProblems.push({ path, ...problem });
  }

  /** Whether something, or a folder above it, could not be made. */
  #isAbsent(path: string): boolean {
    if (this.#absent.size === 0) return false;
    for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
      if (this.#absent.has(path.slice(0, end))) return true;
    }
    return false;
  }

  async #eachPresent(visit: (row: FileRow) => void): Promise<void> {
    for (const [index, row] of this.#rows.entries()) {
      await this.#pause(index);
      if (!this.#isAbsent(row.path)) visit(row);
    }
  }

  /** Lets the event loop turn now and then, so that a signal is heard. @throws {Failure} `interrupted` */
  async #pause(index: number): Promise<void> {
    if (index % rowsPerPause !== 0) return;
    throwIfInterrupted(this.#context);
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
  }

  #count(): FileTableCounts {
    const counts = { ...noCounts };
    for (const row of this.#rows) {
      if (!this.#isAbsent(row.path)) addRow(counts, row);
    }
    return counts;
  }
}

/** What is wrong with one name, if anything is. @throws {Failure} what concerns everything */
function failureOfName(
  body: () => void,
): Omit<PathProblem, "path"> | undefined {
  try {
    body();
    return undefined;
  } catch (error) {
    if (!isFailure(error) || generalCodes.includes(error.code)) throw error;
    return { code: error.code, message: error.message };
  }
}

function taken(path: string): Failure {
  return new Failure(
    "exists",
    `Cannot make the folder "${path}": the file system takes its name for another one`,
  );
}

/** Lets all folders be removed, whatever modes they were given. */
function openFolders(store: TreeStore, path: string): void {
  store.setExactly(path, { mode: 0o700 });
  for (const { name, kind } of store.listExactly(path)) {
    if (kind === "folder") openFolders(store, `${path}/${name}`);
  }
}
