// Arguments: the grammar of the command line, and what a command line asks for. Pure: prints
// nothing, reads nothing. Options of every command may stand before the command, too.

import type { Message } from "@optique/core";
import { runParser } from "@optique/core/facade";
import type { KeepRules } from "../archive/archive.ts";
import type { Flags } from "./config.ts";
import {
  commandNames,
  grammar,
  rootDescription,
  rootFooter,
  sharedTitle,
} from "./grammar.ts";
import { mountWords, parseMountOptions } from "./mount_options.ts";
import { version } from "./version.ts";

/** Options of every command. */
export interface SharedOptions extends Flags {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly noColor: boolean;
  readonly noProgress: boolean;
  /** How long to wait for another command that writes, as it was given. */
  readonly lockWait: string | undefined;
}

/** `commit` */
export interface CommitCommand {
  readonly command: "commit";
  /** `--file` first, then the rest, each in its order; at least one. */
  readonly sources: readonly string[];
  readonly name: string | undefined;
  readonly policy: string | undefined;
  readonly durability: "full" | "fast" | undefined;
  readonly force: boolean;
  /** Insist on going on with a commit that was cut off. */
  readonly resume: boolean;
  /** Never go on with one. */
  readonly noResume: boolean;
  /** Patterns of .gitignore. */
  readonly excludes: readonly string[];
  /** Files of them. */
  readonly excludeFiles: readonly string[];
  readonly oneFileSystem: boolean;
  readonly skipChanged: boolean;
  readonly skipUnreadable: boolean;
}

/** `restore` */
export interface RestoreCommand {
  readonly command: "restore";
  readonly selector: string;
  /** Paths and globs of a tree; none: all of it. */
  readonly patterns: readonly string[];
  /** Lines of .gitignore: what to leave out of it. */
  readonly excludes: readonly string[];
  readonly output: string | undefined;
  readonly partial: boolean;
  readonly overwrite: boolean;
  readonly skipExisting: boolean;
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
  readonly all: boolean;
}

/** `find` */
export interface FindCommand {
  readonly command: "find";
  readonly pattern: string;
  readonly all: boolean;
}

/** `show` */
export interface ShowCommand {
  readonly command: "show";
  readonly selector: string;
  /** Lines for `b3sum -c` instead. */
  /** Lists a tree, or what lies at `paths` in it. */
  readonly files: boolean;
  readonly paths: readonly string[];
  readonly hashes: boolean;
  /** Those of the stored files; means `hashes`, too. */
  readonly shards: boolean;
}

/** `remove` */
export interface RemoveCommand {
  readonly command: "remove";
  readonly selector: string;
  /** The id of one version of the name that `selector` is then. */
  readonly version: string | undefined;
  readonly allVersions: boolean;
  readonly confirmed: boolean;
  readonly dryRun: boolean;
}

/** `prune` */
export interface PruneCommand {
  readonly command: "prune";
  /** None: all. */
  readonly names: readonly string[];
  /** One rule at least. */
  readonly rules: KeepRules;
  readonly confirmed: boolean;
  readonly dryRun: boolean;
}

/** `cleanup` */
export interface CleanupCommand {
  readonly command: "cleanup";
  /** As it was given, for messages. */
  readonly olderThan: string;
  readonly confirmed: boolean;
  readonly dryRun: boolean;
}

/** `mount` */
export interface MountCommand {
  readonly command: "mount";
  readonly mountpoint: string;
  readonly remote: string | undefined;
  readonly foreground: boolean;
  readonly background: boolean;
  /** As it was given. */
  readonly cache: string | undefined;
  readonly noRepair: boolean;
  readonly allowOther: boolean;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Octal digits. */
  readonly mode: string | undefined;
  /** Lists as mount(8) passes them. */
  readonly mountOptions: readonly string[];
}

/** `self-test` */
export interface SelfTestCommand {
  readonly command: "self-test";
  /** Where to make the folder that it works in; default: the system's place for such. */
  readonly folder: string | undefined;
}

/** `version` */
export interface VersionCommand {
  readonly command: "version";
}

/** Shells whose completion scripts there are. */
export type ShellName = "bash" | "zsh" | "fish" | "powershell" | "pwsh";

/** `completions` */
export interface CompletionsCommand {
  readonly command: "completions";
  readonly shell: ShellName;
}

/** `man` */
export interface ManCommand {
  readonly command: "man";
}

/** Commands that tell about the program: they need no archive and no settings. */
export type AboutCommand = VersionCommand | CompletionsCommand | ManCommand;

/** Commands that work on an archive. */
export type Command =
  | CommitCommand
  | RestoreCommand
  | HealthCommand
  | ImportCommand
  | ListCommand
  | FindCommand
  | ShowCommand
  | RemoveCommand
  | PruneCommand
  | CleanupCommand
  | MountCommand
  | SelfTestCommand;

/** What a command line asks for. */
export type Invocation =
  | {
    readonly kind: "command";
    readonly command: Command;
    readonly shared: SharedOptions;
  }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "version"; readonly json: boolean }
  | { readonly kind: "completions"; readonly shell: ShellName }
  | { readonly kind: "man" }
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
  const maxWidth = Math.max(40, Math.min(columnCount, 100));
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
      value: version,
      onShow: () => {
        outcome = planVersion(args);
        return undefined as never;
      },
    },
    onError: (_, error) => {
      outcome = usage(adviseMount(formatProblem(error), args), args);
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
    maxWidth,
    stderr: () => {},
    stdout: (text) => shown = tidyHelp(text, maxWidth),
  });
  return outcome ?? planInvocation(parsed, args);
}

