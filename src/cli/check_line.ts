// Check line: a hash and a file's name in one line, as b3sum prints them and `b3sum -c` reads them.
// Such lines are for a program: they are not escaped for a terminal.

/** What stands for the hash of a damaged file: no file has it, so that `b3sum -c` says "FAILED". */
export const unknownHash: string = "0".repeat(64);

/** `HASH  name`; with a backslash in front and inside where the name has a backslash or newline. */
export function formatCheckLine(
  file: string,
  blake3: string = unknownHash,
): string {
  const escaped = file.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return `${escaped === file ? "" : "\\"}${blake3}  ${escaped}`;
}
