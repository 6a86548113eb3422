// Grammar of what tells about the program itself: self-test, version,
// completions and man.

import {
  argument,
  choice,
  command,
  commandLine,
  constant,
  lineBreak,
  message,
  object,
  option,
  optional,
} from "@optique/core";
import type {
  CompletionsCommand,
  ManCommand,
  SelfTestCommand,
  ShellName,
  VersionCommand,
} from "./arguments.ts";
import {
  type CommandParser,
  describe,
  folder,
  shortenUsage,
} from "./grammar_parts.ts";

const shellNames: readonly ShellName[] = [
  "bash",
  "zsh",
  "fish",
  "powershell",
  "pwsh",
];

/** The parser of version. */
export const versionParser: CommandParser<VersionCommand> = command(
  "version",
  object({ command: constant("version" as const) }),
  {
    brief: message`Print version, commit, runtime and codec.`,
    usageLine: shortenUsage,
    description: describe(
      message`The first line is always "blockframe" and the version.`,
      "version",
      "version --json",
    ),
  },
);

/** The parser of self-test. */
export const selfTestParser: CommandParser<SelfTestCommand> = command(
  "self-test",
  object("Options of self-test", {
    command: constant("self-test" as const),
    folder: optional(option("--dir", folder, {
      description:
        message`Work in this folder, on the file system that counts (default: the system's temporary one).`,
    })),
  }),
  {
    brief: message`Try whether all that this program relies on works here.`,
    usageLine: shortenUsage,
    description: describe(
      message`Codec, file system, a tiny archive that is damaged and healed, threads, and libraries. Takes a second and leaves nothing behind. Ends with 8 if a part fails; what is merely absent is no failure.`,
      "self-test",
      "self-test --dir /mnt/usb",
    ),
  },
);

/** The parser of completions. */
export const completionsParser: CommandParser<CompletionsCommand> = command(
  "completions",
  object({
    command: constant("completions" as const),
    shell: argument(choice(shellNames, { metavar: "SHELL" }), {
      description: message`bash, zsh, fish, or powershell (also pwsh).`,
    }),
  }),
  {
    brief: message`Print a script that completes command lines in a shell.`,
    usageLine: shortenUsage,
    description: [
      ...message`Completes commands, options, values, files, and names of entries. To have it in every new shell:`,
      ...[
        "bash         completions bash > ~/.local/share/bash-completion/completions/blockframe",
        "zsh          completions zsh > ~/.zfunc/_blockframe",
        "fish         completions fish > ~/.config/fish/completions/blockframe.fish",
        "powershell   completions powershell >> $PROFILE",
      ].flatMap((line) => [
        lineBreak(),
        commandLine(line.replace(/(?<= )completions/, "blockframe $&")),
      ]),
      lineBreak(),
      ...message`For zsh the folder must be in fpath before compinit runs.`,
    ],
  },
);

/** The parser of man. */
export const manParser: CommandParser<ManCommand> = command(
  "man",
  object({ command: constant("man" as const) }),
  {
    brief: message`Print the manual page.`,
    usageLine: shortenUsage,
    description: describe(
      message`The same texts as --help, for all commands, and more, as man reads it.`,
      "man > blockframe.1",
      "man | man -l -",
    ),
  },
);
