import {
  deepStrictEqual as assertEquals,
  match,
  rejects,
} from "node:assert/strict";
import { variableNames } from "../../src/cli/ports.ts";
import { readStartFlags } from "../../tools/compile.ts";
import { canMount } from "../e2e/mount.ts";
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
  flags: readonly string[] = ["--allow-env"],
): void {
  Deno.test({
    name,
    ignore: !canRun,
    fn: async () => {
      const path = `${folder}/${crypto.randomUUID()}`;
      await writeProgram(path, body, flags);
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
      SIMDUTF_FORCE_IMPLEMENTATION: "none",
      SSLKEYLOGFILE: `${folder}/keys`,
    };
    const { stdout, stderr } = await run([path], {
      env: { ...dropped, ...kept },
    });
    assertEquals(stderr, "");
    assertEquals(JSON.parse(stdout).env, { ...kept, ...fixed });
    assertEquals(JSON.parse((await run([path])).stdout).env, fixed);
    await rejects(Deno.stat(`${folder}/keys`), Deno.errors.NotFound);
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
  "an executable says so where there is no /proc, before Deno ends with 1",
  telling,
  async (path) => {
    if (!canMount) return;
    const script = `mount -t tmpfs none /proc && exec "$1" health`;
    const ending = await run(
      ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, "sh", path],
      { env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" } },
    );
    assertEquals(ending.code, 8);
    assertEquals(ending.stdout, "");
    match(
      ending.stderr,
      /^blockframe: error: .* there is no \/proc here\nhint/,
    );
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

// Every way to a socket that Deno or its Node offers, and what else the program has no use for.
const forbidden = `
const [tcp, unix] = Deno.args;
const page = "http://127.0.0.1:" + tcp;
const net = process.getBuiltinModule("node:net");
const connect = (to) => new Promise((resolve, reject) => {
  const socket = net.connect(to);
  socket.on("connect", resolve);
  socket.on("error", reject);
});
const ways = {
  tcp: () => Deno.connect({ port: +tcp }),
  unix: () => Deno.connect({ transport: "unix", path: unix }),
  listen: () => Deno.listen({ port: 0 }),
  listenUnix: () => Deno.listen({ transport: "unix", path: unix + ".own" }),
  serve: () => Deno.serve({ port: 0 }, () => new Response()),
  fetch: () => fetch(page),
  socket: () => new Promise((_, reject) => {
    new WebSocket("ws://127.0.0.1:" + tcp).onerror = (e) => reject(e.error);
  }),
  names: () => Deno.resolveDns("localhost", "A", {
    nameServer: { ipAddr: "127.0.0.1" },
  }),
  nodeTcp: () => connect({ port: +tcp, host: "127.0.0.1" }),
  nodeUnix: () => connect({ path: unix }),
  inspector: () => process.getBuiltinModule("node:inspector").open(0),
  remote: () => import(page + "/x.js"),
  package: () => import("npm" + ":semver@7.0.0"),
  thread: () => new Worker("data:application/javascript,", {
    type: "module",
    deno: { permissions: { net: true } },
  }),
  variable: () => Deno.env.get("SECRET"),
  variables: () => Deno.env.toObject(),
  user: () => Deno.uid(),
  interfaces: () => Deno.networkInterfaces(),
};
const told = {};
for (const [name, way] of Object.entries(ways)) {
  try {
    await way();
    told[name] = "done";
  } catch (error) {
    told[name] = String(error?.message ?? error);
  }
}
console.log(JSON.stringify(told));
Deno.exit(0);
`;

startTest(
  "with the program's own permissions nothing reaches a socket, a secret or code of others",
  forbidden,
  async (path) => {
    const unix = `${path}.socket`;
    using tcp = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    using local = Deno.listen({ transport: "unix", path: unix });
    let visits = 0;
    const count = async (listener: Deno.Listener) => {
      for await (const visit of listener) visits += 1, visit.close();
    };
    const counting = [tcp, local as Deno.Listener].map(count);
    const { stdout, stderr } = await run([path, `${tcp.addr.port}`, unix], {
      env: { SECRET: "x" },
    });
    assertEquals(stderr, "");
    const told: Record<string, string> = JSON.parse(stdout);
    assertEquals(Object.keys(told).length, 18);
    for (const [way, message] of Object.entries(told)) {
      match(message, /Requires|--no-npm|escalate/, way);
    }
    assertEquals(visits, 0);
    // Somebody who is let in is seen.
    using visitor = await Deno.connect({ port: tcp.addr.port });
    assertEquals(await visitor.read(new Uint8Array(1)), null, "hung up on");
    tcp.close();
    local.close();
    await Promise.all(counting);
    assertEquals(visits, 1);
  },
  await readStartFlags(),
);

Deno.test("the task start permits the variables that the program names", async () => {
  const flags = await readStartFlags();
  assertEquals(
    flags.find((flag) => flag.startsWith("--allow-env")),
    `--allow-env=${variableNames.join(",")}`,
  );
});
