import { deepEqual, equal, match } from "node:assert/strict";
import { makePipe } from "./damage.ts";
import { readTree } from "./tree.ts";
import { kib, Workplace } from "./workplace.ts";

Deno.test("restore leaves a file that is there alone, unless it may be replaced", async () => {
  using work = new Workplace();
  const { content } = await work.commit("file", 20 * kib);
  work.write("old", "precious");
  const before = readTree(work.path, { times: true });
  const refused = await work.expect(8, ["restore", "file", "-o", "old"]);
  equal(
    refused.stderr,
    'blockframe: error: Cannot restore to "old": it exists already\n' +
      "hint: --overwrite replaces it, --output names another place\n",
  );
  await work.expect(8, ["restore", "file"]);
  deepEqual(readTree(work.path, { times: true }), before);
  await work.expect(0, ["restore", "file", "-o", "old", "--overwrite"]);
  deepEqual(work.read("old"), content);
  deepEqual(Object.keys(readTree(work.path)), Object.keys(before));
});

Deno.test("restore into a folder writes the entry's name there", async () => {
  using work = new Workplace();
  const { content } = await work.commit("file", 20 * kib);
  work.makeFolder("folder");
  await work.expect(0, ["restore", "file", "-o", "folder"]);
  deepEqual(work.read("folder/file"), content);
  for (const output of ["nowhere/", "nowhere/file"]) {
    const args = ["restore", "file", "-o", output];
    const { stdout, stderr } = await work.expect(8, args);
    equal(stdout, "");
    equal(
      stderr,
      'blockframe: error: Cannot restore to "nowhere/file": there is no folder "nowhere"\n',
    );
  }
});

Deno.test("restore never writes through a link, never into a pipe, and never replaces a device", async () => {
  using work = new Workplace();
  await work.commit("file", 20 * kib);
  work.write("target", "precious");
  await Deno.symlink("target", work.at("link"));
  makePipe(work.at("pipe"));
  const before = readTree(work.path, { times: true });
  const device = await Deno.stat("/dev/null");
  for (const output of ["link", "pipe"]) {
    for (const flags of [[], ["--overwrite"]]) {
      const args = ["restore", "file", "-o", output, ...flags];
      const { stderr } = await work.expect(8, args);
      equal(
        stderr,
        `blockframe: error: Cannot restore to "${output}": it is a link or a special file\n`,
      );
    }
  }
  deepEqual(readTree(work.path, { times: true }), before);
  await work.expect(8, ["restore", "file", "-o", "/dev/null", "--overwrite"]);
  equal((await Deno.stat("/dev/null")).ino, device.ino);
});

Deno.test("the old name of restore works, too, and health is also called repair", async () => {
  using work = new Workplace();
  const { content } = await work.commit("file", 20 * kib);
  await work.expect(0, ["reconstruct", "file", "-o", "again"]);
  deepEqual(work.read("again"), content);
  const { stdout } = await work.expect(0, ["repair"]);
  match(stdout, /^✓ file: healthy \(5 segments\)$/m);
});

Deno.test("what was committed without waiting for the disk is an entry like any other", async () => {
  using work = new Workplace();
  const fast = await work.commit("file", 70 * kib, "--durability", "fast");
  await work.expectRestore(0, "file", fast.content);
  equal((await work.health()).code, 0);
});
