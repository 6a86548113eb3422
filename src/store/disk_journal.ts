// DiskJournal: what a simulated disk has on its platters, and what only in the cache of the
// operating system. It watches a MemoryStore, knows which changes were synced, and plans trees that
// a power loss may leave. Meaner than any one file system, within what POSIX and the vendors
// promise:
//
// - Unsynced writes survive or not sector by sector, in any order; a sector is never half written,
//   and never holds a later write without an earlier one. The size may be ahead of the data (then
//   zeros or stale bytes are read) or behind it.
// - Syncing a file makes its bytes durable, not its name. Unsynced names come undone one by one, in
//   any order, but two changes of the same name keep theirs, and a rename is one step.
// - Syncing a folder makes its names durable. A rename between folders follows the target's folder.
//
// Not simulated: a rename that leaves both names or none (FAT), a disk that lies about its cache.

import type { Bytes } from "../base/bytes.ts";
import type { Chance } from "../base/ports.ts";
import { type CrashDice, openDice } from "./crash_dice.ts";
import { refusal } from "./failure.ts";
import {
  FileNode,
  FolderNode,
  type MemoryNode,
  type MemoryObserver,
  type NameChange,
  putName,
} from "./memory_node.ts";
import { type DataStep, planContent } from "./torn_content.ts";

/** What a power loss does to what was not synced: all lost, all kept, or as chance has it. */
export type CrashFate = "losing" | "keeping" | Chance;

/** The durable state of a simulated disk, and the steps that are not durable yet. */
export class DiskJournal implements MemoryObserver {
  /** Changes and syncs so far; the syncing of each file and the removal of each name count. */
  stepCount = 0;
  /** Whether the machine stands still: every call fails. */
  stopped = false;

  readonly #root: FolderNode;
  readonly #sectorBytes: number;
  readonly #names = new Map<FolderNode, Map<string, MemoryNode>>();
  readonly #files = new Map<FileNode, DurableFile>();
  readonly #pendingData = new Map<FileNode, DataStep[]>();
  #pendingNames: NameStep[] = [];
  #stopAtStep = Infinity;

  /** Watches over the tree `root`, all of which is durable. */
  constructor(root: FolderNode, sectorBytes: number) {
    this.#root = root;
    this.#sectorBytes = sectorBytes;
    this.#adopt(root);
  }

  /** Stops the machine in the middle of the step that comes `steps` after now (1 is the next). */
  stopAfter(steps: number): void {
    this.#stopAtStep = this.stepCount + steps;
  }

  /** Ends a stop, as if only this process had been killed: the system's cache is all there. */
  resume(): void {
    this.stopped = false;
    this.#stopAtStep = Infinity;
  }

  /** A tree that may be there after a power loss now. Changes nothing, so that many may be drawn. */
  planCrash(fate: CrashFate): FolderNode {
    const dice = openDice(fate);
    const names = this.#planNames(dice);
    const files = new Map<FileNode, FileNode>();
    const rebuild = (node: MemoryNode): MemoryNode => {
      if (node.kind === "other") return node.copy();
      if (node.kind === "folder") return rebuildFolder(node);
      const file = files.get(node) ?? this.#planFile(node, dice);
      files.set(node, file);
      return file;
    };
    const rebuildFolder = (source: FolderNode): FolderNode => {
      const folder = new FolderNode();
      folder.attributes = source.attributes;
      for (const [name, node] of names.get(source) ?? []) {
        putName({ folder, name, node: rebuild(node) });
      }
      return folder;
    };
    return rebuildFolder(this.#root);
  }

  /** A call begins. @throws {Failure} `offline` once stopped */
  begun(attempt: string): void {
    if (this.stopped) throw standstill(attempt);
  }

  /** `source` was written into a file. @throws {Failure} `offline` */
  wrote(file: FileNode, source: Bytes, offset: number, attempt: string): void {
    this.#pend(file, { kind: "write", source: source.slice(), offset });
    this.#step(attempt);
  }

  /** A file was cut or extended. @throws {Failure} `offline` */
  resized(file: FileNode, bytes: number, attempt: string): void {
    this.#pend(file, { kind: "resize", bytes });
    this.#step(attempt);
  }

  /** Names changed, the last of `changes` being the one that a sync is asked for. @throws {Failure} */
  named(changes: readonly NameChange[], attempt: string): void {
    this.#pendingNames.push({ changes, slots: slotsOf(changes) });
    this.#step(attempt);
  }

  /** A file's content becomes durable, unless the machine stops before. @throws {Failure} */
  synced(file: FileNode, attempt: string): void {
    this.#step(attempt);
    const attributes = this.#files.get(file)?.attributes ?? {};
    this.#files.set(file, { content: file.copy(), attributes });
    this.#pendingData.delete(file);
  }

  /** A folder's names become durable, unless the machine stops before. @throws {Failure} */
  syncedFolder(folder: FolderNode, attempt: string): void {
    this.#step(attempt);
    const needed = new SlotSet();
    const kept = new Set<NameStep>();
    // A later step on the same name says nothing without the earlier ones: they go along.
    for (const step of this.#pendingNames.toReversed()) {
      const isOfFolder = step.changes.at(-1)?.folder === folder;
      if (!isOfFolder && !needed.hasAny(step.slots)) continue;
      needed.add(step.slots);
      kept.add(step);
    }
    for (const step of this.#pendingNames) {
      if (kept.has(step)) applyStep(this.#names, step);
    }
    this.#pendingNames = this.#pendingNames.filter((step) => !kept.has(step));
  }

  /** What was put there from outside is durable. */
  planted({ folder, name, node }: NameChange): void {
    applyStep(this.#names, {
      changes: [{ folder, name, node }],
      slots: [],
    });
    if (node?.kind === "folder") this.#adopt(node);
    else if (node?.kind === "file") this.#adoptFile(node);
  }

  #adopt(folder: FolderNode): void {
    this.#names.set(folder, new Map(folder.names));
    for (const node of folder.names.values()) {
      if (node.kind === "folder") this.#adopt(node);
      else if (node.kind === "file") this.#adoptFile(node);
    }
  }

