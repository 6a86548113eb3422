// Self-test of the file system and of what keeps lists in it: that it does what commits rely on, and
// which of the finer things it can. Works in a folder of its own through the same store as an archive.

import { assert } from "../base/assert.ts";
import { encodeUtf8, equalBytes } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import { DirTreeStore } from "../store/dir_tree_store.ts";
import { SqlitePageFiles } from "../store/page_file.ts";

const content = encodeUtf8("What was written is what is read.");
const indexBytesMax = 1024 * 1024;

/** Not a whole number of anything coarser than a nanosecond. */
const exactTime = 1_234_567_890_123_456_789n;

/** Whether files keep what they are given. @throws {Failure} @throws {AssertionError} */
export async function verifyFiles(folder: string): Promise<string> {
  const store = new DirTreeStore(folder);
  {
    using file = store.openFile("new", "create");
    file.writeFrom(content, 0);
    file.sync();
    assert(file.size() === content.length, "a file has another size");
  }
  assert(
    codeOf(() => store.openFile("new", "create")) === "exists",
    "a file that is there was made once more",
  );
  store.rename("new", "moved");
  store.syncFolder("");
  await store.syncFiles(["moved"]);
  assert(store.stat("new") === undefined, "a renamed file is still there");
  {
    using file = store.openFile("moved", "read");
    const found = new Uint8Array(content.length);
    assert(
      file.readInto(found, 0) === found.length && equalBytes(found, content),
      "a file has other bytes than were written",
    );
  }
  const abilities = ["new files, renames and syncs as they must be"];
  abilities.push(
    codeOf(() => store.linkFile("moved", "linked")) === undefined
      ? "hard links"
      : "no hard links",
  );
  const attempt = store.openLockFile("lock");
  if (attempt.kind !== "busy") attempt.file[Symbol.dispose]();
  abilities.push(attempt.kind === "held" ? "locks" : "no locks");
  return abilities.join(", ");
}

/** Which details of files can be kept; undefined where the C library cannot be called. */
export function probeDetails(folder: string): string | undefined {
  const store = new DirTreeStore(folder);
  if (!store.capabilities.nanoseconds) return undefined;
  store.openFile("details", "create")[Symbol.dispose]();
  store.setExactly("details", { modifiedNs: exactTime });
  const kept = store.statExactly("details")?.modifiedNs ?? 0n;
  const extended = codeOf(() =>
    store.setExtended("details", "user.blockframe", content)
  );
  return [
    kept === exactTime
      ? "times to the nanosecond"
      : "times are coarser than a nanosecond here",
    extended === undefined
      ? "extended attributes"
      : "no extended attributes here",
  ].join(", ");
}

/** Whether the index of an archive can be kept; undefined where there is no SQLite. @throws {Failure} */
export function probeIndex(folder: string): string | undefined {
  const files = new SqlitePageFiles(new DirTreeStore(folder), "index.sqlite");
  const file = files.open(indexBytesMax);
  if (file === undefined) return undefined;
  file.write(new Map([[1, content]]));
  file[Symbol.dispose]();
  using again = files.open(indexBytesMax);
  const found = again?.read().get(1);
  assert(
    found !== undefined && equalBytes(found, content),
    "the index has other bytes than were written",
  );
  return "SQLite keeps the index of large archives";
}

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
}
