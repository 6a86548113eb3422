// Mounts by the code for macOS, with the stand-in below it: everything that is known of macFUSE's libfuse
// and can be tried without a Mac. Its structs, error numbers and manners are the stand-in's, which ends
// the program where it is spoken to wrongly; the mounts are real. Needs /dev/fuse and the right to mount.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { equalBytes } from "../../src/base/bytes.ts";
import { remove, rot } from "../e2e/damage.ts";
import { Workplace } from "../e2e/workplace.ts";
import {
  errorOf,
  infoOf,
  namesIn,
  readBytes,
  runTool,
  until,
  writingCalls,
} from "../mount/mounted.ts";
import { Mac } from "./mac.ts";

const mac = new Mac();
globalThis.addEventListener("unload", () => mac[Symbol.dispose]());

/** What `stat` says, in a line. */
function statOf(path: string): string {
  // Not the inode, which is the archive's own.
  return runTool("stat", "-c", "%f %h %u %g %s %b %B %.9Y", path).trim();
}

Deno.test("a tree is as it was committed: bytes, links, attributes, extended attributes, sums", async () => {
  using work = new Workplace();
  work.makeFolder("tree/deep/empty");
  const files = new Map(
    [["big", 700_001], ["deep/small", 5], ["deep/none", 0]].map((
      [name, bytes],
    ) => [`tree/${name}`, work.fill(`tree/${name}`, Number(bytes))]),
  );
  await Deno.symlink("../big", work.at("tree/deep/link"));
  await Deno.link(work.at("tree/big"), work.at("tree/twin"));
  runTool("touch", "-h", "-d", "@-5.25", work.at("tree/big"));
  runTool("touch", "-d", "@1600000000.123456789", work.at("tree/deep/small"));
  runTool("chown", "12:34", work.at("tree/deep/small"));
  await Deno.chmod(work.at("tree/deep/small"), 0o640);
  const setting = "import os,sys; os.setxattr(sys.argv[1], 'user.mine', b'x')";
  runTool("python3", "-c", setting, work.at("tree/big"));
  await work.expect(0, ["commit", "tree"]);
  await using mounted = await mac.mount(work);
  for (const [name, content] of files) {
    ok(equalBytes(readBytes(mounted.at(name)), content), name);
    const [, ...ours] = statOf(mounted.at(name)).split(" ");
    const [, ...theirs] = statOf(work.at(name)).split(" ");
    // Blocks are counted from the size.
    ours.splice(4, 1);
    theirs.splice(4, 1);
    deepEqual(ours, theirs, name);
  }
  equal(infoOf(mounted.at("tree/deep/small")).mode, 0o100640);
  equal(infoOf(mounted.at("tree/big")).blocks, Math.ceil(700_001 / 512));
  equal(infoOf(mounted.at("tree/deep")).isDirectory, true);
  equal(await Deno.readLink(mounted.at("tree/deep/link")), "../big");
  const [big, twin] = ["big", "twin"].map((name) =>
    infoOf(mounted.at(`tree/${name}`))
  );
  equal(big!.ino, twin!.ino);
  deepEqual(namesIn(mounted.at("tree/deep")), [
    "empty",
    "link",
    "none",
    "small",
  ]);
  const numbers = `import os,sys
print({row.inode() == os.lstat(row.path).st_ino for row in os.scandir(sys.argv[1])})`;
  equal(runTool("python3", "-c", numbers, mounted.at("tree")), "{True}\n");
  const asking = `import os,sys
def get(name):
  try: return os.getxattr(sys.argv[1], name).decode()
  except OSError as error: return error.errno
print(sorted(os.listxattr(sys.argv[1])), get("user.mine"), get("user.no"), get("security.no"))`;
  match(
    runTool("python3", "-c", asking, mounted.at("tree/big")),
    // The last two: there is no such attribute.
    /^\['user\.blockframe\.health', .*'user\.mine'\] x 61 61\n$/,
  );
  const sums = runTool("stat", "-f", "-c", "%s %S %l", mounted.path);
  equal(sums, "4096 4096 255\n");
  match(
    await mac.unmount(mounted),
    /mounted at .*\n.*unmounted/s,
  );
});

