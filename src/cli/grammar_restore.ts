// Grammar of restore.

import {
  argument,
  command,
  constant,
  message,
  multiple,
  object,
  option,
  optional,
} from "@optique/core";
import type { RestoreCommand } from "./arguments.ts";
import {
  type CommandParser,
  describe,
  entryName,
  filled,
  path,
  shortenUsage,
} from "./grammar_parts.ts";

/** The parser of restore. */
export const restoreParser: CommandParser<RestoreCommand> = command(
  "restore",
  object("Options of restore", {
    command: constant("restore" as const),
    selector: argument(entryName, {
      description: message`A name (its newest entry) or an id.`,
    }),
    patterns: multiple(
      argument(filled("PATH", "a path or a pattern"), {
        description:
          message`Of a tree only these paths or globs, with what is below (default: all).`,
      }),
    ),
    output: optional(option("-o", "--output", path, {
      description:
        message`File or folder to write to, or - for standard output (default: the entry's name here).`,
    })),
    partial: option("--partial", {
      description:
        message`Write what can be recovered, with zeros where bytes are lost.`,
    }),
    overwrite: option("--overwrite", {
      description: message`Replace existing files.`,
    }),
    excludes: multiple(option(
      "--exclude",
      filled("PATTERN", "a pattern"),
      {
        description:
          message`Of a tree, leave out what matches, as a line of .gitignore would.`,
      },
    )),
    skipExisting: option("--skip-existing", {
      description: message`Of a tree, leave existing files alone.`,
    }),
  }),
  {
    aliases: ["reconstruct"],
    brief: message`Write an entry back as a file or a tree, verified.`,
    usageLine: shortenUsage,
    description: describe(
      message`Rebuilds what is damaged on the way; the archive is not changed. Also called reconstruct.`,
      "restore video.mp4",
      "restore video.mp4 -o /tmp/",
      "restore 1f3a -o old.iso --partial",
      "restore photos 2024/may '*.raw' -o /tmp/photos",
      "restore db.sql -o - | psql shop",
    ),
  },
);
