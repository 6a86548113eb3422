// Entry index: what the catalogue knew when it last looked, so that it need not read every manifest
// again. A cache and no more: rows are taken up only for folders that are there, nothing acts on a
// row without reading the manifest, and whatever is wrong with the index makes it be forgotten.

import type { Bytes } from "../base/bytes.ts";
import { isFailure, messageOf } from "../base/errors.ts";
import { indexBytesMax, indexPageEntriesMax } from "../base/limits.ts";
import { compareNames } from "../store/path.ts";
import type { StoreName } from "../store/store.ts";
import type { PageFile, PageFiles } from "../store/page_file.ts";
import {
  decodeIndexPage,
  type Digest,
  encodeIndexPage,
  type IndexedEntry,
} from "./index_page.ts";

interface Row {
  readonly entry: IndexedEntry;
  readonly page: number;
}

/** The rows of an index in the order of their folders, and which pages hold them. */
export class EntryIndex {
  /** Whether what was on the disk was not to be believed. */
  readonly isDamaged: boolean;
  #rows: Row[] = [];
  readonly #changed = new Set<number>();

  /** An index of these pages; without any rows where one of them is not whole. */
  constructor(pages: ReadonlyMap<number, Bytes>, digest: Digest) {
    for (const [page, content] of pages) {
      const entries = decodeIndexPage(content, digest);
      if (entries === undefined) {
        this.isDamaged = true;
        this.#rows = [];
        for (const each of pages.keys()) this.#changed.add(each);
        return;
      }
      for (const entry of entries) this.#rows.push({ entry, page });
    }
    this.isDamaged = false;
    this.#sort();
  }

  /** Whether it differs from what was on the disk. */
  get isChanged(): boolean {
    return this.#changed.size > 0;
  }

  /** The entries of all rows, by folder. */
  get entries(): IndexedEntry[] {
    return this.#rows.map(({ entry }) => entry);
  }

  /**
   * Forgets what is not among the folders of `names` (in byte order), or no longer as it was; gives
   * the names that have no row then.
   */
  retain(
    names: readonly StoreName[],
    isStill: (entry: IndexedEntry) => boolean,
  ): StoreName[] {
    const kept: Row[] = [], others: StoreName[] = [];
    let next = 0;
    for (const name of names) {
      let row = this.#rows[next];
      // Nearly always they are equal, which is seen at once.
      while (
        row !== undefined && folderOf(row) !== name.name &&
        compareNames(folderOf(row), name.name) < 0
      ) {
        this.#changed.add(row.page);
        row = this.#rows[++next];
      }
      if (row === undefined || folderOf(row) !== name.name) {
        others.push(name);
        continue;
      }
      next++;
      if (name.kind === "folder" && isStill(row.entry)) kept.push(row);
      else {
        this.#changed.add(row.page);
        others.push(name);
      }
    }
    for (const row of this.#rows.slice(next)) this.#changed.add(row.page);
    this.#rows = kept;
    return others;
  }

  /** Adds rows of folders that have none, in pages that have room or in new ones. */
  addAll(entries: readonly IndexedEntry[]): void {
    const counts = new Map<number, number>();
    const count = (page: number) =>
      counts.set(page, (counts.get(page) ?? 0) + 1);
    let page = 0;
    for (const row of this.#rows) {
      count(row.page);
      page = Math.max(page, row.page);
    }
    for (const entry of entries) {
      while ((counts.get(page) ?? 0) >= indexPageEntriesMax) page++;
      this.#rows.push({ entry, page });
      this.#changed.add(page);
      count(page);
    }
  }

  /** The pages that are to be written; undefined for those to be removed. */
  encodeChanges(digest: Digest): Map<number, Bytes | undefined> {
    const changed = new Map<number, IndexedEntry[]>();
    for (const page of this.#changed) changed.set(page, []);
    for (const { entry, page } of this.#rows) changed.get(page)?.push(entry);
    return new Map(
      [...changed].map(([page, entries]) => [
        page,
        entries.length === 0 ? undefined : encodeIndexPage(entries, digest),
      ]),
    );
  }

  // Pages are written in the order of the folders, but for what was added later.
  #sort(): void {
    const rows = this.#rows;
    const order = (left: Row, right: Row) =>
      compareNames(folderOf(left), folderOf(right));
    const isSorted = rows.every((row, index) =>
      index === 0 || order(rows[index - 1]!, row) < 0
    );
    if (isSorted) return;
    rows.sort(order);
    this.#rows = rows.filter((row, index) =>
      index === 0 || order(rows[index - 1]!, row) < 0
    );
  }
}

function folderOf(row: Row): string {
  return row.entry.summary.folder;
}

/** Where the index is kept, and what is said of it to who looks for mistakes. */
export interface IndexHome {
  readonly files: PageFiles;
  readonly digest: Digest;
  readonly note: (message: string) => void;
}

/** The index on the disk, and what writes it back. */
export interface OpenIndex extends Disposable {
  readonly index: EntryIndex;
  /** Writes what was changed. Fails never: without an index, a listing only takes longer. */
  save(): void;
}

/** Opens the index; undefined where there is none and none can be made. Fails never. */
export function openIndex(home: IndexHome): OpenIndex | undefined {
  // What is of no use is taken away, and there is none then.
  return openOnce(home) ?? openOnce(home);
}

function openOnce(home: IndexHome): OpenIndex | undefined {
  return attempt(home, () => {
    const pages = home.files.open(indexBytesMax);
    if (pages === undefined) return undefined;
    try {
      return openOver(pages, home);
    } catch (error) {
      pages[Symbol.dispose]();
      throw error;
    }
  });
}

function openOver(pages: PageFile, home: IndexHome): OpenIndex {
  const index = new EntryIndex(pages.read(), home.digest);
  if (index.isDamaged) home.note("The index is damaged and is made anew");
  return {
    index,
    save: () => {
      if (!pages.writable || !index.isChanged) return;
      attempt(home, () => pages.write(index.encodeChanges(home.digest)));
    },
    [Symbol.dispose]: () => pages[Symbol.dispose](),
  };
}

/** What `work` gives; a file that is of no use is taken away, and the next run makes another. */
function attempt<T>(home: IndexHome, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!isFailure(error)) throw error;
    home.note(`Going without the index: ${messageOf(error)}`);
    if (!/busy|locked/i.test(error.message)) home.files.discard();
    return undefined;
  }
}
