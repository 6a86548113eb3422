// Journal: how far a commit is, kept in its staging folder. A commit that was cut off (a signal, a
// crash, a full disk) is gone on with by the next one of the same source: the runs that it had
// written are verified and kept, the others are made again. Never believed: only what is verified.

import type { Bytes } from "../base/bytes.ts";
import { encodeUtf8 } from "../base/bytes.ts";
import { isFailure } from "../base/errors.ts";
import { leftoverAgeMsMin } from "../base/limits.ts";
import { idOfStaging, stagingFolder } from "../format/entry_path.ts";
import type { RowRun } from "../format/geometry.ts";
import {
  type CommitRecord,
  commitRecordBytesMax,
  decodeCommitRecord,
  decodeRunRecord,
  encodeCommitRecord,
  encodeRunRecord,
  journalFiles,
  runHeaderBytes,
  type RunRecord,
  runRecordBytesOf,
} from "../format/journal.ts";
import { formatPolicy } from "../format/policy.ts";
import type { StoreFile } from "../store/store.ts";
import type { EntryPlan } from "./commit.ts";
import type { EngineContext } from "./context.ts";

/** The journal of one commit. Disposing closes it and leaves it where it is. */
export class Journal implements Disposable {
  /** Payload bytes of the runs in it. */
  bytesDone = 0;
  /** Payload bytes of the runs that were found to be as the journal has them. */
  bytesKept = 0;
  readonly #folder: string;
  readonly #plan: Bytes;
  readonly #context: EngineContext;
  readonly #file: StoreFile;
  /** Where the record of a run begins, and how long it is. */
  readonly #places = new Map<string, { offset: number; bytes: number }>();
  #end = 0;

  private constructor(
    folder: string,
    plan: Bytes,
    file: StoreFile,
    context: EngineContext,
  ) {
    this.#folder = folder;
    this.#plan = plan;
    this.#file = file;
    this.#context = context;
  }

  /** Begins a journal in a staging folder that is there. @throws {Failure} */
  static start(
    folder: string,
    record: CommitRecord,
    context: EngineContext,
  ): Journal {
    const { store, codec } = context;
    const bytes = encodeCommitRecord(record, (part) => codec.digest(part));
    using file = store.openFile(`${folder}/${journalFiles.commit}`, "create");
    file.writeFrom(bytes, 0);
    const progress = store.openFile(
      `${folder}/${journalFiles.progress}`,
      "create",
    );
    return new Journal(folder, record.plan, progress, context);
  }

