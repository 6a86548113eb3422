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
  readonly id: number;
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
    this.#short = new PieceList(targets, (range) => !isLong(range), (id) => id);
    this.#long = new PieceList(targets, isLong, (id) => -1 - id);
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
    const seen = new Set<number>();
    for (const range of ranges) {
      for (const piece of this.#overlapping(range)) {
        const { state, row, path } = this.#targets[piece.target]!;
        // Several of the ranges may lie in one piece.
        if (seen.has(piece.id) || state === "refused") continue;
        seen.add(piece.id);
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

/** Pieces, by payload offset, in columns: there may be millions. Two may hold the same bytes. */
class PieceList {
  readonly #ids: (index: number) => number;
  readonly #payloadOffsets: Float64Array<ArrayBuffer>;
  readonly #fileOffsets: Float64Array<ArrayBuffer>;
  readonly #bytes: Float64Array<ArrayBuffer>;
  readonly #targets: Uint32Array<ArrayBuffer>;
  readonly #ends: Float64Array<ArrayBuffer>;

  /** The ranges of `targets` that are of this list; `ids` numbers them, apart from other lists'. */
  constructor(
    targets: readonly TreeTarget[],
    isOfList: (range: DataRange) => boolean,
    ids: (index: number) => number,
  ) {
    this.#ids = ids;
    const ranges: DataRange[] = [], owners: number[] = [];
    for (const [index, { row }] of targets.entries()) {
      for (const range of row.data) {
        if (!isOfList(range)) continue;
        ranges.push(range);
        owners.push(index);
      }
    }
    const order = Uint32Array.from(ranges.keys()).sort((left, right) =>
      ranges[left]!.payloadOffset - ranges[right]!.payloadOffset
    );
    const column = (read: (range: DataRange) => number) =>
      Float64Array.from(order, (index) => read(ranges[index]!));
    this.#payloadOffsets = column((range) => range.payloadOffset);
    this.#fileOffsets = column((range) => range.fileOffset);
    this.#bytes = column((range) => range.bytes);
    this.#targets = order.map((index) => owners[index]!);
    this.#ends = runningEnds(this.#payloadOffsets, this.#bytes);
  }

  *overlapping(range: PayloadRange): Generator<Piece> {
    const end = endOf(range);
    let index = firstBeyond(this.#ends, range.payloadOffset);
    for (; index < this.#ends.length; index++) {
      const payloadOffset = this.#payloadOffsets[index]!;
      const bytes = this.#bytes[index]!;
      if (payloadOffset >= end) return;
      if (payloadOffset + bytes <= range.payloadOffset) continue;
      const fileOffset = this.#fileOffsets[index]!;
      const target = this.#targets[index]!;
      yield { id: this.#ids(index), payloadOffset, fileOffset, bytes, target };
    }
  }
}

function isLong(range: DataRange): boolean {
  return range.bytes > longBytes;
}

function endOf(range: PayloadRange): number {
  return range.payloadOffset + range.bytes;
}
