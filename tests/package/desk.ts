// Desk: a temporary folder with a `dist/` in which lies a small executable in place of the program,
// and ways to run the release task and other programs there.

import { equal } from "node:assert/strict";
import configuration from "../../deno.json" with { type: "json" };

/** The root of the checkout. */
export const repository: string = decodeURIComponent(
  new URL("../../", import.meta.url).pathname,
).replace(/\/$/, "");

/** The version that is packed. */
export const version: string = configuration.version;

/** All that a download must hold and an installation put into its place. */
export const filesInDownload: readonly string[] = [
  "bin/blockframe",
  "share/bash-completion/completions/blockframe",
  "share/doc/blockframe/LICENSE",
  "share/doc/blockframe/THIRD-PARTY.txt",
  "share/fish/vendor_completions.d/blockframe.fish",
  "share/man/man1/blockframe.1",
  "share/zsh/site-functions/_blockframe",
];

/** How a program ended and what it said. */
export interface Ending {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a program may be given besides its arguments. */
export interface RunOptions {
  readonly cwd?: string;
  /** Bits that files made are not to have, in octal; the process's own is every test's. */
  readonly umask?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A temporary folder with a `dist/`. */
export class Desk implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "blockframe-" });
  readonly dist: string = `${this.path}/dist`;

  /** Makes the folder, and the executable that says it is of version `said`. */
  constructor(said: string = version) {
    Deno.mkdirSync(this.dist);
    const { code, stderr } = run("gcc", [
      "-s",
      `-DVERSION="${said}"`,
      "-o",
      `${this.dist}/blockframe`,
      `${repository}/tests/package/stand_in.c`,
      ...["-Wl,--no-as-needed", "-lgcc_s"], // which the program needs, too
    ]);
    equal(code, 0, stderr);
  }

  /** Runs the task `release` (or, with `--deb`, the task `deb`), which must succeed. */
  release(...args: string[]): void {
    const { code, stderr } = this.tryRelease(args);
    equal(code, 0, stderr);
  }

  /** Runs the task `release` to its end. */
  tryRelease(args: readonly string[] = [], options: RunOptions = {}): Ending {
    const words = configuration.tasks.release.command.split(" ");
    const permissions = words.filter((word) => word.startsWith("--"));
    return run(Deno.execPath(), [
      "run",
      ...permissions,
      "--config",
      `${repository}/deno.json`,
      `${repository}/tools/release.ts`,
      "--dist",
      this.dist,
      ...args,
    ], {
      ...options,
      env: { SOURCE_DATE_EPOCH: "1700000000", ...options.env },
    });
  }

  /** Bytes of a file of `dist/`. */
  read(name: string): Uint8Array<ArrayBuffer> {
    return Deno.readFileSync(`${this.dist}/${name}`);
  }

  /** Text of a file of `dist/`. */
  readText(name: string): string {
    return Deno.readTextFileSync(`${this.dist}/${name}`);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Runs a program to its end. */
export function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Ending {
  const { umask, ...others } = options;
  const words = umask === undefined
    ? [program, ...args]
    : ["sh", "-c", `umask ${umask}; exec "$@"`, "sh", program, ...args];
  const output = new Deno.Command(words[0]!, {
    args: words.slice(1),
    stdin: "null",
    ...others,
    env: { LC_ALL: "C.UTF-8", DENO_NO_UPDATE_CHECK: "1", ...options.env },
  }).outputSync();
  return decodeEnding(output);
}

/** The ending of a program, what it printed as text. */
export function decodeEnding(
  { code, stdout, stderr }: Deno.CommandOutput,
): Ending {
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** Runs a program that must succeed, and gives what it printed. */
export function outputOf(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): string {
  const { code, stdout, stderr } = run(program, args, options);
  equal(code, 0, `${program} ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

/** Paths of everything below a folder, folders with a slash at the end, sorted. */
export function listTree(folder: string, prefix = ""): string[] {
  const found: string[] = [];
  for (const entry of Deno.readDirSync(folder)) {
    const path = `${prefix}${entry.name}`;
    if (!entry.isDirectory) found.push(path);
    else {
      found.push(
        `${path}/`,
        ...listTree(`${folder}/${entry.name}`, `${path}/`),
      );
    }
  }
  return found.sort();
}
