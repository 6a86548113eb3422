// Requests of WinFsp's driver decoded, and responses made, byte by byte: the offsets here are written
// down once more, from the headers, so that a change of ours shows without a compiler.

import { deepEqual, equal } from "node:assert/strict";
import {
  decodeWide,
  DirReply,
  encodeResponse,
  encodeVolumeParams,
  encodeWide,
  type FileInfo,
  fileInfoReply,
  fileTimeOf,
  linkReply,
  openedReply,
  reparseReply,
  volumeInfoReply,
} from "../../ffi/winfsp_layout.ts";
import { decodeHead, decodeRequest } from "../../ffi/winfsp_requests.ts";
import { formatHex, parseHex } from "../../src/base/bytes.ts";

/** A request with numbers at offsets, and text in its buffer. */
function request(
  kind: number,
  parts: {
    u16?: Record<number, number>;
    u32?: Record<number, number>;
    u64?: Record<number, bigint>;
    buffer?: Uint8Array;
  } = {},
): Uint8Array {
  const { u16, u32, u64, buffer = new Uint8Array(0) } = parts;
  const bytes = new Uint8Array(88 + buffer.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(2, bytes.length, true);
  view.setUint32(4, kind, true);
  view.setBigUint64(8, 0xfedcba9876543210n, true);
  const each = <T>(
    numbers: Record<number, T> | undefined,
    put: (at: number, value: T) => void,
  ) => {
    for (const [at, value] of Object.entries(numbers ?? {})) put(+at, value);
  };
  each(u16, (at, value) => view.setUint16(at, value, true));
  each(u32, (at, value) => view.setUint32(at, value, true));
  each(u64, (at, value) => view.setBigUint64(at, value, true));
  bytes.set(buffer, 88);
  return bytes;
}

const path = encodeWide("\\dir\\näme\0");

Deno.test("an open", () => {
  const bytes = request(1, {
    u32: { 16: 0x01200040, 48: 0x120089, 64: 0x41 },
    u16: { 80: 0, 82: path.length },
    buffer: path,
  });
  deepEqual(decodeRequest(bytes), {
    kind: "open",
    path: "\\dir\\näme",
    options: 0x200040,
    disposition: 1,
    access: 0x120089,
    opensParent: false,
    namesFolder: true,
  });
  deepEqual(decodeHead(bytes), { kind: 1, hint: 0xfedcba9876543210n });
});

Deno.test("a read", () => {
  deepEqual(
    decodeRequest(request(5, {
      u64: { 16: 7n, 24: 9n, 32: 0x7ffe0000n, 40: 2n ** 40n + 1n },
      u32: { 48: 0xffffffff },
    })),
    {
      kind: "read",
      file: 9n,
      offset: 2 ** 40 + 1,
      bytes: 0xffffffff,
      address: 0x7ffe0000n,
    },
  );
});

Deno.test("a listing, from the start and after a name", () => {
  const parts = { u64: { 24: 3n, 32: 0x1000n }, u32: { 40: 4096 } };
  const list = { kind: "list", file: 3n, bytes: 4096, address: 0x1000n };
  deepEqual(decodeRequest(request(14, parts)), { ...list, marker: undefined });
  const marked = request(14, {
    ...parts,
    u16: { 48: 4, 50: 6 },
    buffer: new Uint8Array([0, 0, 0, 0, ...encodeWide("ab\0")]),
  });
  deepEqual(decodeRequest(marked), { ...list, marker: "ab" });
});

Deno.test("what asks about an open file names it", () => {
  const parts = { u64: { 16: 1n, 24: 5n } };
  const kinds = [[4, "close"], [7, "info"], [11, "flush"]] as const;
  for (const [number, kind] of kinds) {
    deepEqual(decodeRequest(request(number, parts)), { kind, file: 5n });
  }
  const link = request(15, { ...parts, u32: { 32: 0x900a8 } });
  deepEqual(decodeRequest(link), { kind: "link", file: 5n });
  deepEqual(decodeRequest(request(12)), { kind: "volume" });
  deepEqual(decodeRequest(request(3)), { kind: "cleanup" });
});

Deno.test("what would change something, and what we have none of", () => {
  for (const kind of [2, 6, 8, 10, 13, 15, 20]) {
    deepEqual(decodeRequest(request(kind)), { kind: "write" }, `${kind}`);
  }
  for (const kind of [0, 9, 16, 17, 18, 19, 21, 22, 0xffffffff]) {
    deepEqual(decodeRequest(request(kind)), { kind: "unsupported" }, `${kind}`);
  }
});

Deno.test("ranges beyond the request, and numbers that cannot be, are not read by", () => {
  const unintelligible = { kind: "unintelligible" };
  const broken = [
    new Uint8Array(87),
    request(1, { u16: { 80: 0, 82: 2 } }),
    request(1, { u16: { 80: 0xffff, 82: 0xffff }, buffer: path }),
    request(1, { u16: { 80: 2, 82: 4 }, buffer: path }), // no path from the root
    request(1),
    request(5, { u64: { 32: 1n, 40: 2n ** 63n } }),
    request(5, { u64: { 32: 0n, 40: 1n } }),
    request(14, { u64: { 32: 0n } }),
    request(14, { u64: { 32: 1n }, u16: { 48: 8, 50: 2 } }),
  ];
  for (const [index, bytes] of broken.entries()) {
    deepEqual(decodeRequest(bytes), unintelligible, `${index}`);
  }
  equal(decodeHead(new Uint8Array(3)), undefined);
});

Deno.test("times are steps of 100 ns since 1601", () => {
  equal(fileTimeOf(0n), 116444736000000000n);
  equal(fileTimeOf(199n), 116444736000000001n);
  equal(fileTimeOf(-1n), 116444735999999999n);
  equal(fileTimeOf(-(10n ** 20n)), 0n);
  // Python: (datetime(2026, 1, 2, 3, 4, 5) - datetime(1601, 1, 1)).total_seconds() * 10**7
  equal(
    fileTimeOf(BigInt(Date.UTC(2026, 0, 2, 3, 4, 5)) * 1_000_000n),
    134117966450000000n,
  );
});

Deno.test("text goes to UTF-16 and back, halves of pairs and all", () => {
  for (const text of ["", "a", "𝄞", "\ud834", "x".repeat(10_000)]) {
    equal(decodeWide(encodeWide(text)), text);
  }
  equal(decodeWide(encodeWide("ab\0cd")), "ab");
  equal(decodeWide(new Uint8Array([97, 0, 98])), "a");
});

const info: FileInfo = {
  attributes: 0x80,
  reparseTag: 0,
  bytes: 4097,
  modifiedNs: 0n,
  index: 0x1122334455667788n,
};

const infoHex = "80000000" + "00000000" + "0020000000000000" +
  "0110000000000000" + "00803ed5deb19d01".repeat(4) + "8877665544332211" +
  "00000000" + "00000000";

function hexOf(
  kind: number,
  reply: Parameters<typeof encodeResponse>[2],
): string {
  return formatHex(encodeResponse(kind, 0x0102030405060708n, reply));
}

/** The first 24 bytes of a response. */
function headHex(length: number, kind: number, rest: string): string {
  const head = new Uint8Array([0, 0, length & 255, length >> 8, kind, 0, 0, 0]);
  return formatHex(head) + "0807060504030201" + rest;
}

Deno.test("a bare status", () => {
  equal(
    hexOf(6, { status: 0xc00000a2 }),
    headHex(128, 6, "00000000" + "a20000c0") + "00".repeat(104),
  );
});

Deno.test("the answer to an open has both numbers, the rights, the file and its true name", () => {
  equal(
    hexOf(
      1,
      openedReply({ node: 2n, file: 3n, access: 0x120089, info, path: "\\A" }),
    ),
    headHex(136, 1, "01000000" + "00000000") + "0200000000000000" +
      "0300000000000000" + "89001200" + "00000000" + infoHex +
      "00000400" + "00000000" + "5c004100" + "00000000",
  );
});

Deno.test("the answer about a file, and about the volume", () => {
  equal(
    hexOf(7, fileInfoReply(info)),
    headHex(128, 7, "00".repeat(8)) + infoHex + "00".repeat(32),
  );
  const volume = volumeInfoReply({ bytes: 1, freeBytes: 4096, label: "é" });
  equal(
    hexOf(12, volume),
    headHex(128, 12, "00".repeat(8)) + "0010000000000000".repeat(2) +
      "0200" + "e900" + "00".repeat(84),
  );
});

Deno.test("where a link leads, asked and met on the way", () => {
  const buffer = "0c0000a0" + "14000000" + "0000" + "0400" + "0400" + "0400" +
    "01000000" + "5c006200" + "5c006200";
  equal(
    hexOf(15, linkReply("\\b")),
    headHex(160, 15, "1c000000" + "00000000") + "00001c00" + "00".repeat(100) +
      buffer + "00000000",
  );
  equal(
    hexOf(1, reparseReply("\\b")),
    headHex(160, 1, "0c0000a0" + "04010000") + "00001c00" + "00".repeat(100) +
      buffer + "00000000",
  );
});

Deno.test("rows of a folder, as many as fit, and the end where it fits", () => {
  const reply = new DirReply(2 * 112 + 2);
  equal(reply.add("ab", info), true);
  equal(reply.add("abc", info), true);
  equal(reply.add("c", info), false);
  reply.end();
  const row = (length: string, name: string) =>
    `${length}000000000000` + infoHex + "00".repeat(24) + name;
  equal(
    formatHex(reply.finish()),
    row("6c00", "61006200" + "00000000") +
      row("6e00", "610062006300" + "0000") +
      "0000",
  );
  const full = new DirReply(113);
  full.add("ab", info);
  full.end();
  equal(full.finish().length, 112);
});

Deno.test("what the driver is told of the volume", () => {
  const bytes = encodeVolumeParams({
    createdNs: 0n,
    serialNumber: 0xdeadbeef,
    nameMs: 1000,
  });
  const expected = new Uint8Array(504);
  expected.set(
    parseHex(
      "f801" + "0002" + "0800" + "ff00" + "00803ed5deb19d01" + "efbeadde" +
        "00".repeat(12) + "ffffffff" + "16060000",
    )!,
  );
  expected.set(encodeWide("BlockFrame"), 424);
  expected.set(
    parseHex("1f000000" + "e8030000".repeat(2) + "ffffffff".repeat(3))!,
    456,
  );
  equal(formatHex(bytes), formatHex(expected));
});
