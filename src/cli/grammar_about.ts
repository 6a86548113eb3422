// Grammar of what tells about the program itself: self-test, version,
// completions and man.

import {
  argument,
  choice,
  command,
  constant,
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
  object("Options of completions", {
    command: constant("completions" as const),
    shell: argument(choice(shellNames, { metavar: "SHELL" }), {
      description: message`bash, zsh, fish, or powershell (also pwsh).`,
    }),
  }),
  {
    brief: message`Print a script that completes command lines in a shell.`,
    usageLine: shortenUsage,
    description: describe(
      message`Completes commands, options, values, files, and names of entries. Written once to where a shell looks for it, it is there in every new one; for zsh that folder must be in fpath before compinit.`,
      "completions bash > ~/.local/share/bash-completion/completions/blockframe",
      "completions zsh > ~/.zfunc/_blockframe",
      "completions fish > ~/.config/fish/completions/blockframe.fish",
      "completions powershell >> $PROFILE",
    ),
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
