import {
  deepStrictEqual,
  doesNotMatch,
  equal,
  match,
  ok,
} from "node:assert/strict";
import { filesInDownload, listTree, version } from "./desk.ts";
import { download, script, Visit } from "./visit.ts";

/** Nothing was installed and nothing is left over. */
function assertNothing(visit: Visit): void {
  let left: string[] = [];
  try {
    left = listTree(visit.prefix);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  deepStrictEqual(left.filter((path) => path !== "bin/"), []);
}

for (const shell of [["dash"], ["busybox", "sh"], ["bash", "--posix"]]) {
  Deno.test(`install.sh: ${shell.join(" ")} installs everything, also over what is there`, async () => {
    await using visit = new Visit();
    const first = await visit.install(undefined, { shell });
    equal(first.code, 0, first.stderr);
    match(first.stderr, new RegExp(`Installed blockframe ${version} as `));
    const installed = () =>
      listTree(visit.prefix).filter((path) => !path.endsWith("/"));
    deepStrictEqual(installed(), filesInDownload);
    deepStrictEqual(
      await Deno.readFile(`${visit.prefix}/bin/blockframe`),
      visit.program,
    );
    const { mode } = await Deno.stat(`${visit.prefix}/bin/blockframe`);
    equal(mode! & 0o777, 0o755);
    const second = await visit.install(undefined, { shell });
    equal(second.code, 0, second.stderr);
    deepStrictEqual(installed(), filesInDownload);
  });
}

Deno.test("install.sh: works with wget, GNU's and busybox's, where there is no curl", async () => {
  for (const wget of ["/usr/bin/wget", "/usr/bin/busybox wget"]) {
    await using visit = new Visit();
    const { PATH } = visit.pretend({ wget: `exec ${wget} "$@"` });
    const folder = PATH.split(":")[0]!;
    const needed =
      "uname getconf sha256sum xz tar mktemp mkdir rm mv grep sed find id sync cat dirname"
        .split(" ");
    for (const name of needed) {
      await Deno.symlink(findProgram(name), `${folder}/${name}`);
    }
    const { code, stderr } = await visit.install(undefined, {
      shell: ["/usr/bin/dash"],
      env: { PATH: folder },
    });
    equal(code, 0, stderr);
    ok(listTree(visit.prefix).includes("bin/blockframe"));
  }
});

Deno.test("install.sh: from a folder, as on a stick, without a network", async () => {
  await using visit = new Visit();
  const folder = `${visit.path}/a stick`;
  await Deno.mkdir(folder);
  for (const [name, bytes] of visit.files) {
    await Deno.writeFile(`${folder}/${name}`, bytes);
  }
  const failing = "echo no network >&2; exit 9";
  const env = visit.pretend({ curl: failing, wget: failing });
  for (const from of [folder, "./a stick"]) {
    const args = ["--base-url", from, "--prefix", visit.prefix];
    const { code, stderr } = await visit.install(args, { env });
    equal(code, 0, stderr);
    match(stderr, new RegExp(`^Installed blockframe ${version} as `));
    ok(listTree(visit.prefix).includes("bin/blockframe"));
    await Deno.remove(visit.prefix, { recursive: true });
  }
  await Deno.writeTextFile(`${folder}/${download}`, "x", { append: true });
  const args = ["--base-url", folder, "--prefix", visit.prefix];
  const changed = await visit.install(args, { env });
  equal(changed.code, 1);
  match(changed.stderr, /is not what SHA256SUMS says/);
  assertNothing(visit);
  await Deno.remove(`${folder}/SHA256SUMS`);
  const none = await visit.install(args, { env });
  equal(none.code, 1);
  match(none.stderr, /Cannot copy .*\/a stick\/SHA256SUMS\n$/);
  assertNothing(visit);
});

Deno.test("install.sh: says where another program of that name comes first in the PATH", async () => {
  await using visit = new Visit();
  const bin = `${visit.prefix}/bin`;
  const { PATH } = visit.pretend({ blockframe: "exit 0" });
  const warning =
    /^Another blockframe comes first in your PATH: .*\/pretend\//m;
  const shadowed = await visit.install(undefined, {
    env: { PATH: `${PATH}:${bin}` },
  });
  equal(shadowed.code, 0);
  match(shadowed.stderr, warning);
  const first = await visit.install(undefined, {
    env: { PATH: `${bin}:${PATH}` },
  });
  equal(first.code, 0);
  doesNotMatch(first.stderr, /PATH/);
});

Deno.test("install.sh: a changed download is not installed and never run", async () => {
  await using visit = new Visit();
  const mark = `${visit.path}/was_run`;
  await visit.publish(await pack(visit, `touch '${mark}'`));
  const right = await visit.install();
  equal(right.code, 0, right.stderr);
  await Deno.remove(mark); // it would be there
  await Deno.remove(visit.prefix, { recursive: true });

  const bytes = visit.files.get(download)!.slice();
  const sums = visit.files.get("SHA256SUMS")!.slice();
  const [zero, one] = [0x30, 0x31];
  sums[0] = sums[0] === zero ? one : zero; // another digit of the digest
  visit.files.set("SHA256SUMS", sums);
  const wrongSum = await visit.install();
  equal(wrongSum.code, 1);
  match(
    wrongSum.stderr,
    /is not what SHA256SUMS says .* Nothing was installed/s,
  );
  assertNothing(visit);

  await visit.publish(bytes);
  bytes[bytes.length >> 1]! ^= 1;
  const wrongByte = await visit.install();
  equal(wrongByte.code, 1);
  match(wrongByte.stderr, /is not what SHA256SUMS says/);
  assertNothing(visit);
  ok(!listTree(visit.path).includes("was_run"));
});

Deno.test("install.sh: a download that is cut short is not installed", async () => {
  await using visit = new Visit();
  visit.cut.add(download);
  const { code, stderr } = await visit.install();
  equal(code, 1);
  match(stderr, /is not what SHA256SUMS says/);
  assertNothing(visit);
});

Deno.test("install.sh: a failed download leaves the version that is there", async () => {
  await using visit = new Visit();
  equal((await visit.install()).code, 0);
  const before = listTree(visit.prefix);
  visit.files.delete(download);
  const { code, stderr } = await visit.install();
  equal(code, 1);
  match(stderr, /Cannot download http.*\.tar\.xz/);
  deepStrictEqual(listTree(visit.prefix), before);
  deepStrictEqual(
    await Deno.readFile(`${visit.prefix}/bin/blockframe`),
    visit.program,
  );
});

Deno.test("install.sh: without sums, or sums without the file, nothing is downloaded", async () => {
  await using visit = new Visit();
  const sums = new TextDecoder().decode(visit.files.get("SHA256SUMS")!);
  const line = sums.split("\n").find((one) => one.endsWith(download))!;
  const cases: [string | undefined, RegExp][] = [
    [undefined, /Cannot download .*SHA256SUMS/],
    ["", /names 0 downloads of any version/],
    [sums.replace(download, "blockframe-1-other.tar.xz"), /names 0 downloads/],
    [sums.replace(download, `../${download}`), /names 0 downloads/],
    [`${line}\n${line}\n`, /names 2 downloads/],
    [`${line.slice(1)}\n`, /names 0 downloads/],
  ];
  for (const [text, reason] of cases) {
    if (text === undefined) visit.files.delete("SHA256SUMS");
    else visit.files.set("SHA256SUMS", new TextEncoder().encode(text));
    const { code, stderr } = await visit.install();
    equal(code, 1);
    match(stderr, reason);
    assertNothing(visit);
  }
  deepStrictEqual(new Set(visit.asked), new Set(["SHA256SUMS"]));
});

Deno.test("install.sh: a program that does not run here is not installed", async () => {
  await using visit = new Visit();
  // A true archive with the right digest, of a program that ends with an error.
  await visit.publish(await pack(visit, "exit 3"));
  const { code, stderr } = await visit.install();
  equal(code, 1);
  match(stderr, /does not run here .*nothing was installed/);
  assertNothing(visit);
});

Deno.test("install.sh: a place where nothing can be written is refused before a download", async () => {
  await using visit = new Visit();
  await Deno.mkdir(visit.prefix);
  const args = ["--bind", visit.prefix, visit.prefix];
  // As root, permission bits say nothing: a read-only mount does, in a name space of its own.
  const shell = [
    "unshare",
    "--mount",
    "sh",
    "-c",
    `mount ${args.map((word) => `'${word}'`).join(" ")} &&
     mount -o remount,bind,ro '${visit.prefix}' && exec dash "$@"`,
    "sh",
  ];
  const { code, stderr } = await visit.install(undefined, { shell });
  equal(code, 1);
  match(stderr, /Cannot write to .*choose another folder with --prefix/);
  deepStrictEqual(visit.asked, []);
});

Deno.test("install.sh: a full disk leaves nothing behind", async () => {
  await using visit = new Visit();
  await Deno.mkdir(visit.prefix);
  const shell = [
    "unshare",
    "--mount",
    "sh",
    "-c",
    `mount -t tmpfs -o size=12k tmpfs '${visit.prefix}' && dash "$@"
     code=$?; ls -A '${visit.prefix}' '${visit.prefix}/bin'; exit $code`,
    "sh",
  ];
  const { code, stdout, stderr } = await visit.install(undefined, { shell });
  equal(code, 1);
  match(stderr, /No space left|write error/);
  equal(stdout, `${visit.prefix}:\nbin\n\n${visit.prefix}/bin:\n`);
});

Deno.test("install.sh: machines that the program does not run on are told why", async () => {
  const cases: [Record<string, string>, RegExp][] = [
    [
      { uname: machine("Linux", "armv7l") },
      /32-bit \(armv7l\).*64-bit Raspberry Pi OS/s,
    ],
    [
      { uname: machine("Linux", "aarch64"), getconf: "echo 32" },
      /kernel is 64-bit .*programs are 32-bit/s,
    ],
    [
      {
        uname: machine("Linux", "x86_64"),
        getconf: "[ $1 = LONG_BIT ] && echo 64",
      },
      /no glibc .*musl/s,
    ],
    [
      {
        uname: machine("Linux", "x86_64"),
        getconf: "[ $1 = LONG_BIT ] && echo 64 || echo glibc 2.26",
      },
      /glibc 2\.26, and BlockFrame needs 2\.27/,
    ],
    [{ uname: machine("Linux", "riscv64") }, /processors of the kind riscv64/],
    [{ uname: machine("FreeBSD", "amd64") }, /no download for FreeBSD/],
    [
      { uname: machine("Darwin", "arm64") },
      /names 0 downloads .*aarch64-apple-darwin/s,
    ],
    [
      {
        uname: machine("Linux", "arm64"),
        getconf: "[ $1 = LONG_BIT ] && echo 64 || echo glibc 2.41",
      },
      /names 0 downloads .*aarch64-unknown-linux-gnu/s,
    ],
  ];
  for (const [programs, reason] of cases) {
    await using visit = new Visit();
    const env = visit.pretend(programs);
    const { code, stderr } = await visit.install(undefined, { env });
    equal(code, 1, stderr);
    match(stderr, reason);
    assertNothing(visit);
  }
});

Deno.test("install.sh: the version that is asked for, or none", async () => {
  await using visit = new Visit();
  const base = ["--prefix", visit.prefix];
  const other = await visit.install([
    ...base,
    "--base-url",
    visit.url,
    "--version",
    "7.0.0",
  ]);
  equal(other.code, 1);
  match(other.stderr, /names 0 downloads of 7\.0\.0 for /);
  for (const [name, bytes] of [...visit.files]) {
    visit.files.set(`${version}/${name}`, bytes);
    visit.files.delete(name);
  }
  const found = await visit.install([
    ...base,
    "--base-url",
    `${visit.url}/{version}/`,
    "--version",
    version,
  ]);
  equal(found.code, 0, found.stderr);
});

Deno.test("install.sh: the default prefix is the user's, or /usr/local for root", async () => {
  await using visit = new Visit();
  const env = visit.pretend({ id: "echo 1000" });
  const { code, stderr } = await visit.install([], {
    env: { ...env, BLOCKFRAME_BASE_URL: visit.url },
  });
  equal(code, 0, stderr);
  ok(listTree(`${visit.path}/home/.local`).includes("bin/blockframe"));
});

Deno.test("install.sh: wrong usage ends with 2 and changes nothing", async () => {
  const cases: [string[], RegExp][] = [
    [[], /--base-url is needed: BlockFrame has no public home yet/],
    [["--base-url"], /--base-url needs a value/],
    [["--base-url", "ftp://example.org"], /must begin with https/],
    [["--base-url", "https://example.org/{version}"], /--version is needed/],
    [["--base-url", "https://e.org", "--version", "1/../.."], /is no version/],
    [["--frobnicate"], /is no option/],
  ];
  for (const [args, reason] of cases) {
    await using visit = new Visit();
    const { code, stderr } = await visit.install(args);
    equal(code, 2, stderr);
    match(stderr, reason);
    deepStrictEqual(listTree(visit.path), []);
  }
});

Deno.test("install.sh: plain http from elsewhere needs a key", async () => {
  await using visit = new Visit();
  const { code, stderr } = await visit.install([
    "--base-url",
    "http://example.org",
    "--prefix",
    visit.prefix,
  ]);
  equal(code, 1);
  match(stderr, /Over plain http nothing says who the files are from/);
  assertNothing(visit);
});

Deno.test("install.sh: half of the script does nothing", async () => {
  await using visit = new Visit();
  const text = await Deno.readTextFile(script);
  const half = `${visit.path}/half.sh`;
  await Deno.writeTextFile(half, text.slice(0, text.lastIndexOf("main ")));
  const { code } = await new Deno.Command("dash", {
    args: [half, "--base-url", visit.url, "--prefix", visit.prefix],
  }).output();
  equal(code, 0);
  deepStrictEqual(visit.asked, []);
});

Deno.test("install.sh: shellcheck has nothing to say", () => {
  for (const kind of ["sh", "dash"]) {
    const { code, stdout } = new Deno.Command("shellcheck", {
      args: ["-s", kind, script],
    }).outputSync();
    equal(code, 0, new TextDecoder().decode(stdout));
  }
});

/** A download with a shell script in place of the program. */
async function pack(
  visit: Visit,
  body: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const folder = `${visit.path}/packed/bin`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/blockframe`, `#!/bin/sh\n${body}\n`);
  await Deno.chmod(`${folder}/blockframe`, 0o755);
  const packed = `${visit.path}/packed.tar.xz`;
  const args = ["-cJf", packed, "-C", visit.path, "packed"];
  equal((await new Deno.Command("tar", { args }).output()).code, 0);
  return await Deno.readFile(packed);
}

function machine(system: string, processor: string): string {
  return `[ "$1" = -s ] && echo ${system} || echo ${processor}`;
}

function findProgram(name: string): string {
  const folders = Deno.env.get("PATH")!.split(":");
  for (const folder of folders) {
    try {
      if (Deno.statSync(`${folder}/${name}`).isFile) return `${folder}/${name}`;
    } catch { /* it is in another one */ }
  }
  throw new Error(`${name} is not on the PATH`);
}
