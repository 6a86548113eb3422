import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  decodeUtf8,
  encodeUtf8,
  equalBytes,
  formatHex,
  joinBytes,
  parseHex,
  releaseBytes,
} from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";

Deno.test("formatHex() and parseHex() undo each other", () => {
  const bytes = new Prng(1).bytes(256);
  strictEqual(formatHex(new Uint8Array([0, 15, 16, 255])), "000f10ff");
  deepStrictEqual(parseHex(formatHex(bytes)), bytes);
});

Deno.test("parseHex() refuses what formatHex() never writes", () => {
  for (const text of ["0", "0G", "AB", " 00", "0x00", "００"]) {
    strictEqual(parseHex(text), undefined, text);
  }
});

Deno.test("equalBytes() tells content and length apart", () => {
  strictEqual(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 2])), true);
  strictEqual(
    equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 3])),
    false,
  );
  strictEqual(
    equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 2, 0])),
    false,
  );
});

Deno.test("equalBytes() sees every byte, wherever the two begin", () => {
  for (const length of [63, 64, 65, 66, 67, 68, 200]) {
    for (const offset of [0, 1, 4]) {
      const left = new Prng(length).bytes(length);
      const right = new Uint8Array(length + offset).subarray(offset);
      right.set(left);
      strictEqual(equalBytes(left, right), true);
      for (let index = 0; index < length; index++) {
        right[index]! ^= 1;
        strictEqual(equalBytes(left, right), false, `${length} ${index}`);
        right[index]! ^= 1;
      }
    }
  }
});

Deno.test("joinBytes() keeps order", () => {
  const parts = [
    new Uint8Array([1]),
    new Uint8Array([]),
    new Uint8Array([2, 3]),
  ];
  deepStrictEqual(joinBytes(parts), new Uint8Array([1, 2, 3]));
});

Deno.test("decodeUtf8() refuses what is not UTF-8 and keeps a byte order mark", () => {
  strictEqual(decodeUtf8(new Uint8Array([0xff])), undefined);
  strictEqual(decodeUtf8(new Uint8Array([0xed, 0xa0, 0x80])), undefined);
  strictEqual(decodeUtf8(encodeUtf8("\ufeffü")), "\ufeffü");
});

Deno.test("decodeUtf8() reads memory of several threads, and of a WASM module", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  for (const buffer of [new SharedArrayBuffer(9), memory.buffer]) {
    const bytes = new Uint8Array(buffer, 1, 5);
    bytes.set(encodeUtf8("ürow"));
    strictEqual(decodeUtf8(bytes), "ürow");
  }
});

Deno.test("releaseBytes() empties bytes that lie alone, and no others", () => {
  const alone = new Uint8Array(10);
  releaseBytes(alone);
  strictEqual(alone.length, 0);
  const memory = new WebAssembly.Memory({ initial: 1 });
  const whole = new Uint8Array(20);
  for (
    const [bytes, length] of [
      [whole.subarray(5), 15],
      [new Uint8Array(new SharedArrayBuffer(8)), 8],
      [new Uint8Array(memory.buffer, 0, 5), 5],
    ] as const
  ) {
    releaseBytes(bytes);
    strictEqual(bytes.length, length);
  }
  strictEqual(whole.length, 20);
});

Deno.test("Prng repeats from its seed and differs between seeds", () => {
  deepStrictEqual(new Prng(7).bytes(64), new Prng(7).bytes(64));
  strictEqual(equalBytes(new Prng(7).bytes(64), new Prng(8).bytes(64)), false);
});

Deno.test("Prng.below() stays below and reaches every value", () => {
  const prng = new Prng(3);
  const seen = new Set<number>();
  for (let index = 0; index < 1000; index++) seen.add(prng.below(10));
  deepStrictEqual([...seen].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

Deno.test("Prng.sample() gives different integers", () => {
  const sample = new Prng(5).sample(20, 30);
  strictEqual(new Set(sample).size, 20);
  strictEqual(sample.every((value) => value >= 0 && value < 30), true);
});
