// Arguments: the grammar of the command line, and what a command line asks for. Pure: prints
// nothing, reads nothing. Options of every command may stand before the command, too.

import type { Message } from "@optique/core";
import { runParser } from "@optique/core/facade";
import type { Flags } from "./config.ts";
import {
  commandNames,
  grammar,
  rootDescription,
  rootFooter,
  sharedTitle,
} from "./grammar.ts";
import { version } from "./version.ts";

/** Options of every command. */
export interface SharedOptions extends Flags {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly noColor: boolean;
  readonly noProgress: boolean;
}

/** `commit` */
export interface CommitCommand {
  readonly command: "commit";
  /** `--file` first, then the rest, each in its order; at least one. */
  readonly sources: readonly string[];
  readonly name: string | undefined;
  readonly policy: string | undefined;
  readonly durability: "full" | "fast" | undefined;
}

/** `restore` */
export interface RestoreCommand {
  readonly command: "restore";
  readonly selector: string;
  readonly output: string | undefined;
  readonly partial: boolean;
  readonly overwrite: boolean;
}

/** `health` */
export interface HealthCommand {
  readonly command: "health";
  readonly selectors: readonly string[];
  readonly checkOnly: boolean;
  /** The folder of an archive of blockframe-rs, to be examined instead. */
  readonly legacy: string | undefined;
}

/** `import` */
export interface ImportCommand {
  readonly command: "import";
  /** The folder of an archive of blockframe-rs. */
  readonly source: string;
  readonly dryRun: boolean;
}

/** `list` */
export interface ListCommand {
  readonly command: "list";
}

/** `find` */
export interface FindCommand {
  readonly command: "find";
  readonly pattern: string;
}

/** `show` */
export interface ShowCommand {
  readonly command: "show";
  readonly selector: string;
}

/** `remove` */
export interface RemoveCommand {
  readonly command: "remove";
  readonly selector: string;
  readonly confirmed: boolean;
  readonly dryRun: boolean;
}

/** One of the commands. */
export type Command =
  | CommitCommand
  | RestoreCommand
  | HealthCommand
  | ImportCommand
  | ListCommand
  | FindCommand
  | ShowCommand
  | RemoveCommand;

/** What a command line asks for. */
export type Invocation =
  | {
    readonly kind: "command";
    readonly command: Command;
    readonly shared: SharedOptions;
  }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "version" }
  | {
    readonly kind: "usage";
    readonly problem: string;
    /** The command that was understood, for the hint. */
    readonly help: string;
  };

/** What `args` ask for; help is wrapped at `columnCount`. */
export function parseArguments(
  args: readonly string[],
  columnCount: number,
): Invocation {
  if (args.length === 0) {
    return { kind: "usage", problem: "No command given", help: "--help" };
  }
  let shown = "";
  let outcome: Invocation | undefined;
  const parsed = runParser(grammar, "blockframe", args, {
    help: {
      option: { names: ["-h", "--help"], group: sharedTitle },
      command: { names: ["help"], group: "Commands" },
      onShow: () => {
        outcome = { kind: "help", text: shown };
        return undefined as never;
      },
    },
    version: {
      option: { names: ["--version"], group: sharedTitle },
      command: { names: ["version"], hidden: true },
      value: version,
      onShow: () => {
        outcome = { kind: "version" };
        return undefined as never;
      },
    },
    onError: (_, error) => {
      outcome = usage(formatProblem(error), args);
      return undefined as never;
    },
    aboveError: "none",
    commandList: "top-level",
    description: rootDescription,
    footer: rootFooter,
    usageLine: [
      { type: "argument", metavar: "COMMAND" },
      { type: "optional", terms: [{ type: "argument", metavar: "OPTION..." }] },
      { type: "optional", terms: [{ type: "argument", metavar: "NAME..." }] },
    ],
    maxWidth: Math.max(40, Math.min(columnCount, 100)),
    stderr: () => {},
    stdout: (text) => shown = tidyHelp(text),
  });
  return outcome ?? planInvocation(parsed, args);
}

// Examples come as ` `line` `, and lines broken behind a bracket.
function tidyHelp(text: string): string {
  return text.replace(/^ ?`(.*)`$/gm, "  $1")
    .replace(/ \[\n( +)/g, "\n$1[")
    .replace(/ +$/gm, "").trimEnd() + "\n";
}

// What the grammar cannot say is judged here, on the parsed values.
function planInvocation(
  parsed: Command & SharedOptions,
  args: readonly string[],
): Invocation {
  const {
    archive,
    config,
    logLevel,
    logFile,
    workers,
    json,
    quiet,
    verbose,
    noColor,
    noProgress,
  } = parsed;
  if (quiet && verbose) {
    return usage("--quiet and --verbose exclude each other", args);
  }
  if (parsed.command === "commit") {
    const count = parsed.sources.length;
    if (count === 0) return usage("Nothing to commit: name a file", args);
    if (count > 1 && parsed.name !== undefined) {
      return usage(`--name goes with one file, not with ${count}`, args);
    }
  }
  if (parsed.command === "restore" && parsed.output === "-") {
    return usage(
      "Restoring to standard output is not possible; ./- names a file called -",
      args,
    );
  }
  if (
    parsed.command === "health" && parsed.legacy !== undefined &&
    parsed.selectors.length > 0
  ) {
    return usage("--legacy examines all entries: it goes with no name", args);
  }
  return {
    kind: "command",
    command: parsed,
    shared: {
      archive,
      config,
      logLevel,
      logFile,
      workers,
      json,
      quiet,
      verbose,
      noColor,
      noProgress,
    },
  };
}

function usage(problem: string, args: readonly string[]): Invocation {
  const word = args.find((arg) => commandNames.includes(arg));
  return {
    kind: "usage",
    problem,
    help: word === undefined ? "--help" : `${word} --help`,
  };
}

// The parser's message in one line, without its final full stop, as all our messages are.
function formatProblem(error: Message): string {
  let text = "";
  for (const term of error) {
    switch (term.type) {
      case "text":
        text += term.text;
        break;
      case "optionName":
        text += term.optionName;
        break;
      case "optionNames":
        text += term.optionNames.join(" or ");
        break;
      case "metavar":
        text += term.metavar;
        break;
      case "value":
        text += `"${term.value}"`;
        break;
      case "values":
        text += term.values.map((value) => `"${value}"`).join(" ");
        break;
      default:
        text += " ";
    }
  }
  return text.replace("one of these?\n  ", "one of these: ")
    .replaceAll("\n  ", ", ").replace(/\s*\n\s*/g, " ").trim()
    .replace(/\.$/, "");
}
