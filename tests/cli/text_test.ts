import assert from "node:assert/strict";
import fc from "fast-check";
import {
  cutText,
  escapeText,
  formatCount,
  formatIndices,
  measureColumns,
  padText,
  quoteArgument,
} from "../../src/cli/text.ts";

for (
  const [text, escaped] of [
    ["plain name.txt", "plain name.txt"],
    ["Grüße 日本 🎉", "Grüße 日本 🎉"],
    ["a\nb", "a\\nb"],
    ["a\rb\tc", "a\\rb\\tc"],
    ["\x1b[31mred", "\\x1b[31mred"],
    ["\x9b31m", "\\x9b31m"],
    ["del\x7f", "del\\x7f"],
    ["gpj.\u202eexe", "gpj.\\u{202e}exe"],
    ["a\u2028b", "a\\u{2028}b"],
    ["\u2066x\u2069", "\\u{2066}x\\u{2069}"],
    ["bad \ud800 surrogate", "bad \ufffd surrogate"],
    ["👩\u200d👧", "👩\u200d👧"],
  ] as const
) {
  Deno.test(`escapeText() writes ${escaped}`, () => {
    assert.equal(escapeText(text), escaped);
  });
}

Deno.test("escapeText() leaves no control character in any text", () => {
  const anyText = fc.string({ unit: "binary" });
  fc.assert(fc.property(anyText, (text) => {
    // deno-lint-ignore no-control-regex -- control characters are what must not be there
    assert.doesNotMatch(escapeText(text), /[\u0000-\u001f\u007f-\u009f]/);
  }));
});

Deno.test("measureColumns() counts wide and combining characters", () => {
  assert.equal(measureColumns("abc"), 3);
  assert.equal(measureColumns("日本"), 4);
  assert.equal(measureColumns("e\u0301"), 1);
  assert.equal(measureColumns("🎉"), 2);
});

Deno.test("cutText() never exceeds its columns and says that it cut", () => {
  assert.equal(cutText("abcdef", 6), "abcdef");
  assert.equal(cutText("abcdef", 4), "abc…");
  assert.equal(cutText("日本語", 4), "日…");
  fc.assert(fc.property(
    fc.string({ unit: "grapheme" }),
    fc.nat(20),
    (text, limit) => assert.ok(measureColumns(cutText(text, limit)) <= limit),
  ));
});

Deno.test("padText() fills up to a column", () => {
  assert.equal(padText("日", 4, "end"), "日  ");
  assert.equal(padText("7", 3, "start"), "  7");
  assert.equal(padText("long", 2, "end"), "long");
});

Deno.test("formatCount() picks the noun's number", () => {
  assert.equal(formatCount(1, "segment"), "1 segment");
  assert.equal(formatCount(0, "segment"), "0 segments");
  assert.equal(formatCount(2, "copy", "copies"), "2 copies");
});

for (
  const [indices, text] of [
    [[], ""],
    [[5], "5"],
    [[67, 45, 89], "45, 67, 89"],
    [[1, 2], "1, 2"],
    [[45, 67, 68, 69], "45, 67-69"],
    [[3, 3, 2, 1], "1-3"],
  ] as [number[], string][]
) {
  Deno.test(`formatIndices() writes [${indices}] as "${text}"`, () => {
    assert.equal(formatIndices(indices), text);
  });
}

Deno.test("formatIndices() counts what it does not list", () => {
  const even = Array.from({ length: 30 }, (_, index) => index * 2);
  assert.equal(formatIndices(even, 3), "0, 2, 4 ... and 27 more");
});

Deno.test("quoteArgument() quotes only what a shell would take apart", () => {
  assert.equal(quoteArgument("/mnt/usb-1/a_b.c"), "/mnt/usb-1/a_b.c");
  assert.equal(quoteArgument("my files"), "'my files'");
  assert.equal(quoteArgument("it's"), `'it'\\''s'`);
  assert.equal(quoteArgument(""), "''");
});
