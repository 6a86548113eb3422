// Requests and replies as bytes: what libfuse's callbacks are given, decoded; what the kernel is told,
// encoded. The recorded replies were taken with the headers of Linux 6.1; no library is opened here.

import { deepEqual, equal } from "node:assert/strict";
import {
  encodeAbsence,
  encodeAttributes,
  encodeEntry,
  encodeOpen,
  encodeStatistics,
  encodeXattrSize,
  FolderReply,
  type NodeStat,
} from "../../ffi/fuse_layout.ts";
import {
  type FuseRequest,
  type MemoryReader,
  readingCallbacks,
} from "../../ffi/fuse_requests.ts";
import { formatHex } from "../../src/base/bytes.ts";

const stat: NodeStat = {
  node: 0x1122334455667788n,
  bytes: 0x0102030405,
  mode: 0o100644,
  linkCount: 2,
  uid: 1000,
  gid: 100,
  modifiedNs: 1_700_000_000_123_456_789n,
};
const validity = { nameSeconds: 1.5, attributeSeconds: 86_400 };

const attrHex = [
  "8877665544332211", // ino
  "0504030201000000", // size
  "8301810000000000", // blocks: 4328719365 / 512, rounded up
  "00f1536500000000".repeat(3), // 1700000000
  "15cd5b07".repeat(3), // 123456789
  "a4810000", // mode
  "02000000", // nlink
  "e8030000", // uid
  "64000000", // gid
  "00000000", // rdev
  "00100000", // blksize
  "00000000", // flags
].join("");

Deno.test("encodeEntry() writes struct fuse_entry_out", () => {
  equal(
    formatHex(encodeEntry(stat, validity)),
    "8877665544332211" + "0000000000000000" + // nodeid, generation
      "0100000000000000" + "8051010000000000" + // 1 s, 86400 s
      "0065cd1d" + "00000000" + // 500000000 ns
      attrHex,
  );
});

Deno.test("encodeAttributes() writes struct fuse_attr_out", () => {
  equal(
    formatHex(encodeAttributes(stat, validity)),
    "8051010000000000" + "00000000" + "00000000" + attrHex,
  );
});

Deno.test("a time before 1970 has negative seconds and a fraction that is not", () => {
  const early = { ...stat, modifiedNs: -1_500_000_000n };
  const bytes = encodeAttributes(early, validity);
  const view = new DataView(bytes.buffer);
  equal(view.getBigInt64(16 + 32, true), -2n);
  equal(view.getUint32(16 + 52, true), 500_000_000);
});

Deno.test("encodeAbsence() is an entry with number 0", () => {
  const bytes = encodeAbsence(2);
  equal(bytes.length, 128);
  equal(formatHex(bytes.subarray(0, 24)), "00".repeat(16) + "0200000000000000");
  equal(formatHex(bytes.subarray(24)), "00".repeat(104));
});

Deno.test("the small replies are what their structs are", () => {
  equal(
    formatHex(encodeOpen(258n, 2)),
    "0201000000000000" + "0200000000000000",
  );
  equal(formatHex(encodeXattrSize(300)), "2c01000000000000");
  const statistics = encodeStatistics({
    blockBytes: 4096,
    blockCount: 10,
    freeCount: 3,
    fileCount: 7,
    nameBytesMax: 255,
  });
  equal(
    formatHex(statistics),
    "0a00000000000000" + "0300000000000000" + "0300000000000000" +
      "0700000000000000" + "0000000000000000" + "00100000" + "ff000000" +
      "00100000" + "00".repeat(28),
  );
});

Deno.test("FolderReply packs rows, each padded to 8 bytes, and refuses what does not fit", () => {
  const row = (name: string) => ({ name, stat, isWhole: true, validity });
  const plain = new FolderReply(64, false);
  equal(plain.add(row("abc"), 5), true);
  equal(plain.add(row("ä"), 6), true);
  equal(plain.add(row("x"), 7), false);
  equal(
    formatHex(plain.finish()),
    "8877665544332211" + "0500000000000000" + "03000000" + "08000000" +
      "6162630000000000" +
      "8877665544332211" + "0600000000000000" + "02000000" + "08000000" +
      "c3a4000000000000",
  );
});

Deno.test("FolderReply with entries leaves out what only a lookup can tell", () => {
  const reply = new FolderReply(1000, true);
  reply.add({ name: "a", stat, isWhole: false, validity }, 1);
  reply.add({ name: "b", stat, isWhole: true, validity }, 2);
  const bytes = reply.finish();
  equal(bytes.length, 2 * (128 + 32));
  equal(formatHex(bytes.subarray(0, 128)), "00".repeat(128));
  deepEqual(bytes.subarray(160, 288), encodeEntry(stat, validity));
});

// A pointer that the fake memory knows.
const pointer = {} as Deno.PointerValue;

function memory(parts: Partial<Record<"text" | "fh" | "flags", unknown>>) {
  const reader: MemoryReader = {
    readText: () => parts.text as string | undefined,
    readU64: (_, offset) => {
      equal(offset, 16);
      return parts.fh as bigint;
    },
    readI32: (_, offset) => {
      equal(offset, 0);
      return parts.flags as number;
    },
  };
  return reader;
}

const decoded: readonly [
  member: string,
  args: readonly unknown[],
  memory: MemoryReader,
  expected: FuseRequest,
][] = [
  ["lookup", [null, 7n, pointer], memory({ text: "a b" }), {
    kind: "lookup",
    parent: 7n,
    name: "a b",
  }],
  ["lookup", [null, 7n, pointer], memory({}), { kind: "unintelligible" }],
  ["forget", [null, 7n, 3n], memory({}), { kind: "forget" }],
  ["getattr", [null, 2n ** 63n, null], memory({}), {
    kind: "getattr",
    node: 2n ** 63n,
  }],
  ["open", [null, 9n, pointer], memory({ flags: 0o100000 }), {
    kind: "open",
    node: 9n,
    flags: 0o100000,
  }],
  ["read", [null, 9n, 131072n, 5_000_000_000n, pointer], memory({ fh: 4n }), {
    kind: "read",
    node: 9n,
    bytes: 131072,
    offset: 5_000_000_000,
    file: 4n,
  }],
  [
    "read",
    [null, 9n, 1n, 9_007_199_254_740_993n, pointer],
    memory({ fh: 4n }),
    { kind: "unintelligible" },
  ],
  ["readdirplus", [null, 1n, 4096n, 0n, pointer], memory({ fh: 1n }), {
    kind: "readdirplus",
    node: 1n,
    bytes: 4096,
    offset: 0,
    file: 1n,
  }],
  ["release", [null, 9n, pointer], memory({ fh: 8n }), {
    kind: "release",
    node: 9n,
    file: 8n,
  }],
  ["getxattr", [null, 9n, pointer, 0n], memory({ text: "user.x" }), {
    kind: "getxattr",
    node: 9n,
    name: "user.x",
    bytes: 0,
  }],
  ["listxattr", [null, 9n, 64n], memory({}), {
    kind: "listxattr",
    node: 9n,
    bytes: 64,
  }],
];

for (const [member, args, reader, expected] of decoded) {
  Deno.test(`decode() of ${member} gives ${expected.kind}`, () => {
    const callback = readingCallbacks.find((each) => each.member === member)!;
    equal(callback.parameters.length, args.length);
    deepEqual(callback.decode(args, reader), expected);
  });
}
