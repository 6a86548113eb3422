import { deepEqual, equal, match, ok } from "node:assert/strict";
import { Mount, onMedium } from "./mount.ts";
import { kib, Workplace } from "./workplace.ts";

const parts = [
  "digests",
  "parity",
  "files",
  "details",
  "index",
  "archive",
  "threads",
  "mount",
];

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name);
}

Deno.test("self-test tries every part and leaves nothing behind", async () => {
  using work = new Workplace();
  const folder = work.makeFolder("here");
  const { stdout } = await work.expect(0, ["self-test", "--dir", "here"]);
  const lines = stdout.trimEnd().split("\n");
  const names = lines.slice(0, -1)
    .map((line) => /^[✓-] (\w+): /.exec(line)?.[1]);
  // An executable that has a seal looks at itself first.
  const wanted = names[0] === "program" ? ["program", ...parts] : parts;
  deepEqual(names, wanted);
  match(lines.at(-1)!, /^[89] parts: [789] ok(, 1 absent)?$/);
  if (Deno.build.os === "linux") {
    match(stdout, /^✓ details: times .*, (?:no )?extended attributes/m);
  }
  match(stdout, /^✓ archive: 21 shards, 2 damaged, found and healed on /m);
  deepEqual(namesIn(folder), []);
  const json = await work.expect(0, ["self-test", "--dir", "here", "--json"]);
  const { type, findings, exitCode } = JSON.parse(json.stdout);
  deepEqual([type, exitCode], ["self-test", 0]);
  deepEqual(findings.map((each: { name: string }) => each.name), wanted);
  deepEqual(namesIn(folder), []);
});

Deno.test("a self-test that is interrupted leaves nothing behind", async () => {
  using work = new Workplace();
  const folder = work.makeFolder("here");
  using running = work.start(["self-test", "--dir", "here"]);
  while (namesIn(folder).length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  running.child.kill("SIGINT");
  const { code, stdout } = await running.ending;
  equal(code, 130);
  ok(!stdout.includes("parts:"), stdout);
  deepEqual(namesIn(folder), []);
});

Deno.test("a folder that is not there is no place for a self-test", async () => {
  using work = new Workplace();
  const { stderr } = await work.expect(8, ["self-test", "--dir", "nowhere"]);
  match(stderr, /^blockframe: error: Cannot work in "nowhere": .*\n$/);
});

onMedium(
  "a self-test where nothing can be written tries what needs no writing",
  async () => {
    using work = new Workplace();
    using _medium = Mount.readOnly(
      work.makeFolder("disc"),
      work.makeFolder("x"),
    );
    const { stdout } = await work.expect(0, ["self-test", "--dir", "disc"]);
    match(stdout, /^✓ parity: /m);
    match(stdout, /^- files: skipped: no temporary folder .*[Rr]ead-only/m);
    match(stdout, /^- archive: skipped: for the same reason$/m);
    match(stdout, /^- threads: skipped: /m);
  },
);

onMedium("a self-test on a full disk fails, with 8", async () => {
  using work = new Workplace();
  using _disk = Mount.ofSize(`${work.path}/disk`, 128 * kib);
  const { stdout } = await work.expect(8, ["self-test", "--dir", "disk", "-q"]);
  match(stdout, /^✗ archive: FAILED: .*(?:full|space|room)/m);
  deepEqual(namesIn(`${work.path}/disk`), []);
});

// A namespace of its own, in which an empty file lies where each libfuse was.
const hideLibraries = [
  "unshare",
  "--mount",
  "sh",
  "-c",
  `for each in $(find /lib /usr/lib /usr/local/lib -name "libfuse3.so*"); do
    mount --bind /dev/null "$each" || exit 99
  done
  exec "$@"`,
  "sh",
];

onMedium(
  "what is missing on a machine is said by the command that needs it, and by no other",
  async () => {
    using work = new Workplace();
    const run = (...args: string[]) =>
      work.run(args, { prefix: hideLibraries });
    work.fill("file", 10 * kib);
    for (
      const args of [["--version"], ["commit", "file"], ["list"], ["health"]]
    ) {
      const { code, stdout, stderr } = await run(...args);
      deepEqual({ code, stderr }, { code: 0, stderr: "" }, args.join(" "));
      ok(!/fuse/.test(stdout), stdout);
    }
    const tried = await run("self-test", "--dir", ".");
    equal(tried.code, 0);
    match(tried.stdout, /^- mount: absent: .*apt-get install fuse3/m);
    work.makeFolder("at");
    const { code, stderr } = await run("mount", "-m", "at");
    equal(code, 8);
    match(stderr, /error: Cannot mount: .*apt-get install fuse3/);
  },
);
