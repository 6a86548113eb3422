// Grammar of health.

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
import type { HealthCommand } from "./arguments.ts";
import {
  type CommandParser,
  describe,
  entryName,
  folder,
  shortenUsage,
} from "./grammar_parts.ts";

/** The parser of health. */
export const healthParser: CommandParser<HealthCommand> = command(
  "health",
  object("Options of health", {
    command: constant("health" as const),
    selectors: multiple(argument(entryName, {
      description: message`Names or ids (default: every entry).`,
    })),
    checkOnly: option("--check", {
      description: message`Verify only; change nothing.`,
    }),
    legacy: optional(option("--legacy", folder, {
      description:
        message`Verify an archive of blockframe-rs instead; change nothing.`,
    })),
  }),
  {
    aliases: ["repair"],
    brief: message`Verify entries and repair what is damaged.`,
    usageLine: shortenUsage,
    description: describe(
      message`Reads and verifies every byte; what is damaged is rebuilt from parity and written back. Also called repair.`,
      "health",
      "health --check video.mp4",
      "health -q --json > report.jsonl",
    ),
  },
);
