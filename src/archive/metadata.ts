// Metadata: the copies of manifest and outboard that are not as they should be, and how they are
// made like the good ones. How the good ones are found is in manifest_copies.ts and
// outboard_copies.ts.

import { type Bytes, equalBytes } from "../base/bytes.ts";
import { Failure, isFailure, messageOf } from "../base/errors.ts";
import type { Store } from "../store/store.ts";
import { rebuildSuffix } from "./repair.ts";
import type { DamageCause, FileDamage } from "./report.ts";

/** One copy of a metadata file that is not as it should be. */
export interface BadCopy {
  readonly file: string;
  readonly role: "manifest" | "outboard" | "table";
  readonly index: number;
  readonly cause: DamageCause;
}

/** Writes and syncs one metadata file; makes no folder. @throws {Failure} */
function writeMetadataFile(
  store: Store,
  path: string,
  bytes: Bytes,
): void {
  const found = store.stat(path);
  // Another name of the same file, or a link, must not be written through: the name is freed first.
  const isShared = found?.kind === "file" && found.linkCount > 1;
  if (found?.kind === "other" || isShared) store.removeFile(path);
  try {
    overwrite(store, path, bytes);
  } catch (error) {
    if (!isFailure(error, "io", "permission-denied")) throw error;
    // As with shards: where the file itself refuses, a new one may take its place.
    overwrite(store, path + rebuildSuffix, bytes);
    store.rename(path + rebuildSuffix, path);
  }
}

function overwrite(store: Store, path: string, bytes: Bytes): void {
  using file = store.openFile(path, "ensure");
  file.writeFrom(bytes, 0);
  file.truncate(bytes.length);
  file.sync();
}

/** Reads a file again: only what comes back is repaired. @throws {Failure} `io` */
function requireStored(store: Store, path: string, bytes: Bytes): void {
  const found = new Uint8Array(bytes.length);
  using file = store.openFile(path, "read");
  const isSame = file.size() === bytes.length &&
    file.readInto(found, 0) === bytes.length && equalBytes(found, bytes);
  if (isSame) return;
  throw new Failure("io", `"${path}" does not read back as it was written`);
}

/** Makes the bad copies like the good; gives the damage with what became of each. */
export function repairCopies(
  store: Store,
  folder: string,
  badCopies: readonly BadCopy[],
  contentOf: (role: BadCopy["role"]) => Bytes | undefined,
): FileDamage[] {
  return badCopies.map((copy): FileDamage => {
    const content = contentOf(copy.role);
    if (content === undefined) return copyDamage(copy, false, false);
    try {
      const slash = copy.file.lastIndexOf("/");
      if (slash > 0) store.makeFolder(`${folder}/${copy.file.slice(0, slash)}`);
      writeMetadataFile(store, `${folder}/${copy.file}`, content);
      store.syncFolder(
        slash > 0 ? `${folder}/${copy.file.slice(0, slash)}` : folder,
      );
      if (slash > 0) store.syncFolder(folder);
      requireStored(store, `${folder}/${copy.file}`, content);
      return copyDamage(copy, true, true);
    } catch (error) {
      if (!isFailure(error)) throw error;
      return {
        ...copyDamage(copy, true, false),
        obstacle: messageOf(error),
        obstacleCode: error.code,
      };
    }
  });
}

/** The report of a bad copy. */
export function copyDamage(
  copy: BadCopy,
  rebuilt: boolean,
  repaired: boolean,
): FileDamage {
  const { file, role, index, cause } = copy;
  const rebuiltLeafCount = rebuilt ? 1 : 0;
  return {
    file,
    role,
    index,
    block: 0,
    cause,
    leafCount: 1,
    rebuiltLeafCount,
    repaired,
  };
}
