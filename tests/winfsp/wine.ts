// The real program for Windows under Wine, by hand, with Debian's wine64 and gcc-mingw-w64-x86-64-win32:
// `deno run -A tests/winfsp/wine.ts DENO.EXE` runs the checkout, and with BLOCKFRAME.EXE as well, the
// executable that `deno compile` made, that. Mounts an archive with damage twice, once with the
// stand-in in the place of WinFsp's library, once with that library itself and the stand-in in the place
// of its driver; what a robot copies out must be what went in. Not part of the tests: Wine is 700 MB.

import { equal, match, ok } from "node:assert/strict";
import { equalBytes } from "../../src/base/bytes.ts";
import { encodeWindowsName } from "../../src/view/windows_names.ts";
import { rot } from "../e2e/damage.ts";
import { listFiles } from "../e2e/tree.ts";
import { Workplace } from "../e2e/workplace.ts";
import { compiler, fetchCrate, runProgram } from "./headers.ts";

const root = new URL("../../", import.meta.url).pathname;
const sources = `${import.meta.dirname}/standin`;

/** Where Wine and its Windows are. */
class WineDesk {
  readonly path: string;
  readonly hasExecutable: boolean;
  readonly #wine: string;

  constructor(path: string, hasExecutable: boolean) {
    this.path = path;
    this.hasExecutable = hasExecutable;
    const places = ["/usr/lib/wine/wine64", "/usr/bin/wine64", "/usr/bin/wine"];
    this.#wine = places.find((each) => {
      try {
        return Deno.statSync(each).isFile;
      } catch {
        return false;
      }
    })!;
  }

  /** Runs a program of Windows. */
  async run(args: readonly string[], env: Record<string, string> = {}) {
    const { code, stdout, stderr } = await new Deno.Command(this.#wine, {
      args: [...args],
      cwd: this.path,
      env: {
        WINEDEBUG: "-all",
        WINEPREFIX: `${this.path}/prefix`,
        DENO_DIR: `${this.path}/cache`,
        ...env,
      },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout).replaceAll("\r", ""),
      stderr: decoder.decode(stderr).replaceAll("\r", ""),
    };
  }

  /** Runs a script with Deno for Windows. */
  async deno(
    script: string,
    args: readonly string[],
    env: Record<string, string> = {},
  ) {
    const run = ["run", "-A", "--no-check", "--quiet", windowsPath(script)];
    return await this.run([`${this.path}/deno.exe`, ...run, ...args], env);
  }

  /** Runs blockframe: the executable where there is one, else the checkout with Deno for Windows. */
  async blockframe(
    args: readonly string[],
    env: Record<string, string> = {},
  ) {
    const path = `${this.path}/blockframe.exe`;
    return await (this.hasExecutable
      ? this.run([path, ...args], env)
      : this.deno(`${root}main.ts`, args, env));
  }
}

function windowsPath(path: string): string {
  return `Z:${path.replaceAll("/", "\\")}`;
}

/** Builds a library for Windows. */
async function build(
  crate: string,
  source: string,
  target: string,
  ...options: readonly string[]
): Promise<void> {
  await runProgram(compiler, [
    ...["-shared", "-O1", "-w", `-I${crate}/winfsp/inc`, ...options],
    ...["-o", target, `${sources}/${source}`],
    ...["-static", "-lpthread", "-ladvapi32"],
  ]);
}

/** An archive of a tree and a file, both with damage; gives what is in it, by Windows' paths. */
async function grow(work: Workplace): Promise<Map<string, Uint8Array>> {
  work.makeFolder("tree/a b");
  const paths = ["tree/a:b", "tree/con", "tree/ünï.", "tree/a b/deep", "video"];
  const files = new Map<string, Uint8Array>();
  for (const [index, path] of paths.entries()) {
    const shown = path.split("/").map(encodeWindowsName).join("/");
    files.set(shown, work.fill(path, 123_456 * index));
  }
  await Deno.symlink("a b", work.at("tree/link"));
  await work.expect(0, ["commit", "tree", "video"]);
  harm(work);
  return files;
}

/** Damages a shard of every entry. */
function harm({ archive }: Workplace): void {
  const shards = listFiles(archive).filter((path) =>
    /(segment_0*[03]|replica_0)\.dat$/.test(path)
  );
  for (const path of shards) rot(`${archive}/${path}`, 100, 900);
  ok(shards.length > 0);
}

