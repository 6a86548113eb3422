// Completions: scripts that make a shell complete command lines, and the answers to what they ask. A
// script asks this program at every press of the key, by `completions SHELL -- WORD...`; it then reads
// no more than what names the entries of the archive, changes nothing, and says nothing about errors:
// it runs in the middle of somebody's typing.

import {
  bash,
  fish,
  pwsh,
  type ShellCompletion,
  type Suggestion,
  suggestSync,
  zsh,
} from "@optique/core";
import type { ShellName } from "./arguments.ts";
import { readSettings } from "./config.ts";
import { commandNames, grammar } from "./grammar.ts";
import { entryNameMark, sharedValueNames } from "./grammar_parts.ts";
import type { Ports } from "./ports.ts";

/** Above that, listing takes longer than somebody waits for a key. */
const entryCountMax = 5000;

const shells: Readonly<Record<ShellName, ShellCompletion>> = {
  bash,
  fish,
  powershell: pwsh,
  pwsh,
  zsh,
};

/** The script that makes `shell` complete command lines. */
export function formatScript(shell: ShellName): string {
  const script = shells[shell].generateScript(
    "blockframe",
    ["completions", shell, "--"],
  );
  return script.trim() + "\n";
}

/** The answer to a question, as its shell takes it; empty where anything is wrong. */
export async function answerQuestion(
  args: readonly string[],
  ports: Ports,
): Promise<string> {
  try {
    const [, name, , ...words] = args;
    const shell = shells[name as ShellName];
    if (shell === undefined) return "";
    ports.giveUpChanges();
    const prefix = words.at(-1) ?? "";
    const typed = name === "bash" ? readBashWord(prefix) : {
      text: prefix,
      quote: "",
    };
    const suggestions: Suggestion[] = [];
    for (const one of suggestSync(grammar, [words[0]!, ...words.slice(1)])) {
      if (isMisplaced(one, words)) continue;
      // A word with a dash in front is the beginning of an option, not of a path.
      if (one.kind === "file" && one.pattern?.startsWith("-")) continue;
      if (one.kind !== "literal" || one.text !== entryNameMark) {
        suggestions.push(one);
        continue;
      }
      for (const entry of await listNames(words, name === "bash", ports)) {
        if (!entry.startsWith(typed.text) || !isSafeWord(entry)) continue;
        const text = name === "bash"
          ? formatBashWord(entry, typed.quote)
          : entry;
        if (text !== undefined) suggestions.push({ kind: "literal", text });
      }
    }
    suggestions.push(...suggestHelp(words));
    return [...shell.encodeSuggestions(suggestions)].join("");
  } catch {
    return "";
  }
}

// Where an option stands before the command and wants its value, the parser offers commands, too.
function isMisplaced(one: Suggestion, words: readonly string[]): boolean {
  return one.kind === "literal" && commandNames.includes(one.text) &&
    sharedValueNames.has(words.at(-2) ?? "");
}

// What every command line understands but no parser has: the options that print texts.
function suggestHelp(words: readonly string[]): Suggestion[] {
  const prefix = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  if (!prefix.startsWith("--") || before.includes("--")) return [];
  // `remove --version ID` is another thing.
  const names = before.includes("remove")
    ? ["--help"]
    : ["--help", "--version"];
  return names.filter((text) => text.startsWith(prefix))
    .map((text) => ({ kind: "literal", text }));
}

async function listNames(
  words: readonly string[],
  isRaw: boolean,
  ports: Ports,
): Promise<string[]> {
  const before = words.slice(0, -1).map((word) =>
    isRaw ? readBashWord(word).text : word
  );
  const home = ports.readVariable("HOME");
  const path = (...names: readonly string[]) => {
    const given = valueOf(before, ...names);
    return given !== undefined && home !== undefined
      ? given.replace(/^~(?=\/|$)/, () => home)
      : given;
  };
  const { archive } = await readSettings({
    archive: path("-a", "--archive"),
    config: path("--config"),
    logLevel: undefined,
    logFile: undefined,
    workers: 0,
    quiet: true,
  }, ports);
  if (!ports.hasFewNames(archive, entryCountMax)) return [];
  await using opened = await ports.openArchive({ path: archive, workers: 0 });
  return [...new Set(opened.list().entries.map(({ name }) => name))];
}

/** The last value given to an option that has these names. */
function valueOf(
  words: readonly string[],
  ...names: readonly string[]
): string | undefined {
  for (let index = words.length - 1; index >= 0; index--) {
    const word = words[index]!;
    if (names.includes(word)) return words[index + 1];
    const name = names.find((each) => word.startsWith(`${each}=`));
    if (name !== undefined) return word.slice(name.length + 1);
  }
  return undefined;
}

// A control character cannot be handed over, and a name with a dash in front would be an option.
function isSafeWord(name: string): boolean {
  return !/^-|\p{Cc}/u.test(name);
}

/** A word as bash hands it over: as it was typed, its quotes perhaps still open. */
interface BashWord {
  readonly text: string;
  /** The quote that is open at its end. */
  readonly quote: string;
}

function readBashWord(raw: string): BashWord {
  let text = "", quote = "";
  for (let index = 0; index < raw.length; index++) {
    const character = raw[index]!;
    const next = raw[index + 1] ?? "";
    if (character === "\\" && quote !== "'") {
      const isEscape = quote === "" || /["\\$`]/.test(next);
      text += isEscape ? next : character + next;
      index++;
    } else if (character === quote) {
      quote = "";
    } else if (quote === "" && /["']/.test(character)) {
      quote = character;
    } else {
      text += character;
    }
  }
  return { text, quote };
}

// Bash puts an answer into the line as it is: whatever means something to it must be escaped, or a
// name from a disk would become a command.
function formatBashWord(name: string, quote: string): string | undefined {
  if (quote !== "") return /["'\\$`!]/.test(name) ? undefined : name;
  return name.replace(/[^\p{L}\p{N}\p{M}_./,+@%-]/gu, "\\$&");
}
