// Another Debian or Ubuntu, by hand, as root, with Debian's mmdebstrap; after `deno task release`:
//
//   deno run -A tests/mount/debian.ts [SUITE [MIRROR [OPTION OF MMDEBSTRAP...]]]
//
// where the suite is trixie if none is named: Debian 13, with libfuse3.so.4. Makes that system in a
// temporary folder, installs there what lies in dist/, by install.sh and as a package, and runs tests
// with it: on that system's C library, libfuse, headers and compilers, and on this machine's kernel.
// Not part of the tests: a system is up to 2 GB. For Ubuntu: --components=main,universe, and --keyring.

import { equal, match, ok } from "node:assert/strict";
import { listTree, outputOf, repository } from "../package/desk.ts";

const dist = `${repository}/dist`;

/** What the tests below and install.sh need where a system has next to nothing. */
const packages = "apt,ca-certificates,curl,python3,xz-utils";

/** What runs on a system that is too old for the suite of every command: it has no b3sum. */
const oldTests = ["damage", "restore", "trees", "tree_restore"]
  .map((name) => `tests/e2e/${name}_test.ts`);

/** And where it has a libfuse 3; its headers lack names that are compared with newer ones. */
const oldMount = listTree(`${repository}/tests/mount`)
  .filter((name) => name.endsWith("_test.ts") && name !== "layout_test.ts")
  .map((name) => `tests/mount/${name}`);

/** Mounts with the package's program for mount(8), which looks in /sbin: /usr/sbin on most systems. */
const mountLine = "if test -L /sbin; then" +
  " cd /tmp && mkdir seen && cp /bin/ls it && blockframe commit it -a kept &&" +
  " mount -t fuse.blockframe /tmp/kept /tmp/seen && cmp it seen/it &&" +
  " umount seen; fi";

/** A system in a folder. What runs there ends, and what is mounted there is gone, with each command. */
class OtherSystem implements Disposable {
  readonly #folder: string = Deno.makeTempDirSync({ prefix: "blockframe-" });
  readonly #root: string = `${this.#folder}/root`;

  /** Makes it, with a copy of the checkout and this Deno in it. */
  make(suite: string, mirror: string, options: readonly string[]): void {
    outputOf("mmdebstrap", [
      ...["--quiet", "--variant=minbase", `--include=${packages}`],
      ...options,
      ...[suite, this.#root, mirror],
    ]);
    Deno.copyFileSync(Deno.execPath(), `${this.#root}/usr/local/bin/deno`);
    for (const name of ["deno", "checkout"]) {
      Deno.mkdirSync(`${this.#root}/${name}`);
    }
    const copy = `
      git ls-files -z --cached --others --exclude-standard |
        tar --null --create --files-from=- | tar --extract --directory="$1"`;
    const args = ["-ec", copy, "sh", `${this.#root}/checkout`];
    outputOf("sh", args, { cwd: repository });
  }

  /** Runs a command line there, as root in the checkout; shows what it prints, and gives it. */
  async run(line: string): Promise<string> {
    console.log(`\n$ ${line}`);
    const mounts = `
      mount --bind "$1" "$1"
      cd "$1"
      mount --rbind /dev dev
      mount --rbind /sys sys
      mount -t proc proc proc
      mount --bind "$2" deno
      pivot_root . mnt
      umount --lazy mnt
      exec sh -c "cd /checkout && $3"`;
    const child = new Deno.Command("unshare", {
      args: [
        ...["--mount", "--propagation", "private"],
        ...["--pid", "--fork", "--kill-child"],
        ...["sh", "-ec", mounts, "sh", this.#root, cacheFolder(), line],
      ],
      clearEnv: true,
      env: {
        PATH: "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        HOME: "/root",
        DENO_DIR: "/deno",
        DEBIAN_FRONTEND: "noninteractive",
        LC_ALL: "C.UTF-8",
        NO_COLOR: "1",
        BLOCKFRAME_E2E_PROGRAM: "/usr/bin/blockframe",
      },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    let text = "";
    const decoder = new TextDecoder();
    for await (const part of child.stdout) {
      Deno.stdout.writeSync(part);
      text += decoder.decode(part, { stream: true });
    }
    equal((await child.status).code, 0, line);
    return text;
  }

  /** Puts a file there, in its folder of temporary files. */
  put(path: string): void {
    Deno.copyFileSync(path, `${this.#root}/tmp/${path.split("/").at(-1)}`);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

/** Where Deno keeps the packages that the checkout imports. */
function cacheFolder(): string {
  return JSON.parse(outputOf(Deno.execPath(), ["info", "--json"])).denoDir;
}

async function main(
  suite = "trixie",
  mirror = "http://deb.debian.org/debian",
  ...options: readonly string[]
): Promise<void> {
  const deb = listTree(dist).find((path) => path.endsWith("_amd64.deb"));
  ok(deb !== undefined, "`deno task release` makes what is to be tried");
  using system = new OtherSystem();
  system.make(suite, mirror, options);
  await system.run(". /etc/os-release; echo $PRETTY_NAME; ldd --version");
  await installByScript(system);

  system.put(`${dist}/${deb}`);
  await system.run("apt-get update -qq");
  await system.run(`apt-get install -y -qq /tmp/${deb}`);
  await system.run("blockframe --version");
  const said = await system.run("blockframe self-test");
  const library = /mount: (libfuse .*)/.exec(said)?.[1];
  if (library !== undefined) await system.run(mountLine);
  // The test of that program brings its own.
  await system.run("rm /usr/sbin/mount.fuse.blockframe");
  const isNew = await system.run("apt-cache pkgnames b3sum") !== "";
  if (isNew) {
    await system.run("CI=true deno task test mount 'commands executable'");
  } else {
    await system.run("apt-get install -y -qq fio gcc libc6-dev");
    await system.run("command -v setpriv || apt-get install -y -qq setpriv");
    const tests = library === undefined ? oldTests : [...oldTests, ...oldMount];
    await system.run(`deno test -A --no-check --quiet ${tests.join(" ")}`);
  }
  await system.run("dpkg -r blockframe");
  console.log(`\nAll as it should be, with ${library ?? "no libfuse"}`);
}

/** Installs what a release offers, as docs/install.md says it, and takes the program away again. */
async function installByScript(system: OtherSystem): Promise<void> {
  const place = { onListen: () => {}, hostname: "127.0.0.1", port: 0 };
  await using server = Deno.serve(place, async (request) => {
    const name = new URL(request.url).pathname;
    return new Response((await Deno.open(`${dist}${name}`)).readable);
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  await system.run(`sh tools/install.sh --base-url ${url}`);
  match(await system.run("command -v blockframe"), /^\/usr\/local\/bin\//);
  await system.run("blockframe self-test");
  await system.run("rm /usr/local/bin/blockframe");
}

if (import.meta.main) await main(...Deno.args);
