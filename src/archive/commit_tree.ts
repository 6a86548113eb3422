// Commit of a tree: walks a folder, stores the content of all its files as one payload, and a table
// of what there is. A file that changes meanwhile is never stored as a mixture: the commit fails, or
// leaves the file out where that is wished. Its bytes then stay in the payload, and nothing refers to
// them.

import { encodeUtf8, formatHex } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import { formatTimeNs } from "../base/calendar.ts";
import type { FileRow } from "../format/file_row.ts";
import type { TreeStore } from "../store/tree_store.ts";
import {
  commitPayload,
  type Payload,
  refuseName,
  type ResumeWish,
} from "./commit.ts";
import { type EngineContext, throwIfInterrupted } from "./context.ts";
import { encodeFileTable, type StoredFileTable } from "./file_table_write.ts";
import type { CommitReport, SkippedPath, TreeLoss } from "./report.ts";
import type { PayloadFeed } from "./staging.ts";
import { StreamDigest } from "./stream_digest.ts";
import { hashFiles, type TreeHashes } from "./tree_hashes.ts";
import { TreePayload } from "./tree_payload.ts";
import {
  type FoundFile,
  type WalkedTree,
  type WalkRequest,
  walkTree,
} from "./tree_walk.ts";
import type { PieceProblem } from "./worker_protocol.ts";

/** A folder to commit, resolved to a store whose root it is. */
export interface ResolvedTree extends WalkRequest {
  readonly root: string;
  /** The folder as the caller named it, for messages. */
  readonly label: string;
  /** The path that threads must be allowed to read. */
  readonly permission?: string;
  readonly name: string;
  readonly policy?: string;
  readonly force?: boolean;
  readonly resume?: ResumeWish;
  /** Leave out files that change or vanish while they are read. */
  readonly skipChanged: boolean;
  /** Leave out files and folders that cannot be read. */
  readonly skipUnreadable: boolean;
}

/** How long before the walk a file may have been written to and still be looked at once more. */
const recentMs = 2000;

/** Makes one entry of a folder. @throws {Failure} `source-changed`, `source-unreadable`, … */
export async function commitTree(
  request: ResolvedTree,
  context: EngineContext,
): Promise<CommitReport> {
  refuseName(request.name);
  const store = context.treeStoreOf(request.root);
  const startMs = context.clock.nowMs();
  const tree = await walk(request, store, context);
  const draft = new TreeDraft(request, tree, store, startMs, context);
  draft.tell(tree.skipped);
  draft.refuse(tree.skipped);
  const report = await commitPayload(draft.payload(), context);
  return {
    ...report,
    skipped: draft.skipped,
    excludedCount: tree.excludedCount,
    notKept: lossesOf(tree, store),
  };
}

async function walk(
  request: ResolvedTree,
  store: TreeStore,
  context: EngineContext,
): Promise<WalkedTree> {
  return await walkTree(store, request, async (fileCount) => {
    // A turn of the event loop, so that a signal is heard.
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    throwIfInterrupted(context);
    context.emit({ kind: "walk", name: request.name, fileCount });
  });
}

/** A tree on its way into an entry. */
class TreeDraft {
  /** What is not in the entry. */
  readonly skipped: SkippedPath[] = [];
  readonly #request: ResolvedTree;
  readonly #tree: WalkedTree;
  readonly #store: TreeStore;
  readonly #startMs: number;
  readonly #context: EngineContext;
  readonly #layout: TreePayload;
  /** Paths of files that are left out after all. */
  readonly #dropped: Set<string> = new Set();
  #hashes: TreeHashes | undefined;

  constructor(
    request: ResolvedTree,
    tree: WalkedTree,
    store: TreeStore,
    startMs: number,
    context: EngineContext,
  ) {
    this.#request = request;
    this.#tree = tree;
    this.#store = store;
    this.#startMs = startMs;
    this.#context = context;
    this.#layout = new TreePayload(tree.files);
  }

  payload(): Payload {
    const { name, label, policy, force, resume } = this.#request;
    const { mode, modified } = this.#tree.root;
    return {
      name,
      label,
      bytes: this.#layout.bytes,
      ...(policy === undefined ? {} : { policy }),
      force: force ?? false,
      feed: this.#feed(),
      identity: this.#identity(),
      ...(resume === undefined ? {} : { resume }),
      attributes: {
        ...(modified === undefined ? {} : { modified }),
        ...(mode === undefined
          ? {}
          : { mode: mode.toString(8).padStart(4, "0") }),
      },
      verifySource: () => {},
      fileCount: this.#tree.files.length,
      makeTable: () => this.#makeTable(),
    };
  }

  /**
   * Differs where any file does, or lies elsewhere in the payload: with the same one, what was
   * stored of the tree before is what would be stored now.
   */
  #identity(): string {
    using digest = new StreamDigest(this.#context.codec);
    for (const [file, { row, changedMs }] of this.#tree.files.entries()) {
      const { path, bytes, modified } = row;
      const ranges = this.#layout.dataOf(file)
        .map((range) => [range.fileOffset, range.bytes]);
      const line = JSON.stringify([path, bytes, modified, changedMs, ranges]);
      digest.append(encodeUtf8(`${line}\n`));
    }
    return `tree ${this.#request.root} ${formatHex(digest.finish())}`;
  }

