// Program command: the command line that starts this program once more, from its sources or as one
// executable.

import { isExecutable } from "../base/embedded.ts";
import { variableNames } from "./ports.ts";

// What `deno task start` has, but for the right to start anything: a child gets no more than this
// program may. tests/cli/program_command_test.ts compares the two.
const flags = [
  "--quiet",
  "--no-prompt",
  "--v8-flags=--max-semi-space-size=2",
  "--allow-read",
  "--allow-write",
  `--allow-env=${variableNames.join(",")}`,
  "--allow-sys=hostname,statfs",
  "--allow-ffi",
  "--allow-run=fusermount3",
];

/** The program and the words before the arguments of a user. */
export function programCommand(): [program: string, ...words: string[]] {
  const program = Deno.execPath();
  // What an executable may is part of it.
  if (isExecutable) return [program];
  return [program, "run", ...flags, Deno.mainModule];
}
