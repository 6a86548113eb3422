// Empty view: a file system of one folder with nothing in it.

import { rootId, type View, type ViewNode } from "../../src/view/view.ts";

const root: ViewNode = {
  id: rootId,
  kind: "folder",
  bytes: 0,
  modifiedNs: 0n,
  linkCount: 1,
  nameChanges: true,
};

/** A root and no more. */
export const emptyView: View = {
  node: () => root,
  lookup: () => undefined,
  openFolder: () => ({ isFixed: false, rows: () => [] }),
  openFile: () => Promise.reject(new Error("there is no file")),
  readLink: () => "",
  labels: () => [],
  label: () => undefined,
  statistics: () => ({ bytes: 0, fileCount: 0, freeBytes: undefined }),
};
