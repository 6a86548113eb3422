// Reader: verified random access to the payloads of an archive. Every leaf is compared with its digest
// before a byte of it is given away; what fails is rebuilt from its row, verified, returned, and offered
// to the repair queue; what cannot be rebuilt is said to be lost, for exactly those bytes. Verified
// pieces are kept in a cache that all readers share. Single misses are loaded on the calling thread,
// which answers soonest; runs of them by the engine's threads.

import { assert } from "../base/assert.ts";
import { Failure } from "../base/errors.ts";
import type { FileTable } from "../format/file_table.ts";
import type { Manifest } from "../format/manifest.ts";
import type { EngineContext } from "./context.ts";
import { type Executor, InlineExecutor, loadWith } from "./executor.ts";
import {
  type HeldPiece,
  LeafCache,
  type LostRows,
  type NewPiece,
  pieceBytes,
} from "./leaf_cache.ts";
import { openFileTable } from "./file_table_copies.ts";
import {
  type KnownEntry,
  LiveCatalogue,
  type LiveEntry,
} from "./live_catalogue.ts";
import { type LiveDigests, openLiveDigests } from "./live_digests.ts";
import { readAnyManifest } from "./manifest_copies.ts";
import { Permits } from "./permits.ts";
import { touch, trim } from "./recent.ts";
import { type Piece, pieceCountOf, piecesOf, rowsOf } from "./cached_piece.ts";
import { AheadUsers, ReadAhead } from "./read_ahead.ts";
import { rebuildPiece } from "./rebuild_piece.ts";
import { RepairQueue } from "./repair_queue.ts";
import { finishRead, settled } from "./finish_read.ts";
import { VerifiedBytes, type VerifiedRead } from "./verified_read.ts";
import type { ScannedEntry } from "./scan_entry.ts";

/** How a reader is opened. */
export interface ReaderOptions {
  /** Memory of the cache, bytes. */
  readonly cacheBytes: number;
  /** Write rebuilt leaves back. */
  readonly repair: boolean;
}

/** What a reader did so far. */
export interface ReadCounters {
  /** Pieces that were in the cache, or on their way. */
  hitCount: number;
  /** Pieces that had to be read. */
  missCount: number;
  /** Of those, pieces that nobody had asked for yet. */
  readAheadCount: number;
  rebuiltLeafCount: number;
  /** Leaves that could not be rebuilt; the same leaf counts each time it is asked for. */
  lostLeafCount: number;
  /** Leaves that were written back. */
  repairedLeafCount: number;
  /** Rows that were not written back because too much waited already. */
  droppedRowCount: number;
}

/** The most that one read may ask for, bytes. */
export const readBytesMax: number = 1024 * 1024;

/** Pieces that one read holds at most: 1 MiB of whole pieces, and the two ends. */
const heldPiecesMax = readBytesMax / pieceBytes + 2;

/** Pieces that one job loads at most. */
const jobPiecesMax = 16;

/** Pieces of a miss up to which the calling thread loads them itself. */
const inlinePiecesMax = 2;

/** Memory for the digests of entries that were read lately, and what one of many pages takes. */
const digestBytesKept = 64 * 1024 * 1024;
const pagedBytesMax = 4 * 1024 * 1024;

/** What reads met of an entry so far. "repairable": rebuilt, and not, or not yet, written back. */
export type MetHealth = "intact" | "repaired" | "repairable" | "lost";

/** An entry that is read. */
export type ReadableEntry = Pick<KnownEntry, "folder" | "manifest">;

/** File tables kept in memory, bytes; the one in use always is. */
const tableBytesKept = 64 * 1024 * 1024;

interface KnownTable {
  readonly table: Promise<FileTable | undefined>;
  readonly bytes: number;
}

/** An entry with its place in the cache's keys. */
interface DigestedEntry extends ScannedEntry {
  readonly outboard: LiveDigests;
  /** The key of its first piece; those of the others follow. */
  readonly firstKey: number;
}

