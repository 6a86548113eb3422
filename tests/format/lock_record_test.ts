import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { lockRecordBytes } from "../../src/base/limits.ts";
import {
  describeHolder,
  encodeLockRecord,
  lockPath,
  type LockRecord,
  parseLockRecord,
} from "../../src/format/lock_record.ts";

const record: LockRecord = {
  command: "commit",
  pid: 4711,
  host: "nas",
  since: "2026-03-01T02:00:00.123Z",
  instance: "0011223344556677-1",
  advisory: true,
  beat: 12,
};

Deno.test("encodeLockRecord() is read back, in one sector of text", () => {
  const bytes = encodeLockRecord(record);
  strictEqual(bytes.length, lockRecordBytes);
  deepStrictEqual(parseLockRecord(bytes), record);
  const { host: _host, ...nameless } = record;
  deepStrictEqual(parseLockRecord(encodeLockRecord(nameless)), nameless);
  deepStrictEqual(
    encodeLockRecord({ ...record, beat: Number.MAX_SAFE_INTEGER }).length,
    lockRecordBytes,
  );
});

Deno.test("encodeLockRecord() fits whatever a machine is called", () => {
  for (
    const host of ["\u0000".repeat(300), '"\\'.repeat(200), "ü".repeat(99)]
  ) {
    const parsed = parseLockRecord(encodeLockRecord({ ...record, host }));
    strictEqual(parsed?.host, "_".repeat(64));
  }
});

for (
  const text of [
    "",
    " ".repeat(512),
    "{",
    "null",
    "[]",
    "7",
    "{}",
    JSON.stringify({ ...record, pid: "1" }),
    JSON.stringify({ ...record, pid: 1.5 }),
    JSON.stringify({ ...record, host: 7 }),
    JSON.stringify({ ...record, beat: null }),
    JSON.stringify({ ...record, advisory: "yes" }),
    JSON.stringify({ ...record, command: "x".repeat(65) }),
  ]
) {
  Deno.test(`parseLockRecord() makes nothing of ${text.slice(0, 40)}`, () => {
    strictEqual(parseLockRecord(encodeUtf8(text)), undefined);
  });
}

Deno.test("parseLockRecord() makes nothing of bytes that are no text", () => {
  strictEqual(parseLockRecord(new Uint8Array([0xff, 0xfe])), undefined);
  strictEqual(parseLockRecord(new Uint8Array(512)), undefined);
});

Deno.test("describeHolder() says who, where and since when", () => {
  strictEqual(
    describeHolder(record),
    "commit (process 4711 on nas, since 2026-03-01 02:00:00 UTC)",
  );
  const { host: _host, ...nameless } = record;
  strictEqual(
    describeHolder(nameless),
    "commit (process 4711, since 2026-03-01 02:00:00 UTC)",
  );
  strictEqual(describeHolder(undefined), "another command");
});

Deno.test("lockPath() is no entry and portable", () => {
  for (const name of ["writer", "repair"] as const) {
    strictEqual(/^\.[a-z_]+$/.test(lockPath(name)), true);
  }
});
