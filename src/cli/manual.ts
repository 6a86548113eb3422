// Manual: the manual page, made from the same definitions as --help, so that neither can know an
// option that the other does not. Written for man(7) as groff and mandoc read it, in ASCII alone.

import {
  type DocEntry,
  formatUsage,
  formatUsageTerm,
  getDocPage,
  type Message,
  type MessageTerm,
} from "@optique/core";
import {
  commandNames,
  grammar,
  rootDescription,
  sharedTitle,
} from "./grammar.ts";
import { version } from "./version.ts";

/** Codes in the order of their numbers, and what they say; several are added up. */
const exitRows: readonly (readonly [string, string])[] = [
  ["0", "Nothing is wrong."],
  ["1", "Damage was found and repaired, or worked around by a restore."],
  [
    "2",
    "Files of a tree were left out, because they changed or could not be read.",
  ],
  ["4", "Damage is left."],
  ["8", "Something else failed: a full disk, a missing file."],
  ["16", "The command line or the configuration is wrong."],
  ["32", "Another command is writing to the archive."],
  ["130", "Interrupted (SIGINT)."],
  ["141", "Nobody reads the output any more."],
  ["143", "Terminated (SIGTERM)."],
];

// Options that no parser has.
const textRows: readonly (readonly [string, string])[] = [
  ["-h, --help", "Print help, of the command where one is given."],
  ["--version", "As the command version."],
];

const variableRows: readonly (readonly [string, string])[] = [
  ["BLOCKFRAME_ARCHIVE", "The archive's folder."],
  ["BLOCKFRAME_CONFIG", "The configuration file."],
  ["BLOCKFRAME_LOG_LEVEL", "As --log-level."],
  ["BLOCKFRAME_WORKERS", "As --workers."],
  ["BLOCKFRAME_DEBUG", "If 1, an internal error shows where it happened."],
  ["NO_COLOR", "No colours where it is not empty."],
  ["TERM", "No colours and no progress where it is dumb."],
  ["HOME, XDG_CONFIG_HOME, APPDATA", "Where the user's configuration is."],
];

const fileRows: readonly (readonly [string, string])[] = [
  ["archive_directory", "The archive where nothing else is named."],
  ["./config.toml", "Settings; the first file that is there is read."],
  ["~/.config/blockframe/config.toml", "Settings of the user, on Linux."],
  [
    "~/Library/Application Support/blockframe/config.toml",
    "The same on macOS.",
  ],
  ["%APPDATA%\\blockframe\\config.toml", "The same on Windows."],
];

const examples: readonly (readonly [string, string])[] = [
  [
    "Keep a folder on a stick:",
    "blockframe commit photos/ -a /mnt/usb/archive",
  ],
  [
    "Verify it from cron, and repair what is damaged:",
    "blockframe health -q -a /mnt/usb/archive",
  ],
  [
    "Get a part of it back:",
    "blockframe restore photos 2024/may -o /tmp/photos -a /mnt/usb/archive",
  ],
  [
    "Look at it as a file system:",
    "blockframe mount -m /mnt/archive -a /mnt/usb/archive --background",
  ],
];

/** The manual page. */
export function formatManual(): string {
  const lines = [
    `.\\" Made by "blockframe man" from the definitions of its commands.`,
    `.TH BLOCKFRAME 1 "" "blockframe ${version}" "User Commands"`,
    ".ad l",
    ".nh",
    ".SH NAME",
    `blockframe ${hyphen} keep files in an archive that repairs itself`,
    ".SH SYNOPSIS",
    ".B blockframe",
    `${italic("COMMAND")} [${italic("OPTION")}...] [${italic("NAME")}...]`,
    ".SH DESCRIPTION",
    ...formatBlocks(rootDescription),
    ".PP",
    ...formatProse(
      "An entry is named by its name, by its id, or by the first digits of its id (four or more). Results go to standard output; messages, hints and progress go to standard error.",
    ),
    ".SH COMMANDS",
    ...listCommands().flatMap(formatCommand),
    ".SH OPTIONS",
    ...formatProse("Every command has these; they may stand before it, too."),
    ...entriesOf([], sharedTitle).flatMap(formatEntry),
    ...textRows.flatMap(formatRow),
    ".SH EXIT STATUS",
    ...formatProse("Codes of several entries are joined: 5 is 1 and 4."),
    ...exitRows.flatMap(formatRow),
    ".SH ENVIRONMENT",
    ...variableRows.flatMap(formatRow),
    ".SH FILES",
    ...fileRows.flatMap(formatRow),
    ".SH EXAMPLES",
    ...examples.flatMap(([what, line], index) => [
      ...(index === 0 ? [] : [".PP"]), // a section begins with a paragraph
      escapeProse(what),
      ...formatExamples([line]),
    ]),
    ".SH SEE ALSO",
    ".BR mount (8),",
    ".BR b3sum (1)",
  ];
  return lines.join("\n") + "\n";
}

