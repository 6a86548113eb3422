// DirStore on what only Unix has: pipes, sockets, devices, names of any bytes, small file systems,
// permissions. File systems are mounted in a mount namespace of a process of its own, so that
// nothing is left of them. As root (or where users may make namespaces); util-linux has the tools.

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { DirStore } from "../../src/store/dir_store.ts";
import { throwsFailure } from "./fixture.ts";

function onUnix(
  name: string,
  body: (root: string) => void,
): void {
  if (Deno.build.os === "windows") return;
  Deno.test(name, () => {
    const root = Deno.makeTempDirSync({ prefix: "blockframe-unix-" });
    try {
      body(root);
    } finally {
      Deno.removeSync(root, { recursive: true });
    }
  });
}

function onLinux(
  name: string,
  body: (root: string) => void,
): void {
  if (Deno.build.os === "linux") onUnix(name, body);
}

function run(command: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command(command, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).outputSync();
  strictEqual(success, true, `${command}: ${new TextDecoder().decode(stderr)}`);
}

const script = new URL("./dir_store_script.ts", import.meta.url).pathname;

/** Runs one case of the script with a small file system of its own at `root`. */
function runMounted(caseName: string, root: string): void {
  run(
    "unshare",
    ...(Deno.uid() === 0 ? [] : ["--map-root-user"]),
    "--mount",
    "sh",
    "-ec",
    'root=$1; shift; mount -t tmpfs -o size=1m blockframe-test "$root"; exec "$@"',
    "sh",
    root,
    Deno.execPath(),
    ...["run", "--allow-all", "--no-lock", "--quiet", script, caseName, root],
  );
}

onUnix("DirStore never opens a pipe or a socket", (root) => {
  const store = new DirStore(root);
  run("mkfifo", `${root}/pipe`);
  using _listener = Deno.listen({ transport: "unix", path: `${root}/socket` });
  for (const path of ["pipe", "socket"]) {
    strictEqual(store.stat(path)?.kind, "other");
    for (const mode of ["read", "create", "update", "ensure"] as const) {
      throwsFailure("unsafe-path", () => store.openFile(path, mode));
    }
    throwsFailure("unsafe-path", () => store.list(path));
    throwsFailure("unsafe-path", () => store.stat(`${path}/a`));
    throwsFailure("unsafe-path", () => store.syncFolder(path));
    throwsFailure("unsafe-path", () => store.setAttributes(path, { mode: 0 }));
  }
  deepStrictEqual(store.list(""), [
    { name: "pipe", kind: "other" },
    { name: "socket", kind: "other" },
  ]);
  store.makeFolder("f");
  run("mkfifo", `${root}/f/pipe`);
  store.removeTree("f");
  store.removeFile("pipe");
  strictEqual(store.stat("pipe"), undefined);
});

onUnix("DirStore never opens a device", () => {
  const store = new DirStore("/dev");
  for (const path of ["null", "zero"]) {
    strictEqual(store.stat(path)?.kind, "other");
    for (const mode of ["read", "update", "ensure"] as const) {
      throwsFailure("unsafe-path", () => store.openFile(path, mode));
    }
  }
});

onLinux(
  "DirStore names what is not UTF-8 as other, if at all, and removes it",
  (root) => {
    const store = new DirStore(root);
    store.makeFolder("f");
    run("sh", "-c", `touch "$(printf '%s/f/bad\\377' "$1")"`, "sh", root);
    for (const { name, kind } of store.list("f")) {
      deepStrictEqual([name, kind], ["bad\ufffd", "other"]);
    }
    throwsFailure("not-found", () => store.openFile("f/bad\ufffd", "read"));
    store.removeTree("f");
    deepStrictEqual(store.list(""), []);
  },
);

onLinux(
  "DirStore says no-space on a full file system, and goes on after it",
  (root) => {
    runMounted("full", root);
  },
);

onLinux("DirStore says read-only on a read-only file system", (root) => {
  runMounted("read-only", root);
});

onLinux(
  "DirStore says offline when a file system is unmounted under it",
  (root) => {
    runMounted("unmounted", root);
  },
);

onLinux(
  "DirStore says permission-denied where the system denies it",
  (root) => {
    const args = [
      "run",
      "--allow-all",
      "--no-lock",
      "--quiet",
      script,
      "denied",
      root,
    ];
    if (Deno.uid() !== 0) return run(Deno.execPath(), ...args);
    // Root may do everything by these two capabilities; without them it obeys modes like anyone.
    const without = "-dac_override,-dac_read_search";
    run("setpriv", "--bounding-set", without, Deno.execPath(), ...args);
  },
);
