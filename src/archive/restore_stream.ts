// Restore to a stream: an entry's payload in order, at the pace of whoever reads it. A byte goes out
// only after it was verified; where bytes are lost for good it ends before them, or, with `partial`,
// gives zeros. The archive is only read.

import type { ByteWriter } from "../base/byte_stream.ts";
import { Failure } from "../base/errors.ts";
import type { ReadEntry } from "./catalogue.ts";
import {
  type EngineContext,
  throwIfInterrupted,
  untilInterrupted,
} from "./context.ts";
import { mergeRanges } from "./ledger.ts";
import { openOutboard } from "./outboard_copies.ts";
import { type PayloadPiece, PayloadReader } from "./payload_reader.ts";
import type { FileDamage, PayloadRange, RestoreReport } from "./report.ts";
import { metadataDamage } from "./restore.ts";

/** Where to restore to. */
export interface StreamOutput {
  readonly writer: ByteWriter;
  /** The output as the caller names it. */
  readonly label: string;
  readonly partial: boolean;
}

/**
 * Writes an entry's payload.
 * @throws {Failure} `damaged` where bytes are lost and `partial` is not set, `interrupted`, …
 */
export async function restoreToStream(
  entry: ReadEntry,
  output: StreamOutput,
  context: EngineContext,
): Promise<RestoreReport> {
  const startMs = context.clock.monotonicMs();
  const { folder, manifest } = entry;
  const { name, id, geometry } = manifest;
  const bytesTotal = geometry.payloadBytes;
  context.emit({ kind: "start", operation: "restore", name, bytesTotal });
  const found = openOutboard(folder, manifest, context);
  const reader = new PayloadReader(
    { folder, manifest, outboard: found.outboard },
    context,
  );
  const holes: PayloadRange[] = [];
  const tell = (): FileDamage[] => {
    const damage = [
      ...reader.damage(),
      ...metadataDamage(folder, found.badCopies, context),
    ];
    for (const each of damage) {
      context.emit({ kind: "damage", folder, damage: each });
    }
    return damage;
  };
  const sink = new PacedSink(output.writer, context);
  for (const piece of reader.pieces()) {
    throwIfInterrupted(context);
    const room = sink.room(piece.bytes);
    const lost = await reader.read(piece, room);
    if (lost.length > 0 && !output.partial) {
      await sink.finish();
      tell();
      throw lostFailure(name, output, piece, lost);
    }
    holes.push(...lost);
    await sink.write(room);
    const bytesDone = piece.payloadOffset + piece.bytes;
    context.emit({ kind: "progress", bytesDone, bytesTotal });
  }
  await sink.finish();
  context.emit({ kind: "finish", operation: "restore" });
  return {
    id,
    name,
    output: output.label,
    payloadBytes: bytesTotal,
    damage: tell(),
    rebuiltLeafCount: reader.rebuiltLeafCount,
    holes: mergeRanges(holes),
    complete: holes.length === 0,
    elapsedMs: context.clock.monotonicMs() - startMs,
  };
}

function lostFailure(
  name: string,
  output: StreamOutput,
  piece: PayloadPiece,
  lost: readonly PayloadRange[],
): Failure {
  const [first] = mergeRanges(lost);
  return new Failure(
    "damaged",
    `Cannot restore "${name}" to ${output.label}: ${first?.bytes} bytes from byte ` +
      `${first?.payloadOffset} on are lost for good; it ended after ${piece.payloadOffset} bytes`,
  );
}

/** Writes from one buffer while the other is filled. */
class PacedSink {
  readonly #writer: ByteWriter;
  readonly #context: EngineContext;
  readonly #buffers: [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>];
  #turn: 0 | 1 = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(writer: ByteWriter, context: EngineContext) {
    this.#writer = writer;
    this.#context = context;
    this.#buffers = [new Uint8Array(0), new Uint8Array(0)];
  }

  /** The buffer that is not being written. */
  room(bytes: number): Uint8Array<ArrayBuffer> {
    if (this.#buffers[this.#turn].length < bytes) {
      this.#buffers[this.#turn] = new Uint8Array(bytes);
    }
    return this.#buffers[this.#turn].subarray(0, bytes);
  }

  /** Begins to write `bytes` once the write before is done. */
  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.finish();
    this.#turn = this.#turn === 0 ? 1 : 0;
    this.#writing = this.#writer.write(bytes);
    this.#writing.catch(() => {}); // finish() throws it
  }

  /** Waits for the write under way. @throws {Failure} `interrupted`; what the writer throws */
  async finish(): Promise<void> {
    await untilInterrupted(this.#writing, this.#context);
  }
}