const hyphen = "\\-";

// Other names of a command are told with it.
function listCommands(): string[] {
  const seen = new Set<unknown>();
  return commandNames.filter((name) => {
    const main = pageOf([name])?.usage?.[0];
    const key = main?.type === "command" ? main.name : name;
    return key === name && seen.size < seen.add(key).size;
  });
}

function pageOf(words: readonly string[]) {
  return getDocPage(grammar, words);
}

function entriesOf(words: readonly string[], title: string): DocEntry[] {
  return (pageOf(words)?.sections ?? [])
    .filter((section) => section.title === title)
    .flatMap((section) => section.entries);
}

function formatCommand(name: string): string[] {
  const page = pageOf([name]);
  const usage = formatUsage("blockframe", page?.usage ?? [])
    .replace(/^blockframe \S+/, "");
  const own = (page?.sections ?? []).filter((section) =>
    section.title !== sharedTitle
  );
  return [
    `.SS ${name}`,
    `.B blockframe ${name}`,
    ...formatProse(usage.trim()),
    ".PP",
    ...formatBlocks(page?.brief ?? []),
    ...(page?.description === undefined
      ? []
      : [".PP", ...formatBlocks(page.description)]),
    ...own.flatMap((section) => section.entries).flatMap(formatEntry),
  ];
}

function formatEntry({ term, description }: DocEntry): string[] {
  const names = formatUsageTerm(term, { optionsSeparator: ", " });
  const words = names.split(" ").map((word) =>
    /^[A-Z.]+$/.test(word) ? italic(word) : bold(word)
  );
  return [".TP", words.join(" "), ...formatBlocks(description ?? [])];
}

function formatRow([what, meaning]: readonly [string, string]): string[] {
  return [".TP", bold(what), ...formatProse(meaning)];
}

// Text runs on until a line break; consecutive command lines are set as they are.
function formatBlocks(text: Message): string[] {
  const lines: string[] = [];
  let prose = "", commands: string[] = [];
  const close = () => {
    if (prose.trim() !== "") lines.push(escapeProse(prose.trim()));
    if (commands.length > 0) lines.push(...formatExamples(commands));
    prose = "";
    commands = [];
  };
  for (const [index, term] of text.entries()) {
    if (term.type === "commandLine") {
      if (prose.trim() !== "") close();
      commands.push(term.commandLine);
    } else if (term.type === "lineBreak") {
      if (text[index + 1]?.type === "lineBreak") {
        close();
        lines.push(".PP");
      }
    } else {
      if (commands.length > 0) {
        close();
        lines.push(".PP");
      }
      prose += wordsOf(term);
    }
  }
  close();
  return lines;
}

function wordsOf(term: MessageTerm): string {
  switch (term.type) {
    case "text":
      return term.text;
    case "optionName":
      return term.optionName;
    case "optionNames":
      return term.optionNames.join(", ");
    case "metavar":
      return term.metavar;
    case "value":
      return term.value;
    default:
      return " ";
  }
}

function formatExamples(commands: readonly string[]): string[] {
  return [
    ".PP",
    ".RS 4",
    ".nf",
    ...commands.map((each) => bold(each)),
    ".fi",
    ".RE",
  ];
}

function formatProse(text: string): string[] {
  return text === "" ? [] : [escapeProse(text)];
}

function bold(text: string): string {
  return `\\fB${escapeRoff(text)}\\fP`;
}

function italic(text: string): string {
  return `\\fI${escapeRoff(text)}\\fP`;
}

// A line that begins with a dot or an apostrophe would be a request.
function escapeProse(text: string): string {
  return escapeRoff(text).replace(/^(?=[.'])/, "\\&");
}

const roffNames: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "-": hyphen,
  "'": "\\(aq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
  '"': "\\(dq",
};

/** `text` in ASCII, each character as itself: what a reader copies must work. */
function escapeRoff(text: string): string {
  return text.replace(
    /[-\\'`^~"]|[^ -~]/gu,
    (character) =>
      roffNames[character] ??
        `\\[u${
          character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")
        }]`,
  );
}
