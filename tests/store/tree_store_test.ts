import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { DirTreeStore } from "../../src/store/dir_tree_store.ts";
import { FaultyTreeStore } from "../../src/store/faulty_tree_store.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import { SimulatedDisk } from "../../src/store/simulated_disk.ts";
import { registerConformance } from "./conformance.ts";
import { registerTreeConformance } from "./conformance_trees.ts";
import { countingBytes, throwsFailure, writeFile } from "./fixture.ts";

const linux = Deno.build.os === "linux";

function openDir(exact: boolean): { store: DirTreeStore } & Disposable {
  const root = Deno.makeTempDirSync({ prefix: "blockframe-tree-" });
  return {
    store: new DirTreeStore(root, exact),
    [Symbol.dispose]: () => Deno.removeSync(root, { recursive: true }),
  };
}

registerConformance("DirTreeStore", () => {
  const { store, [Symbol.dispose]: dispose } = openDir(true);
  return {
    store,
    plantLink: (path) => Deno.symlinkSync("/", `${store.location}/${path}`),
    [Symbol.dispose]: dispose,
  };
});
registerTreeConformance("DirTreeStore", () => openDir(true));
registerTreeConformance("DirTreeStore without libc", () => openDir(false));
for (
  const [name, open] of [
    ["MemoryStore", () => new MemoryStore()],
    ["SimulatedDisk", () => new SimulatedDisk()],
    ["FaultyTreeStore", () => new FaultyTreeStore(new MemoryStore())],
  ] as const
) {
  registerTreeConformance(
    name,
    () => ({ store: open(), [Symbol.dispose]: () => {} }),
  );
}

Deno.test("DirTreeStore is exact on Linux, and says where it is not", () => {
  using exact = openDir(true);
  using plain = openDir(false);
  const all = { nanoseconds: true, extendedAttributes: true, holes: true };
  if (linux) deepStrictEqual(exact.store.capabilities, all);
  deepStrictEqual(plain.store.capabilities, {
    nanoseconds: false,
    extendedAttributes: false,
    holes: false,
  });
});

/** Runs a shell line in the store's folder. */
function shell(store: DirTreeStore, line: string): string {
  const { success, stdout, stderr } = new Deno.Command("sh", {
    args: ["-ec", line],
    cwd: store.location,
  }).outputSync();
  ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("DirTreeStore sees the times, owners and kinds that stat(1) sees", () => {
  if (!linux) return;
  using dir = openDir(true);
  const { store } = dir;
  shell(store, "echo x >f; mkdir d; ln -s f l; mkfifo p");
  shell(store, "touch -h -d @1700000001.987654321 f d l p; chmod 4751 f");
  for (
    const [path, kind] of [["f", "file"], ["d", "folder"], ["l", "link"], [
      "p",
      "other",
    ]]
  ) {
    const stat = store.statExactly(path!)!;
    strictEqual(stat.kind, kind);
    strictEqual(stat.modifiedNs, 1_700_000_001_987_654_321n);
    const told = shell(store, `stat -c '%a %u %g %h' ${path}`).trim();
    const seen = [
      stat.mode!.toString(8),
      stat.userId,
      stat.groupId,
      stat.linkCount,
    ];
    strictEqual(seen.join(" "), told);
  }
  deepStrictEqual(store.listExactly("").map(({ kind }) => kind), [
    "folder",
    "file",
    "link",
    "other",
  ]);
  store.setExactly("l", { modifiedNs: 1_500_000_000_000_000_001n });
  strictEqual(
    shell(store, "stat -c %.9Y l f").trim(),
    "1500000000.000000001\n1700000001.987654321",
  );
  throwsFailure("unsafe-path", () => store.setExactly("p", { mode: 0o777 }));
});

Deno.test("DirTreeStore tells names and targets that are not UTF-8 apart", () => {
  if (!linux) return;
  for (const exact of [true, false]) {
    using dir = openDir(exact);
    const { store } = dir;
    shell(
      store,
      `printf x >"$(printf 'a\\377b')"; ln -s "$(printf 'c\\377')" bad; printf y >'\ufffd'`,
    );
    deepStrictEqual(store.listExactly(""), [
      { name: "a\ufffdb", kind: "unreachable" },
      { name: "bad", kind: "link" },
      { name: "\ufffd", kind: "file" },
    ]);
    throwsFailure("invalid-name", () => store.readLink("bad"));
  }
});

Deno.test("DirTreeStore keeps access lists, and says which attributes it skips", () => {
  if (!linux || Deno.uid() !== 0) return;
  using dir = openDir(true);
  const { store } = dir;
  writeFile(store, "a", countingBytes(1));
  // Owner rw, user 1 r, group none, mask r, others none: linux/posix_acl_xattr.h
  const list = Uint8Array.from([
    ...[2, 0, 0, 0],
    ...[1, 0, 6, 0, 255, 255, 255, 255],
    ...[2, 0, 4, 0, 1, 0, 0, 0],
    ...[4, 0, 0, 0, 255, 255, 255, 255],
    ...[16, 0, 4, 0, 255, 255, 255, 255],
    ...[32, 0, 0, 0, 255, 255, 255, 255],
  ]);
  store.setExtended("a", "system.posix_acl_access", list);
  const setTrusted = new URL("./set_trusted.ts", import.meta.url).pathname;
  const { success } = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "-q", setTrusted, `${store.location}/a`],
  }).outputSync();
  ok(success);
  const { values, skipped } = store.readExtended("a");
  deepStrictEqual([...values], [["system.posix_acl_access", list]]);
  deepStrictEqual(skipped, ["trusted.blockframe"]);
});

Deno.test("DirTreeStore reads through a root that is a link, and reports the folder behind it", () => {
  if (!linux) return;
  using dir = openDir(true);
  const { location } = dir.store;
  Deno.mkdirSync(`${location}/real`);
  Deno.symlinkSync("real", `${location}/link`);
  const store = new DirTreeStore(`${location}/link`);
  strictEqual(store.statExactly("")?.kind, "folder");
  store.setExtended("", "user.x", countingBytes(2));
  strictEqual(store.readExtended("").values.size, 1);
  store.setExactly("", { modifiedNs: 2_000_000_000n });
  strictEqual(shell(dir.store, "stat -c %Y real").trim(), "2");
});

Deno.test("a crash keeps links, second names and targets of what was synced", async () => {
  const disk = new SimulatedDisk();
  disk.makeFolder("f");
  writeFile(disk, "f/a", countingBytes(5));
  disk.linkFile("f/a", "f/b");
  disk.makeLink("f/l", "../x");
  disk.setExactly("f", { modifiedNs: 7n });
  strictEqual(disk.crash("losing").statExactly("f"), undefined);
  await disk.syncTree("");
  const found = disk.crash("losing");
  strictEqual(found.readLink("f/l"), "../x");
  strictEqual(
    found.statExactly("f/a")?.identity,
    found.statExactly("f/b")?.identity,
  );
  strictEqual(found.statExactly("f")?.modifiedNs, 7n);
});
