// Grammar: commands and options as a parser, with the texts of their help. The parser comes from a
// library; what it cannot say (options that exclude each other) is judged in arguments.ts.

import {
  argument,
  choice,
  command,
  commandLine,
  constant,
  group,
  integer,
  lineBreak,
  merge,
  type Message,
  message,
  multiple,
  object,
  option,
  optional,
  or,
  type Parser,
  string,
  type Usage,
  type UsageTerm,
  type ValueParser,
  withDefault,
} from "@optique/core";
import type { CountRule, KeepRules } from "../archive/archive.ts";
import {
  parseTimeSpan,
  timeSpanForms,
  timeSpanPattern,
} from "../base/calendar.ts";
import type { Command, SharedOptions } from "./arguments.ts";
import { workerCountMax } from "./config_file.ts";
import { type LogLevel, logLevels } from "./log.ts";

/** Heading of the options that every command has. */
export const sharedTitle = "Options of every command";

function filled(metavar: Uppercase<string>, what: string) {
  return string({
    metavar: metavar as "TEXT",
    pattern: /[^]/,
    errors: {
      patternMismatch: [{
        type: "text",
        text: `Expected ${what}, got nothing`,
      }],
    },
  });
}

const path = filled("PATH", "a path");
const entryName = filled("NAME", "a name");

const duration = string({
  metavar: "DURATION",
  pattern: timeSpanPattern,
  errors: {
    patternMismatch: (input) => [
      { type: "text", text: `Expected ${timeSpanForms}, got ` },
      ...message`${input}`,
    ],
  },
});

// Of every command that removes.
const consent = {
  confirmed: option("--yes", {
    description: message`Remove without asking.`,
  }),
  dryRun: option("-n", "--dry-run", {
    description: message`Say what would be removed; change nothing.`,
  }),
};

const logLevel: ValueParser<"sync", LogLevel> = choice(logLevels, {
  metavar: "LEVEL",
});

const shared = object(sharedTitle, {
  archive: optional(option("-a", "--archive", filled("DIR", "a folder"), {
    description: message`The archive's folder (default: archive_directory).`,
  })),
  config: optional(option("--config", path, {
    description:
      message`Settings file (default: ./config.toml, then the user's).`,
  })),
  json: option("--json", {
    description: message`Print JSON on standard output.`,
  }),
  quiet: option("-q", "--quiet", {
    description: message`Print only results that say what is wrong.`,
  }),
  verbose: option("-v", "--verbose", {
    description: message`Print more of what is found.`,
  }),
  noColor: option("--no-color", {
    description: message`Print without colours.`,
  }),
  noProgress: option("--no-progress", {
    description: message`Show no progress.`,
  }),
  logLevel: optional(option("--log-level", logLevel, {
    description: message`Show messages up to error, warn, info or debug.`,
  })),
  logFile: optional(option("--log-file", path, {
    description: message`Keep messages in this file, too, as JSON lines.`,
  })),
  workers: optional(option(
    "--workers",
    integer({ metavar: "N", min: 0, max: workerCountMax }),
    {
      description: message`Threads (default: one per core; 0 uses none).`,
    },
  )),
});

const sharedNames: ReadonlySet<string> = new Set(
  shared.usage.flatMap(function namesOf(term): readonly string[] {
    switch (term.type) {
      case "option":
        return term.names;
      case "optional":
      case "multiple":
        return term.terms.flatMap(namesOf);
      default:
        return [];
    }
  }),
);

function describe(text: Message, ...examples: string[]): Message {
  return [...text, lineBreak(), lineBreak(), ...listExamples(...examples)];
}

// The options of every command would drown those of this one.
function shortenUsage(line: Usage): Usage {
  const own = line.filter((term) => !isShared(term));
  const firstArgument = own.findIndex((term) => !isOption(term));
  const end = firstArgument < 0 ? own.length : firstArgument;
  return [
    ...own.slice(0, end),
    { type: "optional", terms: [{ type: "argument", metavar: "OPTION..." }] },
    ...own.slice(end),
  ];
}

function isOption(term: UsageTerm): boolean {
  switch (term.type) {
    case "option":
      return true;
    case "optional":
    case "multiple":
      return term.terms.every(isOption);
    default:
      return false;
  }
}

function isShared(term: UsageTerm): boolean {
  switch (term.type) {
    case "option":
      return term.names.some((name) => sharedNames.has(name));
    case "optional":
    case "multiple":
      return term.terms.every(isShared);
    default:
      return false;
  }
}

function listExamples(...examples: readonly string[]): Message {
  return [
    ...message`Examples:`,
    ...examples.flatMap((example) => [
      lineBreak(),
      commandLine(`blockframe ${example}`),
    ]),
  ];
}

