import { equal as assertEquals, throws } from "node:assert/strict";
import {
  addSegment,
  type Executable,
  machines,
  readExecutable,
} from "../../tools/compile/elf.ts";
import { readBase } from "./programs.ts";

// Where ELF has what these tests change.
const at = { position: 16, entry: 24, headers: 32, headerCount: 56 };
const headerBytes = 56;

for (const machine of ["x86_64", "aarch64"] as const) {
  Deno.test(`addSegment() leaves the Deno for ${machine} as it was but for three fields and what it appends`, async () => {
    const base = await readBase(machine);
    const before = readExecutable(base);
    assertEquals(before.machine, machines[machine]);
    const segment = new Uint8Array(1000).fill(7);
    const joined = addSegment(base, segment);
    const view = new DataView(joined.buffer);
    const header = lastHeader(base);

    assertEquals(joined.length, before.segmentOffset + segment.length);
    assertEquals(before.segmentOffset % 0x1_0000, 0);
    assertEquals(before.segmentAddress % 0x1_0000, 0);
    assertEquals(
      joined.subarray(before.segmentOffset).every((byte) => byte === 7),
      true,
    );
    assertEquals(readWord(view, at.entry), before.segmentAddress);
    assertEquals(view.getUint32(header, true), 1, "loaded");
    assertEquals(view.getUint32(header + 4, true), 5, "read and executed");
    assertEquals(readWord(view, header + 8), before.segmentOffset);
    assertEquals(readWord(view, header + 16), before.segmentAddress);
    assertEquals(readWord(view, header + 32), segment.length);
    assertEquals(readWord(view, header + 40), segment.length);
    // What differs, undone, is the file that it was.
    const restored = joined.slice(0, base.length);
    restored.set(base.subarray(header, header + headerBytes), header);
    restored.set(base.subarray(at.entry, at.entry + 8), at.entry);
    assertEquals(equalBytes(restored, base), true);
    assertEquals(endOfSegments(base) <= before.segmentAddress, true);
  });
}

Deno.test("readExecutable() refuses what it cannot give another start, and says why", async () => {
  const base = await readBase("x86_64");
  const refuse = (
    change: (file: Uint8Array, view: DataView) => void,
    why: RegExp,
  ) => {
    const file = base.slice();
    change(file, new DataView(file.buffer));
    throws(() => readExecutable(file), why);
  };
  throws(() => readExecutable(new Uint8Array(10)), /Not an ELF file/);
  refuse((file) => file[0] = 0, /Not an ELF file/);
  refuse((file) => file[4] = 1, /position-independent/);
  refuse((_, view) => view.setUint16(at.position, 2, true), /independent/);
  refuse((_, view) => view.setUint32(lastHeader(base), 6, true), /no note/);
  refuse(
    (_, view) => view.setUint16(at.headerCount, 1, true),
    /no note/,
  );
  // Nobody else's executable twice: the note is used up.
  throws(
    () => readExecutable(addSegment(base, new Uint8Array(8))),
    /no note/,
  );
});

Deno.test("readExecutable() finds the word that the loader fills with the address of environ", async () => {
  const found = await Promise.all(
    (["x86_64", "aarch64"] as const).map(async (machine) =>
      readExecutable(await readBase(machine))
    ),
  );
  for (const one of found as Executable[]) {
    assertEquals(one.environSlot % 8, 0);
    assertEquals(one.environSlot < one.segmentAddress, true);
  }
});

function lastHeader(file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const count = view.getUint16(at.headerCount, true);
  return readWord(view, at.headers) + (count - 1) * headerBytes;
}

function endOfSegments(file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const first = readWord(view, at.headers);
  let end = 0;
  for (let header = first; header <= lastHeader(file); header += headerBytes) {
    if (view.getUint32(header, true) !== 1) continue;
    end = Math.max(
      end,
      readWord(view, header + 16) + readWord(view, header + 40),
    );
  }
  return end;
}

function readWord(view: DataView, offset: number): number {
  return Number(view.getBigUint64(offset, true));
}

// assert's own comparison of 95 MB takes seconds.
function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length &&
    left.every((byte, index) => byte === right[index]);
}
