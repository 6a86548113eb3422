// Pieces: a run of a tree's payload, read from many files. A file is looked at before and after it is
// read: only while its size and time stay what they were when the tree was walked do its bytes belong
// together, also with those that other threads read.

import type { Bytes } from "../base/bytes.ts";
import { Failure, messageOf } from "../base/errors.ts";
import type { Store, StoreFile } from "../store/store.ts";
import type {
  PieceProblem,
  PieceSource,
  SourcePiece,
} from "./worker_protocol.ts";

/** Reads pieces in their order. Holds the file of the last one open until disposed. */
export class PieceReader implements Disposable {
  /** Files that could not be read as planned; their bytes are zeros, where they should be. */
  readonly problems: PieceProblem[] = [];
  readonly #store: Store;
  readonly #source: PieceSource;
  #index = 0;
  #open: { readonly piece: SourcePiece; readonly file: StoreFile } | undefined;
  readonly #failed: Set<number> = new Set();

  /** A reader of the pieces of a run. */
  constructor(store: Store, source: PieceSource) {
    this.#store = store;
    this.#source = source;
  }

  /**
   * Fills `target`, which begins at that offset of the payload, with the next pieces.
   * @throws {Failure} `source-changed`, `source-unreadable` for what is not tolerated; `offline`
   */
  read(target: Bytes, payloadOffset: number): void {
    const { pieces } = this.#source;
    const end = payloadOffset + target.length;
    while (this.#index < pieces.length) {
      const piece = pieces[this.#index]!;
      if (piece.payloadOffset >= end) return;
      this.#index++;
      const at = piece.payloadOffset - payloadOffset;
      this.#readPiece(piece, target.subarray(at, at + piece.bytes));
    }
  }

  /** Looks at the last file once more. @throws {Failure} as read */
  finish(): void {
    this.#leave();
  }

  /** Closes what is open. */
  [Symbol.dispose](): void {
    this.#open?.file[Symbol.dispose]();
    this.#open = undefined;
  }

  #readPiece(piece: SourcePiece, target: Bytes): void {
    if (this.#open?.piece.file !== piece.file) this.#leave();
    if (this.#failed.has(piece.file)) return void target.fill(0);
    this.#attempt(piece, () => {
      const file = this.#open?.file ?? this.#enter(piece);
      if (file.readInto(target, piece.fileOffset) !== target.length) {
        throw changed(piece, "it became shorter while it was read");
      }
    });
    if (this.#failed.has(piece.file)) target.fill(0);
  }

  #enter(piece: SourcePiece): StoreFile {
    const file = this.#store.openFile(piece.path, "read");
    this.#open = { piece, file };
    requireSame(piece, file);
    return file;
  }

  /** What was read of the file that is open counts only if it is still the same. */
  #leave(): void {
    if (this.#open === undefined) return;
    const { piece, file } = this.#open;
    this.#attempt(piece, () => requireSame(piece, file));
    this[Symbol.dispose]();
  }

  /** @throws {Failure} what is not tolerated */
  #attempt(piece: SourcePiece, work: () => void): void {
    try {
      work();
    } catch (error) {
      const problem = problemOf(piece, error);
      if (!this.#source.tolerated.includes(problem.reason)) {
        throw new Failure(
          problem.reason === "unreadable"
            ? "source-unreadable"
            : "source-changed",
          problem.problem,
          { cause: error },
        );
      }
      this[Symbol.dispose]();
      this.#failed.add(piece.file);
      this.problems.push(problem);
    }
  }
}

/** What kept a piece from being read as planned. @throws what is no file's fault */
function problemOf(piece: SourcePiece, error: unknown): PieceProblem {
  if (!(error instanceof Failure) || error.code === "offline") throw error;
  const reason = error.code === "source-changed"
    ? "changed"
    // What is a link or a folder now was a file when the tree was walked.
    : error.code === "not-found" || error.code === "wrong-kind" ||
        error.code === "unsafe-path"
    ? "vanished"
    : "unreadable";
  return { file: piece.file, reason, problem: messageOf(error) };
}

function requireSame(piece: SourcePiece, file: StoreFile): void {
  const { bytes, modifiedMs, changedMs } = file.measure();
  if (bytes !== piece.fileBytes) {
    throw changed(piece, `it had ${piece.fileBytes} bytes and has ${bytes}`);
  }
  if (
    !isSameTime(modifiedMs, piece.modifiedMs) ||
    !isSameTime(changedMs, piece.changedMs)
  ) throw changed(piece, "it was written to");
}

/** Before 1970 the system calls round to one side and Deno to the other. */
function isSameTime(left: number | undefined, right: number | undefined) {
  if (left === undefined || right === undefined) return left === right;
  return Math.abs(left - right) <= (right < 0 ? 1 : 0);
}

function changed(piece: SourcePiece, how: string): Failure {
  return new Failure(
    "source-changed",
    `The file "${piece.path}" was changed while it was read: ${how}`,
  );
}
