import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { AssertionError } from "../../src/base/assert.ts";
import { isFailure } from "../../src/base/errors.ts";
import { DirStore } from "../../src/store/dir_store.ts";
import { registerConformance } from "./conformance.ts";
import {
  countingBytes,
  readFile,
  throwsFailure,
  writeFile,
} from "./fixture.ts";
import { whileWorking } from "./while_working.ts";

interface Folders extends Disposable {
  readonly root: string;
  readonly outside: string;
}

function makeFolders(): Folders {
  const root = Deno.makeTempDirSync({ prefix: "blockframe-store-" });
  const outside = Deno.makeTempDirSync({ prefix: "blockframe-outside-" });
  Deno.mkdirSync(`${outside}/x`);
  Deno.writeTextFileSync(`${outside}/x/y`, "outside");
  return {
    root,
    outside,
    [Symbol.dispose]: () => {
      // Nothing that a test did may have gone through a link.
      strictEqual(Deno.readTextFileSync(`${outside}/x/y`), "outside");
      deepStrictEqual(
        [...Deno.readDirSync(outside)].map(({ name }) => name),
        ["x"],
      );
      Deno.removeSync(outside, { recursive: true });
      Deno.removeSync(root, { recursive: true });
    },
  };
}

registerConformance("DirStore", () => {
  const folders = makeFolders();
  return {
    store: new DirStore(folders.root),
    plantLink: (path) =>
      Deno.symlinkSync(folders.outside, `${folders.root}/${path}`, {
        type: "dir",
      }),
    [Symbol.dispose]: () => folders[Symbol.dispose](),
  };
});

Deno.test("DirStore refuses links to files, to nothing and to themselves", () => {
  using folders = makeFolders();
  const { root, outside } = folders;
  const store = new DirStore(root);
  writeFile(store, "real", countingBytes(3));
  Deno.symlinkSync(`${outside}/x/y`, `${root}/file`);
  Deno.symlinkSync("real", `${root}/inside`);
  Deno.symlinkSync(`${outside}/new`, `${root}/dangling`);
  Deno.symlinkSync("loop", `${root}/loop`);
  for (const path of ["file", "inside", "dangling", "loop"]) {
    strictEqual(store.stat(path)?.kind, "other");
    for (const mode of ["read", "update", "ensure"] as const) {
      throwsFailure("unsafe-path", () => store.openFile(path, mode));
    }
    throwsFailure("unsafe-path", () => store.openFile(path, "create"));
    throwsFailure("unsafe-path", () => store.rename("real", path));
    throwsFailure("unsafe-path", () => store.rename(path, "new"));
    throwsFailure("unsafe-path", () => store.setAttributes(path, { mode: 0 }));
    store.removeFile(path);
  }
  deepStrictEqual(store.list(""), [{ name: "real", kind: "file" }]);
});

Deno.test("DirStore removeTree() follows no link on any depth", () => {
  using folders = makeFolders();
  const { root, outside } = folders;
  const store = new DirStore(root);
  for (const path of ["f", "f/g", "f/g/h"]) {
    store.makeFolder(path);
    Deno.symlinkSync(outside, `${root}/${path}/link`);
    Deno.symlinkSync(`${outside}/x/y`, `${root}/${path}/file`);
  }
  store.removeTree("f");
  deepStrictEqual(store.list(""), []);
});

Deno.test("DirStore may be reached through a link, which is its user's choice", () => {
  using folders = makeFolders();
  const { root } = folders;
  Deno.mkdirSync(`${root}/real`);
  Deno.symlinkSync("real", `${root}/link`);
  const store = new DirStore(`${root}/link`);
  writeFile(store, "a", countingBytes(5));
  strictEqual(store.stat("")?.kind, "folder");
  store.syncFolder("");
  strictEqual(Deno.statSync(`${root}/real/a`).size, 5);
});

Deno.test("DirStore takes a root with or without a slash at its end", () => {
  using folders = makeFolders();
  const store = new DirStore(`${folders.root}/`);
  store.makeFolder("f");
  writeFile(store, "f/a", countingBytes(5));
  deepStrictEqual(
    readFile(new DirStore(folders.root), "f/a"),
    countingBytes(5),
  );
  throwsFailure("invalid-argument", () => new DirStore(""));
});

Deno.test("DirStore stat() counts the names of a file", () => {
  using folders = makeFolders();
  const store = new DirStore(folders.root);
  writeFile(store, "a", countingBytes(5));
  Deno.linkSync(`${folders.root}/a`, `${folders.root}/b`);
  strictEqual(store.stat("a")?.linkCount, 2);
  store.removeFile("b");
  strictEqual(store.stat("a")?.linkCount, 1);
});

