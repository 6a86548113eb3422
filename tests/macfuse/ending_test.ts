// How mounts by the code for macOS end, and what never came about; with the stand-in below it, as in
// mount_test.ts.

import { equal, match, ok } from "node:assert/strict";
import { equalBytes } from "../../src/base/bytes.ts";
import { kill } from "../e2e/program.ts";
import { Workplace } from "../e2e/workplace.ts";
import { expectNoDeadMount, mistakes } from "../mount/mistakes.ts";
import {
  errorOf,
  isMounted,
  openPath,
  readBytes,
  runTool,
} from "../mount/mounted.ts";
import { Mac } from "./mac.ts";

const mac = new Mac();
globalThis.addEventListener("unload", () => mac[Symbol.dispose]());

Deno.test("SIGINT, SIGTERM and SIGHUP end it, also with a file open and reads under way", async () => {
  using work = new Workplace();
  await work.commit("it", 2_000_000);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    await using mounted = await mac.mount(work);
    using _open = await Deno.open(mounted.at("it"));
    const load = new Deno.Command("sh", {
      args: [
        "-c",
        'while cat "$1" > /dev/null; do :; done',
        "sh",
        mounted.at("it"),
      ],
      stdout: "null",
      stderr: "null",
    }).spawn();
    await mounted.stop(signal);
    await load.status;
  }
});

Deno.test("a dead mount is cleared by the next one", async () => {
  using work = new Workplace();
  const { content } = await work.commit("it", 9000);
  await using mounted = await mac.mount(work);
  kill(mounted.running.child, "SIGKILL");
  await mounted.running.ending;
  equal(errorOf(() => openPath(mounted.path)), "ENOTCONN");
  await using second = await mac.mount(work);
  ok(equalBytes(readBytes(second.at("it")), content));
  await mac.unmount(second);
});

Deno.test("--background returns once the mount can be used, and says how it ends on a Mac", async () => {
  using work = new Workplace();
  const { content } = await work.commit("it", 9000);
  const path = work.makeFolder("mnt");
  const args = ["mount", "-m", "mnt", "--background"];
  const { stderr } = await work.expect(0, args, mac.options);
  try {
    match(stderr, /`umount \S*mnt` unmounts it/);
    ok(equalBytes(readBytes(`${path}/it`), content));
    const again = await work.run(args, mac.options);
    equal(again.code, 8);
    match(again.stderr, /something is mounted there already; umount ends/);
  } finally {
    runTool("umount", path);
  }
  equal(isMounted(path), false);
});

Deno.test("where macFUSE refuses, what it printed and what it needs are said", async () => {
  using work = new Workplace();
  await work.commit("it", 100);
  work.makeFolder("mnt");
  const said = "the extension is not allowed";
  for (const more of [[], ["--background"]]) {
    const { code, stderr } = await work.run(["mount", "-m", "mnt", ...more], {
      ...mac.options,
      env: { STANDIN_REFUSES: said },
    });
    equal(code, 8, stderr);
    match(stderr, /fuse: the extension is not allowed/);
    match(stderr, /Cannot mount at .* extension must be allowed/s);
    equal(isMounted(work.at("mnt")), false);
  }
});

for (const [mistake, what] of Object.entries(mistakes)) {
  Deno.test(`no dead mount is left by ${what}`, async () => {
    await expectNoDeadMount(mistake, mac.standin);
  });
}
