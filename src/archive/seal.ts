// Seal: the last bytes of an executable, by which it knows itself: the digest of all bytes before them.
// It finds what a bad stick or a broken download made of the file. Whoever changes a file on purpose
// can seal it again: against that there are signatures (docs/release.md).

import { assert } from "../base/assert.ts";
import {
  type Bytes,
  encodeUtf8,
  equalBytes,
  joinBytes,
} from "../base/bytes.ts";
import { digestBytes } from "../base/limits.ts";
import { Codec } from "../codec/mod.ts";

const mark = encodeUtf8("BFSEAL1\n");
const sealBytes = mark.length + digestBytes;

/** What is in memory at a time. Two files differ in their digest if they differ in this. */
const pieceBytes = 1 << 20;

/** `file` and its seal. */
export function sealFile(file: Bytes): Uint8Array<ArrayBuffer> {
  const sealed = new Uint8Array(file.length + sealBytes);
  sealed.set(file);
  const seal = sealOf(
    file.length,
    (offset, bytes) => file.subarray(offset, offset + bytes),
  );
  sealed.set(seal, file.length);
  return sealed;
}

/**
 * Reads the file at `path` and compares it with its seal; gives its size in bytes.
 * @throws {AssertionError} where they disagree, or whatever the system throws
 */
export function verifySeal(path: string): number {
  using file = Deno.openSync(path);
  const { size } = file.statSync();
  const buffer = new Uint8Array(pieceBytes);
  const read = (offset: number, bytes: number) => {
    file.seekSync(offset, Deno.SeekMode.Start);
    const target = buffer.subarray(0, bytes);
    for (let done = 0; done < bytes;) {
      const count = file.readSync(target.subarray(done));
      assert(count !== null, "the file became shorter");
      done += count;
    }
    return target;
  };
  const covered = size - sealBytes;
  assert(covered > 0, damaged);
  const seal = read(covered, sealBytes).slice();
  assert(equalBytes(seal, sealOf(covered, read)), damaged);
  return size;
}

const damaged = "the file is damaged: it is not what was made";

/** The mark, and one digest over those of all pieces. */
function sealOf(
  bytes: number,
  read: (offset: number, bytes: number) => Bytes,
): Bytes {
  const codec = Codec.open();
  const digests: Bytes[] = [];
  for (let offset = 0; offset < bytes; offset += pieceBytes) {
    const piece = read(offset, Math.min(pieceBytes, bytes - offset));
    digests.push(codec.digest(piece));
  }
  return joinBytes([mark, codec.digest(joinBytes(digests))]);
}
