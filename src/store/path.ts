// Store paths: relative, "/"-separated names below a store's root. Every store reads its paths
// through parsePath, so that no name that came from a disk or a user leads anywhere else. Pure: it
// never looks at what lies at the path; links are the store's matter.

import { encodeUtf8 } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import { nameBytesMax } from "../base/limits.ts";

/**
 * The components of `path`, none for "" (the root). `windows` says whose rules hold besides ours.
 * @throws {Failure} `unsafe-path` if a component is not a plain name, `invalid-name` if one is too long
 */
export function parsePath(
  path: string,
  windows: boolean = Deno.build.os === "windows",
): string[] {
  if (path === "") return [];
  const names = path.split("/");
  for (const name of names) {
    const flaw = flawOfName(name, windows);
    if (flaw !== undefined) {
      const code = flaw === tooLong ? "invalid-name" : "unsafe-path";
      throw new Failure(
        code,
        `Cannot use the path ${JSON.stringify(path)}: ${flaw}`,
      );
    }
  }
  return names;
}

/** Orders names as the bytes of their UTF-8, which is not how JavaScript orders strings. */
export function compareNames(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const leftUnit = left.charCodeAt(index);
    const rightUnit = right.charCodeAt(index);
    if (leftUnit !== rightUnit) return rankOf(leftUnit) - rankOf(rightUnit);
  }
  return left.length - right.length;
}

/** Puts names into the order of compareNames, several times as fast as by sorting with it. */
export function sortNames(names: string[]): string[] {
  // Below the surrogates the order of UTF-16 is that of UTF-8, and the runtime's own sort applies.
  return names.some((name) => /[\ud800-\uffff]/.test(name))
    ? names.sort(compareNames)
    : names.sort();
}

const tooLong = `a name has more than ${nameBytesMax} bytes`;

function flawOfName(name: string, windows: boolean): string | undefined {
  if (name === "") return "it has an empty component";
  if (name === "." || name === "..") return `it has a component "${name}"`;
  if (name.includes("\0")) return "it has a NUL";
  // Deno would store U+FFFD in its place, and two names would become one.
  if (!name.isWellFormed()) return "it has half of a surrogate pair";
  if (windows) {
    const flaw = flawOnWindows(name);
    if (flaw !== undefined) return flaw;
  }
  // UTF-8 has at most three bytes for each UTF-16 unit.
  if (
    name.length * 3 > nameBytesMax && encodeUtf8(name).length > nameBytesMax
  ) {
    return tooLong;
  }
  return undefined;
}

// "a\\b" is two components there, "C:" a drive, "a:b" a stream of a, "a." the same as "a", "nul.txt"
// a device.
// https://learn.microsoft.com/windows/win32/fileio/naming-a-file#naming-conventions
function flawOnWindows(name: string): string | undefined {
  // deno-lint-ignore no-control-regex -- control characters are what is refused
  if (/[\\:*?"<>|\x00-\x1f]/.test(name)) {
    return "it has a character that Windows reserves";
  }
  if (/[. ]$/.test(name)) return "a name ends in a dot or a space";
  if (
    /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)/i.test(name)
  ) {
    return "it names a device of Windows";
  }
  return undefined;
}

// Surrogates stand for code points above all of U+E000..U+FFFF: lift them over those.
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
