// Grammar of mount.

import {
  command,
  constant,
  integer,
  message,
  multiple,
  object,
  option,
  optional,
  string,
  type ValueParser,
} from "@optique/core";
import type { MountCommand } from "./arguments.ts";
import {
  type CommandParser,
  describe,
  filled,
  path,
  shortenUsage,
} from "./grammar_parts.ts";

/** The largest number of a user or group. */
export const userNumberMax = 4_294_967_294;

/** Permission bits in octal. */
export const modePattern: RegExp = /^[0-7]{1,4}$/;

const mode: ValueParser<"sync", string> = string({
  metavar: "MODE",
  pattern: modePattern,
  errors: {
    patternMismatch: (input) => message`Expected octal digits, got ${input}`,
  },
});

const userNumber: ValueParser<"sync", number> = integer({
  metavar: "N",
  min: 0,
  max: userNumberMax,
});

/** The parser of mount. */
export const mountParser: CommandParser<MountCommand> = command(
  "mount",
  object("Options of mount", {
    command: constant("mount" as const),
    mountpoint: option("-m", "--mountpoint", path, {
      description: message`The folder to mount at.`,
    }),
    remote: optional(option("-r", "--remote", filled("URL", "a URL"), {
      description: message`A server's archive (not possible yet).`,
    })),
    foreground: option("--foreground", {
      description: message`Stay until it is unmounted (the default).`,
    }),
    background: option("--background", {
      description: message`Return once it can be used, and go on.`,
    }),
    cache: optional(option("--cache", filled("SIZE", "a size"), {
      description:
        message`Memory for verified bytes (default: 64MiB, at least 16MiB).`,
    })),
    noRepair: option("--no-repair", {
      description: message`Write nothing back that had to be rebuilt.`,
    }),
    allowOther: option("--allow-other", {
      description: message`Let other users look, too.`,
    }),
    uid: optional(option("--uid", userNumber, {
      description: message`Owner of all files, by number.`,
    })),
    gid: optional(option("--gid", userNumber, {
      description: message`Group of all files, by number.`,
    })),
    mode: optional(option("--mode", mode, {
      description: message`Permission bits of all files, in octal.`,
    })),
    mountOptions: multiple(option("-o", filled("LIST", "options"), {
      description:
        message`The same as one list, as mount(8) passes it: allow_other, no_repair, uid=N, gid=N, mode=MODE, cache=SIZE.`,
    })),
  }),
  {
    brief: message`Show the archive as a read-only file system.`,
    usageLine: shortenUsage,
    description: describe(
      message`Every byte is verified as it is read. What is damaged is rebuilt, and written back to the archive. Older versions lie in .versions. Ctrl+C, or fusermount3 -u with the folder, ends it.`,
      "mount -m /mnt/archive",
      "mount -m /mnt/archive -a /srv/archive --background --allow-other",
    ),
  },
);
