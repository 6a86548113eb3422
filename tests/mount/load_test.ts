// Somebody else's reads on a mount: fio with its own verification, mmap, a folder of very many files,
// and mount(8) by the script that docs/mount.md gives.

import { equal, match, ok } from "node:assert/strict";
import { equalBytes } from "../../src/base/bytes.ts";
import { mountView } from "../../src/mount/mount.ts";
import {
  type NodeId,
  rootId,
  type View,
  type ViewNode,
} from "../../src/view/view.ts";
import { repository, startOf } from "../e2e/home.ts";
import { makeTemporaryFolder, Workplace } from "../e2e/workplace.ts";
import { isMounted, Mounted, namesIn, readBytes, runTool } from "./mounted.ts";
import { plainMount } from "./shared_mount.ts";

const mib = 1024 * 1024;

Deno.test("fio finds what it wrote, whatever the order of its reads", async () => {
  using work = new Workplace({ config: undefined });
  const job = (name: string, path: string, ...options: string[]) =>
    runTool(
      "fio",
      "--name=it",
      `--filename=${path}`,
      `--size=${12 * mib}`,
      "--ioengine=psync",
      "--verify=crc32c",
      "--verify_fatal=1",
      "--verify_state_save=0",
      "--randseed=7",
      "--output-format=terse",
      `--description=${name}`,
      ...options,
    );
  job("write", work.at("data"), "--rw=write", "--bs=4k", "--do_verify=0");
  await work.expect(0, ["commit", "data"]);
  await using mounted = await Mounted.at(work);
  const path = mounted.at("data");
  job("in order", path, "--rw=read", "--bs=4k", "--readonly");
  job(
    "anywhere, eight at once",
    path,
    "--rw=randread",
    "--bs=4k",
    "--readonly",
    "--thread",
    "--numjobs=8",
    "--loops=1",
  );
});

Deno.test("a mapped file has the right bytes, from several processes at once", async () => {
  using work = new Workplace();
  const { content } = await work.commit("it", 1_500_000);
  await using mounted = await Mounted.at(work);
  const script = `
import mmap, sys, hashlib
with open(sys.argv[1], "rb") as f:
    with mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
        print(hashlib.sha256(m[::-1]).hexdigest())
`;
  const reversed = content.toReversed() as Uint8Array<ArrayBuffer>;
  const digest = new Uint8Array(
    await crypto.subtle.digest("SHA-256", reversed),
  );
  const expected = digest.toHex();
  const runs = Array.from(
    { length: 3 },
    () =>
      new Deno.Command("python3", { args: ["-c", script, mounted.at("it")] })
        .output(),
  );
  for (const { stdout } of await Promise.all(runs)) {
    equal(new TextDecoder().decode(stdout).trim(), expected);
  }
});

/** A folder of so many files. */
function crowd(fileCount: number): View {
  const folder: ViewNode = {
    id: rootId,
    kind: "folder",
    bytes: 0,
    modifiedNs: 0n,
    linkCount: 1,
    nameChanges: false,
  };
  const file = (id: NodeId): ViewNode => ({ ...folder, id, kind: "file" });
  const nodeOf = (index: number) => file(BigInt(index) + 10n);
  return {
    node: (id) => id === rootId ? folder : file(id),
    lookup: (_, name) => nodeOf(Number(name.slice(1))),
    openFolder: () => ({
      isFixed: false,
      *rows(from) {
        for (let index = from; index < fileCount; index++) {
          const node = nodeOf(index);
          yield { name: `f${index}`, node, isWhole: true, next: index + 1 };
        }
      },
    }),
    openFile: () => Promise.reject(new Error("nobody reads here")),
    readLink: () => "",
    labels: () => [],
    label: () => undefined,
    statistics: () => ({ bytes: 0, fileCount, freeBytes: 0 }),
  };
}

Deno.test("a folder of 100,000 files is listed whole, each name once", async () => {
  const path = makeTemporaryFolder();
  const stop = new AbortController();
  const { promise: mounted, resolve } = Promise.withResolvers<void>();
  const served = mountView({
    ...plainMount,
    view: crowd(100_000),
    mountpoint: path,
    label: "crowd",
    signal: stop.signal,
    onMounted: () => resolve(),
  });
  await mounted;
  try {
    // The lister is a process of its own: this one serves.
    const { stdout } = await new Deno.Command("sh", {
      args: [
        "-c",
        'ls -U "$1" | sort -u | wc -l; find "$1" | wc -l',
        "sh",
        path,
      ],
    }).output();
    // find has a line for the folder.
    match(new TextDecoder().decode(stdout).trim(), /^100000\n100001$/);
  } finally {
    stop.abort();
    await served;
    await Deno.remove(path);
  }
});

Deno.test("mount -t fuse.blockframe works with the script of docs/mount.md", async () => {
  const helper = "/sbin/mount.fuse.blockframe";
  using work = new Workplace();
  const { content } = await work.commit("it", 5000);
  const path = work.makeFolder("by hand");
  const text = await Deno.readTextFile(`${repository}/docs/mount.md`);
  const script = /```sh\n(#!\/bin\/sh\n[^]*?)```/.exec(text)?.[1];
  ok(script !== undefined, "docs/mount.md has the script");
  const packed = `${repository}/tools/packaging/mount.fuse.blockframe`;
  equal(script, await Deno.readTextFile(packed), "which the package brings");
  const program = startOf([]).words.join(" ");
  const replaced = script.replace("exec blockframe", `exec ${program}`);
  ok(replaced !== script);
  await Deno.writeTextFile(helper, replaced, { mode: 0o755, createNew: true });
  try {
    runTool(
      "mount",
      "-t",
      "fuse.blockframe",
      work.archive,
      path,
      "-o",
      "uid=12,nofail",
    );
    ok(equalBytes(readBytes(`${path}/it`), content));
    equal(namesIn(path).length, 2);
    equal((await Deno.stat(`${path}/it`)).uid, 12);
    runTool("umount", path);
    equal(isMounted(path), false);
  } finally {
    await Deno.remove(helper);
  }
});
