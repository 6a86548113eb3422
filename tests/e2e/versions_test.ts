import { deepEqual, equal, match } from "node:assert/strict";
import { listTree, readTree } from "./tree.ts";
import { kib, Workplace } from "./workplace.ts";

Deno.test("versions are made, told apart, pruned and removed", async () => {
  using work = new Workplace();
  const contents: Uint8Array[] = [];
  const ids: string[] = [];
  for (let version = 0; version < 3; version++) {
    const { content, entry } = await work.commit("file", 20 * kib);
    contents.push(content);
    ids.push(entry.id);
  }
  const before = readTree(work.archive);
  const again = await work.expect(0, ["commit", "file"]);
  match(again.stdout, new RegExp(`^= file: unchanged \\(.*, id ${ids[2]}\\)`));
  deepEqual(readTree(work.archive), before);

  const list = await work.expect(0, ["list"]);
  match(list.stdout, new RegExp(`${ids[2]} {2}newest of 3 versions\n$`));
  equal(list.stdout.split("\n").length, 3);
  const all = await work.expect(0, ["list", "--all"]);
  equal(all.stdout.split("\n").length, 5);
  await work.expectRestore(0, ids[0]!, contents[0]!);

  await work.expect(16, ["prune", "--yes"]);
  await work.expect(16, ["prune", "--keep-last", "2"]);
  await work.expect(0, ["prune", "--keep-last", "2", "--dry-run"]);
  deepEqual(readTree(work.archive), before);
  await work.expect(0, ["prune", "--keep-last", "2", "--yes"]);
  await work.expect(8, ["show", ids[0]!]);
  const remove = ["remove", "file", "--yes"];
  await work.expect(8, remove);
  await work.expect(0, [...remove, "--version", ids[2]!.slice(0, 8)]);
  await work.expectRestore(0, "file", contents[1]!);
  equal((await work.health(["--check"])).code, 0);
  await work.expect(0, [...remove, "--all-versions"]);
  deepEqual(listTree(work.archive), []);
});

Deno.test("cleanup goes by the times of the file system and leaves the young alone", async () => {
  using work = new Workplace();
  const { content } = await work.commit("file", 20 * kib);
  for (const [id, days] of [["aa", 3], ["bb", 0]] as const) {
    const folder = `archive_directory/.staging_00000000000000${id}`;
    work.makeFolder(`${folder}/segments`);
    work.write(`${folder}/segments/segment_0.dat`, "0123456789");
    const then = new Date(Date.now() - days * 86_400_000);
    for (const path of ["/segments/segment_0.dat", "/segments", ""]) {
      await Deno.utime(work.at(folder + path), then, then);
    }
  }
  const all = await work.expect(0, ["list", "--all"]);
  equal(all.stdout.match(/^left over or in use: /gm)?.length, 2);
  await work.expect(16, ["cleanup"]);
  const dry = await work.expect(0, ["cleanup", "-n"]);
  match(dry.stdout, /^Would remove \.staging_0{14}aa \(10 B in 1 file, /);
  await work.expect(0, ["cleanup", "--yes", "--older-than", "4d"]);
  const done = await work.expect(0, ["cleanup", "--yes"]);
  match(done.stdout, /1 folder removed, 10 B freed\n$/);
  match(done.stderr, /^Left \.staging_0{14}bb .*a commit may be at work/);
  equal(
    (await work.expect(0, ["list", "--all"])).stdout.includes("aa ("),
    false,
  );
  await work.expectRestore(0, "file", content);
});
