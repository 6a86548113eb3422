// A real archive, through the code for Windows: trees with names that Windows has not, readers on several
// threads, damage that is healed while it is read, and damage that is too much.

import { deepEqual, equal, ok } from "node:assert/strict";
import { openArchive } from "../../src/archive/archive.ts";
import { equalBytes } from "../../src/base/bytes.ts";
import { ArchiveView } from "../../src/view/archive_view.ts";
import { encodeWindowsName } from "../../src/view/windows_names.ts";
import { rot } from "../e2e/damage.ts";
import { listFiles } from "../e2e/tree.ts";
import { Workplace } from "../e2e/workplace.ts";
import { Served } from "./served.ts";
import { Standin } from "./standin.ts";

const folder = await Deno.makeTempDir();
const windows = await Standin.build(folder);
await Deno.remove(folder, { recursive: true });

const nasty = ["a:b", "con", "dot.", "back\\slash", "README", "ünï", "x|*?"];

/** Commits a tree; gives its files by their paths. */
async function grow(work: Workplace): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  work.makeFolder("tree/a b/deep");
  work.makeFolder("tree/empty");
  const fill = (path: string, bytes: number) =>
    files.set(path, work.fill(path, bytes));
  for (const [index, name] of nasty.entries()) {
    fill(`tree/${name}`, 1000 * index);
  }
  for (let index = 0; index < 60; index++) {
    fill(`tree/a b/f${index}`, 37 * index);
  }
  fill("tree/a b/deep/big", 700_000);
  await Deno.symlink("a b", work.at("tree/link"));
  await work.expect(0, ["commit", "tree"]);
  return files;
}

/** Serves the workplace's archive while `use` runs; gives what the reader counted. */
async function serve(work: Workplace, use: () => Promise<void>) {
  await using archive = await openArchive({ path: work.archive, workers: 2 });
  await using reader = await archive.openReader({
    cacheBytes: 16 * 1024 * 1024,
    repair: true,
  });
  await using _served = await Served.at(windows, new ArchiveView(reader), {
    source: work.archive,
    label: work.archive,
  });
  await use();
  return reader.counters;
}

function windowsPath(path: string): string {
  return path.split("/").map((name) => `\\${encodeWindowsName(name)}`).join("");
}

Deno.test("a tree is as it was committed, under names that Windows has", async () => {
  using work = new Workplace();
  const files = await grow(work);
  await serve(work, async () => {
    const names = [...(await windows.list("\\tree")).keys()];
    for (const name of nasty) ok(names.includes(encodeWindowsName(name)), name);
    equal(names.length, nasty.length + 5); // and `.`, `..`, a folder, a link, a folder
    for (const [path, content] of files) {
      ok(equalBytes(await windows.readFile(windowsPath(path)), content), path);
    }
    equal((await windows.open("\\tree\\link\\f1")).status, "REPARSE");
    const versions = await windows.list("\\.versions\\tree");
    equal(versions.size, 3);
  });
});

Deno.test("several readers at random, with damage up to the parity", async () => {
  using work = new Workplace();
  const { content, folder: entry } = await work.commit("video", 1_500_000);
  const segments = listFiles(entry).filter((path) => /segments\//.test(path));
  rot(`${entry}/${segments[3]}`, 100, 2000);
  rot(`${entry}/${segments[20]}`, 700, 2000);
  const counters = await serve(work, async () => {
    const { file } = await windows.open("\\VIDEO");
    const readers = Array.from({ length: 8 }, async () => {
      for (let times = 0; times < 20; times++) {
        const offset = work.chance.below(content.length);
        const length = 1 + work.chance.below(150_000);
        const bytes = await windows.read(file, offset, length);
        ok(typeof bytes !== "string", `${offset}: ${bytes}`);
        ok(equalBytes(bytes, content.subarray(offset, offset + length)));
      }
    });
    await Promise.all(readers);
    const whole = await windows.read(file, 0, content.length); // over 1 MiB at once
    ok(typeof whole !== "string" && equalBytes(whole, content));
    equal(await windows.ask("Close", file), "SUCCESS");
  });
  ok(counters.rebuiltLeafCount >= 2);
  const { code } = await work.health(["--check"]);
  equal(code, 0, "what was rebuilt has been written back");
});

Deno.test("what is lost is an error for exactly its bytes", async () => {
  using work = new Workplace();
  const { content, folder: entry } = await work.commit("video", 240_000);
  const segments = `${entry}/blocks/block_0/segments`;
  for (const index of [1, 3, 5, 7]) {
    rot(`${segments}/segment_0${index}.dat`, 0, 1000);
  }
  await serve(work, async () => {
    const { file } = await windows.open("\\video");
    const bad = new Set<number>();
    for (let offset = 0; offset < content.length; offset += 4096) {
      const bytes = await windows.read(file, offset, 4096);
      if (typeof bytes === "string") {
        equal(bytes, "CRC_ERROR");
        bad.add(offset / 4096);
      } else ok(equalBytes(bytes, content.subarray(offset, offset + 4096)));
    }
    deepEqual([...bad], [1, 3, 5, 7]);
    equal(await windows.read(file, 0, 8192), "CRC_ERROR");
    equal(await windows.ask("Close", file), "SUCCESS");
  });
});

Deno.test("entries come and go while it is mounted; an open one stays", async () => {
  using work = new Workplace();
  const { content } = await work.commit("video", 50_000);
  await serve(work, async () => {
    const { file } = await windows.open("\\video");
    const newer = (await work.commit("video", 60_000)).content;
    await work.commit("other", 1000);
    const deadline = performance.now() + 30_000;
    while ((await windows.open("\\other")).status !== "SUCCESS") {
      ok(performance.now() < deadline, "it never came");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const old = await windows.read(file, 0, 100_000);
    ok(typeof old !== "string" && equalBytes(old, content));
    ok(equalBytes(await windows.readFile("\\video"), content));
    equal(await windows.ask("Close", file), "SUCCESS");
    ok(equalBytes(await windows.readFile("\\video"), newer));
  });
});

Deno.test("a robot of several threads copies all of it, and the driver ends the mount", async () => {
  using work = new Workplace();
  const files = await grow(work);
  const output = work.makeFolder("output");
  Deno.env.set("WINFSP_ROBOT", output);
  try {
    await using archive = await openArchive({ path: work.archive, workers: 2 });
    await using reader = await archive.openReader({
      cacheBytes: 16 * 1024 * 1024,
      repair: false,
    });
    await using served = await Served.at(windows, new ArchiveView(reader));
    await served.ended;
  } finally {
    Deno.env.delete("WINFSP_ROBOT");
  }
  const report = JSON.parse(
    new TextDecoder().decode(work.read("output/robot.txt")),
  );
  equal(report.problem, "");
  deepEqual([report.strays, report.misshapen], [0, 0]);
  equal(report.files, files.size * 2); // and below .versions
  for (const [path, content] of files) {
    const copy = path.split("/").map(encodeWindowsName).join("/");
    ok(equalBytes(work.read(`output/${copy}`), content), path);
  }
});