Deno.test("DirStore says offline, not not-found, once its root is gone", () => {
  using folders = makeFolders();
  const root = `${folders.root}/mounted`;
  const store = new DirStore(root);
  strictEqual(store.stat(""), undefined);
  throwsFailure("not-found", () => store.openFile("a", "read"));
  store.makeFolder("");
  writeFile(store, "a", countingBytes(5));
  Deno.renameSync(root, `${folders.root}/elsewhere`);
  const calls = [
    () => store.stat("a"),
    () => store.openFile("a", "read"),
    () => store.openFile("b", "create"),
    () => store.makeFolder("f"),
    () => store.removeFile("a"),
  ];
  for (const call of calls) throwsFailure("offline", call);
  // Folders are told apart by when they were made, too, on a clock of some milliseconds.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  Deno.mkdirSync(root); // what is left of a mount point
  for (const call of calls) throwsFailure("offline", call);
});

Deno.test("DirStore knows its root again when that comes back as another device", () => {
  using folders = makeFolders();
  const root = `${folders.root}/mounted`;
  const fill = () => {
    Deno.mkdirSync(`${root}/entry`, { recursive: true });
    Deno.writeTextFileSync(`${root}/entry/a`, "a");
  };
  fill();
  const store = new DirStore(root);
  strictEqual(store.stat("entry/a")?.bytes, 1);
  const calls = [
    () => store.openFile("entry/b", "read"),
    () => store.openFile("b", "read"),
  ];
  for (const call of calls) {
    Deno.renameSync(root, `${folders.root}/away`);
    Deno.mkdirSync(root);
    throwsFailure("offline", call);
    Deno.removeSync(root);
    // Folders are told apart by when they were made, too, on a clock of some milliseconds.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    fill();
    throwsFailure("not-found", call);
    Deno.removeSync(`${folders.root}/away`, { recursive: true });
  }
});

Deno.test("DirStore says what failed, where and why, and keeps the cause", () => {
  using folders = makeFolders();
  const store = new DirStore(folders.root);
  throws(() => store.openFile("no\nsuch", "read"), {
    name: "Failure",
    message: `Cannot open "no\\nsuch" of ${folders.root}: nothing is there`,
  });
  store.makeFolder("f");
  try {
    store.openFile("no/a", "create");
  } catch (error) {
    ok(isFailure(error, "not-found"));
    ok(error.cause instanceof Deno.errors.NotFound);
    strictEqual(
      error.message,
      `Cannot create "no/a" of ${folders.root}: nothing is there (ENOENT)`,
    );
  }
});

Deno.test("DirFile asserts what only a mistake of ours can do", () => {
  using folders = makeFolders();
  const store = new DirStore(folders.root);
  writeFile(store, "a", countingBytes(5));
  const target = new Uint8Array(1);
  using file = store.openFile("a", "read");
  throws(() => file.writeFrom(target, 0), AssertionError);
  throws(() => file.truncate(0), AssertionError);
  for (const offset of [-1, 0.5, NaN, 2 ** 53]) {
    throws(() => file.readInto(target, offset), AssertionError);
  }
  file[Symbol.dispose]();
  file[Symbol.dispose]();
  throws(() => file.readInto(target, 0), AssertionError);
  throws(() => file.size(), AssertionError);
  throws(() => file.sync(), AssertionError);
});

Deno.test("DirFile finds its place again after a failed call", () => {
  using folders = makeFolders();
  const store = new DirStore(folders.root);
  writeFile(store, "a", countingBytes(20));
  using file = store.openFile("a", "update");
  const target = new Uint8Array(4);
  file.readInto(target, 0);
  throwsFailure("no-space", () => file.writeFrom(target, 2 ** 53 - 1));
  file.readInto(target, 4);
  deepStrictEqual(target, countingBytes(4, 5));
});

Deno.test("DirStore openFile() gives a whole file while another thread replaces it", async () => {
  using folders = makeFolders();
  const { root } = folders;
  const store = new DirStore(root);
  writeFile(store, "a", countingBytes(100));
  await whileWorking("./replacing_worker.ts", { root }, () => {
    for (let round = 0; round < 3000; round++) {
      deepStrictEqual(readFile(store, "a"), countingBytes(100));
    }
  });
});

Deno.test("DirStore in a worker scoped to its root does all that it has to, and nothing outside", async () => {
  using folders = makeFolders();
  const { root, outside } = folders;
  await Deno.symlink(`${outside}/x`, `${root}/link`);
  const permissions: Deno.PermissionOptionsObject = {
    read: [root],
    write: [root],
    net: false,
    env: false,
    run: false,
    ffi: false,
    sys: false,
    import: false,
  };
  const worker = new Worker(new URL("./scoped_worker.ts", import.meta.url), {
    type: "module",
    deno: { permissions },
  });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  worker.postMessage({ root, outside });
  try {
    deepStrictEqual(await promise, {
      content: [1, 2, 3],
      names: ["f", "link"],
      freeBytes: undefined,
      throughLink: "unsafe-path",
      outside: "permission-denied",
      parent: "unsafe-path",
    });
  } finally {
    worker.terminate();
  }
});
