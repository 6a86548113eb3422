import { deepStrictEqual as assertEquals, match } from "node:assert/strict";
import { outOfReach } from "../../tools/compile/compiled_executable.ts";
import { canMount } from "../e2e/mount.ts";
import { canRun, compile, run } from "./programs.ts";

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => {
  Deno.removeSync(folder, { recursive: true });
});

// Somebody who is nobody, without a variable or a home, where the program cannot be written to. The
// folders that anybody may write to are empty at first. $1 holds program/ and work/.
const bareWorld = `set -eu
mount --make-rprivate /
mount --bind "$1" /mnt
chmod 755 /mnt
mount --bind /mnt/program /mnt/program
mount -o remount,ro,bind /mnt/program
for one in /tmp /var/tmp /dev/shm; do
  mount -t tmpfs -o mode=1777 blockframe $one
done
blockframe() {
  setpriv --reuid=65534 --regid=65534 --clear-groups \\
    env -i /mnt/program/blockframe "$@"
}
cd /mnt/work
`;

// Threads, the index in SQLite, the compressed table of a tree, streams; damage found and mended.
const basics = `head -c 9000000 /dev/urandom > file
mkdir tree
for one in 1 2 3; do head -c 5000 /dev/urandom > tree/$one; done
chown -R 65534 .
blockframe commit file tree
blockframe commit - --name stream < file
segment=$(find archive_directory -type f -size +1000k | head -n 1)
printf damage | dd of="$segment" bs=1 seek=100000 conv=notrunc status=none
code=0
blockframe health || code=$?
test $code = 1
blockframe health
blockframe restore file -o out
cmp file out
blockframe restore tree -o out-tree
diff -r tree out-tree
blockframe restore stream -o - | cmp - file
blockframe list
find /tmp /var/tmp /dev/shm -mindepth 1
`;

Deno.test({
  name:
    "an executable works for nobody, from a read-only file system, and leaves nothing behind",
  ignore: !canRun || !canMount,
  fn: async () => {
    await Deno.mkdir(`${folder}/work`);
    await compile("--kind", "npm", "--output", `${folder}/program`);
    const program = `${folder}/program/blockframe`;
    const version = await run([program, "--version"]);
    match(version.stdout, /^runtime {2}Deno 2\.9\.6,/m);
    const { code, stdout, stderr } = await run([
      ...["unshare", "--mount", "sh", "-c", bareWorld + basics, "sh", folder],
    ], { env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" } });
    assertEquals([code, stderr], [0, ""], stdout);
    match(stdout, /^3 entries: 2 healthy, 1 repaired$/m);
    // The list is the last that was said: find found nothing.
    match(stdout, /^NAME .*\nfile .*\nstream .*\ntree .*\n$/m);
    const left = (await Array.fromAsync(Deno.readDir(`${folder}/work`)))
      .map((one) => one.name);
    const made = ["archive_directory", "file", "out", "out-tree", "tree"];
    assertEquals(left.sort(), made);
  },
});

Deno.test({
  name:
    "the self-test of an executable finds a changed byte, and a missing end",
  ignore: !canRun || !canMount, // the test above makes it
  fn: async () => {
    const bytes = await Deno.readFile(`${folder}/program/blockframe`);
    const path = `${folder}/damaged`;
    const lookAt = async (file: Uint8Array) => {
      await Deno.writeFile(path, file, { mode: 0o755 });
      const { code, stdout } = await run([path, "self-test"]);
      return { code, line: stdout.split("\n")[0]! };
    };
    const whole = await lookAt(bytes);
    assertEquals(whole.code, 0);
    match(whole.line, /^✓ program: \d+\.\d MB, every byte as it was made$/);
    const failed = {
      code: 8,
      line: "✗ program: FAILED: the file is damaged: ",
    };
    const cut = await lookAt(bytes.subarray(0, -1));
    assertEquals(
      { ...cut, line: cut.line.slice(0, failed.line.length) },
      failed,
    );
    // A comment, so that all goes on as before.
    const end = new TextDecoder("latin1").decode(bytes).lastIndexOf(
      "//# sourceURL=blockframe.js\n",
    );
    bytes[end + 5]! ^= 1;
    const changed = await lookAt(bytes);
    assertEquals(
      { ...changed, line: changed.line.slice(0, failed.line.length) },
      failed,
    );
    await Deno.remove(path);
  },
});

Deno.test("deno task compile makes no executable of what it does not know, and says why", async () => {
  const target = await compile("--target", "sparc-sun-solaris");
  assertEquals(target.code, 2);
  match(
    target.stderr,
    /^No target is called sparc-sun-solaris; there are: x86/,
  );
  const kind = await compile("--kind", "magic");
  assertEquals([kind.code, kind.stdout], [2, ""]);
  const none = await compile(
    ...["--kind", "npm", "--target", "x86_64-pc-windows-msvc"],
    ...["--output", folder],
  );
  assertEquals(none.code, 1);
  match(none.stderr, /no Deno of the npm registry for x86_64-pc-windows-msvc/);
  const lost = await run(
    [Deno.execPath(), "task", "--quiet", "compile", "--output", folder],
    { env: { ...Deno.env.toObject(), DENORT_BIN: "/nowhere/denort" } },
  );
  assertEquals(lost.code, 1);
  match(lost.stderr, /\/nowhere\/denort/);
});

Deno.test("outOfReach() tells a download that failed from everything else", () => {
  const failed = new Error(`deno compile failed: error: Writing deno compile

Caused by:
    0: Setting up base binary.
    1: error sending request for url (https://example.org/denort.zip)
    2: dns error`);
  assertEquals(
    outOfReach(failed),
    "error sending request for url (https://example.org/denort.zip)",
  );
  assertEquals(outOfReach(new Error("deno compile failed: no")), undefined);
});
