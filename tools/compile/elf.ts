// ELF: as much of a 64-bit little-endian executable as it takes to give it one more segment, and a
// start of our own. The file stays as it is but for a few bytes of its headers; the segment is
// appended. The kernel maps it with the rest: nothing is unpacked or copied when the program starts.

import { assert } from "../../src/base/assert.ts";

/** Machines that an executable can be for, as ELF numbers them. */
export const machines: Readonly<Record<"x86_64" | "aarch64", number>> = {
  x86_64: 62,
  aarch64: 183,
};

/** What a start stub must know of the executable that it is put into. */
export interface Executable {
  readonly machine: number;
  /** Address of the first instruction of the program itself. */
  readonly entry: number;
  /** Address of the word that holds the address of the C library's `environ`. */
  readonly environSlot: number;
  /** Where one more segment may begin: its offset in the file. */
  readonly segmentOffset: number;
  /** Where one more segment may begin: its address. */
  readonly segmentAddress: number;
}

interface ProgramHeader {
  /** Where this header itself lies in the file. */
  readonly at: number;
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
}

const loadable = 1;
const dynamic = 2;
const interpreter = 3;
const note = 4;
const programHeaderBytes = 56;
const relocationBytes = 24;
const symbolBytes = 24;
// R_X86_64_GLOB_DAT and R_AARCH64_GLOB_DAT: the address of a symbol, stored in one word.
const addressRelocations: Readonly<Record<number, number>> = {
  [machines.x86_64]: 6,
  [machines.aarch64]: 1025,
};
const tag = { strings: 5, symbols: 6, relocations: 7, relocationsBytes: 8 };
// The largest page of the kernels in use: aarch64 may have 64 KiB.
const pageBytes = 0x1_0000;

/**
 * Reads the headers of an executable.
 * @throws {Error} where it is not one that can be given a segment and a start.
 */
export function readExecutable(file: Uint8Array): Executable {
  const view = viewOf(file);
  if (file.length < 64 || view.getUint32(0) !== 0x7f454c46) {
    throw new Error("Not an ELF file");
  }
  const position = view.getUint16(16, true);
  if (view.getUint16(4) !== 0x0201 || position !== 3) {
    throw new Error("Not a 64-bit, little-endian, position-independent ELF");
  }
  const headers = readProgramHeaders(file);
  const kinds = headers.map((header) => header.type);
  if (!kinds.includes(interpreter) || kinds.at(-1) !== note) {
    throw new Error(
      "The last program header is no note that can be given up, or nothing loads the C library",
    );
  }
  const machine = view.getUint16(18, true);
  const ends = headers.filter((header) => header.type === loadable)
    .map((header) => header.address + header.memoryBytes);
  return {
    machine,
    entry: readWord(view, 24),
    environSlot: findAddressSlot(file, headers, machine, "environ"),
    segmentOffset: roundUp(file.length),
    segmentAddress: roundUp(Math.max(...ends)),
  };
}

/** The executable with one more segment, read and executed, that it starts in. */
export function addSegment(
  file: Uint8Array,
  segment: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const { segmentOffset, segmentAddress } = readExecutable(file);
  const output = new Uint8Array(segmentOffset + segment.length);
  output.set(file);
  output.set(segment, segmentOffset);
  const view = viewOf(output);
  const last = readProgramHeaders(file).at(-1)!;
  assert(last.type === note, "readExecutable() looked at it");
  const size = BigInt(segment.length);
  view.setUint32(last.at, loadable, true);
  view.setUint32(last.at + 4, 5, true); // read, execute
  view.setBigUint64(last.at + 8, BigInt(segmentOffset), true);
  view.setBigUint64(last.at + 16, BigInt(segmentAddress), true);
  view.setBigUint64(last.at + 24, BigInt(segmentAddress), true);
  view.setBigUint64(last.at + 32, size, true);
  view.setBigUint64(last.at + 40, size, true);
  view.setBigUint64(last.at + 48, BigInt(pageBytes), true);
  view.setBigUint64(24, BigInt(segmentAddress), true);
  return output;
}

function readProgramHeaders(file: Uint8Array): ProgramHeader[] {
  const view = viewOf(file);
  const start = readWord(view, 32);
  const size = view.getUint16(54, true);
  if (size !== programHeaderBytes) throw new Error("Not a known ELF header");
  return Array.from({ length: view.getUint16(56, true) }, (_, index) => {
    const at = start + index * size;
    return {
      at,
      type: view.getUint32(at, true),
      offset: readWord(view, at + 8),
      address: readWord(view, at + 16),
      fileBytes: readWord(view, at + 32),
      memoryBytes: readWord(view, at + 40),
    };
  });
}

/** The address of the word into which the loader writes the address of the symbol `name`. */
function findAddressSlot(
  file: Uint8Array,
  headers: readonly ProgramHeader[],
  machine: number,
  name: string,
): number {
  const view = viewOf(file);
  const tags = readDynamicTags(view, headers);
  const offsetOf = (key: keyof typeof tag) => {
    const value = tags.get(tag[key]);
    if (value === undefined) throw new Error(`The ELF has no ${key}`);
    return value;
  };
  const strings = offsetInFile(headers, offsetOf("strings"));
  const symbols = offsetInFile(headers, offsetOf("symbols"));
  const first = offsetInFile(headers, offsetOf("relocations"));
  const end = first + offsetOf("relocationsBytes");
  const wanted = new TextEncoder().encode(`${name}\0`);
  for (let at = first; at < end; at += relocationBytes) {
    if (view.getUint32(at + 8, true) !== addressRelocations[machine]) continue;
    const symbol = symbols + view.getUint32(at + 12, true) * symbolBytes;
    const text = strings + view.getUint32(symbol, true);
    if (wanted.every((byte, index) => file[text + index] === byte)) {
      return readWord(view, at);
    }
  }
  throw new Error(`The ELF does not use ${name} of the C library`);
}

function readDynamicTags(
  view: DataView,
  headers: readonly ProgramHeader[],
): Map<number, number> {
  const section = headers.find((header) => header.type === dynamic);
  if (section === undefined) throw new Error("The ELF is not dynamic");
  const tags = new Map<number, number>();
  const end = section.offset + section.fileBytes;
  for (let at = section.offset; at < end; at += 16) {
    const kind = Number(view.getBigInt64(at, true));
    if (!tags.has(kind)) {
      tags.set(kind, Number(view.getBigUint64(at + 8, true)));
    }
  }
  return tags;
}

function offsetInFile(
  headers: readonly ProgramHeader[],
  address: number,
): number {
  const header = headers.find((one) =>
    one.type === loadable && address >= one.address &&
    address < one.address + one.fileBytes
  );
  if (header === undefined) throw new Error("The ELF points out of itself");
  return address - header.address + header.offset;
}

function readWord(view: DataView, at: number): number {
  const word = Number(view.getBigUint64(at, true));
  if (!Number.isSafeInteger(word)) throw new Error("Not a sane ELF header");
  return word;
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / pageBytes) * pageBytes;
}

function viewOf(file: Uint8Array): DataView {
  return new DataView(file.buffer, file.byteOffset, file.length);
}
