import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { encodeUtf8, formatHex } from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import { compareNames, parsePath, sortNames } from "../../src/store/path.ts";
import { throwsFailure } from "./fixture.ts";

Deno.test("parsePath() gives the components of a plain path", () => {
  deepStrictEqual(parsePath(""), []);
  deepStrictEqual(parsePath("a"), ["a"]);
  deepStrictEqual(parsePath("a/b c/..d"), ["a", "b c", "..d"]);
});

Deno.test("parsePath() takes what only Windows refuses, but not there", () => {
  const names = [
    "a\\b",
    "..\\a",
    "C:",
    "C:a",
    "a:stream",
    "a?",
    "a*",
    'a"',
    "a<",
    "a>",
    "a|",
    "a\nb",
    "a\x1f",
    "a.",
    "a ",
    "...",
    ". .",
    "nul",
    "NUL",
    "con.txt",
    "Aux . txt",
    "com1",
    "LPT9.dat",
    "com\u00b9",
    "CONIN$",
  ];
  for (const name of names) {
    deepStrictEqual(parsePath(`f/${name}`, false), ["f", name]);
    throwsFailure("unsafe-path", () => parsePath(`f/${name}`, true));
  }
  for (const name of ["console", "nully", "com", "com10", "a.nul", ".con"]) {
    deepStrictEqual(parsePath(name, true), [name]);
  }
});

Deno.test("parsePath() counts the bytes of a name, not its letters", () => {
  for (const name of ["x".repeat(255), "é".repeat(127), "語".repeat(85)]) {
    deepStrictEqual(parsePath(name), [name]);
    throwsFailure("invalid-name", () => parsePath(`f/${name}yy/g`));
  }
});

const letters = [
  "a",
  "b",
  "\x01",
  "\u007f",
  "\u0080",
  "\ud7ff",
  "\ue000",
  "\uffff",
  "\u{10000}",
  "\u{10ffff}",
];

Deno.test("sortNames() orders as compareNames()", () => {
  const prng = new Prng(2);
  for (let round = 0; round < 500; round++) {
    // Also without any of the letters that need it.
    const bound = round % 2 === 0 ? letters.length : 6;
    const names = Array.from(
      { length: 20 },
      () =>
        Array.from({ length: prng.below(4) }, () => letters[prng.below(bound)])
          .join(""),
    );
    deepStrictEqual(sortNames([...names]), names.toSorted(compareNames));
  }
});

Deno.test("compareNames() orders as the bytes of UTF-8", () => {
  const prng = new Prng(1);
  const draw = () => {
    let name = "";
    const length = prng.below(4);
    for (let index = 0; index < length; index++) {
      name += letters[prng.below(letters.length)];
    }
    return name;
  };
  for (let round = 0; round < 5000; round++) {
    const left = draw(), right = draw();
    const leftHex = formatHex(encodeUtf8(left));
    const rightHex = formatHex(encodeUtf8(right));
    const expected = leftHex < rightHex ? -1 : leftHex > rightHex ? 1 : 0;
    strictEqual(
      Math.sign(compareNames(left, right)),
      expected,
      JSON.stringify([left, right]),
    );
  }
});
