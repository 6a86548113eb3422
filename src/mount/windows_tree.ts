// Windows tree: paths as Windows writes them to nodes of a view. Knows the names of the folders that it
// went through, in the form that Windows has of them, and follows symbolic links; it never leaves the
// view.

import { present } from "../base/assert.ts";
import type { Clock } from "../base/ports.ts";
import {
  encodeWindowsName,
  foldWindowsName,
  type NamedRow,
  nameForWindows,
} from "../view/windows_names.ts";
import {
  type NodeId,
  rootId,
  type View,
  type ViewNode,
  type ViewRow,
} from "../view/view.ts";

/** A folder's row by the name that Windows has of it. */
export type WindowsRow = NamedRow<ViewRow>;

/** The names of one folder, in the order of their folded forms. */
export interface WindowsFolder {
  readonly rows: readonly WindowsRow[];
  /** By folded name. */
  readonly byName: ReadonlyMap<string, WindowsRow>;
}

/** One step of a path: a node, and its name in the step before. */
export interface Step {
  readonly windowsName: string;
  readonly node: ViewNode;
}

/** What became of a path. */
export type Walk =
  /** The steps from the root (which is the first) to the node. */
  | { readonly kind: "found"; readonly steps: readonly Step[] }
  /** A link is on the way: the steps to where it leads, and what is left of the path. */
  | { readonly kind: "leads"; readonly steps: readonly Step[] }
  /** The last name is not there; its folder is. */
  | { readonly kind: "no-name" }
  /** A folder on the way is not there, or is none. */
  | { readonly kind: "no-path" }
  /** A link leads out of the view, or in circles. */
  | { readonly kind: "no-target" };

/** Links that are followed on one path at most, as Linux does. */
const linkCountMax = 40;

/** How long the names of a folder that may change are believed, milliseconds. */
export const nameMs = 1000;

/** Names that are kept in memory for later paths. */
const nameCountMax = 200_000;

/** One name of a path still to be walked: as Windows writes it, or as a link's target does. */
type PathName = { readonly text: string; readonly isTarget: boolean };

/** Walks paths in a view. */
export class WindowsTree {
  readonly #view: View;
  readonly #clock: Clock;
  readonly #folders = new Map<
    NodeId,
    { readonly folder: WindowsFolder; readonly untilMs: number }
  >();
  #nameCount = 0;

  /** A tree over `view`. */
  constructor(view: View, clock: Clock) {
    this.#view = view;
    this.#clock = clock;
  }

  /** Names of folders that are remembered. */
  get nameCount(): number {
    return this.#nameCount;
  }

  /** Walks a path of Windows'; a link at its end is not followed where `opensLink`. */
  async walk(path: string, opensLink: boolean): Promise<Walk> {
    const names = path.split("\\").filter((text) => text !== "")
      .map((text) => ({ text, isTarget: false }));
    const root = await this.#view.node(rootId);
    return await this.#walkNames(
      [{ windowsName: "", node: root }],
      names,
      opensLink,
    );
  }

  /** Where the link at the end of `steps` leads. */
  async follow(steps: readonly Step[]): Promise<Walk> {
    const link = steps.at(-1)!;
    const target = await this.#view.readLink(link.node.id);
    return await this.#walkNames(
      steps.slice(0, -1),
      targetNames(target),
      false,
    );
  }

  /** The names in a folder, as they are now or were at most a second ago. @throws {Failure} */
  async folder(node: ViewNode): Promise<WindowsFolder> {
    const known = this.#folders.get(node.id);
    if (known !== undefined) {
      if (this.#clock.monotonicMs() < known.untilMs) {
        this.#folders.delete(node.id); // the last one used is the last one in the map
        this.#folders.set(node.id, known);
        return known.folder;
      }
      this.#forget(node.id);
    }
    const open = await this.#view.openFolder(node.id);
    const rows = nameForWindows(open.rows(0), (row) => row.name);
    const byName = new Map(rows.map((row) => [row.folded, row]));
    const folder: WindowsFolder = { rows, byName };
    this.#remember(node, folder);
    return folder;
  }

  async #walkNames(
    start: readonly Step[],
    names: readonly PathName[],
    opensLink: boolean,
  ): Promise<Walk> {
    const steps = [...start];
    const rest = [...names].reverse();
    let linkCount = 0;
    while (rest.length > 0) {
      const name = rest.pop()!;
      if (name.isTarget && (name.text === "." || name.text === "")) continue;
      if (name.isTarget && name.text === "..") {
        if (steps.length === 1) return { kind: "no-target" };
        steps.pop();
        continue;
      }
      const node = nodeOf(steps);
      if (node.kind !== "folder") return { kind: "no-path" };
      const step = await this.#step(node, name);
      if (step === undefined) {
        return { kind: rest.length === 0 ? "no-name" : "no-path" };
      }
      if (step.node.kind !== "link" || (rest.length === 0 && opensLink)) {
        steps.push(step);
        continue;
      }
      if (++linkCount > linkCountMax) return { kind: "no-target" };
      const target = await this.#view.readLink(step.node.id);
      if (target.startsWith("/")) return { kind: "no-target" };
      rest.push(...targetNames(target).reverse());
    }
    return { kind: linkCount > 0 ? "leads" : "found", steps };
  }

  async #step(folder: ViewNode, name: PathName): Promise<Step | undefined> {
    const row = rowNamed(await this.folder(folder), name);
    if (row === undefined) return undefined;
    const { windowsName, row: { node, isWhole } } = row;
    return {
      windowsName,
      node: isWhole ? node : await this.#view.node(node.id),
    };
  }

  #remember(node: ViewNode, folder: WindowsFolder): void {
    // What a tree holds never changes; which entries there are does.
    const untilMs = node.rowsChange === true
      ? this.#clock.monotonicMs() + nameMs
      : Infinity;
    this.#forget(node.id); // two may have read it at once
    this.#folders.set(node.id, { folder, untilMs });
    this.#nameCount += folder.rows.length;
    for (const id of this.#folders.keys()) {
      if (this.#nameCount <= nameCountMax || id === node.id) break;
      this.#forget(id);
    }
  }

  #forget(id: NodeId): void {
    const known = this.#folders.get(id);
    if (known === undefined) return;
    this.#folders.delete(id);
    this.#nameCount -= known.folder.rows.length;
  }
}

/** The path that steps make, as Windows writes it. */
export function pathOf(steps: readonly Step[]): string {
  return steps.length === 1
    ? "\\"
    : steps.slice(1).map(({ windowsName }) => `\\${windowsName}`).join("");
}

function rowNamed(
  { rows, byName }: WindowsFolder,
  { text, isTarget }: PathName,
): WindowsRow | undefined {
  if (!isTarget) return byName.get(foldWindowsName(text));
  const likely = byName.get(foldWindowsName(encodeWindowsName(text)));
  if (likely === undefined || likely.row.name === text) return likely;
  return rows.find(({ row }) => row.name === text); // its case was taken
}

function targetNames(target: string): PathName[] {
  return target.split("/").map((text) => ({ text, isTarget: true }));
}

/** The node at the end of the steps. */
export function nodeOf(steps: readonly Step[]): ViewNode {
  return present(steps.at(-1), "a path has its root").node;
}
