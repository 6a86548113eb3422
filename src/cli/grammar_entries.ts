// Grammar of what looks at entries: list, find and show.

import {
  argument,
  command,
  constant,
  message,
  multiple,
  object,
  option,
} from "@optique/core";
import type { FindCommand, ListCommand, ShowCommand } from "./arguments.ts";
import {
  type CommandParser,
  describe,
  entryName,
  filled,
  listExamples,
  shortenUsage,
} from "./grammar_parts.ts";

/** The parser of list. */
export const listParser: CommandParser<ListCommand> = command(
  "list",
  object("Options of list", {
    command: constant("list" as const),
    all: option("--all", {
      description: message`All versions, and what interrupted commits left.`,
    }),
  }),
  {
    brief: message`List the entries by name.`,
    usageLine: shortenUsage,
    description: listExamples(
      "list",
      "list --all",
      "list -a /mnt/usb/archive --json",
    ),
  },
);

/** The parser of find. */
export const findParser: CommandParser<FindCommand> = command(
  "find",
  object("Options of find", {
    command: constant("find" as const),
    all: option("--all", { description: message`All versions.` }),
    pattern: argument(filled("PATTERN", "a pattern"), {
      description: message`A name, a glob in quotes, or the start of an id.`,
    }),
  }),
  {
    brief: message`List the entries whose name matches a pattern.`,
    usageLine: shortenUsage,
    description: listExamples(
      "find '*.mp4'",
      "find 1f3a",
    ),
  },
);

/** The parser of show. */
export const showParser: CommandParser<ShowCommand> = command(
  "show",
  object("Options of show", {
    command: constant("show" as const),
    selector: argument(entryName, { description: message`A name or an id.` }),
    paths: multiple(argument(filled("PATH", "a path"), {
      description:
        message`With --files: what lies there, or matches this glob, and below.`,
    })),
    files: option("--files", {
      description: message`List what is in a folder that was committed.`,
    }),
    hashes: option("--hashes", {
      description: message`Print the BLAKE3 of the content, for b3sum -c.`,
    }),
    shards: option("--shards", {
      description: message`Print that of the stored files instead.`,
    }),
  }),
  {
    brief: message`Print what is known of an entry.`,
    usageLine: shortenUsage,
    description: describe(
      message`Its size, policy and hash, and what it survives.`,
      "show video.mp4",
      "show photos --files '2024/**/*.jpg'",
      "show video.mp4 --hashes | b3sum -c",
    ),
  },
);
