// Tree plan: which files of a tree every run of a payload holds bytes of. Most files lie in one run
// and are made by whoever reads it; the others are made before, and written to by several.

import {
  type Geometry,
  payloadRangesOf,
  planRowRuns,
  type RowRun,
} from "../format/geometry.ts";
import type { DataRange, PlainFileRow } from "../format/file_row.ts";
import { firstBeyond, runningEnds } from "./payload_output.ts";
import type { PayloadRange } from "./report.ts";
import type { OutputPlan } from "./scan_entry.ts";
import type {
  OutputFile,
  OutputPart,
  PayloadOutput,
  RefusedFile,
} from "./worker_protocol.ts";

/** A file to be written. */
export interface TreeTarget {
  readonly row: PlainFileRow;
  /** The name that it is written under: its own, or that of the first link that is wanted. */
  readonly path: string;
  /** Further names, given once it is written. */
  readonly names: string[];
  /** "done" has its attributes, too; "refused" is not there and never will be. */
  state: "waiting" | "made" | "done" | "refused";
}

/** What is lost of a file. */
export interface LostPart {
  readonly fileOffset: number;
  readonly bytes: number;
}

/** Pieces above this size are looked through one by one. */
const longBytes = 64 * 1024 * 1024;

interface Piece extends DataRange {
  readonly target: number;
}

/** Where the bytes of a payload go in a tree. */
export class TreePlan implements OutputPlan {
  /** The runs that hold anything wanted, cut to the rows that do. */
  readonly runs: readonly RowRun[];
  /** Called for every file that a run has made. */
  onMade: (target: TreeTarget) => void = () => {};
  /** Called for every file that a run could not make. */
  onRefused: (target: TreeTarget, refused: RefusedFile) => void = () => {};
  readonly #targets: readonly TreeTarget[];
  readonly #output: { readonly root: string; readonly prefix: string };
  /** Apart, so that one that reaches far does not make every search begin at it. */
  readonly #short: PieceList;
  readonly #long: PieceList;
  /** For each target the number of the run that alone holds it, from 1; 0 is none, -1 several. */
  readonly #owners: Int32Array<ArrayBuffer>;

  /** A plan for writing `targets` below the folder `prefix` of the store with that root. */
  constructor(
    geometry: Geometry,
    targets: readonly TreeTarget[],
    output: { readonly root: string; readonly prefix: string },
    runBytesMax: number,
  ) {
    this.#targets = targets;
    this.#output = output;
    const pieces = targets.flatMap(({ row }, target) =>
      row.data.map((range) => ({ ...range, target }))
    );
    this.#short = new PieceList(pieces.filter((each) => !isLong(each)));
    this.#long = new PieceList(pieces.filter(isLong));
    this.#owners = new Int32Array(targets.length);
    const runs: RowRun[] = [];
    for (const run of planRowRuns(geometry, runBytesMax)) {
      const wanted = this.#cut(geometry, run, runs.length + 1);
      if (wanted !== undefined) runs.push(wanted);
    }
    this.runs = runs;
  }

  /** Files that no single run makes: those of several runs, and those without any stored byte. */
  *unowned(): Generator<TreeTarget> {
    for (const [index, target] of this.#targets.entries()) {
      if (this.#owners[index]! <= 0) yield target;
    }
  }

  /** The files that these ranges hold bytes of. */
  outputOf(ranges: readonly PayloadRange[]): PayloadOutput | undefined {
    const files = new Map<number, OutputFile & { parts: OutputPart[] }>();
    const seen = new Set<Piece>();
    for (const range of ranges) {
      for (const piece of this.#overlapping(range)) {
        const { state, row, path } = this.#targets[piece.target]!;
        if (seen.has(piece) || state === "refused") continue;
        seen.add(piece);
        let file = files.get(piece.target);
        if (file === undefined) {
          file = {
            index: piece.target,
            path: `${this.#output.prefix}/${path}`,
            bytes: row.bytes,
            isWhole: state === "waiting",
            parts: [],
          };
          files.set(piece.target, file);
        }
        const { payloadOffset, fileOffset, bytes } = piece;
        file.parts.push({ payloadOffset, fileOffset, bytes });
      }
    }
    if (files.size === 0) return undefined;
    const { root } = this.#output;
    return { kind: "tree", root, files: [...files.values()] };
  }

  /** Takes note of what a job has made. */
  written(output: PayloadOutput, refused: readonly RefusedFile[]): void {
    if (output.kind !== "tree") return;
    const isRefused = new Set<number>();
    for (const each of refused) {
      const target = this.#targets[each.index]!;
      isRefused.add(each.index);
      target.state = "refused";
      this.onRefused(target, each);
    }
    for (const { index, isWhole } of output.files) {
      if (!isWhole || isRefused.has(index)) continue;
      const target = this.#targets[index]!;
      target.state = "made";
      this.onMade(target);
    }
  }

  /** The files that lost ranges of the payload take bytes of, and which bytes. */
  lostOf(ranges: readonly PayloadRange[]): Map<TreeTarget, LostPart[]> {
    const lost = new Map<TreeTarget, LostPart[]>();
    for (const range of ranges) {
      for (const piece of this.#overlapping(range)) {
        const target = this.#targets[piece.target]!;
        const from = Math.max(range.payloadOffset, piece.payloadOffset);
        const to = Math.min(endOf(range), endOf(piece));
        const parts = lost.get(target) ?? [];
        const fileOffset = piece.fileOffset + from - piece.payloadOffset;
        parts.push({ fileOffset, bytes: to - from });
        lost.set(target, parts);
      }
    }
    return lost;
  }

  /** The rows of a run that hold anything; notes which files are the run's. */
  #cut(geometry: Geometry, run: RowRun, owner: number): RowRun | undefined {
    let first = Infinity, last = -1;
    for (const range of payloadRangesOf(geometry, run)) {
      for (const piece of this.#overlapping(range)) {
        const before = this.#owners[piece.target]!;
        this.#owners[piece.target] = before === 0 || before === owner
          ? owner
          : -1;
        const from = Math.max(0, piece.payloadOffset - range.payloadOffset);
        const to = Math.min(range.bytes, endOf(piece) - range.payloadOffset);
        first = Math.min(first, Math.floor(from / geometry.leafBytes));
        last = Math.max(last, Math.floor((to - 1) / geometry.leafBytes));
      }
    }
    if (last < 0) return undefined;
    const { block, firstRow } = run;
    return {
      block,
      firstRow: firstRow + first,
      rowCount: last - first + 1,
    };
  }

  *#overlapping(range: PayloadRange): Generator<Piece> {
    yield* this.#short.overlapping(range);
    yield* this.#long.overlapping(range);
  }
}

/** Pieces, by payload offset; two may hold the same bytes. */
class PieceList {
  readonly #pieces: readonly Piece[];
  readonly #ends: Float64Array<ArrayBuffer>;

  constructor(pieces: Piece[]) {
    this.#pieces = pieces.sort((left, right) =>
      left.payloadOffset - right.payloadOffset
    );
    this.#ends = runningEnds(this.#pieces);
  }

  *overlapping(range: PayloadRange): Generator<Piece> {
    const end = endOf(range);
    let index = firstBeyond(this.#ends, range.payloadOffset);
    for (; index < this.#pieces.length; index++) {
      const piece = this.#pieces[index]!;
      if (piece.payloadOffset >= end) return;
      if (endOf(piece) > range.payloadOffset) yield piece;
    }
  }
}

function isLong(piece: Piece): boolean {
  return piece.bytes > longBytes;
}

function endOf(range: PayloadRange): number {
  return range.payloadOffset + range.bytes;
}
