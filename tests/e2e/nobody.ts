// Nobody: runs the program as a user who may do nothing, where the tests are root's. Checkout, cache
// and even the `deno` binary may lie where only root can go, so that user gets copies of them.

import { equal } from "node:assert/strict";
import { type Home, ownHome, repository, type RunOptions } from "./program.ts";
import { makeTemporaryFolder } from "./workplace.ts";

const nobody = 65534;

/** Somebody who is not root. Where the tests are not root's, that is who runs them. */
export class Nobody implements Disposable {
  /** How to run the program as them. */
  readonly options: Partial<RunOptions>;
  readonly #folder: string | undefined;

  /** Makes copies of all that the program needs, readable for all. */
  constructor() {
    if (Deno.uid() !== 0) {
      this.options = {};
      return;
    }
    this.#folder = makeTemporaryFolder();
    this.options = {
      prefix: [
        "setpriv",
        `--reuid=${nobody}`,
        `--regid=${nobody}`,
        "--clear-groups",
      ],
      home: copyHome(this.#folder),
    };
  }

  /** Gives them a folder and everything in it. */
  own(folder: string): void {
    if (this.#folder !== undefined) runTool("chown", "-R", `${nobody}`, folder);
  }

  /** Removes the copies. */
  [Symbol.dispose](): void {
    if (this.#folder !== undefined) {
      Deno.removeSync(this.#folder, { recursive: true });
    }
  }
}

function copyHome(folder: string): Home {
  const home = {
    deno: `${folder}/deno`,
    repository: `${folder}/repository`,
    cache: `${folder}/cache`,
  };
  Deno.mkdirSync(home.repository);
  Deno.mkdirSync(home.cache);
  runTool("cp", ownHome.deno, home.deno);
  for (const part of ["main.ts", "deno.json", "deno.lock", "src", "ffi"]) {
    runTool("cp", "-r", `${repository}/${part}`, home.repository);
  }
  runTool("cp", "-r", `${ownHome.cache}/npm`, home.cache);
  runTool("chmod", "-R", "a+rX", folder);
  runTool("chmod", "a+rx", folder, home.deno);
  runTool("chown", "-R", `${nobody}`, home.cache);
  return home;
}

function runTool(program: string, ...args: string[]): void {
  const { code, stderr } = new Deno.Command(program, { args }).outputSync();
  equal(code, 0, new TextDecoder().decode(stderr));
}