  /** Goes on with the journal in a staging folder. @throws {Failure} */
  static open(folder: string, plan: Bytes, context: EngineContext): Journal {
    const path = `${folder}/${journalFiles.progress}`;
    const file = context.store.openFile(path, "ensure");
    const journal = new Journal(folder, plan, file, context);
    try {
      for (const { offset, bytes, record } of readRuns(file, plan, context)) {
        journal.#enter(record, offset, bytes);
      }
      // What a crash tore off is written over.
      file.truncate(journal.#end);
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
    return journal;
  }

  /** Whether so much was written that a commit which is cut off now is gone on with. */
  get isWorthKeeping(): boolean {
    const { resumeBytesMin = Infinity } = this.#context.settings;
    return this.bytesDone >= resumeBytesMin;
  }

  /** The journal's files, to be synced along with what they are about. */
  get paths(): string[] {
    return Object.values(journalFiles).map((name) => `${this.#folder}/${name}`);
  }

  /** The digests of a run as it was written, if it was. @throws {Failure} */
  digestsOf(run: RowRun): Bytes | undefined {
    const place = this.#places.get(keyOf(run));
    if (place === undefined) return undefined;
    const bytes = new Uint8Array(place.bytes);
    if (this.#file.readInto(bytes, place.offset) !== bytes.length) {
      return undefined;
    }
    const { codec } = this.#context;
    const digest = (part: Bytes) => codec.digest(part);
    return decodeRunRecord(bytes, this.#plan, digest)?.digests;
  }

  /** Notes that a run was written. @throws {Failure} */
  add(record: RunRecord): void {
    const { codec } = this.#context;
    const bytes = encodeRunRecord(
      record,
      this.#plan,
      (part) => codec.digest(part),
    );
    this.#file.writeFrom(bytes, this.#end);
    this.#enter(record, this.#end, bytes.length);
  }

  /** Takes the journal away: an entry has none. @throws {Failure} */
  remove(): void {
    this[Symbol.dispose]();
    for (const path of this.paths) this.#context.store.removeFile(path);
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #enter(record: RunRecord, offset: number, bytes: number): void {
    const key = keyOf(record.run);
    if (!this.#places.has(key)) this.bytesDone += record.payloadBytes;
    this.#places.set(key, { offset, bytes });
    this.#end = offset + bytes;
  }
}

/** Digest of all that must be the same for one commit to go on with another's work. */
export function digestPlan(
  payload: {
    readonly name: string;
    readonly identity: string;
  },
  plan: EntryPlan,
  context: EngineContext,
): Bytes {
  const { geometry, tier, policy } = plan;
  const text = JSON.stringify([
    payload.name,
    payload.identity,
    tier,
    formatPolicy(policy),
    Object.entries(geometry).toSorted(([a], [b]) => a < b ? -1 : 1),
    context.settings.runBytesMax,
  ]);
  return context.codec.digest(encodeUtf8(text));
}

/** A commit that was cut off. */
export interface CutOffCommit {
  readonly folder: string;
  readonly id: string;
  readonly record: CommitRecord;
  /** Payload bytes that it had written. */
  readonly bytesDone: number;
}

/** Commits of `name` that were cut off and in whose folders nobody works. @throws {Failure} */
export function findCutOff(
  name: string,
  context: EngineContext,
): CutOffCommit[] {
  const found: CutOffCommit[] = [];
  for (const { name: folder, kind } of context.store.list("")) {
    const id = idOfStaging(folder);
    if (kind !== "folder" || id === undefined) continue;
    if (folder !== stagingFolder(id)) continue;
    const cutOff = readCutOff(folder, context);
    if (cutOff === undefined || cutOff.record.name !== name) continue;
    if (!isInUse(folder, context)) found.push({ ...cutOff, folder, id });
  }
  return found;
}

/** What the journal of a staging folder says, if it has one. @throws {Failure} `offline` */
export function readCutOff(
  folder: string,
  context: EngineContext,
): Pick<CutOffCommit, "record" | "bytesDone"> | undefined {
  const { store, codec } = context;
  try {
    using file = store.openFile(`${folder}/${journalFiles.commit}`, "read");
    const size = file.size();
    if (size > commitRecordBytesMax) return undefined;
    const bytes = new Uint8Array(size);
    if (file.readInto(bytes, 0) !== size) return undefined;
    const record = decodeCommitRecord(bytes, (part) => codec.digest(part));
    if (record === undefined) return undefined;
    const bytesDone = bytesDoneOf(folder, record.plan, context);
    return { record, bytesDone: Math.min(bytesDone, record.payloadBytes) };
  } catch (error) {
    if (!isFailure(error) || error.code === "offline") throw error;
    return undefined;
  }
}

function bytesDoneOf(
  folder: string,
  plan: Bytes,
  context: EngineContext,
): number {
  const path = `${folder}/${journalFiles.progress}`;
  if (context.store.stat(path) === undefined) return 0;
  using file = context.store.openFile(path, "read");
  const bytes = new Map<string, number>();
  for (const { record } of readRuns(file, plan, context)) {
    bytes.set(keyOf(record.run), record.payloadBytes);
  }
  return bytes.values().reduce((sum, each) => sum + each, 0);
}

/** The records of a journal, up to the first that cannot be believed. */
function* readRuns(
  file: StoreFile,
  plan: Bytes,
  context: EngineContext,
): Generator<{ offset: number; bytes: number; record: RunRecord }> {
  const digest = (part: Bytes) => context.codec.digest(part);
  const header = new Uint8Array(runHeaderBytes);
  const size = file.size();
  for (let offset = 0; offset + runHeaderBytes <= size;) {
    file.readInto(header, offset);
    const length = runRecordBytesOf(header);
    if (length === undefined || offset + length > size) return;
    const bytes = new Uint8Array(length);
    if (file.readInto(bytes, offset) !== length) return;
    const record = decodeRunRecord(bytes, plan, digest);
    if (record === undefined) return;
    yield { offset, bytes: length, record };
    offset += length;
  }
}

/** Whether somebody may be at work in a staging folder. Who is alone in the archive knows. */
function isInUse(folder: string, context: EngineContext): boolean {
  if (context.isAlone) return false;
  const path = `${folder}/${journalFiles.progress}`;
  const stat = context.store.stat(path) ?? context.store.stat(folder);
  const youngestMs = context.clock.nowMs() - leftoverAgeMsMin;
  return stat?.modifiedMs === undefined || stat.modifiedMs > youngestMs;
}

function keyOf({ block, firstRow, rowCount }: RowRun): string {
  return `${block} ${firstRow} ${rowCount}`;
}
