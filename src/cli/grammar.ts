// Grammar: commands and options as a parser, with the texts of their help. The parser comes from a
// library; what it cannot say (options that exclude each other) is judged in arguments.ts.

import {
  group,
  merge,
  type Message,
  message,
  or,
  type Parser,
} from "@optique/core";
import type { AboutCommand, Command, SharedOptions } from "./arguments.ts";
import {
  completionsParser,
  manParser,
  selfTestParser,
  versionParser,
} from "./grammar_about.ts";
import { commitParser, importParser } from "./grammar_commit.ts";
import { findParser, listParser, showParser } from "./grammar_entries.ts";
import { healthParser } from "./grammar_health.ts";
import { describe, shared } from "./grammar_parts.ts";
import { mountParser } from "./grammar_mount.ts";
import { cleanupParser, pruneParser, removeParser } from "./grammar_removal.ts";
import { restoreParser } from "./grammar_restore.ts";

export { sharedTitle } from "./grammar_parts.ts";

/** The whole command line. */
export const grammar: Parser<
  "sync",
  (Command | AboutCommand) & SharedOptions,
  unknown
> = merge(
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
      mountParser,
      selfTestParser,
      completionsParser,
      manParser,
      versionParser,
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
  "mount",
  "self-test",
  "completions",
  "man",
  "version",
];

/** What the program is for, with examples. */
export const rootDescription: Message = describe(
  message`Keeps files in an archive that repairs itself: every file is stored with parity, so that damaged bytes are found and rebuilt.`,
  "commit video.mp4",
  "health",
  "restore video.mp4 -o copy.mp4",
  "help commit",
);

/** The meaning of the exit codes, in short. */
export const rootFooter: Message =
  message`Exit codes: 0 nothing wrong, 1 damage found and repaired, 2 files of a folder left out, 4 damage left, 8 something else failed, 16 wrong usage, 32 another command is writing.`;
