// PageFile: numbered pages of bytes in one SQLite file of a store, for caches. SQLite keeps one
// process out of the other's way and a file of its shape; what the pages hold, and whether it is to
// be believed, is the caller's. Whatever is wrong with the file is `io`: nothing of it is needed.
//
// Never follows a link and never opens what shares its bytes with another name. Journals that lie
// beside the file are not ours (we make none) and are removed unread.

import type { DatabaseSync } from "node:sqlite";
import type { Bytes } from "../base/bytes.ts";
import { Failure, isFailure, messageOf } from "../base/errors.ts";
import type { Store } from "./store.ts";

/** Numbered pages. */
export interface PageFile extends Disposable {
  /** Whether write() may be tried. */
  readonly writable: boolean;
  /** All pages, by number; none of a file that is new. @throws {Failure} `io` */
  read(): Map<number, Bytes>;
  /** Sets and (undefined) removes pages, all or none. @throws {Failure} `io` */
  write(changes: ReadonlyMap<number, Bytes | undefined>): void;
}

/** What opens the pages of a cache. */
export interface PageFiles {
  /**
   * The file's pages; undefined where there are none and none can be made.
   * @throws {Failure} `io` where the file is of no use
   */
  open(bytesMax: number): PageFile | undefined;
  /** Takes the file away, if that can be done. */
  discard(): void;
}

const tableSql =
  "CREATE TABLE page (number INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT";
const otherFiles = ["-journal", "-wal", "-shm"];

/** The pages in one SQLite file of the folder that `store` is. */
export class SqlitePageFiles implements PageFiles {
  readonly #store: Store;
  readonly #name: string;

  /** Names the file; nothing is looked at yet. */
  constructor(store: Store, name: string) {
    this.#store = store;
    this.#name = name;
  }

  /** The file's pages. @throws {Failure} */
  open(bytesMax: number): PageFile | undefined {
    const path = `${this.#store.location}/${this.#name}`;
    const stat = this.#store.stat(this.#name);
    const writable = isGranted("write", path);
    if (!isGranted("read", path) || (stat === undefined && !writable)) {
      return undefined;
    }
    const isOurs = stat === undefined ||
      stat.kind === "file" && stat.linkCount === 1 && stat.bytes <= bytesMax;
    if (!isOurs) {
      throw new Failure("io", `"${this.#name}" is none of our caches`);
    }
    for (const suffix of otherFiles) {
      const other = this.#name + suffix;
      if (this.#store.stat(other) !== undefined) this.#store.removeFile(other);
    }
    return attempt(() => openPages(path, writable));
  }

  /** Takes the file away, if that can be done. */
  discard(): void {
    try {
      const stat = this.#store.stat(this.#name);
      if (stat !== undefined && stat.kind !== "folder") {
        this.#store.removeFile(this.#name);
      }
    } catch (error) {
      if (!isFailure(error)) throw error;
    }
  }
}

function openPages(path: string, writable: boolean): PageFile | undefined {
  const Database = loadDatabase();
  if (Database === undefined) return undefined;
  const database = new Database(path, { readOnly: !writable });
  try {
    // Its schema is compared below, and may not do anything before that. Busy means: go without.
    database.exec("PRAGMA trusted_schema = OFF; PRAGMA busy_timeout = 0");
    if (writable) {
      // A cache is made anew after a crash: nothing is synced, and nothing lies beside the file.
      database.exec("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF");
    }
    const found = database.prepare("SELECT sql FROM sqlite_schema").all();
    if (found.length === 0 && writable) database.exec(tableSql);
    else if (found.length !== 1 || found[0]!.sql !== tableSql) {
      throw new Failure("io", "The cache has another shape");
    }
    return new SqlitePageFile(database, writable);
  } catch (error) {
    database.close();
    throw error;
  }
}

class SqlitePageFile implements PageFile {
  readonly writable: boolean;
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync, writable: boolean) {
    this.#database = database;
    this.writable = writable;
  }

  read(): Map<number, Bytes> {
    return attempt(() => {
      const pages = new Map<number, Bytes>();
      const rows = this.#database.prepare("SELECT number, content FROM page");
      for (const { number, content } of rows.all()) {
        if (typeof number !== "number" || !(content instanceof Uint8Array)) {
          throw new Failure("io", "The cache has values of other kinds");
        }
        pages.set(number, content);
      }
      return pages;
    });
  }

  write(changes: ReadonlyMap<number, Bytes | undefined>): void {
    attempt(() => {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        const put = this.#database.prepare(
          "INSERT OR REPLACE INTO page VALUES (?, ?)",
        );
        const remove = this.#database.prepare(
          "DELETE FROM page WHERE number = ?",
        );
        for (const [number, content] of changes) {
          if (content === undefined) remove.run(number);
          else put.run(number, content as Uint8Array<ArrayBuffer>);
        }
        this.#database.exec("COMMIT");
      } catch (error) {
        // A full disk may have ended the transaction already.
        try {
          this.#database.exec("ROLLBACK");
        } catch { /* then there is nothing to roll back */ }
        throw error;
      }
    });
  }

  [Symbol.dispose](): void {
    try {
      this.#database.close();
    } catch { /* it is a cache */ }
  }
}

/** Whatever SQLite or the sandbox says is `io`. */
function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure("io", `Cannot use the cache: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function isGranted(name: "read" | "write", path: string): boolean {
  return Deno.permissions.querySync({ name, path }).state === "granted";
}

// Loaded when it is needed: it costs more than a small archive takes to list.
function loadDatabase(): typeof DatabaseSync | undefined {
  const scope = globalThis as unknown as {
    process?: { getBuiltinModule?: (name: string) => unknown };
  };
  const module = scope.process?.getBuiltinModule?.("node:sqlite");
  return (module as { DatabaseSync?: typeof DatabaseSync } | undefined)
    ?.DatabaseSync;
}