  /** Says what is left out, or in the way. */
  tell(skipped: readonly SkippedPath[]): void {
    this.skipped.push(...skipped);
    for (const each of skipped) {
      this.#context.emit({
        kind: "skipped",
        name: this.#request.name,
        skipped: each,
        refused: !this.#mayBeSkipped(each.reason),
      });
    }
  }

  /** @throws {Failure} if something may not be left out */
  refuse(skipped: readonly SkippedPath[]): void {
    const fatal = skipped.filter(({ reason }) => !this.#mayBeSkipped(reason));
    const [first] = fatal;
    if (first === undefined) return;
    const isUnreadable = fatal.some(({ reason }) => reason === "unreadable");
    const detail = first.problem === undefined ? "" : `: ${first.problem}`;
    const others = fatal.length === 1
      ? ""
      : fatal.length === 2
      ? ", and 1 more is like it"
      : `, and ${fatal.length - 1} more are like it`;
    throw new Failure(
      isUnreadable ? "source-unreadable" : "source-changed",
      `Cannot commit "${this.#request.label}": "${first.path}" ` +
        `${
          isUnreadable ? "cannot be read" : "changed while it was read"
        }${others}${detail}`,
    );
  }

  #mayBeSkipped(reason: SkippedPath["reason"]): boolean {
    switch (reason) {
      case "unreadable":
        return this.#request.skipUnreadable;
      case "changed":
      case "vanished":
        return this.#request.skipChanged;
      case "special":
      case "archive":
      case "other-file-system":
        return true;
    }
  }

  #feed(): PayloadFeed {
    const { root, permission, skipChanged, skipUnreadable } = this.#request;
    const { files } = this.#tree;
    const tolerated: PieceProblem["reason"][] = [
      ...(skipChanged ? ["changed", "vanished"] as const : []),
      ...(skipUnreadable ? ["unreadable"] as const : []),
    ];
    return {
      permissions: permission === undefined ? [] : [permission],
      sourceOf: (run, geometry) => ({
        kind: "pieces",
        root,
        pieces: this.#layout.piecesOf(geometry, run),
        tolerated,
      }),
      filesBefore: (payloadOffset) => this.#layout.filesBefore(payloadOffset),
      onProblems: (problems) => this.#drop(problems),
      onEncoded: async (staging, executor) => {
        this.#hashes = await hashFiles(
          {
            files,
            layout: this.#layout,
            isDropped: (path) => this.#dropped.has(path),
          },
          staging,
          executor,
          this.#context,
        );
      },
    };
  }

  #drop(problems: readonly PieceProblem[]): void {
    for (const { file, reason, problem } of problems) {
      const { path } = this.#tree.files[file]!.row;
      if (this.#dropped.has(path)) continue;
      this.#dropped.add(path);
      this.tell([{ path, reason, problem }]);
    }
  }

  /**
   * Files that were written to shortly before the walk are compared to the nanosecond: threads see
   * milliseconds only, in which a file can change twice.
   */
  #lookAgain(): void {
    const since = this.#startMs - recentMs;
    const found: SkippedPath[] = [];
    for (const { row, modifiedMs } of this.#tree.files) {
      const isRecent = modifiedMs !== undefined && modifiedMs >= since;
      if (!isRecent || this.#dropped.has(row.path)) continue;
      const stat = this.#store.statExactly(row.path);
      const isSame = stat?.kind === "file" && stat.bytes === row.bytes &&
        stat.modifiedNs !== undefined &&
        formatTimeNs(stat.modifiedNs) === row.modified;
      if (isSame) continue;
      const reason = stat === undefined ? "vanished" : "changed";
      found.push({ path: row.path, reason });
      this.#dropped.add(row.path);
    }
    this.tell(found);
    this.refuse(found);
  }

  async #makeTable(): Promise<StoredFileTable> {
    this.#lookAgain();
    return await encodeFileTable(
      this.#tree.root,
      this.#rows(),
      this.#layout.bytes,
      this.#context.codec,
    );
  }

  /** All rows but those of files that are left out, and of their further names. */
  *#rows(): Generator<FileRow> {
    let file = 0;
    for (const row of this.#tree.rows) {
      const index = row.kind === "file" ? file++ : 0;
      const path = row.kind === "hardlink" ? row.target : row.path;
      if (this.#dropped.has(path)) continue;
      yield row.kind === "file" ? this.#fileRow(row, index) : row;
    }
  }

  #fileRow(row: FoundFile, file: number): FileRow {
    const blake3 = this.#hashes?.of(file);
    return {
      ...row,
      data: this.#layout.dataOf(file),
      ...(blake3 === undefined ? {} : { blake3 }),
    };
  }
}

/** What could not be kept of the tree besides files. */
function lossesOf(tree: WalkedTree, store: TreeStore): TreeLoss[] {
  const { nanoseconds, extendedAttributes, holes } = store.capabilities;
  const losses: TreeLoss[] = [];
  if (!nanoseconds) losses.push("nanoseconds");
  if (!extendedAttributes) losses.push("extended-attributes");
  if (!holes) losses.push("holes");
  for (const name of tree.lostAttributes) losses.push(`attribute:${name}`);
  return losses;
}
