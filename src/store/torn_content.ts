// Torn content: what a file may hold after a power loss, given what was durable and the steps that
// were not. Pure but for the dice. A disk writes whole sectors, in any order; the file's size
// reaches the disk by another way than its bytes.

import type { Bytes } from "../base/bytes.ts";
import type { CrashDice } from "./crash_dice.ts";
import { FileNode } from "./memory_node.ts";

/** A change of a file's content that was not synced. */
export type DataStep =
  | { readonly kind: "write"; readonly source: Bytes; readonly offset: number }
  | { readonly kind: "resize"; readonly bytes: number };

/** Content that may be found after a power loss; a new array. */
export function planContent(
  durable: Bytes,
  steps: readonly DataStep[],
  sectorBytes: number,
  dice: CrashDice,
): Bytes {
  if (steps.length === 0) return durable.slice();
  const torn = new TornFile(durable, sectorBytes, dice);
  const sizedCount = dice.countKept(steps.length);
  for (const [index, step] of steps.entries()) {
    const isSized = index < sizedCount;
    if (step.kind === "write") torn.write(step.source, step.offset, isSized);
    else torn.resize(step.bytes, isSized);
  }
  return torn.finish();
}

class TornFile {
  readonly #file: FileNode;
  readonly #sectorBytes: number;
  readonly #dice: CrashDice;
  // Sectors that lost a write: what comes later to them is lost too.
  readonly #lost = new Set<number>();
  readonly #kept = new Set<number>();
  #size: number;
  // Bytes before this offset have durable content, which a lost write leaves as it was.
  #durableBytes: number;
  // Sectors from this one on belong to blocks that the disk does not know of.
  #unknownFrom = Infinity;

  constructor(durable: Bytes, sectorBytes: number, dice: CrashDice) {
    this.#file = new FileNode(durable);
    this.#sectorBytes = sectorBytes;
    this.#dice = dice;
    this.#size = durable.length;
    this.#durableBytes = durable.length;
  }

  write(source: Bytes, offset: number, isSized: boolean): void {
    const end = offset + source.length;
    if (isSized) this.#size = Math.max(this.#size, end);
    let from = offset;
    while (from < end) {
      const sector = Math.floor(from / this.#sectorBytes);
      const to = Math.min(end, (sector + 1) * this.#sectorBytes);
      const isKept = sector < this.#unknownFrom && !this.#lost.has(sector) &&
        this.#dice.keeps();
      if (isKept) {
        this.#file.writeFrom(source.subarray(from - offset, to - offset), from);
        this.#kept.add(sector);
      } else {
        this.#lost.add(sector);
      }
      from = to;
    }
  }

  resize(bytes: number, isSized: boolean): void {
    if (!isSized) {
      const sector = Math.floor(bytes / this.#sectorBytes);
      this.#unknownFrom = Math.min(this.#unknownFrom, sector);
      return;
    }
    if (bytes < this.#file.bytes) this.#file.resize(bytes);
    this.#durableBytes = Math.min(this.#durableBytes, bytes);
    this.#size = bytes;
    // Blocks past the cut are given anew: what was lost there before has no say.
    const firstCut = Math.ceil(bytes / this.#sectorBytes);
    for (const sector of [...this.#lost, ...this.#kept]) {
      if (sector < firstCut) continue;
      this.#lost.delete(sector);
      this.#kept.delete(sector);
    }
  }

  finish(): Bytes {
    this.#file.resize(this.#size);
    const content = this.#file.copy();
    for (const sector of this.#lost) {
      const from = sector * this.#sectorBytes;
      if (this.#kept.has(sector) || from < this.#durableBytes) continue;
      this.#dice.fillStale(content.subarray(from, from + this.#sectorBytes));
    }
    return content;
  }
}
