// Tree ignore: which paths of a tree are left out, by the patterns of .gitignore: those of the command
// line hold from the tree's root, those of an ignore file from the folder that it lies in. As with
// git, the nearest file that says anything decides, and nothing below a folder that is left out is
// looked at.

import ignore, { type Ignore } from "ignore";
import { decodeUtf8 } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import type { Store } from "../store/store.ts";

/** The file whose patterns hold for the folder that it lies in, and below. */
export const ignoreFileName = ".blockframeignore";

/** An ignore file that is larger is none. */
const ignoreFileBytesMax = 1024 * 1024;

/** The patterns of one place. */
interface PatternSet {
  /** The folder they hold for, with a "/" behind it; "" for the root. */
  readonly prefix: string;
  readonly patterns: Ignore;
}

/** The patterns that hold somewhere in a tree; those of deeper folders come last. */
export class TreeIgnore {
  readonly #sets: readonly PatternSet[];

  private constructor(sets: readonly PatternSet[]) {
    this.#sets = sets;
  }

  /** The patterns of the command line. @throws {Failure} `invalid-argument` */
  static of(lines: readonly string[]): TreeIgnore {
    return new TreeIgnore([]).with("", lines);
  }

  /** These and the patterns that hold in `folder`. @throws {Failure} `invalid-argument` */
  with(folder: string, lines: readonly string[]): TreeIgnore {
    const used = lines.filter((line) => line.trim() !== "");
    if (used.length === 0) return this;
    const patterns = ignore({ ignorecase: false, allowRelativePaths: true });
    for (const line of used) addPattern(patterns, line);
    const prefix = folder === "" ? "" : `${folder}/`;
    return new TreeIgnore([...this.#sets, { prefix, patterns }]);
  }

  /** Whether a path is left out. Its folder is not: else nobody would ask. */
  isIgnored(path: string, isFolder: boolean): boolean {
    for (let index = this.#sets.length - 1; index >= 0; index--) {
      const { prefix, patterns } = this.#sets[index]!;
      const inner = path.slice(prefix.length) + (isFolder ? "/" : "");
      const { ignored, unignored } = patterns.test(inner);
      if (ignored) return true;
      if (unignored) return false;
    }
    return false;
  }
}

/** The lines of a file of patterns. @throws {Failure} */
export function readPatterns(store: Store, path: string): string[] {
  using file = store.openFile(path, "read");
  const bytes = file.size();
  const content = new Uint8Array(Math.min(bytes, ignoreFileBytesMax));
  const isWhole = bytes <= ignoreFileBytesMax &&
    file.readInto(content, 0) === bytes;
  const text = isWhole ? decodeUtf8(content) : undefined;
  if (text === undefined) {
    throw new Failure(
      "invalid-argument",
      `Cannot read the patterns in "${path}" of ${store.location}: they are not UTF-8, or more ` +
        `than ${ignoreFileBytesMax} bytes`,
    );
  }
  return text.replace(/^\ufeff/, "").split(/\r?\n/);
}

function addPattern(patterns: Ignore, line: string): void {
  try {
    patterns.add(line);
  } catch (error) {
    throw new Failure(
      "invalid-argument",
      `The pattern ${JSON.stringify(line)} cannot be understood`,
      { cause: error },
    );
  }
}
