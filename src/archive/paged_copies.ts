// Paged copies: a metadata file put together from its copies, of which any page may be bad. A page
// is believed only when it matches the digest that the manifest has for it.

import { type Bytes, equalBytes } from "../base/bytes.ts";
import { digestBytes, outboardPageBytes } from "../base/limits.ts";
import type { Codec } from "../codec/mod.ts";
import {
  type MetadataFile,
  metadataFolders,
  metadataPath,
} from "../format/entry_path.ts";
import {
  pageCountOfBytes,
  pageDigestOf,
  type PagedRecord,
  pageOf,
} from "../format/pages.ts";
import type { Store, StoreFile } from "../store/store.ts";
import type { EngineContext } from "./context.ts";
import { causeOf } from "./damage_cause.ts";
import type { BadCopy } from "./metadata.ts";
import type { DamageCause } from "./report.ts";

/** A metadata file with a copy in every metadata folder of an entry. */
export interface PagedFile {
  readonly name: MetadataFile;
  readonly role: BadCopy["role"];
  readonly record: PagedRecord;
}

/** The content as far as any copy has it, the bad copies, and the pages nobody has. */
export interface FoundPages {
  /** Zeros where pages are lost. */
  readonly bytes: Bytes;
  readonly badCopies: readonly BadCopy[];
  readonly lostPages: readonly number[];
}

/** Reads the file: every page from whichever copy has it right. */
export function readPaged(
  folder: string,
  paged: PagedFile,
  context: EngineContext,
): FoundPages {
  const { store, codec } = context;
  const bytes = new Uint8Array(paged.record.bytes);
  const known = new Set<number>();
  const badCopies: BadCopy[] = [];
  metadataFolders.forEach((metadataFolder, index) => {
    const file = metadataPath(metadataFolder, paged.name);
    const path = `${folder}/${file}`;
    const cause = readPages(store, path, paged.record, codec, bytes, known);
    if (cause !== undefined) {
      badCopies.push({ file, role: paged.role, index, cause });
    }
  });
  const pages = pageCountOfBytes(bytes.length);
  const lostPages = Array.from({ length: pages }, (_, page) => page)
    .filter((page) => !known.has(page));
  return { bytes, badCopies, lostPages };
}

/** Takes over the good pages of one copy; gives what is wrong with the copy, if anything. */
function readPages(
  store: Store,
  path: string,
  record: PagedRecord,
  codec: Codec,
  bytes: Bytes,
  known: Set<number>,
): DamageCause | undefined {
  const buffer = new Uint8Array(outboardPageBytes);
  let fault: DamageCause | undefined;
  try {
    using file = store.openFile(path, "read");
    const size = file.size();
    if (size !== bytes.length) {
      fault = size < bytes.length ? "truncated" : "overlong";
    }
    for (let page = 0; page < pageCountOfBytes(bytes.length); page++) {
      const target = pageOf(bytes, page);
      const source = buffer.subarray(0, target.length);
      const pageFault = readPage(file, page, source, record, codec);
      if (pageFault === undefined && !known.has(page)) {
        target.set(source);
        known.add(page);
      }
      fault ??= pageFault;
    }
  } catch (error) {
    fault ??= causeOf(error);
  }
  return fault;
}

function readPage(
  file: StoreFile,
  page: number,
  target: Bytes,
  record: PagedRecord,
  codec: Codec,
): DamageCause | undefined {
  try {
    if (file.readInto(target, page * outboardPageBytes) !== target.length) {
      return "truncated";
    }
  } catch (error) {
    return causeOf(error);
  }
  return equalBytes(codec.digest(target), pageDigestOf(record, page))
    ? undefined
    : "rotten";
}

/** One page from the first copy that has it right; undefined where none has. @throws {Failure} `offline` */
export function readOnePage(
  folder: string,
  paged: PagedFile,
  page: number,
  context: EngineContext,
): Bytes | undefined {
  const { store, codec } = context;
  const target = new Uint8Array(
    Math.min(
      outboardPageBytes,
      paged.record.bytes - page * outboardPageBytes,
    ),
  );
  for (const metadataFolder of metadataFolders) {
    try {
      const path = `${folder}/${metadataPath(metadataFolder, paged.name)}`;
      using file = store.openFile(path, "read");
      const fault = readPage(file, page, target, paged.record, codec);
      if (fault === undefined) return target;
    } catch (error) {
      causeOf(error);
    }
  }
  return undefined;
}

/** Takes over the first candidate that is the page, if one is; says whether. */
export function acceptPage(
  found: FoundPages,
  page: number,
  candidates: readonly Bytes[],
  record: PagedRecord,
  codec: Codec,
): boolean {
  const expected = pageDigestOf(record, page);
  const right = candidates.find((candidate) =>
    equalBytes(codec.digest(candidate), expected)
  );
  if (right === undefined) return false;
  pageOf(found.bytes, page).set(right);
  return true;
}

/**
 * Reads the file, and puts pages that no copy has right together from what most copies have, 32 bytes
 * at a time; believed if they match their digest.
 */
export function recoverPaged(
  folder: string,
  paged: PagedFile,
  context: EngineContext,
): FoundPages {
  const found = readPaged(folder, paged, context);
  const lostPages = found.lostPages.filter((page) => {
    const voted = voteSlots(readRawPages(folder, paged, page, context));
    return !acceptPage(found, page, [voted], paged.record, context.codec);
  });
  return { ...found, lostPages };
}

/** A page as each copy has it, right or wrong; short copies are filled with zeros. */
export function readRawPages(
  folder: string,
  paged: PagedFile,
  page: number,
  context: EngineContext,
): Bytes[] {
  const pages: Bytes[] = [];
  const bytes = Math.min(
    outboardPageBytes,
    paged.record.bytes - page * outboardPageBytes,
  );
  for (const metadataFolder of metadataFolders) {
    const target = new Uint8Array(bytes);
    try {
      const path = `${folder}/${metadataPath(metadataFolder, paged.name)}`;
      using file = context.store.openFile(path, "read");
      file.readInto(target, page * outboardPageBytes);
      pages.push(target);
    } catch (error) {
      causeOf(error);
    }
  }
  return pages;
}

/** Slot by slot, what most copies have. A slot is as long as a digest. */
export function voteSlots(copies: readonly Bytes[]): Bytes {
  return chooseSlots(copies, mostFrequent);
}

/** Slot by slot, what `choose` takes of the same slot of all pages. */
export function chooseSlots(
  pages: readonly Bytes[],
  choose: (slots: Bytes[]) => Bytes,
): Bytes {
  const chosen = new Uint8Array(pages[0]?.length ?? 0);
  for (let offset = 0; offset < chosen.length; offset += digestBytes) {
    const slots = pages.map((page) =>
      page.subarray(offset, offset + digestBytes)
    );
    chosen.set(choose(slots), offset);
  }
  return chosen;
}

/** The slot that occurs most often. */
export function mostFrequent(slots: readonly Bytes[]): Bytes {
  const votes = (slot: Bytes) =>
    slots.filter((other) => equalBytes(other, slot)).length;
  return slots.reduce((best, slot) => votes(slot) > votes(best) ? slot : best);
}
