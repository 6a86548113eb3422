import { deepStrictEqual, equal, match, ok } from "node:assert/strict";
import { debianVersion } from "../../tools/release/deb.ts";
import { readElfNeeds } from "../../tools/release/elf.ts";
import { Desk, listTree, outputOf, run, version } from "./desk.ts";

const architecture = Deno.build.arch === "x86_64" ? "amd64" : "arm64";
const name = `blockframe_${version}_${architecture}.deb`;

Deno.test("deb: is installed by dpkg, runs, and is removed without a trace", () => {
  using desk = new Desk();
  desk.release("--deb");
  const root = makeRoot(`${desk.path}/root`);
  const before = listTree(root);
  outputOf("dpkg", [`--root=${root}`, "-i", `${desk.dist}/${name}`]);
  equal(
    outputOf(`${root}/usr/bin/blockframe`, ["--version"]),
    `blockframe ${version}\n`,
  );
  outputOf("md5sum", ["--check", "--quiet", digests(desk)], { cwd: root });
  equal(run("dpkg", [`--root=${root}`, "-r", "blockframe"]).code, 0);
  const left = listTree(root).filter((path) => !before.includes(path));
  deepStrictEqual(left.filter((path) => !path.startsWith("var/lib/dpkg")), []);
});

Deno.test("deb: dpkg refuses it where what it depends on is missing", () => {
  using desk = new Desk();
  desk.release("--deb");
  const root = makeRoot(`${desk.path}/root`);
  Deno.writeTextFileSync(`${root}/var/lib/dpkg/status`, "");
  const { code, stderr } = run("dpkg", [
    `--root=${root}`,
    "-i",
    `${desk.dist}/${name}`,
  ]);
  equal(code, 1);
  match(stderr, /blockframe depends on libc6 \(>= 2\.\d+\)/);
});

Deno.test("deb: what it needs it names as Debian and Ubuntu do, old and new", () => {
  using desk = new Desk();
  desk.release("--deb");
  const field = (wanted: string) =>
    outputOf("dpkg-deb", ["--field", `${desk.dist}/${name}`, wanted]).trim();
  match(field("Depends"), /^libc6 \(>= 2\.\d+\), libgcc-s1 \| libgcc1$/);
  equal(field("Recommends"), "fuse3, libfuse3-4 | libfuse3-3");
});

Deno.test("deb: its files are where Debian wants them, owned by root", () => {
  using desk = new Desk();
  desk.release("--deb");
  const rows = outputOf("dpkg-deb", ["-c", `${desk.dist}/${name}`]).trim()
    .split("\n").map((line) => line.split(/\s+/));
  for (const [mode, owner, , , , path] of rows) {
    equal(owner, "root/root");
    const executable = /^\.\/usr\/s?bin\/|\/$/.test(path!);
    equal(mode!.slice(1), executable ? "rwxr-xr-x" : "rw-r--r--", path);
  }
  deepStrictEqual(
    rows.map((row) => row[5]!).filter((path) => !path.endsWith("/")),
    [
      "bin/blockframe",
      "sbin/mount.fuse.blockframe",
      "share/bash-completion/completions/blockframe",
      "share/doc/blockframe/changelog.gz",
      "share/doc/blockframe/copyright",
      "share/doc/blockframe/examples/blockframe-health@.service",
      "share/doc/blockframe/examples/blockframe-health@.timer",
      "share/doc/blockframe/examples/blockframe-mount@.service",
      "share/fish/vendor_completions.d/blockframe.fish",
      "share/lintian/overrides/blockframe",
      "share/man/man1/blockframe.1.gz",
      "share/man/man8/mount.fuse.blockframe.8.gz",
      "share/zsh/vendor-completions/_blockframe",
    ].map((path) => `./usr/${path}`),
  );
});

Deno.test("deb: Depends names the glibc that objdump finds in the executable", async () => {
  using desk = new Desk();
  for (const path of [`${desk.dist}/blockframe`, Deno.execPath()]) {
    const { glibc, libraries, machine } = await readElfNeeds(path);
    const symbols = outputOf("objdump", ["-T", path]);
    const versions = [...symbols.matchAll(/GLIBC_([\d.]+)/g)].map((m) => m[1]!);
    equal(glibc, versions.sort(byNumbers).at(-1));
    const needed = outputOf("objdump", ["-p", path])
      .matchAll(/^ *NEEDED +(\S+)$/gm);
    deepStrictEqual(libraries, [...needed].map((found) => found[1]!));
    equal(machine, Deno.build.arch === "x86_64" ? 62 : 183);
  }
});

Deno.test("deb: what is no executable of that architecture is refused", () => {
  using desk = new Desk();
  const other = architecture === "amd64"
    ? "aarch64-unknown-linux-gnu"
    : "x86_64-unknown-linux-gnu";
  const path = `${desk.dist}/blockframe-${other}`;
  Deno.copyFileSync(`${desk.dist}/blockframe`, path);
  const wrong = desk.tryRelease(["--deb"]);
  equal(wrong.code, 1);
  match(wrong.stderr, /blockframe-.* is not for (arm64|amd64)/);
  Deno.writeTextFileSync(
    path,
    "#!/bin/sh\n# Deno/2.9.6 15.0.245.2-rusty".padEnd(99),
  );
  const script = desk.tryRelease(["--deb"]);
  equal(script.code, 1);
  match(script.stderr, /is no 64-bit little-endian ELF file/);
});

Deno.test("deb: a pre-release is older than its release, for dpkg", () => {
  const older = debianVersion("1.0.0-rc.1");
  outputOf("dpkg", ["--compare-versions", older, "lt", debianVersion("1.0.0")]);
  ok(!older.includes("-"), "a dash would make it a package that is not native");
});

/** The digests that the package holds of its own files, as a file. */
function digests(desk: Desk): string {
  outputOf("dpkg-deb", [
    "--raw-extract",
    `${desk.dist}/${name}`,
    `${desk.path}/raw`,
  ]);
  return `${desk.path}/raw/DEBIAN/md5sums`;
}

/** A root that dpkg takes for this system, with its list of packages and no file of them. */
function makeRoot(path: string): string {
  for (const folder of ["info", "updates", "triggers"]) {
    Deno.mkdirSync(`${path}/var/lib/dpkg/${folder}`, { recursive: true });
  }
  Deno.copyFileSync("/var/lib/dpkg/status", `${path}/var/lib/dpkg/status`);
  return path;
}

function byNumbers(one: string, other: string): number {
  return one.localeCompare(other, "en", { numeric: true });
}
