// Windows names: names of a folder as Windows can have them. What it forbids is written with
// characters that stand for it, one for one, and back; names that differ only in case, or are too long,
// are told apart by a few digits of a hash. Pure: no Windows is needed to say how a name looks there.

import { encodeUtf8 } from "../base/bytes.ts";

/** UTF-16 units of a name at most. */
export const windowsNameUnitsMax = 255;

// The private use area that WSL, Cygwin and Samba's `catia` use, too: U+F000 + the character.
const standIn = 0xf000, standInMax = 0xf0ff;

/** Comes before a character of that area that was in the name already. */
const quote = "\uf0ff";

// https://learn.microsoft.com/windows/win32/fileio/naming-a-file#naming-conventions
// deno-lint-ignore no-control-regex
const forbidden = /[\u0000-\u001f"*/:<>?\\|]/;
// deno-lint-ignore no-control-regex
const special = /[\u0000-\u001f"*/:<>?\\|\uf000-\uf0ff]|[. ]$/;
const device =
  /^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?= *(?:\.|$))/i;

/** The name with what Windows forbids written otherwise: never the same for two names. */
export function encodeWindowsName(name: string): string {
  const isDevice = device.test(name);
  if (!isDevice && !special.test(name)) return name;
  let encoded = "";
  for (let index = 0; index < name.length; index++) {
    const unit = name[index]!;
    const code = unit.charCodeAt(0);
    if (code >= standIn && code <= standInMax) encoded += quote + unit;
    else if (
      forbidden.test(unit) || (index === 0 && isDevice) ||
      (index === name.length - 1 && (unit === "." || unit === " "))
    ) encoded += String.fromCharCode(standIn + code);
    else encoded += unit;
  }
  return encoded;
}

/** The name that was encoded; undefined for what encodeWindowsName never gives. */
export function decodeWindowsName(encoded: string): string | undefined {
  let name = "";
  for (let index = 0; index < encoded.length; index++) {
    const unit = encoded[index]!;
    const code = unit.charCodeAt(0);
    if (unit === quote) {
      const quoted = encoded[++index] ?? "";
      name += quoted;
    } else if (code >= standIn && code < standInMax) {
      name += String.fromCharCode(code - standIn);
    } else name += unit;
  }
  return encodeWindowsName(name) === encoded ? name : undefined;
}

/**
 * Equal for names that Windows holds to be one. Where Windows tells names apart that are equal here,
 * nothing is lost but a plain name: the reverse would show one file's bytes under another's name.
 */
export function foldWindowsName(name: string): string {
  // deno-lint-ignore no-control-regex
  if (/^[\u0000-\u007f]*$/.test(name)) return name.toLowerCase();
  let folded = "";
  for (let index = 0; index < name.length; index++) {
    folded += foldUnit(name[index]!);
  }
  return folded;
}

// Windows compares unit by unit, so what becomes several units stays as it is. Lower case last brings
// together those that have no upper case of one unit with those that have one.
function foldUnit(unit: string): string {
  const upper = single(unit, unit.toUpperCase());
  return single(upper, upper.toLowerCase());
}

function single(unit: string, changed: string): string {
  return changed.length === 1 ? changed : unit;
}

/** A name of a folder, and how Windows sees it. */
export interface NamedRow<Row> {
  readonly windowsName: string;
  readonly folded: string;
  readonly row: Row;
}

/**
 * The names of a folder as Windows may have them, all different however they are compared, in the
 * order of their folded forms. A name that is itself on Windows keeps its form whatever else is there;
 * of several that differ only in case the first one does.
 */
export function nameForWindows<Row>(
  rows: Iterable<Row>,
  nameOf: (row: Row) => string,
): NamedRow<Row>[] {
  const named = [...rows].map((row) => {
    const name = nameOf(row);
    const windowsName = encodeWindowsName(name);
    return { name, row, windowsName, folded: foldWindowsName(windowsName) };
  }).sort((left, right) =>
    compareText(left.folded, right.folded) || compareText(left.name, right.name)
  );
  const kept: NamedRow<Row>[] = [];
  const clashing: typeof named = [];
  for (const one of named) {
    const { windowsName, folded, row } = one;
    const fits = windowsName.length <= windowsNameUnitsMax &&
      folded !== kept.at(-1)?.folded;
    if (fits) kept.push({ windowsName, folded, row });
    else clashing.push(one);
  }
  if (clashing.length === 0) return kept;
  const taken = new Set(kept.map(({ folded }) => folded));
  for (const { name, row } of clashing) {
    kept.push(hashedRow(name, row, taken));
  }
  return kept.sort((left, right) => compareText(left.folded, right.folded));
}

/** The row under a name that nobody has; takes it. */
function hashedRow<Row>(
  name: string,
  row: Row,
  taken: Set<string>,
): NamedRow<Row> {
  for (let salt = 0;; salt++) {
    const windowsName = hashedName(name, salt);
    const folded = foldWindowsName(windowsName);
    if (taken.has(folded)) continue;
    taken.add(folded);
    return { windowsName, folded, row };
  }
}

/** `stem~1f2a3b.ext`: as long as Windows allows, with digits that only this name has. */
function hashedName(name: string, salt: number): string {
  const encoded = encodeWindowsName(name);
  const dot = encoded.lastIndexOf(".");
  const isExtension = dot > 0 && encoded.length - dot <= 16;
  const extension = isExtension ? encoded.slice(dot) : "";
  const mark = `~${hashDigits(salt === 0 ? name : `${salt}/${name}`)}`;
  const room = windowsNameUnitsMax - mark.length - extension.length;
  let stem = encoded.slice(0, encoded.length - extension.length).slice(0, room);
  // No half of a pair, and no quote without what it quotes.
  while (/[\ud800-\udbff\uf0ff]$/.test(stem)) stem = stem.slice(0, -1);
  return stem + mark + extension;
}

/** 24 bits of FNV-1a (32 bits) of the name. */
function hashDigits(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of encodeUtf8(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return (hash >>> 8).toString(16).padStart(6, "0");
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
