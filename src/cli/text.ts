// Text: foreign strings made safe for a terminal, and how wide they are there. Names come from
// users and from disks and may hold anything; nothing of it may move the cursor, change colours,
// reverse the direction of a line or start a new one.

// C0, DEL, C1, line and paragraph separators, marks that reverse or hide text. The joiners U+200C and
// U+200D stay: Persian, Hindi and family emoji are written with them.
const unsafeCharacters =
  // deno-lint-ignore no-control-regex -- control characters are what this finds
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

// Blocks whose characters take two columns (Unicode UAX 11, W and F), coarse on purpose.
const wideCharacters =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const zeroWidthCharacters = /[\p{Mn}\p{Me}]/u;

// Nearly every text is of these alone, and is then as safe as it is wide.
const plainText = /^[ -~]*$/;

/** `text` on one line, with every character that could control a terminal written as an escape. */
export function escapeText(text: string): string {
  if (plainText.test(text)) return text;
  return text.toWellFormed().replace(unsafeCharacters, (character) => {
    const short = shortEscapes.get(character);
    if (short !== undefined) return short;
    const code = character.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u{${code}}`;
  });
}

/** Columns that escaped `text` takes on a terminal, well enough to line up a table. */
export function measureColumns(text: string): number {
  if (plainText.test(text)) return text.length;
  let columns = 0;
  for (const character of text) {
    if (zeroWidthCharacters.test(character)) continue;
    columns += wideCharacters.test(character) ? 2 : 1;
  }
  return columns;
}

/** `text` cut to at most `columnCountMax` columns, ending in "…" where something is missing. */
export function cutText(text: string, columnCountMax: number): string {
  if (measureColumns(text) <= columnCountMax) return text;
  if (columnCountMax < 1) return "";
  let kept = "", columns = 0;
  for (const character of text) {
    const width = measureColumns(character);
    if (columns + width > columnCountMax - 1) break;
    kept += character;
    columns += width;
  }
  return `${kept}…`;
}

/** `text` filled with spaces up to `columnCount` columns, at its start or its end. */
export function padText(
  text: string,
  columnCount: number,
  side: "start" | "end",
): string {
  const spaces = " ".repeat(Math.max(0, columnCount - measureColumns(text)));
  return side === "start" ? spaces + text : text + spaces;
}

/** `3 segments`, `1 segment`; `plural` where an "s" does not do. */
export function formatCount(
  count: number,
  noun: string,
  plural: string = `${noun}s`,
): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

/**
 * Numbers as a short list: `45, 67-89`. Three or more in a row become a range; after `runCountMax`
 * runs the rest is counted.
 */
export function formatIndices(
  indices: Iterable<number>,
  runCountMax: number = 20,
): string {
  const sorted = [...new Set(indices)].sort((left, right) => left - right);
  const runs: { text: string; count: number }[] = [];
  for (let start = 0; start < sorted.length;) {
    let end = start;
    while (sorted[end + 1] === sorted[end]! + 1) end++;
    if (end - start >= 2) {
      runs.push({
        text: `${sorted[start]}-${sorted[end]}`,
        count: end - start + 1,
      });
    } else {
      for (let index = start; index <= end; index++) {
        runs.push({ text: `${sorted[index]}`, count: 1 });
      }
    }
    start = end + 1;
  }
  const shown = runs.slice(0, runCountMax).map((run) => run.text).join(", ");
  const hidden = runs.slice(runCountMax).reduce(
    (sum, run) => sum + run.count,
    0,
  );
  return hidden === 0 ? shown : `${shown} ... and ${hidden} more`;
}

/** An argument as a POSIX shell takes it back: quoted only where it must be. */
export function quoteArgument(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text)
    ? text
    : `'${text.replaceAll("'", `'\\''`)}'`;
}
