// A view of a test's own: a tree written down as an object, that can change while it is looked at.

import { present } from "../../src/base/assert.ts";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { Failure } from "../../src/base/errors.ts";
import { rootId, type View, type ViewNode } from "../../src/view/view.ts";

/** A file's text, a link's target, or what is in a folder. */
export type Tree = string | { readonly link: string } | Folder;

/** Names of a folder. */
export interface Folder {
  [name: string]: Tree;
}

/** What a test can do to the view besides. */
export interface FakeView extends View {
  /** Files that are open. */
  readonly openCount: number;
  /** What reads wait for, and what they then find. */
  gate: Promise<unknown> | undefined;
  lost: boolean;
}

/** A view of `tree`, whose node numbers are those of the objects; texts are numbered by their path. */
export function viewOf(tree: Folder): FakeView {
  const ids = new Map<unknown, bigint>([[tree, rootId]]);
  const places = new Map<bigint, Tree>([[rootId, tree]]);
  let next = 10n, openCount = 0;
  const idOf = (key: unknown, place: Tree): bigint => {
    const id = ids.get(key) ?? next++;
    ids.set(key, id);
    places.set(id, place);
    return id;
  };
  const nodeAt = (id: bigint): ViewNode => {
    const place = places.get(id);
    if (place === undefined) throw new Failure("not-found", "it is gone");
    const kind = typeof place === "string"
      ? "file"
      : "link" in place
      ? "link"
      : "folder";
    return {
      id,
      kind,
      bytes: typeof place === "string" ? encodeUtf8(place).length : 0,
      mode: typeof place === "string" && place.startsWith("locked")
        ? 0o444
        : 0o644,
      modifiedNs: 0n,
      linkCount: 1,
      nameChanges: id === rootId,
    };
  };
  const rowsOf = (id: bigint) => {
    const place = places.get(id);
    if (typeof place !== "object" || "link" in place) {
      throw new Failure("wrong-kind", "no folder");
    }
    return Object.entries(place as Folder).map(([name, child]) => ({
      name,
      node: nodeAt(
        idOf(
          typeof child === "string" ? `${id}/${name}/${child}` : child,
          child,
        ),
      ),
    }));
  };
  const view: FakeView = {
    get openCount() {
      return openCount;
    },
    gate: undefined,
    lost: false,
    node: nodeAt,
    lookup: (id, name) => rowsOf(id).find((row) => row.name === name)?.node,
    openFolder: (id) => {
      const rows = rowsOf(id);
      return {
        *rows(from) {
          for (let index = from; index < rows.length; index++) {
            yield {
              ...present(rows[index], "row"),
              isWhole: true,
              next: index + 1,
            };
          }
        },
      };
    },
    openFile: (id) => {
      const bytes = encodeUtf8(places.get(id) as string);
      openCount++;
      return {
        read: (offset, count) => {
          const found = () =>
            view.lost ? { kind: "lost" as const } : {
              kind: "bytes" as const,
              bytes: {
                // In two parts, as the engine gives them.
                parts: [
                  bytes.subarray(offset, offset + 1),
                  bytes.subarray(offset + 1, offset + count),
                ],
                [Symbol.dispose]: () => {},
              },
            };
          return view.gate === undefined ? found() : view.gate.then(found);
        },
        [Symbol.dispose]: () => {
          openCount--;
        },
      };
    },
    readLink: (id) => (places.get(id) as { link: string }).link,
    labels: () => [],
    label: () => undefined,
    statistics: () => ({ bytes: 5000, fileCount: 1, freeBytes: 4096 }),
  };
  return view;
}
