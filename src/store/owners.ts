// Owners: what root made anew in folders of other users, and how it becomes theirs, so that a repair by
// root does not leave files that the archive's owner cannot repair the next time.
//
// Who owns a folder may put any other folder, or a link, in its place at any instant, and Deno has no
// openat. So nothing is given by its path: only what is open, and is the very file that this process
// made (device, inode, time of birth). And nothing is given that may lie elsewhere than it seems: from
// the folder that holds it up to the archive, no folder may have changed for longer than a clock's
// tick. A folder's time of change, which nobody can set, moves with every name in it that comes or
// goes, and when the folder itself is moved. While none of them moved, a path led to one place only,
// so that the file lies in the folder whose owner gets it. It must have no other name.

import { type NodeFileStat, nodeFileSystem } from "./node_fs.ts";

/** A file or folder that was made, and what tells it from all that may come to its place. */
export interface MadeName {
  readonly path: string;
  /** Undefined where nothing does: on file systems that keep no times of birth. */
  readonly identity: string | undefined;
}

/** Names that are kept at most: the rest stays with root, and is counted. */
const namesMax = 10_000;

/** Deno gives times of change in whole seconds; Linux sets them to the last tick, 10 ms at most. */
const settleMs = 1000 + 100;

const root = 0;

/** What root made below one folder. Does nothing for other users, and on other systems than Linux. */
export class Owners {
  readonly #prefix: string;
  readonly #identities = new Map<string, string | undefined>();
  #droppedCount = 0;

  /** Knows of nothing yet; `prefix` is the folder's path and a "/". */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Keeps in mind what was just made at `path`; `info` is of an open file, or of what lies there. */
  note(path: string, info: Deno.FileInfo): void {
    if (Deno.build.os !== "linux" || info.uid !== root) return;
    const isKnown = info.birthtime !== null &&
      (info.isFile || isUnused(info, info.birthtime));
    this.add([{ path, identity: isKnown ? identityOf(info) : undefined }]);
  }

  /** The same, for what another thread made. */
  add(names: readonly MadeName[]): void {
    for (const { path, identity } of names) {
      if (this.#identities.size < namesMax) {
        this.#identities.set(path, identity);
      } else this.#droppedCount++;
    }
  }

