import { deepEqual, equal, match } from "node:assert/strict";
import { makePipe } from "./damage.ts";
import { Nobody } from "./nobody.ts";
import { describe, readTree } from "./tree.ts";
import { kib, Workplace } from "./workplace.ts";

/** Sources that cannot be committed, how they come to be, and what is said. */
const refused: readonly {
  readonly source: string;
  readonly make?: (work: Workplace) => void;
  readonly code: string;
  readonly problem: string;
}[] = [
  {
    source: "nowhere",
    code: "not-found",
    problem: "there is no such file",
  },
  {
    source: "config.toml/inside",
    code: "not-found",
    problem: "there is no such file",
  },
  {
    source: "pipe",
    make: (work) => makePipe(work.at("pipe")),
    code: "wrong-kind",
    problem: "it is a pipe, which is read only under a name that was given",
  },
  {
    source: "link to pipe",
    make: (work) => {
      makePipe(work.at("pipe"));
      Deno.symlinkSync("pipe", work.at("link to pipe"));
    },
    code: "wrong-kind",
    problem: "it is a pipe, which is read only under a name that was given",
  },
  {
    source: "link to nowhere",
    make: (work) => Deno.symlinkSync("nowhere", work.at("link to nowhere")),
    code: "not-found",
    problem: "there is no such file",
  },
  {
    source: "/dev/null",
    code: "wrong-kind",
    problem: "it is not a plain file",
  },
  {
    source: "/dev/zero",
    code: "wrong-kind",
    problem: "it is not a plain file",
  },
];

Deno.test("sources that cannot be committed are said one by one, and the others are committed", async () => {
  using work = new Workplace();
  const first = work.fill("first", 20 * kib);
  const last = work.fill("last", 100);
  for (const { make } of refused.filter(({ source }) => source !== "pipe")) {
    make?.(work);
  }
  const sources = ["first", ...refused.map(({ source }) => source), "last"];
  const text = await work.expect(8, ["commit", ...sources]);
  deepEqual(
    text.stderr.trimEnd().split("\n"),
    refused.map(({ source, problem }) =>
      `blockframe: error: Cannot commit "${source}": ${problem}`
    ),
  );
  match(text.stdout, /^✓ first: committed .*\n✓ last: committed .*\n$/);
  const { stdout } = await work.expect(8, ["commit", "--json", ...sources]);
  const report = JSON.parse(stdout);
  deepEqual(
    report.entries.map(({ name }: { name: string }) => name),
    ["first", "last"],
  );
  deepEqual(
    report.errors.map(({ source, code }: { source: string; code: string }) => [
      source,
      code,
    ]),
    refused.map(({ source, code }) => [source, code]),
  );
  await work.expectRestore(0, "first", first);
  await work.expectRestore(0, "last", last);
  // The second time nothing had changed.
  equal((await work.health(["--check"])).summary.healthyCount, 2);
});

for (const { source, make, problem } of refused) {
  Deno.test(`${source} alone is refused, and no entry comes of it`, async () => {
    using work = new Workplace();
    make?.(work);
    const { stdout, stderr } = await work.expect(8, ["commit", source]);
    equal(stdout, "");
    equal(stderr, `blockframe: error: Cannot commit "${source}": ${problem}\n`);
    equal(describe(work.archive), "nothing", "not even an empty archive");
  });
}

Deno.test("a link to a file is committed as the file, under the link's name", async () => {
  using work = new Workplace();
  const content = work.fill("file", 1000);
  await Deno.symlink("file", work.at("link"));
  await work.expect(0, ["commit", "link"]);
  await work.expectRestore(0, "link", content);
});

Deno.test("a file that may not be read is refused; nothing of it stays", async () => {
  using work = new Workplace();
  using nobody = new Nobody();
  work.fill("secret", 20 * kib);
  const open = work.fill("open", 20 * kib);
  work.makeFolder("closed");
  work.fill("closed/inside", 100);
  nobody.own(work.path);
  await Deno.chmod(work.at("secret"), 0o000);
  await Deno.chmod(work.at("closed"), 0o000);
  const sources = ["secret", "closed/inside", "open"];
  const { stdout, stderr } = await work.expect(
    8,
    ["commit", ...sources],
    nobody.options,
  );
  match(stdout, /^✓ open: committed .*\n$/);
  const lines = stderr.trimEnd().split("\n");
  equal(lines.length, 2, stderr);
  match(lines[0]!, /^blockframe: error: .*"secret".*permission denied/i);
  match(
    lines[1]!,
    /^blockframe: error: .*"closed\/inside".*permission denied/i,
  );
  const names = Object.keys(readTree(work.archive))
    .filter((path) => path !== "" && !path.includes("/"));
  equal(names.length, 1, "and no staging folder");
  await Deno.chmod(work.at("closed"), 0o700);
  await work.expectRestore(0, "open", open);
});

Deno.test("an archive that may not be written, or an output folder, is said", async () => {
  using work = new Workplace();
  using nobody = new Nobody();
  const { content } = await work.commit("file", 20 * kib);
  nobody.own(work.path);
  await Deno.chmod(work.archive, 0o500);
  const before = readTree(work.archive, { times: true });
  const commit = await work.expect(8, ["commit", "file"], nobody.options);
  match(commit.stderr, /^blockframe: error: .*permission denied/i);
  const remove = ["remove", "file", "--yes"];
  match(
    (await work.expect(8, remove, nobody.options)).stderr,
    /^blockframe: error: .*permission denied/i,
  );
  deepEqual(readTree(work.archive, { times: true }), before);
  await Deno.chmod(work.makeFolder("closed"), 0o555);
  const restore = ["restore", "file", "-o", "closed/"];
  match(
    (await work.expect(8, restore, nobody.options)).stderr,
    /^blockframe: error: Cannot restore to "closed\/file": .*permission denied/i,
  );
  await work.expectRestore(0, "file", content);
});

const changes: readonly {
  readonly what: string;
  readonly change: (path: string) => Promise<void>;
}[] = [
  {
    what: "grows",
    change: (path) => Deno.writeTextFile(path, "x", { append: true }),
  },
  { what: "shrinks", change: (path) => cut(path) },
  { what: "is overwritten in place", change: (path) => overwrite(path) },
];

for (const { what, change } of changes) {
  for (const workers of ["0", "2"]) {
    Deno.test(`a file that ${what} while it is read is refused (${workers} workers)`, async () => {
      using work = new Workplace({ config: undefined });
      const calm = work.fill("calm", 1000);
      const path = work.write("log", new Uint8Array(64 * kib * kib));
      using running = work.start([
        "commit",
        "--workers",
        workers,
        "log",
        "calm",
      ]);
      let ended = false;
      running.ending.finally(() => ended = true).catch(() => {});
      while (!ended) await change(path);
      const { code, stdout, stderr } = await running.ending;
      equal(code, 8, stdout + stderr);
      match(
        stderr,
        /^blockframe: error: (Cannot commit "log": it was changed while it was read|The source "log" became shorter while it was read)\n$/,
      );
      match(stdout, /^✓ calm: committed/);
      await work.expectRestore(0, "calm", calm);
      const names = Object.keys(readTree(work.archive))
        .filter((each) => each !== "" && !each.includes("/"));
      equal(names.length, 1, "only the other file is there");
    });
  }
}

async function cut(path: string): Promise<void> {
  const { size } = await Deno.stat(path);
  await Deno.truncate(path, Math.max(0, size - 1));
}

async function overwrite(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.write(new Uint8Array([1]));
}