const commitParser = command(
  "commit",
  object("Options of commit", {
    command: constant("commit" as const),
    files: multiple(option("-f", "--file", path, {
      description: message`A file to commit; may be given many times.`,
    })),
    paths: multiple(argument(path, {
      description: message`More files to commit; each becomes an entry.`,
    })),
    name: optional(option("--name", entryName, {
      description: message`The entry's name (default: the file's).`,
    })),
    policy: optional(option(
      "--policy",
      string({
        metavar: "POLICY",
        pattern: /^(?:erasure:\d{1,3}\+\d{1,3}|replicate:\d{1,3})$/,
        errors: {
          patternMismatch: (input) =>
            message`Expected erasure:K+M or replicate:N, got ${input}.`,
        },
      }),
      {
        description:
          message`Protection: erasure:K+M or replicate:N (default: by size).`,
      },
    )),
    durability: optional(option(
      "--durability",
      choice(["full", "fast"], { metavar: "HOW" }),
      {
        description:
          message`full (default) waits for the disk; fast is for scratch data.`,
      },
    )),
    force: option("--force", {
      description:
        message`Store also what the newest version of the name holds already.`,
    }),
  }).map(({ files, paths, ...rest }) => ({
    ...rest,
    sources: [...files, ...paths],
  })),
  {
    brief: message`Store files, each as a new entry with parity to rebuild it.`,
    usageLine: shortenUsage,
    description: listExamples(
      "commit video.mp4",
      "commit -f a.iso -f b.iso -a /mnt/usb/archive",
      "commit notes.txt --name notes-2025 --policy erasure:10+4",
    ),
  },
);

const restoreParser = command(
  "restore",
  object("Options of restore", {
    command: constant("restore" as const),
    selector: argument(entryName, {
      description: message`A name (its newest entry) or an id.`,
    }),
    output: optional(option("-o", "--output", path, {
      description:
        message`File or folder to write to (default: the entry's name here).`,
    })),
    partial: option("--partial", {
      description:
        message`Write what can be recovered, with zeros where bytes are lost.`,
    }),
    overwrite: option("--overwrite", {
      description: message`Replace an existing file.`,
    }),
  }),
  {
    aliases: ["reconstruct"],
    brief: message`Write an entry back as a file, verified.`,
    usageLine: shortenUsage,
    description: describe(
      message`Rebuilds what is damaged on the way; the archive is not changed.`,
      "restore video.mp4",
      "restore video.mp4 -o /tmp/",
      "restore 1f3a -o old.iso --partial",
    ),
  },
);

const healthParser = command(
  "health",
  object("Options of health", {
    command: constant("health" as const),
    selectors: multiple(argument(entryName, {
      description: message`Names or ids (default: every entry).`,
    })),
    checkOnly: option("--check", {
      description: message`Verify only; change nothing.`,
    }),
    legacy: optional(option("--legacy", filled("DIR", "a folder"), {
      description:
        message`Verify an archive of blockframe-rs instead; change nothing.`,
    })),
  }),
  {
    aliases: ["repair"],
    brief: message`Verify entries and repair what is damaged.`,
    usageLine: shortenUsage,
    description: describe(
      message`Reads and verifies every byte; what is damaged is rebuilt from parity and written back.`,
      "health",
      "health --check video.mp4",
      "health -q --json > report.jsonl",
    ),
  },
);

const importParser = command(
  "import",
  object("Options of import", {
    command: constant("import" as const),
    source: argument(filled("DIR", "a folder"), {
      description: message`The archive of blockframe-rs; it is only read.`,
    }),
    dryRun: option("-n", "--dry-run", {
      description: message`Verify and say what would be done; write nothing.`,
    }),
  }),
  {
    brief: message`Store what an archive of blockframe-rs holds.`,
    usageLine: shortenUsage,
    description: describe(
      message`Verifies every entry, rebuilds what is damaged, and stores it as a new entry.`,
      "import ~/old/archive_directory",
      "import --dry-run ~/old/archive_directory",
    ),
  },
);

const listParser = command(
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

const findParser = command(
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

const showParser = command(
  "show",
  object("Arguments of show", {
    command: constant("show" as const),
    selector: argument(entryName, { description: message`A name or an id.` }),
  }),
  {
    brief: message`Print what is known of an entry.`,
    usageLine: shortenUsage,
    description: describe(
      message`Its size, policy and hash, and what it survives.`,
      "show video.mp4",
    ),
  },
);

const removeParser = command(
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

const pruneParser = command(
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

const cleanupParser = command(
  "cleanup",
  object("Options of cleanup", {
    command: constant("cleanup" as const),
    olderThan: withDefault(
      option("--older-than", duration, {
        description:
          message`Only what was last written before this (default: 1d; 1h or more).`,
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

/** The whole command line. */
export const grammar: Parser<"sync", Command & SharedOptions, unknown> = merge(
  shared,
  group(
    "Commands",
    or(
      commitParser,
      restoreParser,
      healthParser,
      listParser,
      findParser,
      showParser,
      removeParser,
      importParser,
      pruneParser,
      cleanupParser,
    ),
  ),
);

/** Words that name a command. */
export const commandNames: readonly string[] = [
  "commit",
  "restore",
  "reconstruct",
  "health",
  "repair",
  "list",
  "find",
  "show",
  "remove",
  "import",
  "prune",
  "cleanup",
];

/** What the program is for, with examples. */
export const rootDescription: Message = describe(
  message`Keeps files in an archive that repairs itself: every file is stored with parity, so that damaged bytes are found and rebuilt.`,
  "commit video.mp4",
  "health",
  "restore video.mp4 -o copy.mp4",
);

/** The meaning of the exit codes, in short. */
export const rootFooter: Message =
  message`Exit codes: 0 nothing wrong, 1 damage found and repaired, 4 damage left, 8 something else failed, 16 wrong usage.`;
