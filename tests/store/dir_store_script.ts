// One case of dir_store_unix_test.ts, run in a process whose mounts or capabilities are its own.
// Arguments: the case and the folder. Fails by throwing.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { DirStore } from "../../src/store/dir_store.ts";
import {
  countingBytes,
  readFile,
  throwsFailure,
  writeFile,
} from "./fixture.ts";

const [caseName, root] = Deno.args as [string, string];
const store = new DirStore(root);

const cases: Record<string, () => void | Promise<void>> = {
  "full": testFull,
  "read-only": testReadOnly,
  "unmounted": testUnmounted,
  "denied": testDenied,
};
await cases[caseName]!();

function run(command: string, ...args: string[]): void {
  strictEqual(new Deno.Command(command, { args }).outputSync().success, true);
}

function testFull(): void {
  const before = store.freeBytes()!;
  ok(before > 0 && before <= 1024 * 1024);
  writeFile(store, "kept", countingBytes(200));
  {
    using file = store.openFile("big", "create");
    throwsFailure("no-space", () => file.writeFrom(new Uint8Array(2 << 20), 0));
    ok(file.size() > 0 && file.size() < before);
    const target = new Uint8Array(8).fill(1);
    strictEqual(file.readInto(target, 0), 8);
    deepStrictEqual(target, new Uint8Array(8));
  }
  strictEqual(store.freeBytes(), 0);
  store.removeFile("big");
  deepStrictEqual(readFile(store, "kept"), countingBytes(200));
  writeFile(store, "next", new Uint8Array(100_000));
}

async function testReadOnly(): Promise<void> {
  store.makeFolder("f");
  writeFile(store, "f/a", countingBytes(200));
  run("mount", "-o", "remount,ro", root);
  deepStrictEqual(readFile(store, "f/a"), countingBytes(200));
  strictEqual(store.list("f").length, 1);
  for (
    const call of [
      () => store.openFile("f/a", "update"),
      () => store.openFile("f/a", "ensure"),
      () => store.openFile("f/b", "create"),
      () => store.makeFolder("g"),
      () => store.rename("f/a", "f/b"),
      () => store.removeFile("f/a"),
      () => store.removeTree("f"),
      () => store.setAttributes("f/a", { modifiedMs: 0 }),
    ]
  ) throwsFailure("read-only", call);
  store.makeFolder("f");
  store.syncFolder("f");
  await store.syncFiles(["f/a"]);
}

function testUnmounted(): void {
  writeFile(store, "a", countingBytes(200));
  run("umount", "--lazy", root);
  throwsFailure("offline", () => store.openFile("a", "read"));
  throwsFailure("offline", () => store.openFile("b", "create"));
  deepStrictEqual([...Deno.readDirSync(root)], []);
}

function testDenied(): void {
  store.makeFolder("f");
  writeFile(store, "f/a", countingBytes(200));
  Deno.chmodSync(`${root}/f/a`, 0);
  throwsFailure("permission-denied", () => store.openFile("f/a", "read"));
  Deno.chmodSync(`${root}/f/a`, 0o400);
  deepStrictEqual(readFile(store, "f/a"), countingBytes(200));
  throwsFailure("permission-denied", () => store.openFile("f/a", "update"));
  Deno.chmodSync(`${root}/f`, 0o500);
  for (
    const call of [
      () => store.openFile("f/b", "create"),
      () => store.makeFolder("f/g"),
      () => store.rename("f/a", "f/b"),
      () => store.removeFile("f/a"),
      () => store.removeTree("f"),
    ]
  ) throwsFailure("permission-denied", call);
  Deno.chmodSync(`${root}/f`, 0);
  throwsFailure("permission-denied", () => store.list("f"));
  throwsFailure("permission-denied", () => store.stat("f/a"));
  Deno.chmodSync(`${root}/f`, 0o700);
  store.removeTree("f");
}
