// Formula: the Homebrew formula with the digests of this release's downloads.

import type { ReleaseFile } from "./bom.ts";
import type { Target } from "./targets.ts";

/** A download, and the machines that it is for. */
export interface Download extends ReleaseFile {
  readonly target: Target;
}

/**
 * The formula of `template`, where a line `# target NAME` begins what is for that target only, and
 * `# end` ends it. `baseUrl` is the folder that holds the downloads.
 */
export function formatFormula(
  template: string,
  version: string,
  baseUrl: string,
  downloads: readonly Download[],
): string {
  const byTarget = new Map(downloads.map((one) => [one.target.name, one]));
  const lines: string[] = [];
  let keeping = true;
  for (const line of template.split("\n")) {
    const mark = line.match(/^ *# (?:target (\S+)|end)$/);
    if (mark === null) {
      if (keeping) lines.push(line);
      continue;
    }
    keeping = mark[1] === undefined || byTarget.has(mark[1]);
  }
  const values: Readonly<Record<string, string>> = {
    HOMEPAGE: baseUrl,
    VERSION: version,
    BASE_URL: baseUrl,
  };
  const text = withoutEmptyBlocks(lines.join("\n"));
  const start = text.indexOf("class ");
  return text.slice(start).replaceAll(
    /@([A-Z_0-9]+)(?: ([\w-]+))?@/g,
    (_, word: string, name?: string) => {
      const download = name === undefined ? undefined : byTarget.get(name);
      const value = download === undefined
        ? values[word]
        : { FILE: download.name, SHA256: download.sha256 }[word];
      if (value === undefined) throw new Error(`The formula has @${word}@`);
      return value;
    },
  );
}

function withoutEmptyBlocks(text: string): string {
  return text.replaceAll(/ *on_\w+ do\n(?= *end\n) *end\n\n?/g, "");
}
