// Executable: what only one file can promise: it needs nothing but itself, and writes nothing but
// what it was asked to. Where the tests are about the checkout there is nothing to show, and no test.

import { deepEqual, equal, match } from "node:assert/strict";
import { ownHome } from "../e2e/home.ts";
import { Mount, onMedium } from "../e2e/mount.ts";
import { Nobody } from "../e2e/nobody.ts";
import { readTree } from "../e2e/tree.ts";
import { kib, Workplace } from "../e2e/workplace.ts";

/** Words that run the program on a machine where no file system of a disk can be written. */
const onReadOnlyMachine = [
  "unshare",
  "--mount",
  "sh",
  "-c",
  'mount -o remount,ro,bind / && exec "$@"',
  "sh",
];

if (ownHome.kind === "executable") {
  const program = ownHome.path;

  onMedium(
    "from a read-only stick, as somebody without a home, on a machine where nothing can be written",
    async () => {
      using work = new Workplace({ config: undefined });
      using nobody = new Nobody();
      const { content, folder } = await work.commit("file", 300 * kib);
      work.makeFolder("stick");
      await Deno.copyFile(program, work.at("stick/blockframe"));
      await Deno.chmod(work.at("stick/blockframe"), 0o755);
      using stick = Mount.readOnly(work.at("disc"), work.at("stick"));
      using _look = nobody.look(work.path);
      const cwd = work.makeFolder("empty");
      const options = {
        cwd,
        prefix: [...onReadOnlyMachine, ...nobody.options.prefix ?? []],
        home: { kind: "executable", path: `${stick.path}/blockframe` },
      } as const;
      const before = readTree(work.path, { times: true });
      const archive = ["-a", work.archive];
      for (
        const args of [
          ["--help"],
          ["--version"],
          ["man"],
          ["completions", "bash"],
          ["list", ...archive],
          ["show", "file", ...archive],
          ["health", "--check", "--workers", "2", ...archive],
        ]
      ) {
        const { stdout, stderr } = await work.expect(0, args, options);
        equal(stderr, "", args.join(" "));
        match(stdout, /./);
      }
      const restore = ["restore", "file", "-o", "-", ...archive];
      const streamed = await work.run(restore, options);
      equal(streamed.code, 0);
      const refused = ["commit", `${stick.path}/blockframe`, ...archive];
      const { stderr } = await work.expect(8, refused, options);
      match(stderr, /^blockframe: error: .*the file system is read-only.*\n/);
      deepEqual(readTree(work.path, { times: true }), before);
      equal(readTree(folder)[""], "folder");
      await work.expectRestore(0, "file", content);
    },
  );

  Deno.test("settings of Deno and of Node, and their files, are nothing to it", async () => {
    using work = new Workplace({ config: undefined });
    const { content } = await work.commit("file", 100 * kib);
    const plain = await work.expect(0, ["list"]);
    for (
      const name of [
        "deno.json",
        "package.json",
        "deno.lock",
        "import_map.json",
      ]
    ) work.write(name, "{ this is no JSON");
    work.write(".env", "BLOCKFRAME_ARCHIVE=elsewhere\n");
    work.write("first.js", "console.log('somebody else's code');\n");
    const env = {
      DENO_DIR: "/proc/nowhere",
      DENO_FUTURE: "1",
      DENO_PERMISSION_BROKER_PATH: "",
      NODE_OPTIONS: `--require ${work.at("first.js")}`,
      NODE_PATH: work.path,
      DENO_V8_FLAGS: "--help",
    };
    deepEqual(await work.expect(0, ["list"], { env }), plain);
    await work.expectRestore(0, "file", content);
  });

  Deno.test("words that Deno would take for its own are the program's", async () => {
    using work = new Workplace({ config: undefined });
    for (
      const args of [
        ["--allow-all"],
        ["eval", "console.log(1)"],
        ["run", "x.ts"],
        ["--inspect"],
        ["--v8-flags=--help"],
        ["--reload"],
      ]
    ) {
      const { stdout, stderr } = await work.expect(16, args);
      equal(stdout, "");
      match(stderr, /^blockframe: error: /);
    }
    await work.expect(8, ["commit", "--", "--version"]);
  });
}
