// Mac: what a test starts as the program on a Mac with macFUSE: the code for macOS, with the stand-in
// below it, which makes real mounts on this machine.

import { type Home, ownHome, repository } from "../e2e/home.ts";
import type { RunOptions } from "../e2e/program.ts";
import type { Workplace } from "../e2e/workplace.ts";
import { Mounted, runTool } from "../mount/mounted.ts";

const here = import.meta.dirname!;

/** The stand-in, built. Disposing removes it. */
export class Mac implements Disposable {
  /** What programs are started with. */
  readonly options: Pick<RunOptions, "home">;
  /** The stand-in's file. */
  readonly standin: string;
  readonly #folder: string;

  constructor() {
    this.#folder = Deno.makeTempDirSync();
    this.standin = `${this.#folder}/libfuse3.so`;
    runTool(
      "gcc",
      ...["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"],
      ...["-D_FILE_OFFSET_BITS=64", "-o", this.standin],
      ...[`${here}/standin/libfuse.c`, "-ldl"],
    );
    const home: Home = ownHome.kind === "checkout"
      ? {
        ...ownHome,
        main:
          `file://${repository}/tests/macfuse/main.ts?standin=${this.standin}`,
      }
      : ownHome;
    this.options = { home };
  }

  /** Mounts the workplace's archive. */
  mount(work: Workplace, options: readonly string[] = []): Promise<Mounted> {
    return Mounted.at(work, options, this.options);
  }

  /** Unmounts as its users do; the program must end well. Gives what it said. */
  async unmount(mounted: Mounted): Promise<string> {
    runTool("umount", mounted.path);
    return (await mounted.ending()).stdout;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}
