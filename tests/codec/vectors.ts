// Vectors: the fixed vectors of tests/vectors, parsed. They were made by other people's
// implementations (wasm/examples/vectors.rs) and are imported as text, so that reading them takes
// no permission.

import blake3Text from "../vectors/blake3.txt" with { type: "text" };
import reedSolomonText from "../vectors/reed_solomon.txt" with { type: "text" };
import { present } from "../../src/base/assert.ts";
import { type Bytes, parseHex } from "../../src/base/bytes.ts";

/** A block with all of its shards, data first. */
export interface BlockVector {
  readonly dataShards: number;
  readonly parityShards: number;
  readonly bytes: number;
  readonly shards: readonly Bytes[];
}

/** A plain BLAKE3 hash of `pattern(bytes)`. */
export interface HashVector {
  readonly bytes: number;
  readonly digest: Bytes;
}

/** The non-root digest of `pattern(bytes)` as leaf number `leaf` of its stream. */
export interface LeafVector extends HashVector {
  readonly leafBytes: number;
  readonly leaf: number;
}

/** BLAKE3's test input. */
export function pattern(bytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: bytes }, (_, index) => index % 251);
}

/** Lines that are no comment. */
function linesOf(text: string): string[] {
  return text.split("\n").filter((line) =>
    line !== "" && !line.startsWith("#")
  );
}

/** Lines `kind: field field ...`, split. */
function fieldsOf(text: string, kind: string): string[][] {
  return linesOf(text).filter((line) => line.startsWith(`${kind}: `))
    .map((line) => line.slice(kind.length + 2).split(" "));
}

function decodeField(text: string | undefined): Bytes {
  return present(parseHex(text ?? "-"), "a vector is hexadecimal");
}

export function blockVectors(): BlockVector[] {
  const lines = linesOf(reedSolomonText);
  const vectors: BlockVector[] = [];
  while (lines.length > 0) {
    const head = present(lines.shift(), "a block has a head").split(" ");
    const [dataShards, parityShards, bytes] = head.slice(1).map(Number) as [
      number,
      number,
      number,
    ];
    const shards = lines.splice(0, dataShards + parityShards).map(decodeField);
    vectors.push({ dataShards, parityShards, bytes, shards });
  }
  return vectors;
}

export function hashVectors(): HashVector[] {
  return fieldsOf(blake3Text, "hash").map(([bytes, digest]) => ({
    bytes: Number(bytes),
    digest: decodeField(digest),
  }));
}

export function leafVectors(): LeafVector[] {
  return fieldsOf(blake3Text, "leaf").map((
    [leafBytes, leaf, bytes, digest],
  ) => ({
    leafBytes: Number(leafBytes),
    leaf: Number(leaf),
    bytes: Number(bytes),
    digest: decodeField(digest),
  }));
}
