import { deepStrictEqual as assertEquals, match } from "node:assert/strict";
import { canRun, run, writeProgram } from "./programs.ts";

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => {
  Deno.removeSync(folder, { recursive: true });
});

/** A test of an executable that runs `body`, which may read and see its environment. */
function startTest(
  name: string,
  body: string,
  test: (path: string) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: !canRun,
    fn: async () => {
      const path = `${folder}/${crypto.randomUUID()}`;
      await writeProgram(path, body, ["--allow-env"]);
      await test(path);
      await Deno.remove(path);
    },
  });
}

const telling = `console.log(JSON.stringify({
  args: Deno.args,
  env: Deno.env.toObject(),
  path: Deno.execPath(),
}));`;

const fixed = {
  DENO_DIR: "/dev/null/blockframe",
  DENO_DISABLE_NODE_SHIM: "1",
  DENO_LOG: "error,deno::cache::cache_db=off",
  DENO_NO_PACKAGE_JSON: "1",
  DENO_NO_UPDATE_CHECK: "1",
};

startTest(
  "an executable has the user's arguments, all of them, and nothing else",
  telling,
  async (path) => {
    const odd = [
      ...["", " ", "--", "-A", "--help", "--version", "-", "--v8-flags=--help"],
      ...["run", "--allow-all", "data:,x", "ä\n\t\"'\\", "x".repeat(100_000)],
    ];
    const many = Array.from({ length: 5000 }, (_, index) => `${index}`);
    for (const args of [[], odd, many, ["--inspect-brk"]]) {
      const { stdout, stderr } = await run([path, ...args]);
      assertEquals(stderr, "");
      const told = JSON.parse(stdout);
      assertEquals(told.args, args);
      assertEquals(told.path, path);
    }
  },
);

startTest(
  "an executable's environment is the user's, without what steers Deno",
  telling,
  async (path) => {
    const kept: Record<string, string> = {
      HOME: "/nowhere",
      DENOX: "1",
      XDENO_DIR: "2",
      EMPTY: "",
      NO: "DENO_DIR=x",
      BLOCKFRAME_DEBUG: "1",
    };
    for (let index = 0; index < 1000; index++) kept[`MANY_${index}`] = "x";
    const dropped = {
      DENO_DIR: "/tmp/shared",
      DENO_V8_FLAGS: "--help",
      DENO_PERMISSION_BROKER_PATH: "/nowhere",
      DENO_: "x",
      NODE_OPTIONS: "--nonsense",
      OTEL_DENO: "true",
      RUST_LOG: "trace",
    };
    const { stdout, stderr } = await run([path], {
      env: { ...dropped, ...kept },
    });
    assertEquals(stderr, "");
    assertEquals(JSON.parse(stdout).env, { ...kept, ...fixed });
    assertEquals(JSON.parse((await run([path])).stdout).env, fixed);
  },
);

startTest(
  "an executable runs whatever it is called, and ps shows what the user typed",
  `console.log("ran"); await Deno.stdin.read(new Uint8Array(1));`,
  async (path) => {
    for (const name of ["dx", "deno", ""]) {
      const { stdout, stderr } = await run(
        ["/bin/bash", "-c", `exec -a "$1" "$2"`, "bash", name, path],
        { input: "x" },
      );
      assertEquals([stdout, stderr], ["ran\n", ""]);
    }
    const child = new Deno.Command(path, {
      args: ["list", "--json"],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    const words = await Deno.readTextFile(`/proc/${child.pid}/cmdline`);
    await child.stdin.close();
    await reader.cancel();
    await child.status;
    assertEquals(new TextDecoder().decode(value), "ran\n");
    assertEquals(words, `${path}\0list\0--json\0`);
  },
);

startTest(
  "an executable passes on input, output and exit code",
  `await Deno.stdin.readable.pipeTo(Deno.stdout.writable);
  console.error("done");
  Deno.exit(4);`,
  async (path) => {
    const input = "0123456789\n".repeat(50_000);
    assertEquals(await run([path], { input }), {
      code: 4,
      stdout: input,
      stderr: "done\n",
    });
  },
);

startTest(
  "an executable says so where its folder is gone, before Deno does",
  telling,
  async (path) => {
    const gone = `${folder}/gone`;
    await Deno.mkdir(gone);
    const script = `cd "$1" && rmdir "$1" && exec "$2" list`;
    const ending = await run(["/bin/sh", "-c", script, "sh", gone, path]);
    assertEquals(ending.code, 8);
    assertEquals(ending.stdout, "");
    match(ending.stderr, /^blockframe: error: Cannot find the current folder/);
  },
);

startTest(
  "a stack trace of an executable names lines of the program, and is short",
  `function inner() { throw new Error("found"); }
async function outer() { await 0; inner(); }
try { await outer(); } catch (error) { console.log(error.stack); }`,
  async (path) => {
    const { stdout } = await run([path]);
    match(stdout, /^Error: found\n {4}at inner \(blockframe\.js.*:2:\d+\)\n/);
    assertEquals(stdout.length < 500, true, stdout);
  },
);

startTest(
  "an executable has no permission but its own",
  `for (const name of ["net", "write", "run", "ffi", "sys", "import"]) {
    console.log(name, (await Deno.permissions.query({ name })).state);
  }
  try { Deno.writeTextFileSync("/tmp/never", ""); } catch (error) {
    console.log(error.name);
  }`,
  async (path) => {
    const { stdout, stderr } = await run([path], { input: "y\n" });
    assertEquals(stderr, "");
    assertEquals(stdout.match(/prompt|denied/g)?.length, 6);
    match(stdout, /NotCapable/);
  },
);
