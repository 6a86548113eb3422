// Shell: real shells that complete a command line as they do when somebody presses the key. The
// program is on their PATH under its name, as a user has it.

import { deepEqual, equal, match } from "node:assert/strict";
import { startOf } from "../e2e/home.ts";

/** A folder with an archive in it, the scripts of all shells, and the program on the PATH. */
export class Desk implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "blockframe_shell_" });

  /** Runs a program here to its end; it must succeed. Gives what it printed. */
  run(
    words: readonly string[],
    variables: Record<string, string> = {},
  ): string {
    const { success, stdout, stderr } = new Deno.Command(words[0]!, {
      args: words.slice(1),
      cwd: this.path,
      clearEnv: true,
      env: {
        PATH: `${this.path}/bin:${Deno.env.get("PATH")}`,
        HOME: this.path,
        LANG: "C.UTF-8",
        ...startOf([]).env,
        ...variables,
      },
      stdin: "null",
    }).outputSync();
    const decoder = new TextDecoder();
    const said = decoder.decode(stderr);
    equal(success, true, `${words.join(" ")}: ${said}`);
    equal(said, "", words.join(" "));
    return decoder.decode(stdout);
  }

  /** Puts the program on the PATH, and a file named `name` into the archive, for each of `names`. */
  furnish(names: readonly string[]): void {
    const { words } = startOf([]);
    Deno.mkdirSync(`${this.path}/bin`);
    Deno.writeTextFileSync(
      `${this.path}/bin/blockframe`,
      `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(" ")} "$@"\n`,
      { mode: 0o755 },
    );
    for (const name of names) {
      Deno.writeTextFileSync(`${this.path}/${name}`, name);
    }
    this.run(["blockframe", "commit", "-q", "--", ...names]);
    for (const name of names) Deno.removeSync(`${this.path}/${name}`);
  }

  /** Writes the script of a shell; gives its path. */
  writeScript(shell: string): string {
    const path = `${this.path}/completions.${shell}`;
    const script = this.run(["blockframe", "completions", shell]);
    match(script, /blockframe/);
    Deno.writeTextFileSync(path, script);
    return path;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Compares what a shell offers for each line with what is wanted, in any order. */
export function assertOffers(
  offer: (line: string) => readonly string[],
  rows: Readonly<Record<string, readonly string[]>>,
): void {
  for (const [line, wanted] of Object.entries(rows)) {
    deepEqual({ line, offered: [...offer(line)].sort() }, {
      line,
      offered: [...wanted].sort(),
    });
  }
}