// Examples come as ` `line` `, and lines broken behind a bracket.
function tidyHelp(text: string, columnCount: number): string {
  return text.replace(/^ ?`(.*)`$/gm, "  $1")
    .replace(/ \[\n( +)/g, "\n$1[")
    .replace(
      /^Usage: .*(?:\n {7}\S.*)*/m,
      (usage) => wrapUsage(usage, columnCount),
    )
    .replace(/ +$/gm, "").trimEnd() + "\n";
}

// Broken between options, never inside one.
function wrapUsage(usage: string, columnCount: number): string {
  const whole = usage.replace(/\s+/g, " ").replace(/ (?=\.\.\.|\])/g, "");
  let text = "", column = 0;
  for (const term of whole.match(/\[[^\]]*\]|\S+/g) ?? []) {
    const isOver = column > 0 && column + 1 + term.length > columnCount;
    text += isOver ? `\n${" ".repeat(7)}${term}` : ` ${term}`;
    column = isOver ? 7 + term.length : column + 1 + term.length;
  }
  return text.trimStart();
}

// `restore NAME --version ID` must not end well with nothing restored.
function planVersion(args: readonly string[]): Invocation {
  const at = args.indexOf("--version"), word = args[at + 1];
  const command = args.slice(0, Math.max(0, at))
    .find((arg) => commandNames.includes(arg));
  if (command !== undefined && word !== undefined && !word.startsWith("-")) {
    return usage(
      `--version with an id goes with remove; ${command} takes the id in place of the name`,
      args,
    );
  }
  return { kind: "version", json: listOptions(args).has("--json") };
}

// Words that may be options: what follows -- is none.
function listOptions(args: readonly string[]): ReadonlySet<string> {
  const end = args.indexOf("--");
  return new Set(end < 0 ? args : args.slice(0, end));
}

// What the grammar cannot say is judged here, on the parsed values.
function planInvocation(
  parsed: (Command | AboutCommand) & SharedOptions,
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
    lockWait,
  } = parsed;
  if (quiet && verbose) {
    return usage("--quiet and --verbose exclude each other", args);
  }
  switch (parsed.command) {
    case "version":
      return { kind: "version", json };
    case "completions":
      return { kind: "completions", shell: parsed.shell };
    case "man":
      return { kind: "man" };
  }
  const problem = problemOf(parsed, json);
  if (problem !== undefined) return usage(problem, args);
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
      lockWait,
    },
  };
}

function problemOf(command: Command, json: boolean): string | undefined {
  switch (command.command) {
    case "commit": {
      const count = command.sources.length;
      if (command.resume && command.noResume) {
        return "--resume and --no-resume exclude each other";
      }
      if (count === 0) return "Nothing to commit: name a file";
      if (command.sources.includes("-")) {
        if (count > 1) return "- (standard input) is committed alone";
        if (command.resume) {
          return "Standard input cannot be had twice: there is nothing to resume";
        }
        return command.name === undefined
          ? "Standard input has no name: give one with --name; ./- names a file called -"
          : undefined;
      }
      if (count > 1 && command.resume) {
        return `--resume goes with one file, not with ${count}`;
      }
      return count > 1 && command.name !== undefined
        ? `--name goes with one file, not with ${count}`
        : undefined;
    }
    case "restore":
      if (command.overwrite && command.skipExisting) {
        return "--overwrite and --skip-existing exclude each other";
      }
      if (command.output !== "-") return undefined;
      if (json) {
        return "--json and -o - exclude each other: both need standard output";
      }
      return command.overwrite
        ? "--overwrite goes with a file, not with -o - (standard output)"
        : undefined;
    case "health":
      return command.legacy !== undefined && command.selectors.length > 0
        ? "--legacy examines all entries: it goes with no name"
        : undefined;
    case "mount": {
      if (command.foreground && command.background) {
        return "--foreground and --background exclude each other";
      }
      const listed = parseMountOptions(command.mountOptions);
      return "problem" in listed
        ? `${listed.problem}; there are ${mountWords}`
        : undefined;
    }
    case "remove":
      return command.allVersions && command.version !== undefined
        ? "--version and --all-versions exclude each other"
        : undefined;
    case "show":
      if (command.files && (command.hashes || command.shards)) {
        return "--files excludes --hashes and --shards";
      }
      return command.paths.length > 0 && !command.files
        ? `Unexpected ${
          JSON.stringify(command.paths[0])
        }: paths go with --files`
        : undefined;
    case "prune":
      return Object.values(command.rules).every((rule) => rule === 0)
        ? "Nothing says what to keep: give a --keep-... option that is not 0"
        : undefined;
    default:
      return undefined;
  }
}

function usage(problem: string, args: readonly string[]): Invocation {
  const word = args.find((arg) => commandNames.includes(arg));
  return {
    kind: "usage",
    problem,
    help: word === undefined ? "--help" : `${word} --help`,
  };
}

// Who mounts with other programs names the folder, or the archive and the folder, without options.
function adviseMount(problem: string, args: readonly string[]): string {
  const word = /^Unexpected option or argument: ("[^-"][^"]*")/.exec(problem);
  return word === null || !args.includes("mount")
    ? problem
    : `Unexpected ${
      word[1]
    }: -m names the folder to mount at, and -a the archive`;
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
    .replace(/\.$/, "")
    .replace(
      /^Unexpected option or argument: "(.+)"\. Did you mean \1\?$/,
      "$1 comes behind its command",
    );
}
