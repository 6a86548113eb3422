// Grammar of what tells about the program itself: version.

import { command, constant, message, object } from "@optique/core";
import type { VersionCommand } from "./arguments.ts";
import { type CommandParser, describe, shortenUsage } from "./grammar_parts.ts";

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
