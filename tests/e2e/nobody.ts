// Nobody: runs the program as a user who may do nothing, where the tests are root's. The executable,
// or checkout, cache and even the `deno` binary, may lie where only root can go, so that user gets
// copies of them.

import { equal } from "node:assert/strict";
import { type Checkout, type Home, ownHome } from "./home.ts";
import type { RunOptions } from "./program.ts";
import { makeTemporaryFolder } from "./workplace.ts";

const nobody = 65534;
const toNobody = [
  "setpriv",
  `--reuid=${nobody}`,
  `--regid=${nobody}`,
  "--clear-groups",
];

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
    this.options = { prefix: toNobody, home: copyHome(ownHome, this.#folder) };
  }

  /** Gives them a folder and everything in it. */
  own(folder: string): void {
    if (this.#folder !== undefined) runTool("chown", "-R", `${nobody}`, folder);
  }

  /** Lets them look at a folder and change nothing in it, until disposed. */
  look(folder: string): Disposable {
    Deno.chmodSync(folder, 0o555);
    return { [Symbol.dispose]: () => Deno.chmodSync(folder, 0o755) };
  }

  /** Removes the copies. */
  [Symbol.dispose](): void {
    if (this.#folder !== undefined) {
      Deno.removeSync(this.#folder, { recursive: true });
    }
  }
}

function copyHome(home: Home, folder: string): Home {
  runTool("chmod", "a+rx", folder);
  return home.kind === "checkout"
    ? copyCheckout(home, folder)
    : { kind: "executable", path: copyProgram(home.path, folder) };
}

/** Gives the path of a program that nobody can start. */
function copyProgram(path: string, folder: string): string {
  const [tool, ...args] = [...toNobody, "test", "-x", path];
  if (new Deno.Command(tool!, { args }).outputSync().success) return path;
  const copy = `${folder}/${path.slice(path.lastIndexOf("/") + 1)}`;
  runTool("cp", path, copy);
  runTool("chmod", "a+rx", copy);
  return copy;
}

function copyCheckout(own: Checkout, folder: string): Checkout {
  const home: Checkout = {
    kind: "checkout",
    deno: copyProgram(own.deno, folder),
    repository: `${folder}/repository`,
    cache: `${folder}/cache`,
  };
  Deno.mkdirSync(home.repository);
  Deno.mkdirSync(home.cache);
  for (const part of ["main.ts", "deno.json", "deno.lock", "src", "ffi"]) {
    runTool("cp", "-r", `${own.repository}/${part}`, home.repository);
  }
  runTool("cp", "-r", `${own.cache}/npm`, home.cache);
  runTool("chmod", "-R", "a+rX", folder);
  runTool("chown", "-R", `${nobody}`, home.cache);
  return home;
}

function runTool(program: string, ...args: string[]): void {
  const { code, stderr } = new Deno.Command(program, { args }).outputSync();
  equal(code, 0, new TextDecoder().decode(stderr));
}
