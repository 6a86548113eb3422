// Every command: each command there is does its work once, for real. Runs against the checkout and
// against each kind of executable, so that a part that one of them lacks (a thread, a library, an
// embedded file) is met. A command without a scene in scenes.ts fails the first test.

import { deepEqual, ok } from "node:assert/strict";
import { commandNames } from "../../src/cli/grammar.ts";
import type { Ending, Running, RunOptions } from "../e2e/program.ts";
import { Workplace } from "../e2e/workplace.ts";
import { scenes } from "./scenes.ts";

/** A workplace that keeps in mind which words the program was given. */
class Stage extends Workplace {
  readonly words: Set<string> = new Set();

  override run(
    args: readonly string[],
    options: Partial<RunOptions> = {},
  ): Promise<Ending> {
    for (const word of args) this.words.add(word);
    return super.run(args, options);
  }

  override start(
    args: readonly string[],
    options: Partial<RunOptions> = {},
  ): Running {
    for (const word of args) this.words.add(word);
    return super.start(args, options);
  }
}

Deno.test("every command of the grammar and of --help has a scene", async () => {
  deepEqual(Object.keys(scenes).sort(), [...commandNames].sort());
  using work = new Workplace({ config: undefined });
  const { stdout } = await work.expect(0, ["--help"]);
  const list = /^Commands:\n((?: .*\n)+)/m.exec(stdout)?.[1] ?? "";
  const helped = [...list.matchAll(/^ {2}(\w[\w-]*)/gm)].map((one) => one[1]!);
  ok(helped.length > 10, stdout);
  const strangers = helped.filter((name) =>
    name !== "help" && !commandNames.includes(name)
  );
  deepEqual(strangers, []);
});

for (const [command, play] of Object.entries(scenes)) {
  Deno.test(`${command} does its work`, async () => {
    using stage = new Stage({ config: undefined, seed: 77 });
    await play(stage);
    ok(stage.words.has(command), `the scene runs ${command}`);
  });
}