  #adoptFile(file: FileNode): void {
    const { attributes } = file;
    this.#files.set(file, { content: file.copy(), attributes });
    this.#pendingData.delete(file);
  }

  #pend(file: FileNode, step: DataStep): void {
    const steps = this.#pendingData.get(file);
    if (steps === undefined) this.#pendingData.set(file, [step]);
    else steps.push(step);
  }

  #step(attempt: string): void {
    this.stepCount++;
    if (this.stepCount < this.#stopAtStep) return;
    this.stopped = true;
    throw standstill(attempt);
  }

  #planNames(dice: CrashDice): Map<FolderNode, Map<string, MemoryNode>> {
    const names = new Map<FolderNode, Map<string, MemoryNode>>();
    for (const [folder, held] of this.#names) names.set(folder, new Map(held));
    const undone = new SlotSet();
    for (const step of this.#pendingNames) {
      if (undone.hasAny(step.slots) || !dice.keeps()) undone.add(step.slots);
      else applyStep(names, step);
    }
    return names;
  }

  #planFile(file: FileNode, dice: CrashDice): FileNode {
    const durable = this.#files.get(file);
    const steps = this.#pendingData.get(file) ?? [];
    const content = planContent(
      durable?.content ?? new Uint8Array(),
      steps,
      this.#sectorBytes,
      dice,
    );
    const planned = new FileNode(content);
    planned.attributes = dice.keeps()
      ? file.attributes
      : durable?.attributes ?? {};
    return planned;
  }
}

interface DurableFile {
  readonly content: Bytes;
  readonly attributes: FileNode["attributes"];
}

interface NameStep {
  readonly changes: readonly NameChange[];
  readonly slots: readonly Slot[];
}

type Slot = readonly [folder: FolderNode, name: string];

// Stands for the order of all moves of folders between folders, which file systems take one at a
// time: kept in any other order, two of them could put two folders into each other.
const folderMoves: Slot = [new FolderNode(), "moves"];

function slotsOf(changes: readonly NameChange[]): readonly Slot[] {
  const slots: Slot[] = changes.map(({ folder, name }) => [folder, name]);
  const isMove = changes.length > 1 &&
    changes.some(({ node }) => node?.kind === "folder") &&
    changes[0]?.folder !== changes[1]?.folder;
  return isMove ? [...slots, folderMoves] : slots;
}

class SlotSet {
  readonly #names = new Map<FolderNode, Set<string>>();

  add(slots: readonly Slot[]): void {
    for (const [folder, name] of slots) {
      const names = this.#names.get(folder) ?? new Set();
      this.#names.set(folder, names.add(name));
    }
  }

  hasAny(slots: readonly Slot[]): boolean {
    return slots.some(([folder, name]) => this.#names.get(folder)?.has(name));
  }
}

function applyStep(
  names: Map<FolderNode, Map<string, MemoryNode>>,
  step: NameStep,
): void {
  for (const { folder, name, node } of step.changes) {
    const held = names.get(folder) ?? new Map<string, MemoryNode>();
    names.set(folder, held);
    if (node === undefined) held.delete(name);
    else held.set(name, node);
  }
}

function standstill(attempt: string): Error {
  return refusal(attempt, "offline", "the simulated machine has stopped");
}
