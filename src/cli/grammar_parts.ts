// Grammar parts: what the parsers of several commands share: kinds of values, the options of every
// command, and how help is laid out.

import {
  choice,
  commandLine,
  integer,
  lineBreak,
  type Message,
  message,
  object,
  option,
  optional,
  type Parser,
  string,
  type Suggestion,
  type Usage,
  type UsageTerm,
  type ValueParser,
} from "@optique/core";
import type { SharedOptions } from "./arguments.ts";
import { timeSpanForms, timeSpanPattern } from "../base/calendar.ts";
import { workerCountMax } from "./config_file.ts";
import { waitForms, waitPattern } from "./lock_wait.ts";
import { type LogLevel, logLevels } from "./log.ts";

/** Heading of the options that every command has. */
export const sharedTitle = "Options of every command";

/** An interface as an object type, which is what the library merges. */
export type Members<T> = { readonly [Name in keyof T]: T[Name] };

/** A parser of one command. */
export type CommandParser<T> = Parser<"sync", Members<T>, unknown>;

/** A text that is not empty. */
export function filled(
  metavar: Uppercase<string>,
  what: string,
): ValueParser<"sync", string> {
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

/** What a completion offers in place of the names of entries, which only the archive knows. */
export const entryNameMark = "\0";

/** A path; a shell offers files and folders. */
export const path: ValueParser<"sync", string> = {
  ...filled("PATH", "a path"),
  suggest: (prefix) => offerFiles("any", prefix),
};

/** A folder; a shell offers those. */
export const folder: ValueParser<"sync", string> = {
  ...filled("DIR", "a folder"),
  suggest: (prefix) => offerFiles("directory", prefix),
};

/** The name of an entry that is to be. */
export const newName: ValueParser<"sync", string> = filled("NAME", "a name");

/** A name or id of an entry; a shell offers the names in the archive. */
export const entryName: ValueParser<"sync", string> = {
  ...newName,
  // Whoever types a dash wants an option, and is not to wait for names.
  suggest: (prefix) =>
    prefix.startsWith("-") ? [] : [{ kind: "literal", text: entryNameMark }],
};

function offerFiles(
  type: "any" | "directory",
  prefix: string,
): readonly Suggestion[] {
  // A word that ends in ".something" asks for hidden names, and "/.." for none.
  const includeHidden = /(?:^|\/)\.(?!\.$)[^/]*$/.test(prefix);
  return [{ kind: "file", pattern: prefix, type, includeHidden }];
}

/** A span of time, as text. */
export const duration: ValueParser<"sync", string> = string({
  metavar: "DURATION",
  pattern: timeSpanPattern,
  errors: {
    patternMismatch: (input) => [
      { type: "text", text: `Expected ${timeSpanForms}, got ` },
      ...message`${input}`,
    ],
  },
});

const wait: ValueParser<"sync", string> = string({
  metavar: "TIME",
  pattern: waitPattern,
  errors: {
    patternMismatch: (input) => [
      { type: "text", text: `Expected ${waitForms}, got ` },
      ...message`${input}`,
    ],
  },
});

/** Options of every command that removes. */
export const consent: {
  readonly confirmed: Parser<"sync", boolean, unknown>;
  readonly dryRun: Parser<"sync", boolean, unknown>;
} = {
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

/** Options of every command. */
export const shared: Parser<
  "sync",
  Members<SharedOptions>,
  Record<string | symbol, unknown>
> = object(
  sharedTitle,
  {
    archive: optional(option("-a", "--archive", folder, {
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
    lockWait: optional(option("--lock-wait", wait, {
      description:
        message`Wait so long for another command that writes (30s, 5min, 0; default: 1min).`,
    })),
  },
);

const sharedTerms = shared.usage.flatMap(optionsOf);

const sharedNames: ReadonlySet<string> = new Set(
  sharedTerms.flatMap(({ names }) => names),
);

/** Names of the options of every command that take a value. */
export const sharedValueNames: ReadonlySet<string> = new Set(
  sharedTerms.filter(({ metavar }) => metavar !== undefined)
    .flatMap(({ names }) => names),
);

type OptionTerm = Extract<UsageTerm, { type: "option" }>;

function optionsOf(term: UsageTerm): readonly OptionTerm[] {
  switch (term.type) {
    case "option":
      return [term];
    case "optional":
    case "multiple":
      return term.terms.flatMap(optionsOf);
    default:
      return [];
  }
}

/** A description with examples below. */
export function describe(text: Message, ...examples: string[]): Message {
  return [...text, lineBreak(), lineBreak(), ...listExamples(...examples)];
}

/** A usage line without the options of every command, which would drown those of this one. */
export function shortenUsage(line: Usage): Usage {
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

/** Examples of command lines. */
export function listExamples(...examples: readonly string[]): Message {
  return [
    ...message`Examples:`,
    ...examples.flatMap((example) => [
      lineBreak(),
      commandLine(`blockframe ${example}`),
    ]),
  ];
}
