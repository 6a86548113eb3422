// Legacy shards: the files of one block of a blockframe-rs entry, read window by window: verified
// by their hashes, or combined into others. Links are not followed, nothing is written, and
// whatever is wrong with a file is data.

import type { Bytes } from "../base/bytes.ts";
import { formatHex } from "../base/bytes.ts";
import { present } from "../base/assert.ts";
import {
  LegacyCoder,
  legacyParityShards,
  type Matrix,
} from "../format/legacy/code.ts";
import {
  legacyCodeBytes,
  legacyDataBytes,
  legacyDataPath,
  legacyDataShards,
  legacyParityBytes,
  legacyParityPath,
} from "../format/legacy/layout.ts";
import type { LegacyEntry } from "../format/legacy/manifest.ts";
import type { Store, StoreFile } from "../store/store.ts";
import { type EngineContext, throwIfInterrupted } from "./context.ts";
import { causeOf } from "./damage_cause.ts";
import type { DamageCause } from "./report.ts";
import { StreamDigest } from "./stream_digest.ts";

/** 33 windows and three results are 9 MiB. A multiple of 64, as the code wants it. */
const windowBytes = 256 * 1024;

/** A window takes a millisecond or less, a turn of the event loop about one. */
const windowsPerPause = 64;

/** An entry and where it lies. */
export interface LegacyPlace {
  readonly store: Store;
  readonly folder: string;
  readonly entry: LegacyEntry;
}

/** What was found of one shard file. */
export type ShardScan =
  | { readonly kind: "read"; readonly bytes: number; readonly hash: string }
  | { readonly kind: "bad"; readonly cause: DamageCause };

/** Sees bytes of a shard, which are its caller's again afterwards. */
export type WindowVisit = (bytes: Bytes, shardOffset: number) => void;

/** The shards of one block: data first, then parity. */
export class LegacyShards {
  readonly dataShards: number;
  readonly shardCount: number;
  readonly #place: LegacyPlace;
  readonly #block: number;
  readonly #context: EngineContext;
  #windowCount = 0;

  /** The shards of this block. */
  constructor(place: LegacyPlace, block: number, context: EngineContext) {
    this.#place = place;
    this.#block = block;
    this.#context = context;
    this.dataShards = legacyDataShards(place.entry.layout, block);
    this.shardCount = this.dataShards + legacyParityShards;
  }