/** Reads the payloads of one archive. */
export class ArchiveReader implements AsyncDisposable {
  readonly counters: ReadCounters = {
    hitCount: 0,
    missCount: 0,
    readAheadCount: 0,
    rebuiltLeafCount: 0,
    lostLeafCount: 0,
    repairedLeafCount: 0,
    droppedRowCount: 0,
  };
  readonly #context: EngineContext;
  readonly #cache: LeafCache;
  readonly #permits: Permits;
  readonly #inline: Executor;
  readonly #threads: Executor;
  /** As #inline, but for what reads all blocks of a group: everybody else would wait for that. */
  readonly #inlineRows: Executor;
  readonly #repairs: RepairQueue | undefined;
  /** By folder: as long as the reader lives, no key stands for two pieces. */
  readonly #firstKeys = new Map<string, number>();
  #nextKey = 0;
  /** By folder, the one used last at the end. */
  readonly #entries = new Map<string, DigestedEntry>();
  readonly #loads = new Set<Promise<void>>();
  readonly #catalogue: LiveCatalogue;
  /** By folder, the one used last at the end. */
  readonly #tables = new Map<string, KnownTable>();
  readonly #met = new Map<string, MetHealth>();
  readonly #aheadUsers = new AheadUsers();
  #aheadPieces = 0;

