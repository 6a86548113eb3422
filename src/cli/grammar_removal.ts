// Grammar of what removes: remove, prune and cleanup.

import {
  argument,
  command,
  constant,
  type Message,
  message,
  multiple,
  object,
  option,
  optional,
  string,
  withDefault,
} from "@optique/core";
import type {
  CleanupCommand,
  PruneCommand,
  RemoveCommand,
} from "./arguments.ts";
import type { CountRule, KeepRules } from "../archive/archive.ts";
import { parseTimeSpan } from "../base/calendar.ts";
import {
  type CommandParser,
  consent,
  describe,
  duration,
  entryName,
  filled,
  shortenUsage,
} from "./grammar_parts.ts";

/** The parser of remove. */
export const removeParser: CommandParser<RemoveCommand> = command(
  "remove",
  object("Options of remove", {
    command: constant("remove" as const),
    selector: argument(entryName, { description: message`A name or an id.` }),
    version: optional(option("--version", filled("ID", "an id"), {
      description: message`The version of the name that has this id.`,
    })),
    allVersions: option("--all-versions", {
      description: message`All versions of the name.`,
    }),
    ...consent,
  }),
  {
    brief: message`Remove an entry for good.`,
    usageLine: shortenUsage,
    description: describe(
      message`Asks first; where nobody can answer, --yes is needed.`,
      "remove video.mp4",
      "remove 1f3a --yes",
      "remove video.mp4 --dry-run",
      "remove video.mp4 --version 1f3a",
      "remove video.mp4 --all-versions",
    ),
  },
);

/** The parser of prune. */
export const pruneParser: CommandParser<PruneCommand> = command(
  "prune",
  object("Options of prune", {
    command: constant("prune" as const),
    names: multiple(argument(entryName, {
      description: message`Names (default: all).`,
    })),
    last: keep("--keep-last", message`Keep the newest N versions.`),
    hourly: keep("--keep-hourly", message`The newest of each of N hours.`),
    daily: keep("--keep-daily", message`The newest of each of N days.`),
    weekly: keep("--keep-weekly", message`The newest of each of N weeks.`),
    monthly: keep("--keep-monthly", message`The newest of each of N months.`),
    yearly: keep("--keep-yearly", message`The newest of each of N years.`),
    within: optional(option("--keep-within", duration, {
      description:
        message`All that are less than this older than the newest (30d, 1y6m).`,
    })),
    ...consent,
  }).map(({ command, names, confirmed, dryRun, within, ...counts }) => ({
    command,
    names,
    confirmed,
    dryRun,
    rules: rulesOf(counts, within),
  })),
  {
    brief: message`Remove old versions, keeping what the rules say.`,
    usageLine: shortenUsage,
    description: describe(
      message`A version stays if any rule keeps it; times are in UTC. The newest version of a name always stays.`,
      "prune --keep-last 3 --dry-run",
      "prune --keep-daily 7 --keep-weekly 4 --keep-monthly 12",
      "prune notes.txt --keep-within 30d --yes",
    ),
  },
);

/** The parser of cleanup. */
export const cleanupParser: CommandParser<CleanupCommand> = command(
  "cleanup",
  object("Options of cleanup", {
    command: constant("cleanup" as const),
    olderThan: withDefault(
      option("--older-than", duration, {
        description:
          message`Only what was last written longer ago than this (12h, 30d; default: 1d).`,
      }),
      "1d",
    ),
    ...consent,
  }),
  {
    brief: message`Remove what interrupted commits and removals left.`,
    usageLine: shortenUsage,
    description: describe(
      message`No entry needs it; it only takes space.`,
      "cleanup --dry-run",
      "cleanup --older-than 12h --yes",
    ),
  },
);

function keep(name: `--${string}`, description: Message) {
  const count = string({
    metavar: "N",
    pattern: /^(?:\d{1,9}|unlimited)$/,
    errors: {
      patternMismatch: (input) =>
        message`Expected a number or unlimited, got ${input}.`,
    },
  });
  return optional(option(name, count, { description }));
}

function rulesOf(
  counts: Readonly<Record<CountRule, string | undefined>>,
  within: string | undefined,
): KeepRules {
  const rules: Partial<Record<CountRule, number>> = {};
  for (const [rule, count] of Object.entries(counts)) {
    if (count === undefined) continue;
    rules[rule as CountRule] = count === "unlimited" ? Infinity : Number(count);
  }
  return within === undefined
    ? rules
    : { ...rules, within: parseTimeSpan(within)! };
}
