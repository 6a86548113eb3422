// Documents: what lies beside the executable in a download and in the package: licence, notices,
// man page and completions. The last two are printed by the program itself, so that they are those
// of the program that is released.

import { type Part, partKey } from "./parts.ts";

/** A document and the names that it has on different systems. */
export interface Documents {
  readonly licence: string;
  readonly notices: string;
  /** Undefined where the program prints none. */
  readonly man: string | undefined;
  /** By shell: `bash`, `zsh`, `fish`, `powershell`. */
  readonly completions: ReadonlyMap<string, string>;
}

/** Runs the released program; undefined where it fails. */
export type ProgramOutput = (
  ...args: string[]
) => Promise<string | undefined>;

const shells = ["bash", "zsh", "fish", "powershell"];

/** Gathers the documents. */
export async function gatherDocuments(
  root: URL,
  parts: readonly Part[],
  outputOf: ProgramOutput,
): Promise<Documents> {
  const completions = new Map<string, string>();
  for (const shell of shells) {
    const text = await outputOf("completions", shell);
    if (text !== undefined) completions.set(shell, text);
  }
  return {
    licence: await Deno.readTextFile(new URL("LICENSE", root)),
    notices: formatNotices(parts),
    man: await outputOf("man"),
    completions,
  };
}

/** The licences of everybody whose work is in the executable. */
export function formatNotices(parts: readonly Part[]): string {
  const ruler = "-".repeat(72);
  const head =
    `BlockFrame is made with the work of others. Each part below is in the
executable, under the licence that follows it. Deno is itself made of a
few hundred crates; the file Cargo.lock of its sources names them all.
`;
  return [
    head,
    ...parts.map((part) =>
      `${ruler}\n${
        partKey(part)
      } (${part.licence})\n${ruler}\n\n${part.licenceText.trim()}\n`
    ),
  ].join("\n");
}

/** Where the documents lie below a prefix such as `/usr/local`, and their text. */
export function layOut(documents: Documents): ReadonlyMap<string, string> {
  const { licence, notices, man, completions } = documents;
  const files = new Map([
    ["share/doc/blockframe/LICENSE", licence],
    ["share/doc/blockframe/THIRD-PARTY.txt", notices],
  ]);
  if (man !== undefined) files.set("share/man/man1/blockframe.1", man);
  const places = {
    bash: "share/bash-completion/completions/blockframe",
    zsh: "share/zsh/site-functions/_blockframe",
    fish: "share/fish/vendor_completions.d/blockframe.fish",
  };
  for (const [shell, place] of Object.entries(places)) {
    const text = completions.get(shell);
    if (text !== undefined) files.set(place, text);
  }
  return files;
}

/** The same for Windows, where everything lies beside the program. */
export function layOutFlat(documents: Documents): ReadonlyMap<string, string> {
  const files = new Map([
    ["LICENSE.txt", documents.licence],
    ["THIRD-PARTY.txt", documents.notices],
  ]);
  const script = documents.completions.get("powershell");
  if (script !== undefined) files.set("completions.ps1", script);
  return files;
}
