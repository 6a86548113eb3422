// A view of a test's own: a tree written down as an object, that can change while it is looked at.

import { encodeUtf8 } from "../../src/base/bytes.ts";
import { Failure } from "../../src/base/errors.ts";
import {
  type OpenFile,
  type OpenFolder,
  rootId,
  type View,
  type ViewNode,
  type ViewRead,
  type ViewStatistics,
} from "../../src/view/view.ts";

/** A file's text, a link's target, or what is in a folder. */
export type Tree = string | { readonly link: string } | Folder;

/** Names of a folder. */
export interface Folder {
  [name: string]: Tree;
}

/** A view of a tree whose node numbers are those of its objects; texts are numbered by their place. */
export class FakeView implements View {
  /** What reads wait for. */
  gate: Promise<unknown> | undefined;
  /** Whether reads find nothing that can be rebuilt. */
  lost = false;
  /** Reads that wait, or did. */
  waitCount = 0;
  /** Files that are open. */
  openCount = 0;
  readonly #ids = new Map<unknown, bigint>();
  readonly #places = new Map<bigint, Tree>();

  constructor(tree: Folder) {
    this.#ids.set(tree, rootId);
    this.#places.set(rootId, tree);
  }

  node(id: bigint): ViewNode {
    const place = this.#places.get(id);
    if (place === undefined) throw new Failure("not-found", "it is gone");
    const isFile = typeof place === "string";
    return {
      id,
      kind: isFile ? "file" : isLink(place) ? "link" : "folder",
      bytes: isFile ? encodeUtf8(place).length : 0,
      mode: isFile && place.startsWith("locked") ? 0o444 : 0o644,
      modifiedNs: 0n,
      linkCount: 1,
      nameChanges: false,
      rowsChange: id === rootId,
    };
  }

  lookup(id: bigint, name: string): ViewNode | undefined {
    return this.#rows(id).find((row) => row.name === name)?.node;
  }

  openFolder(id: bigint): OpenFolder {
    const rows = this.#rows(id);
    return {
      isFixed: false,
      *rows(from) {
        for (const [index, row] of rows.entries()) {
          if (index >= from) yield { ...row, isWhole: true, next: index + 1 };
        }
      },
    };
  }

  openFile(id: bigint): OpenFile {
    const bytes = encodeUtf8(this.#places.get(id) as string);
    this.openCount++;
    return {
      read: (offset, count) => {
        const found = () => this.#found(bytes.subarray(offset, offset + count));
        if (this.gate === undefined) return found();
        this.waitCount++;
        return this.gate.then(found);
      },
      [Symbol.dispose]: () => {
        this.openCount--;
      },
    };
  }

  readLink(id: bigint): string {
    return (this.#places.get(id) as { link: string }).link;
  }

  labels(): readonly string[] {
    return [];
  }

  label(): undefined {
    return undefined;
  }

  statistics(): ViewStatistics {
    return { bytes: 5000, fileCount: 1, freeBytes: 4096 };
  }

  /** In two parts, as the engine gives them. */
  #found(bytes: Uint8Array): ViewRead {
    if (this.lost) return { kind: "lost" };
    const parts = [bytes.subarray(0, 1), bytes.subarray(1)];
    return { kind: "bytes", bytes: { parts, [Symbol.dispose]: () => {} } };
  }

  #rows(id: bigint): { readonly name: string; readonly node: ViewNode }[] {
    const place = this.#places.get(id);
    if (place === undefined || typeof place === "string" || isLink(place)) {
      throw new Failure("wrong-kind", "no folder");
    }
    return Object.entries(place).map(([name, child]) => {
      const key = typeof child === "string" ? `${id}/${name}/${child}` : child;
      const number = this.#ids.get(key) ?? BigInt(10 + this.#ids.size);
      this.#ids.set(key, number);
      this.#places.set(number, child);
      return { name, node: this.node(number) };
    });
  }
}

function isLink(place: Exclude<Tree, string>): place is { link: string } {
  return typeof place.link === "string" && Object.keys(place).length === 1;
}