Deno.test("a folder of more rows than fit into one answer is all there", async () => {
  using work = new Workplace();
  work.makeFolder("tree");
  const names = Array.from({ length: 500 }, (_, index) => `file-${index}`);
  for (const name of names) work.write(`tree/${name}`, name);
  await work.expect(0, ["commit", "tree"]);
  await using mounted = await mac.mount(work);
  deepEqual(namesIn(mounted.at("tree")), names.toSorted());
  equal(await Deno.readTextFile(mounted.at("tree/file-499")), "file-499");
  await mac.unmount(mounted);
});

Deno.test("nothing can be changed, and what is not there is not there", async () => {
  using work = new Workplace();
  await work.commit("it", 100);
  await using mounted = await mac.mount(work);
  for (const [name, call] of Object.entries(writingCalls)) {
    equal(errorOf(() => call(mounted.path)), "EROFS", name);
  }
  equal(errorOf(() => infoOf(mounted.at("no"))), "ENOENT");
  equal(errorOf(() => infoOf(mounted.at("._it"))), "ENOENT");
  equal(errorOf(() => infoOf(mounted.at(".versions/no"))), "ENOENT");
  equal(errorOf(() => infoOf(mounted.at("it/below"))), "ENOTDIR");
  const { content } = await work.commit("new", 200);
  await until(() => namesIn(mounted.path).includes("new"));
  ok(equalBytes(readBytes(mounted.at("new")), content));
  await mac.unmount(mounted);
});

Deno.test("a name is found with its accents as they are, put together, or taken apart", async () => {
  using work = new Workplace();
  const together = "Gr\u00fc\u00dfe \u03ac", apart = "re\u0301sume\u0301";
  const both = ["caf\u00e9", "cafe\u0301"];
  work.makeFolder("tree");
  for (const name of [together, apart, ...both]) {
    work.write(`tree/${name}`, name);
  }
  await work.expect(0, ["commit", "tree"]);
  await using mounted = await mac.mount(work);
  deepEqual(
    namesIn(mounted.at("tree")),
    [together, apart, ...both].sort(),
    "listed as they are stored",
  );
  const read = (name: string) =>
    Deno.readTextFileSync(mounted.at(`tree/${name}`));
  equal(read(together.normalize("NFD")), together);
  equal(read(apart.normalize("NFC")), apart);
  // Two names that look alike stay two.
  for (const name of both) equal(read(name), name);
  await mac.unmount(mounted);
});

Deno.test("damage is rebuilt while it is read, and mended; what is lost is EIO and nothing else", async () => {
  using work = new Workplace();
  const { content, folder } = await work.commit("it", 20_000);
  const lost = await work.commit("lost", 20_000);
  rot(`${folder}/segments/segment_0.dat`, 100, 10);
  remove(`${lost.folder}/segments`);
  remove(`${lost.folder}/parity`);
  await using mounted = await mac.mount(work);
  ok(equalBytes(readBytes(mounted.at("it")), content));
  equal(errorOf(() => readBytes(mounted.at("lost"))), "EIO");
  ok(equalBytes(readBytes(mounted.at("it")), content));
  runTool("umount", mounted.path);
  match((await mounted.ending()).stderr, /Damage was met: \d+ lea.* written b/);
  await work.expect(0, ["health", "--check", "it"]);
});

Deno.test("four readers at random places all get the right bytes", async () => {
  using work = new Workplace();
  const { content } = await work.commit("it", 2_000_001);
  await using mounted = await mac.mount(work, ["--cache", "16MiB"]);
  const readers = Array.from({ length: 4 }, async (_, index) => {
    using file = await Deno.open(mounted.at("it"));
    for (let count = 0; count < 30; count++) {
      const offset = (index * 7919 + count * 104_729) * 31 % content.length;
      const target = new Uint8Array(1 + (count * 7919) % 70_000);
      await file.seek(offset, Deno.SeekMode.Start);
      const length = await file.read(target) ?? 0;
      const expected = content.subarray(offset, offset + length);
      ok(equalBytes(target.subarray(0, length), expected), `at ${offset}`);
    }
  });
  await Promise.all(readers);
  await mac.unmount(mounted);
});
