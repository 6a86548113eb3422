// Grammar of what brings payloads into an archive: commit and import.

import {
  argument,
  choice,
  command,
  constant,
  message,
  multiple,
  object,
  option,
  optional,
  string,
} from "@optique/core";
import type { CommitCommand, ImportCommand } from "./arguments.ts";
import {
  type CommandParser,
  describe,
  filled,
  folder,
  listExamples,
  newName,
  path,
  shortenUsage,
} from "./grammar_parts.ts";

/** The parser of commit. */
export const commitParser: CommandParser<CommitCommand> = command(
  "commit",
  object("Options of commit", {
    command: constant("commit" as const),
    files: multiple(option("-f", "--file", path, {
      description:
        message`A file or folder to commit, or - for standard input; may be given many times.`,
    })),
    paths: multiple(argument(path, {
      description:
        message`More files or folders to commit; each becomes an entry.`,
    })),
    name: optional(option("--name", newName, {
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
    resume: option("--resume", {
      description:
        message`Go on with a commit of it that was cut off; fail where there is none (default: go on where there is one).`,
    }),
    noResume: option("--no-resume", {
      description: message`Start anew, also where a commit of it was cut off.`,
    }),
    excludes: multiple(option("--exclude", filled("PATTERN", "a pattern"), {
      description:
        message`Leave out what matches, as in .gitignore; may be given many times.`,
    })),
    excludeFiles: multiple(option("--exclude-from", path, {
      description: message`Leave out what the patterns in this file match.`,
    })),
    oneFileSystem: option("-x", "--one-file-system", {
      description: message`Do not go into folders on other file systems.`,
    }),
    skipChanged: option("--skip-changed", {
      description:
        message`Leave out files that change while they are read (default: fail).`,
    }),
    skipUnreadable: option("--skip-unreadable", {
      description: message`Leave out what cannot be read (default: fail).`,
    }),
  }).map(({ files, paths, ...rest }) => ({
    ...rest,
    sources: [...files, ...paths],
  })),
  {
    brief:
      message`Store files and folders, each as a new entry with parity to rebuild it.`,
    usageLine: shortenUsage,
    description: listExamples(
      "commit video.mp4",
      "commit photos/ --exclude '*.tmp'",
      "commit -f a.iso -f b.iso -a /mnt/usb/archive",
      "commit notes.txt --name notes-2025 --policy erasure:10+4",
      "commit - --name db.sql < db.sql",
    ),
  },
);

/** The parser of import. */
export const importParser: CommandParser<ImportCommand> = command(
  "import",
  object("Options of import", {
    command: constant("import" as const),
    source: argument(folder, {
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