  /** Hands over what was made, for the thread that gives it away. */
  take(): MadeName[] {
    const names = [...this.#identities]
      .map(([path, identity]) => ({ path, identity }));
    this.#identities.clear();
    return names;
  }

  /** A file that was made has another name now. */
  rename(source: string, target: string): void {
    const identity = this.#identities.get(source);
    const isOurs = this.#identities.delete(source);
    if (isOurs) this.#identities.set(target, identity);
    else this.#identities.delete(target);
  }

  /**
   * How long to wait before giveBack(); undefined where there is nothing to give, and then nothing is
   * kept in mind any more. Never throws.
   */
  waitMs(nowMs: number): number | undefined {
    let changedMs: number | undefined;
    for (const path of this.#identities.keys()) {
      const folders = this.#lookAtFolders(path);
      if (ownerOf(folders) === undefined) continue;
      const times = [...folders, lookAt(this.#prefix + path)]
        .map((info) => info?.ctime?.getTime() ?? 0);
      changedMs = Math.max(changedMs ?? 0, ...times);
    }
    if (changedMs === undefined) {
      this.take();
      return undefined;
    }
    return Math.max(0, changedMs + settleMs - nowMs);
  }

  /**
   * Gives everything that was made, and is still there, to the owner and the group of its folder, with
   * that folder's permission bits; how much of it could not be given. Never throws.
   */
  giveBack(nowMs: number): number {
    // What lies deeper first: a folder that is given has changed.
    const names = this.take()
      .map((name) => ({ ...name, depth: name.path.split("/").length }))
      .sort((left, right) => right.depth - left.depth);
    let failedCount = this.#droppedCount;
    this.#droppedCount = 0;
    for (const name of names) {
      try {
        if (!this.#give(name, nowMs)) failedCount++;
      } catch {
        // No right to (a sandbox, a file system without owners), or it is just going away.
        failedCount++;
      }
    }
    return failedCount;
  }

  /** Whether it is where it belongs now. @throws whatever the system throws */
  #give({ path, identity }: MadeName, nowMs: number): boolean {
    const seen = lookAt(this.#prefix + path);
    if (
      seen === undefined || ownerOf(this.#lookAtFolders(path)) === undefined
    ) return true;
    if (identity === undefined) return seen.uid !== root;
    // Replaced since: what it is now is not to be given.
    if (identityOf(seen) !== identity) return true;
    const fs = nodeFileSystem();
    if (fs === undefined) return false;
    const { O_RDONLY = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
    const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
    const descriptor = fs.openSync(this.#prefix + path, flags);
    try {
      const found = fs.fstatSync(descriptor);
      if (identityOfNode(found) !== identity || found.uid !== root) {
        return false;
      }
      const folders = this.#lookAtFolders(path);
      const owner = ownerOf(folders);
      const isSure = owner !== undefined &&
        folders.every((info) =>
          info?.isDirectory === true && info.dev === found.dev &&
          isSettled(info.ctime?.getTime(), nowMs)
        ) && isSettled(found.ctimeMs, nowMs) &&
        hasStayed(found, fs.fstatSync(descriptor));
      if (!isSure) return false;
      const mode = modeFor(found, owner.mode ?? 0o700);
      // While it is root's: who may give away need not have the right to change what others own.
      if (mode !== (found.mode & 0o7777)) {
        tolerate(() => fs.fchmodSync(descriptor, mode));
      }
      fs.fchownSync(descriptor, owner.uid!, owner.gid ?? found.gid);
      return true;
    } finally {
      fs.closeSync(descriptor);
    }
  }

  /** The folders that `path` lies in, the innermost first; the archive itself is none of them. */
  #lookAtFolders(path: string): (Deno.FileInfo | undefined)[] {
    const folders: (Deno.FileInfo | undefined)[] = [];
    for (
      let slash = path.lastIndexOf("/");
      slash > 0;
      slash = path.lastIndexOf("/", slash - 1)
    ) folders.push(lookAt(this.#prefix + path.slice(0, slash)));
    return folders;
  }
}

/** The innermost folder that is not root's: those within it were made by root, too. */
function ownerOf(
  folders: readonly (Deno.FileInfo | undefined)[],
): Deno.FileInfo | undefined {
  return folders.find((info) =>
    info !== undefined && info.uid !== null && info.uid !== root
  );
}

function isSettled(changedMs: number | undefined, nowMs: number): boolean {
  return changedMs !== undefined && changedMs + settleMs <= nowMs;
}

/** No name of it came or went between the two looks; a folder never has two. */
function hasStayed(before: NodeFileStat, after: NodeFileStat): boolean {
  return before.ctimeMs === after.ctimeMs &&
    (after.isDirectory() || after.isFile() && after.nlink === 1);
}

/** That of the folder; files are not executable, and nobody else may write to them. */
function modeFor(found: NodeFileStat, folderMode: number): number {
  return found.isDirectory()
    ? (found.mode & 0o7000) | (folderMode & 0o777)
    : 0o600 | (folderMode & 0o664);
}

/** Of a folder: nothing came or went in it since. Another that took its place would be an empty one. */
function isUnused({ mtime }: Deno.FileInfo, born: Date): boolean {
  return mtime?.getTime() === born.getTime();
}

function identityOf({ dev, ino, birthtime }: Deno.FileInfo): string {
  return `${dev}:${ino}:${birthtime?.getTime() ?? 0}`;
}

function identityOfNode({ dev, ino, birthtimeMs }: NodeFileStat): string {
  return `${dev}:${ino}:${Math.floor(birthtimeMs)}`;
}

/** What lies there, links not followed; undefined where nothing can be seen. */
function lookAt(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}

function tolerate(work: () => void): void {
  try {
    work();
  } catch {
    // The owner can set it.
  }
}