/** Commits, repairs and restores; what comes back must be what went in. */
async function keep(desk: WineDesk): Promise<void> {
  using work = new Workplace();
  work.makeFolder("tree/a b");
  work.makeFolder("back");
  const paths = ["tree/a b/deep", "tree/ünï", "tree/empty", "video"];
  for (const [index, path] of paths.entries()) {
    work.fill(path, index === 2 ? 0 : 4_123_456 * index ** 2 + 1);
  }
  const at = (path: string) => windowsPath(work.at(path));
  const expect = async (code: number, ...args: readonly string[]) => {
    const run = await desk.blockframe([...args, "-a", at(archive)]);
    equal(run.code, code, run.stdout + run.stderr);
  };
  const archive = work.archive.slice(work.path.length + 1);
  await expect(0, "commit", at("tree"), at("video"));
  harm(work);
  await expect(4, "health", "--check");
  await expect(1, "health");
  await expect(0, "health", "--check");
  harm(work);
  for (const name of ["tree", "video"]) {
    await expect(1, "restore", name, "-o", at(`back/${name}`));
  }
  for (const path of paths) {
    ok(equalBytes(work.read(`back/${path}`), work.read(path)), path);
  }
  console.log("Committed, repaired and restored");
}

/** Mounts under Wine; what the robot copied must be right, and the archive healed. */
async function mount(
  desk: WineDesk,
  where: string,
  ...options: readonly string[]
): Promise<void> {
  using work = new Workplace();
  const files = await grow(work);
  const output = work.makeFolder("output");
  const archive = windowsPath(work.archive);
  const started = performance.now();
  const { code, stdout, stderr } = await desk.blockframe(
    ["mount", "-m", where, "-a", archive, ...options],
    { WINFSP_ROBOT: windowsPath(output).replaceAll("\\", "/") },
  );
  equal(code, 0, stdout + stderr);
  match(stdout, /mounted at [A-Z]:\n/);
  // In the background the robot may still be at it.
  while (options.length > 0 && !listFiles(output).includes("robot.txt")) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const report = (await Deno.readTextFile(`${output}/robot.txt`)).trim();
  console.log(`  ${Math.round(performance.now() - started)} ms: ${report}`);
  const { problem, strays, misshapen } = JSON.parse(report);
  equal(`${problem}${strays}${misshapen}`, "00");
  for (const [path, content] of files) {
    ok(equalBytes(work.read(`output/${path}`), content), path);
  }
  if (options.length > 0) return; // who serves says so elsewhere
  match(
    stderr,
    /Damage was met: \d+ leaves? rebuilt, \d+ written back, 0 lost/,
  );
}

if (import.meta.main) {
  const [program, executable] = Deno.args;
  if (program === undefined) {
    console.error(
      "usage: deno run -A tests/winfsp/wine.ts DENO.EXE [BLOCKFRAME.EXE]",
    );
    Deno.exit(16);
  }
  const desk = new WineDesk(await Deno.makeTempDir(), executable !== undefined);
  try {
    const crate = await fetchCrate();
    const installed =
      `${desk.path}/prefix/drive_c/Program Files (x86)/WinFsp/bin`;
    const shim = `${desk.path}/bcryptprimitives.dll`;
    const library = `${installed}/winfsp-x64.dll`;
    await Deno.copyFile(program, `${desk.path}/deno.exe`);
    if (executable !== undefined) {
      await Deno.copyFile(executable, `${desk.path}/blockframe.exe`);
    }
    await desk.run(["wineboot", "-i"]);
    await Deno.mkdir(installed, { recursive: true });
    await build(crate, "wine.c", shim);
    const version = await desk.blockframe(["--version"]);
    console.log(version.stdout.trim());

    const fold = await desk.deno(`${sources}/fold.ts`, []);
    console.log(`Names that differ in case: ${fold.stdout.trim()}`);
    equal(JSON.parse(fold.stdout).apart.length, 0);

    await keep(desk);

    const without = await desk.blockframe([
      ...["mount", "-m", "X:", "-a", windowsPath(root)],
    ]);
    equal(without.code, 8);
    match(without.stderr, /WinFsp is not on this machine/);

    console.log("The stand-in in the place of WinFsp's library");
    await build(crate, "standin.c", library);
    await mount(desk, "X:");
    await mount(desk, "*");

    console.log("WinFsp's library, the stand-in in the place of its driver");
    await Deno.copyFile(`${crate}/winfsp/bin/winfsp-x64.dll`, library);
    await build(crate, "wine.c", shim, "-DSTANDIN_DRIVER");
    await mount(desk, "X:");
    await mount(desk, "*");
    await mount(desk, "Y:", "--background");
    const test = await desk.blockframe(["self-test"]);
    match(test.stdout, /mount: WinFsp 2\.1\n/);
    equal(test.code, 0, test.stdout);
    console.log("All as it should be");
  } finally {
    await desk.run(["wineboot", "-k"]);
    await Deno.remove(desk.path, { recursive: true });
  }
}
