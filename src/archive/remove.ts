// Remove: takes an entry out of sight by one rename, then frees its space. A crash in between leaves
// an invisible folder, never half an entry.

import { stagingFolder } from "../format/entry_path.ts";
import type { CatalogueEntry } from "./catalogue.ts";
import type { EngineContext } from "./context.ts";

/** Removes an entry. @throws {Failure} `read-only`, `permission-denied`, … */
export function removeEntry(
  entry: CatalogueEntry,
  context: EngineContext,
): void {
  const { store, settings } = context;
  const hidden = `${stagingFolder(entry.manifest.id)}_removed`;
  if (store.stat(hidden) !== undefined) store.removeTree(hidden);
  store.rename(entry.folder, hidden);
  if (settings.durable) store.syncFolder("");
  store.removeTree(hidden);
  if (settings.durable) store.syncFolder("");
}