  /** A reader over an archive. @throws {Failure} `invalid-argument` */
  constructor(context: EngineContext, options: ReaderOptions) {
    this.#context = context;
    this.#cache = new LeafCache(options.cacheBytes);
    // Half of the slots for what is asked for, a quarter for read-ahead: no slot is ever waited for.
    this.#permits = new Permits(Math.floor(this.#cache.slotCount / 2));
    this.#inline = new InlineExecutor(context);
    this.#catalogue = new LiveCatalogue(context);
    this.#threads = context.openExecutor({ workBytes: Infinity });
    this.#inlineRows = {
      width: 1,
      run: (job) =>
        (job.kind === "slab" ? this.#threads : this.#inline).run(job),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    this.#repairs = options.repair
      ? new RepairQueue(
        context,
        this.#threads,
        this.counters,
        (folder) => this.#meet(folder, "repaired"),
      )
      : undefined;
  }

  /**
   * The entries now, by name, then newest first; the same array while nothing changed.
   * @throws {Failure}
   */
  entries(): readonly LiveEntry[] | Promise<readonly LiveEntry[]> {
    return this.#catalogue.entries();
  }

  /** The file table of a tree; undefined for an entry that is none. @throws {Failure} `damaged` */
  table(entry: ReadableEntry): Promise<FileTable | undefined> {
    const { folder, manifest } = entry;
    const known = this.#tables.get(folder);
    if (known !== undefined) {
      touch(this.#tables, folder, known);
      return known.table;
    }
    const table = this.#openTable(folder);
    const bytes = manifest.files?.tableBytes ?? 0;
    this.#tables.set(folder, { table, bytes });
    trim(this.#tables, tableBytesKept, (each) => each.bytes);
    // One that cannot be read is tried again.
    table.catch(() => this.#tables.delete(folder));
    return table;
  }

  async #openTable(folder: string): Promise<FileTable | undefined> {
    const manifest = this.#readManifest(folder);
    const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0));
    return (await openFileTable(folder, manifest, this.#context, turn))?.table;
  }

  /** What reads of the entry met so far. */
  healthOf(entry: ReadableEntry): MetHealth {
    return this.#met.get(entry.folder) ?? "intact";
  }

  /** Bytes that can still be written to the archive's disk, if that is known. */
  freeBytes(): number | undefined {
    return this.#context.store.freeBytes();
  }

  /** Pieces that a read or its read-ahead holds; 0 when nobody reads. */
  get pinnedCount(): number {
    return this.#cache.pinnedCount;
  }

  /** A reader of one entry's payload. */
  open(entry: ReadableEntry): EntryReader {
    return new EntryReader(this, entry);
  }

  /** Lets go what was read ahead for a reader that ends. For EntryReader. */
  end(ahead: ReadAhead): void {
    this.#aheadUsers.end(ahead);
  }

  /** Resolves when nothing waits to be written back. */
  async settle(): Promise<void> {
    await this.#repairs?.idle();
  }

  /** Ends what is under way. No read may be; what was not written back stays as it is. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#repairs?.[Symbol.asyncDispose]();
    await Promise.allSettled(this.#loads);
    await this.#threads[Symbol.asyncDispose]();
  }

  /**
   * Verified bytes of `entry` from `payloadOffset` on: `bytes` of them, or up to the payload's end.
   * For EntryReader. @throws {Failure} `not-found` once the entry was removed; `offline`, `damaged`
   */
  read(
    entry: ReadableEntry,
    payloadOffset: number,
    bytes: number,
    ahead: ReadAhead,
  ): VerifiedRead | Promise<VerifiedRead> {
    assert(
      Number.isSafeInteger(payloadOffset) && payloadOffset >= 0 &&
        bytes <= readBytesMax,
      "a read is of limited length",
    );
    const { geometry } = entry.manifest;
    const end = Math.min(payloadOffset + bytes, geometry.payloadBytes);
    if (end <= payloadOffset) {
      return { kind: "bytes", bytes: new VerifiedBytes([], () => {}) };
    }
    const pieces = [...piecesOf(geometry, payloadOffset, end)];
    // Tiny segments make tiny pieces: then a read has too many of them to be held at once.
    if (pieces.length > heldPiecesMax) {
      return this.#readLong(entry, pieces, payloadOffset, end, ahead);
    }
    const start = () => this.#start(entry, pieces, payloadOffset, end, ahead);
    const permitted = this.#permits.acquire(pieces.length);
    return permitted === undefined ? start() : permitted.then(start);
  }

  /** Reads some pieces after the other into memory of its own. */
  async #readLong(
    entry: ReadableEntry,
    pieces: readonly Piece[],
    payloadOffset: number,
    end: number,
    ahead: ReadAhead,
  ): Promise<VerifiedRead> {
    const target = new Uint8Array(end - payloadOffset);
    for (let done = 0; done < target.length;) {
      const from = payloadOffset + done;
      const first = pieces.findIndex((each) =>
        each.payloadOffset + each.bytes > from
      );
      const last = pieces[Math.min(first + heldPiecesMax, pieces.length) - 1]!;
      const to = Math.min(last.payloadOffset + last.bytes, end);
      const read = await this.read(entry, from, to - from, ahead);
      if (read.kind === "lost") return read;
      using bytes = read.bytes;
      for (const part of bytes.parts) {
        target.set(part, done);
        done += part.length;
      }
    }
    return { kind: "bytes", bytes: new VerifiedBytes([target], () => {}) };
  }

  #start(
    folderEntry: ReadableEntry,
    pieces: readonly Piece[],
    payloadOffset: number,
    end: number,
    ahead: ReadAhead,
  ): VerifiedRead | Promise<VerifiedRead> {
    const held: HeldPiece[] = [];
    const release = () => {
      for (const piece of held.splice(0)) this.#cache.release(piece);
      this.#permits.release(pieces.length);
    };
    try {
      const entry = this.#openEntry(folderEntry);
      const waits = this.#hold(entry, pieces, held);
      this.#readAhead(entry, payloadOffset, end, ahead);
      const finish = (lost: readonly LostRows[]) =>
        finishRead(
          entry.manifest.geometry,
          pieces,
          held,
          lost,
          payloadOffset,
          end,
          {
            cache: this.#cache,
            release,
          },
        );
      if (waits === undefined) return finish(pieces.map(() => []));
      return waits.then(finish, (error) => {
        release();
        throw error;
      });
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Pins all pieces, loading what is not here; undefined when all are right already. */
  #hold(
    entry: DigestedEntry,
    pieces: readonly Piece[],
    held: HeldPiece[],
  ): Promise<LostRows[]> | undefined {
    const missing: [Piece, NewPiece][] = [];
    for (const piece of pieces) {
      const key = keyOf(entry, piece);
      const found = this.#cache.take(key);
      if (found !== undefined) {
        this.counters.hitCount++;
        held.push(found);
        continue;
      }
      const added = this.#cache.add(key);
      assert(added !== undefined, "permits leave a slot for every piece");
      this.counters.missCount++;
      held.push(added);
      missing.push([piece, added]);
    }
    const executor = missing.length <= inlinePiecesMax
      ? this.#inlineRows
      : this.#threads;
    this.#loadAll(entry, missing, executor);
    const isReady = held.every(({ lost }) =>
      !(lost instanceof Promise) && lost.length === 0
    );
    return isReady ? undefined : settled(held.map(({ lost }) => lost));
  }

  /** Starts read-ahead where the reader goes from front to back. */
  #readAhead(
    entry: DigestedEntry,
    payloadOffset: number,
    end: number,
    ahead: ReadAhead,
  ): void {
    const { geometry } = entry.manifest;
    const nowMs = this.#context.clock.monotonicMs();
    const roomNow = () =>
      Math.floor(this.#cache.slotCount / 4) - this.#aheadPieces;
    this.#aheadUsers.note(ahead, nowMs, false);
    if (roomNow() < jobPiecesMax) this.#aheadUsers.dropIdle(nowMs);
    const room = roomNow();
    const plan = ahead.plan(
      payloadOffset,
      end,
      Math.min(room * pieceBytes, geometry.payloadBytes - end),
      this.#threads.width > 1,
    );
    if (plan === undefined) return;
    this.#aheadUsers.note(ahead, nowMs, true);
    const missing: [Piece, NewPiece][] = [];
    for (const piece of piecesOf(geometry, plan.from, plan.end)) {
      const key = keyOf(entry, piece);
      if (this.#cache.has(key)) continue;
      if (roomNow() <= 0) break;
      const added = this.#cache.add(key);
      if (added === undefined) break;
      this.counters.missCount++;
      this.counters.readAheadCount++;
      this.#aheadPieces++;
      missing.push([piece, this.#keptAhead(key, piece, added, ahead)]);
    }
    this.#loadAll(entry, missing, this.#threads);
  }

  /**
   * The new piece with a second pin, which the load gives back: until it is loaded the slot stays
   * ours, and counts, also when the reader has gone elsewhere. What is not right is kept for nobody:
   * who comes to it tries again, and the medium may be back by then.
   */
  #keptAhead(
    key: number,
    piece: Piece,
    added: NewPiece,
    ahead: ReadAhead,
  ): NewPiece {
    const second = this.#cache.take(key);
    assert(second !== undefined, "a piece that was added is there");
    let holderCount = 2;
    const leave = (held: HeldPiece) => {
      this.#cache.release(held);
      if (--holderCount === 0) this.#aheadPieces--;
    };
    let isKept = true;
    const drop = () => {
      if (isKept) leave(added);
      isKept = false;
    };
    ahead.keep(piece.payloadOffset + piece.bytes, drop);
    return {
      ...added,
      settle: (outcome) => {
        added.settle(outcome);
        leave(second);
        if (outcome instanceof Promise || outcome.length > 0) drop();
      },
    };
  }

  /** Loads pieces in runs of consecutive ones of one segment. */
  #loadAll(
    entry: DigestedEntry,
    missing: readonly [Piece, NewPiece][],
    executor: Executor,
  ): void {
    for (let index = 0; index < missing.length;) {
      let next = index + 1;
      while (
        next < missing.length && next - index < jobPiecesMax &&
        missing[next]![0].segment === missing[index]![0].segment &&
        missing[next]![0].index === missing[next - 1]![0].index + 1
      ) next++;
      const load = this.#load(entry, missing.slice(index, next), executor)
        .finally(() => this.#loads.delete(load));
      this.#loads.add(load);
      index = next;
    }
  }

  /** Loads consecutive pieces of one segment; every one of them is settled. */
  async #load(
    entry: DigestedEntry,
    batch: readonly [Piece, NewPiece][],
    executor: Executor,
  ): Promise<void> {
    const open = new Set(batch.map(([, added]) => added));
    const settle = (added: NewPiece, outcome: LostRows | Promise<never>) => {
      open.delete(added);
      added.settle(outcome);
    };
    try {
      const { geometry } = entry.manifest;
      const first = batch[0]![0];
      const bytes = batch.reduce((sum, [piece]) => sum + piece.bytes, 0);
      const { run, shard } = rowsOf(geometry, first, bytes);
      const faultyRows = await loadWith(executor, {
        kind: "load",
        entry: { root: this.#context.root, path: entry.folder },
        geometry,
        run,
        shard,
        digests: entry.outboard.readShard(run, shard),
        targets: batch.map(([piece, { slot }]) =>
          this.#cache.memoryOf(slot, 0, piece.bytes)
        ),
      });
      const rowsPerPiece = pieceBytes / geometry.leafBytes;
      const faulty = new Set(
        faultyRows.map((row) => Math.floor(row / rowsPerPiece)),
      );
      for (const [index, [, added]] of batch.entries()) {
        if (!faulty.has(index)) settle(added, []);
      }
      for (const index of faulty) {
        const [piece, added] = batch[index]!;
        settle(added, await this.#rebuild(entry, piece, added, executor));
      }
    } catch (error) {
      const failed = Promise.reject(error);
      failed.catch(() => {});
      for (const added of [...open]) settle(added, failed);
    }
  }

  /** Rebuilds what is faulty in a piece; gives its rows that are lost. */
  async #rebuild(
    entry: DigestedEntry,
    piece: Piece,
    added: NewPiece,
    executor: Executor,
  ): Promise<LostRows> {
    const target = this.#cache.memoryOf(added.slot, 0, piece.bytes);
    const outcome = await rebuildPiece(
      entry,
      piece,
      target,
      executor,
      this.#context,
    );
    this.counters.rebuiltLeafCount += outcome.rebuiltLeafCount;
    this.counters.lostLeafCount += outcome.lostRows.length;
    if (outcome.lostRows.length > 0) this.#meet(entry.folder, "lost");
    if (outcome.rebuiltLeafCount > 0) {
      this.#meet(entry.folder, "repairable");
      this.#repairs?.offer(entry, outcome.run);
      if (outcome.hurtsMore) this.#repairs?.offerBlock(entry, outcome.run);
    }
    return outcome.lostRows;
  }

  /** Takes note of damage that was met or mended, and says once what was met; what is lost stays lost. */
  #meet(folder: string, health: MetHealth): void {
    const known = this.#met.get(folder);
    if (known === "lost") return;
    this.#met.set(folder, health);
    if (known !== undefined && health !== "lost") return;
    const message = health === "lost"
      ? `${folder} has bytes that are lost: reading them fails`
      : `${folder} is damaged: what is read of it is rebuilt`;
    this.#context.emit({ kind: "warning", message });
  }

  /** @throws {Failure} `damaged`, `offline` */
  #openEntry({ folder }: ReadableEntry): DigestedEntry {
    const known = this.#entries.get(folder);
    if (known !== undefined) {
      touch(this.#entries, folder, known);
      return known;
    }
    const manifest = this.#readManifest(folder);
    const outboard = openLiveDigests(folder, manifest, this.#context);
    let firstKey = this.#firstKeys.get(folder);
    if (firstKey === undefined) {
      firstKey = this.#nextKey;
      this.#nextKey += pieceCountOf(manifest.geometry);
      this.#firstKeys.set(folder, firstKey);
    }
    const entry = { folder, manifest, outboard, firstKey };
    this.#entries.set(folder, entry);
    trim(
      this.#entries,
      digestBytesKept,
      ({ manifest: { outboard } }) =>
        outboard.kind === "inline" ? outboard.digests.length : pagedBytesMax,
    );
    return entry;
  }

  /** @throws {Failure} `not-found` once the entry was removed; `damaged` */
  #readManifest(folder: string): Manifest {
    const found = readAnyManifest(folder, this.#context);
    if (found.kind === "found") return found.manifest;
    throw this.#context.store.stat(folder) === undefined
      ? new Failure("not-found", `"${folder}" is not in the archive any more`)
      : new Failure("damaged", `"${folder}" cannot be read: ${found.problem}`);
  }
}

/** Reads one entry's payload for one reader of it, who may go from front to back. */
export class EntryReader implements Disposable {
  readonly entry: ReadableEntry;
  readonly #reader: ArchiveReader;
  readonly #ahead = new ReadAhead();

  /** For ArchiveReader.open. */
  constructor(reader: ArchiveReader, entry: ReadableEntry) {
    this.#reader = reader;
    this.entry = entry;
  }

  /** Verified bytes, or what is lost of them. @throws {Failure} as ArchiveReader.read */
  read(
    payloadOffset: number,
    bytes: number,
  ): VerifiedRead | Promise<VerifiedRead> {
    return this.#reader.read(this.entry, payloadOffset, bytes, this.#ahead);
  }

  /** Gives back what was read ahead. */
  [Symbol.dispose](): void {
    this.#reader.end(this.#ahead);
    this.#ahead[Symbol.dispose]();
  }
}

function keyOf(entry: DigestedEntry, piece: Piece): number {
  const key = entry.firstKey + piece.index;
  assert(Number.isSafeInteger(key), "a key stands for one piece");
  return key;
}
