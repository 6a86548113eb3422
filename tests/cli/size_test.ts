import assert from "node:assert/strict";
import fc from "fast-check";
import { formatSize, parseSize } from "../../src/cli/size.ts";

const rows: [string, number | undefined][] = [
  ["0", 0],
  ["4096", 4096],
  ["512B", 512],
  ["10MB", 10_000_000],
  ["10 MB", 10_000_000],
  ["10mb", 10_000_000],
  ["32MiB", 2 ** 25],
  ["64k", 65_536],
  ["64K", 65_536],
  ["64KB", 64_000],
  ["1G", 2 ** 30],
  ["1.5GB", 1_500_000_000],
  ["0.1GiB", 107_374_182],
  ["2TiB", 2 * 2 ** 40],
  ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ["9007199254740992", undefined],
  ["8PiB", undefined],
  ["", undefined],
  ["MB", undefined],
  ["-1", undefined],
  ["1.5", undefined],
  ["1e6", undefined],
  [".5MB", undefined],
  ["1,5MB", undefined],
  ["10 M B", undefined],
  ["10XB", undefined],
  ["0x10", undefined],
];

for (const [text, bytes] of rows) {
  Deno.test(`parseSize() reads ${JSON.stringify(text)} as ${bytes}`, () => {
    assert.equal(parseSize(text), bytes);
  });
}

for (
  const [bytes, text] of [
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.00 KiB"],
    [65_536, "64.0 KiB"],
    [1023 * 1024, "1023 KiB"],
    [1024 ** 2 - 1, "1.00 MiB"],
    [412 * 1024 ** 2, "412 MiB"],
    [1.5 * 1024 ** 3, "1.50 GiB"],
    [Number.MAX_SAFE_INTEGER, "8.00 PiB"],
  ] as const
) {
  Deno.test(`formatSize() writes ${bytes} as ${text}`, () => {
    assert.equal(formatSize(bytes), text);
  });
}

const anyBytes = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

Deno.test("parseSize() takes back every plain number of bytes", () => {
  fc.assert(fc.property(anyBytes, (bytes) => {
    assert.equal(parseSize(String(bytes)), bytes);
  }));
});

Deno.test("parseSize() takes back what formatSize() writes to within half a percent", () => {
  const most = fc.integer({ min: 0, max: 2 ** 52 });
  fc.assert(fc.property(most, (bytes) => {
    const back = parseSize(formatSize(bytes));
    assert.ok(back !== undefined);
    assert.ok(Math.abs(back - bytes) <= bytes * 0.005 + 1, `${bytes} ${back}`);
  }));
});

Deno.test("formatSize() never needs more than nine characters", () => {
  fc.assert(fc.property(anyBytes, (bytes) => {
    assert.ok(formatSize(bytes).length <= 9, formatSize(bytes));
  }));
});