  /** Path of a shard in the folder of the entry. */
  pathOf(shard: number): string {
    const { layout } = this.#place.entry;
    return shard < this.dataShards
      ? legacyDataPath(layout, this.#block, shard)
      : legacyParityPath(layout, this.#block, shard - this.dataShards);
  }

  /** The lengths that a shard's file may have. */
  lengthsOf(shard: number): readonly number[] {
    const { layout } = this.#place.entry;
    return shard < this.dataShards
      ? [legacyDataBytes(layout, this.#block, shard)]
      : legacyParityBytes(layout, this.#block);
  }

  /** Reads and hashes a shard. @throws {Failure} `interrupted`, `offline`, and what `visit` throws */
  async scan(shard: number, visit: WindowVisit): Promise<ShardScan> {
    const opened = this.#open(shard);
    if (opened.kind === "bad") return opened;
    using file = opened.file;
    using digest = new StreamDigest(this.#context.codec);
    const window = new Uint8Array(Math.min(windowBytes, opened.bytes));
    for (let offset = 0; offset < opened.bytes; offset += windowBytes) {
      const part = window.subarray(
        0,
        Math.min(windowBytes, opened.bytes - offset),
      );
      const cause = readWhole(file, part, offset);
      if (cause !== undefined) return { kind: "bad", cause };
      digest.append(part);
      visit(part, offset);
      await this.#pause();
    }
    return {
      kind: "read",
      bytes: opened.bytes,
      hash: formatHex(digest.finish()),
    };
  }

  /**
   * Applies `matrix` to the shards `sources` (undefined stands for zeros) and gives window after
   * window of the results. Gives false where a source cannot be read any more.
   * @throws {Failure} `interrupted`, `offline`, and what `visit` throws
   */
  async combine(
    matrix: Matrix,
    sources: readonly (number | undefined)[],
    visit: (results: readonly Bytes[], shardOffset: number) => void,
  ): Promise<boolean> {
    using stack = new DisposableStack();
    const files: (StoreFile | undefined)[] = [];
    for (const shard of sources) {
      const opened = shard === undefined ? undefined : this.#open(shard);
      if (opened?.kind === "bad") return false;
      files.push(opened === undefined ? undefined : stack.use(opened.file));
    }
    const coder = new LegacyCoder(matrix);
    const codeBytes = legacyCodeBytes(this.#place.entry.layout, this.#block);
    const room = () => new Uint8Array(Math.min(windowBytes, codeBytes));
    const inputs = sources.map(room), outputs = matrix.map(room);
    for (let offset = 0; offset < codeBytes; offset += windowBytes) {
      const length = Math.min(windowBytes, codeBytes - offset);
      const parts = inputs.map((each) => each.subarray(0, length));
      for (const [at, part] of parts.entries()) {
        const file = files[at];
        if (file === undefined) continue;
        if (!readPadded(file, part, offset)) return false;
      }
      const results = outputs.map((each) => each.subarray(0, length));
      coder.apply(parts, results);
      visit(results, offset);
      await this.#pause();
    }
    return true;
  }

  /**
   * Computes the shards `targets` from `survivors` at these lengths and gives their hashes, or
   * undefined where a survivor cannot be read any more.
   * @throws {Failure} as combine
   */
  async rebuild(
    rebuildMatrix: Matrix,
    survivors: readonly number[],
    targets: readonly { readonly shard: number; readonly bytes: number }[],
    visit: (shard: number, bytes: Bytes, shardOffset: number) => void,
  ): Promise<string[] | undefined> {
    using stack = new DisposableStack();
    const digests = targets.map(() =>
      stack.use(new StreamDigest(this.#context.codec))
    );
    const isRead = await this.combine(
      rebuildMatrix,
      survivors,
      (results, offset) => {
        for (const [at, { shard, bytes }] of targets.entries()) {
          const result = present(results[at], "every row has a result");
          const part = result.subarray(0, Math.max(0, bytes - offset));
          digests[at]!.append(part);
          visit(shard, part, offset);
        }
      },
    );
    return isRead
      ? digests.map((digest) => formatHex(digest.finish()))
      : undefined;
  }

  #open(
    shard: number,
  ):
    | { kind: "open"; file: StoreFile; bytes: number }
    | { kind: "bad"; cause: DamageCause } {
    const { store, folder } = this.#place;
    const path = `${folder}/${this.pathOf(shard)}`;
    try {
      const stat = store.stat(path);
      if (stat === undefined) return { kind: "bad", cause: "missing" };
      if (stat.kind !== "file") return { kind: "bad", cause: "unsafe" };
      const lengths = this.lengthsOf(shard);
      if (!lengths.includes(stat.bytes)) {
        const isLong = stat.bytes > Math.max(...lengths);
        return { kind: "bad", cause: isLong ? "overlong" : "truncated" };
      }
      const file = store.openFile(path, "read");
      return { kind: "open", file, bytes: stat.bytes };
    } catch (error) {
      return { kind: "bad", cause: causeOf(error) };
    }
  }

  /** Lets the event loop turn now and then, so that signals are heard. */
  async #pause(): Promise<void> {
    if (++this.#windowCount % windowsPerPause !== 0) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    throwIfInterrupted(this.#context);
  }
}

/** Fills `target`, or says why that cannot be. @throws {Failure} `offline` */
function readWhole(
  file: StoreFile,
  target: Bytes,
  offset: number,
): DamageCause | undefined {
  try {
    const count = file.readInto(target, offset);
    return count === target.length ? undefined : "truncated";
  } catch (error) {
    return causeOf(error);
  }
}

/** Fills `target` with what the file has and with zeros; false where it cannot be read. */
function readPadded(file: StoreFile, target: Bytes, offset: number): boolean {
  try {
    target.fill(0, file.readInto(target, offset));
    return true;
  } catch (error) {
    causeOf(error);
    return false;
  }
}
