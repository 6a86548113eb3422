// Damage: the ways to harm a file on a disk. Each looks at what it does before and after, and throws
// if nothing changed: no test can believe in damage that never happened.

import { ok } from "node:assert/strict";
import type { Prng } from "../../src/base/prng.ts";
import { describe } from "./tree.ts";

/** Calls `harm` and makes sure that it changed what lies at `path`. */
export function damage(path: string, harm: () => void): void {
  const before = describe(path);
  harm();
  ok(describe(path) !== before, `the damage of ${path} changed nothing`);
}

/** Flips one bit. */
export function flipBit(path: string, bit: number): void {
  damage(path, () =>
    change(path, bit >> 3, 1, (bytes) => {
      bytes[0]! ^= 1 << (bit & 7);
    }));
}

/** Flips one bit, anywhere. */
export function flipAnyBit(path: string, chance: Prng): void {
  flipBit(path, chance.below(Deno.statSync(path).size * 8));
}

/** Overwrites a run of bytes with zeros. */
export function zero(path: string, offset: number, length: number): void {
  damage(path, () => change(path, offset, length, (bytes) => bytes.fill(0)));
}

/** Changes every byte of a run. */
export function rot(path: string, offset: number, length: number): void {
  damage(path, () =>
    change(path, offset, length, (bytes) => {
      bytes.forEach((byte, index) => bytes[index] = byte ^ 0x5a);
    }));
}

/** Cuts or lengthens a file to `bytes`. */
export function resize(path: string, bytes: number): void {
  damage(path, () => Deno.truncateSync(path, bytes));
}

/** Removes a file, or a folder with all that it has. */
export function remove(path: string): void {
  damage(path, () => Deno.removeSync(path, { recursive: true }));
}

/** Puts something else where a file or folder was. */
export function replace(path: string, put: () => void): void {
  damage(path, () => {
    Deno.removeSync(path, { recursive: true });
    put();
  });
}

/** Makes a FIFO. */
export function makePipe(path: string): void {
  const { success } = new Deno.Command("mkfifo", { args: ["--", path] })
    .outputSync();
  ok(success, `mkfifo ${path}`);
}

function change(
  path: string,
  offset: number,
  length: number,
  edit: (bytes: Uint8Array) => void,
): void {
  using file = Deno.openSync(path, { read: true, write: true });
  const bytes = new Uint8Array(length);
  file.seekSync(offset, Deno.SeekMode.Start);
  ok(file.readSync(bytes) === length, `${path} has ${length} bytes there`);
  edit(bytes);
  file.seekSync(offset, Deno.SeekMode.Start);
  ok(file.writeSync(bytes) === length, "all bytes are written");
}
