// What a background mount is started with is repeated from deno.json, where no program may look.

import { deepEqual, equal } from "node:assert/strict";
import { programCommand } from "../../src/cli/program_command.ts";

/** The words of the task `start` between `deno` and the program. */
function startFlags(): string[] {
  const file = new URL("../../deno.json", import.meta.url);
  const { tasks } = JSON.parse(Deno.readTextFileSync(file));
  const words = (tasks.start.command as string).split(" ");
  deepEqual([words[0], words[1], words.at(-1)], ["deno", "run", "main.ts"]);
  return words.slice(2, -1);
}

Deno.test("programCommand() has the flags of the task start, and may start only fusermount3", () => {
  const [program, verb, ...rest] = programCommand();
  equal(program, Deno.execPath());
  equal(verb, "run");
  equal(rest.pop(), Deno.mainModule);
  const narrowed = startFlags().map((flag) =>
    flag === "--allow-run" ? "--allow-run=fusermount3" : flag
  );
  deepEqual(rest, narrowed);
});
