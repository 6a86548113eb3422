// Names as Windows can have them: the way there and back, and that no two of a folder are one to it.

import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import {
  decodeWindowsName,
  encodeWindowsName,
  foldWindowsName,
  nameForWindows,
  windowsNameUnitsMax,
} from "../../src/view/windows_names.ts";

const rows: readonly [string, string][] = [
  ["plain.txt", "plain.txt"],
  ["naïve ☃ 𝄞", "naïve ☃ 𝄞"],
  ["a:b", "a\uf03ab"],
  ['<>"|?*\\', "\uf03c\uf03e\uf022\uf07c\uf03f\uf02a\uf05c"],
  ["tab\there", "tab\uf009here"],
  ["dot.", "dot\uf02e"],
  ["dots...", "dots..\uf02e"],
  ["blank ", "blank\uf020"],
  [".hidden", ".hidden"],
  ["con", "\uf063on"],
  ["NUL.txt", "\uf04eUL.txt"],
  ["com1 .x", "\uf063om1 .x"],
  ["LPT³", "\uf04cPT³"],
  ["console", "console"],
  ["com", "com"],
  ["COM10", "COM10"],
  ["\uf03a", "\uf0ff\uf03a"],
  ["\uf0ff", "\uf0ff\uf0ff"],
];

for (const [name, expected] of rows) {
  Deno.test(`encodeWindowsName(${JSON.stringify(name)})`, () => {
    equal(encodeWindowsName(name), expected);
    equal(decodeWindowsName(expected), name);
  });
}

Deno.test("what no name is encoded as decodes to nothing", () => {
  for (const text of ["a:b", "\uf041bc", "x\uf0ff", "x.", "nul", "\uf0ffa"]) {
    equal(decodeWindowsName(text), undefined, JSON.stringify(text));
  }
});

/** Names out of pieces that matter here. */
const names = fc.array(
  fc.oneof(
    fc.constantFrom(
      ..."aAbBkKsSßẞſıİΩω.:*?<> \\\u0001\uf001\uf03a\uf0ff\u212a",
    ),
    fc.constantFrom("con", "NUL", "lpt1", ".txt", "~", "\ud834\udd1e"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 3 }),
  ),
  { minLength: 1, maxLength: 12 },
).map((parts) => parts.join("").replaceAll(/[\0/]/g, "_"));

/** What Windows refuses in a name. */
function flawOf(name: string): string | undefined {
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u001f"*/:<>?\\|]/.test(name)) return "a forbidden character";
  if (/[. ]$/.test(name)) return "its end";
  if (name.length === 0 || name.length > windowsNameUnitsMax) return "length";
  const stem = name.split(".")[0]!.trimEnd().toUpperCase();
  return /^(CON|PRN|AUX|NUL|COM\d|LPT\d)$/.test(stem) ? "a device" : undefined;
}

Deno.test("every name has a form that Windows allows, and comes back from it", () => {
  fc.assert(fc.property(names, (name) => {
    const encoded = encodeWindowsName(name);
    equal(flawOf(encoded), undefined);
    equal(decodeWindowsName(encoded), name);
    return true;
  }));
});

Deno.test("the names of a folder are allowed, different in any case, and in order", () => {
  fc.assert(fc.property(fc.uniqueArray(names, { maxLength: 30 }), (list) => {
    const named = nameForWindows(list, (name) => name);
    equal(named.length, list.length);
    equal(new Set(named.map(({ folded }) => folded)).size, list.length);
    deepEqual(new Set(named.map(({ row }) => row)), new Set(list));
    for (const [index, one] of named.entries()) {
      equal(flawOf(one.windowsName), undefined);
      equal(one.folded, foldWindowsName(one.windowsName));
      if (index > 0) ok(named[index - 1]!.folded < one.folded);
    }
    // The order in which a folder is listed changes nothing.
    const again = nameForWindows([...list].reverse(), (name) => name);
    deepEqual(again, named);
    return true;
  }));
});

Deno.test("of names that differ in case only the first keeps its form", () => {
  const named = nameForWindows(
    ["readme.txt", "README.txt", "Readme.txt", "other"],
    (name) => name,
  );
  const forms = new Map(named.map((one) => [one.row, one.windowsName]));
  equal(forms.get("README.txt"), "README.txt");
  equal(forms.get("other"), "other");
  ok(/^readme~[0-9a-f]{6}\.txt$/.test(forms.get("readme.txt")!));
  ok(/^Readme~[0-9a-f]{6}\.txt$/.test(forms.get("Readme.txt")!));
});

Deno.test("names that become too long, or look like a clash's way out, are told apart", () => {
  const long = "\uf001".repeat(200), other = `${long.slice(1)}x`;
  const [way] = nameForWindows(["a", "A"], (name) => name)
    .filter(({ row }) => row === "a");
  const named = nameForWindows(
    [long, other, "a", "A", way!.windowsName],
    (name) => name,
  );
  equal(new Set(named.map(({ folded }) => folded)).size, 5);
  for (const { windowsName } of named) ok(windowsName.length <= 255);
  // A name that Windows takes as it is keeps it.
  const kept = named.find(({ row }) => row === way!.windowsName);
  equal(kept!.windowsName, way!.windowsName);
});

Deno.test("folding joins whatever single letters are each other's case", () => {
  for (let code = 0; code < 0x10000; code++) {
    const unit = String.fromCharCode(code);
    const folded = foldWindowsName(unit);
    equal(folded.length, 1);
    equal(foldWindowsName(folded), folded, unit);
    for (const other of [unit.toUpperCase(), unit.toLowerCase()]) {
      if (other.length === 1) equal(foldWindowsName(other), folded, unit);
    }
  }
});
