// Trees through the real program and back on a real disk: what GNU find, stat and diff see of what
// came back is what they saw of the source.

import { equal, match, ok } from "node:assert/strict";
import { Workplace } from "./workplace.ts";

function shell(work: Workplace, line: string): string {
  const { success, stdout, stderr } = new Deno.Command("sh", {
    args: ["-ec", line],
    cwd: work.at("."),
  }).outputSync();
  ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Kind, mode, names, size, time to the nanosecond, target and path of everything. */
const picture = (folder: string) =>
  `cd ${folder} && find . -printf '%y %m %n %s %T@ %l %P\\n' | sed 's/^d \\([0-9]*\\) [0-9]* [0-9]*/d \\1/' | sort`;

Deno.test("a tree comes back as GNU tools saw it", async () => {
  if (Deno.build.os !== "linux") return;
  using work = new Workplace({ config: 'segment_size = "64KiB"' });
  shell(
    work,
    `mkdir -p src/a/empty src/b 'src/odd "\\name'; cd src
     head -c 300000 /dev/urandom >big; head -c 10000 /dev/urandom >a/one; : >none
     chmod 640 big; chmod 500 a/one; ln big b/second; ln -s ../big a/link; ln -s /nowhere dangling
     truncate -s 50M sparse; printf data | dd of=sparse bs=1 seek=20000000 conv=notrunc 2>/dev/null
     for i in 1 2 3 4 5 6 7 8 9; do echo $i >"odd \\"\\\\name/$i"; done
     touch -h -d '2001-02-03 04:05:06.123456789 UTC' a/one a/link b big; chmod 555 b
     touch -d '1965-01-01 00:00:00.000000001 UTC' a/empty; touch -d '2010-01-01 UTC' .`,
  );
  const before = shell(work, picture("src"));
  const committed = await work.run(["commit", "src", "--name", "t"]);
  equal(committed.code, 0, committed.stderr);
  const restored = await work.run(["restore", "t", "-o", "out"]);
  equal(restored.code, 0, restored.stdout + restored.stderr);
  equal(shell(work, picture("out")), before);
  shell(work, "diff -r --no-dereference src out");
  ok(Number(shell(work, "stat -c %b out/sparse")) < 1000, "the hole is a hole");
  equal((await work.run(["restore", "t", "-o", "out"])).code, 8);
  const parts = ["restore", "t", "a", "*.nothing", "-o", "part"];
  equal((await work.run(parts)).code, 8);
  const some = [
    "restore",
    "t",
    "a",
    "b/second",
    "--exclude",
    "one",
    "-o",
    "part",
  ];
  equal((await work.run(some)).code, 0);
  equal(
    shell(work, "cd part && find . | sort"),
    ".\n./a\n./a/empty\n./a/link\n./b\n./b/second\n",
  );
  shell(work, "cmp part/b/second src/big");
  shell(work, "chmod u+w out/b; rm out/big; echo x >out/none; mkdir out/mine");
  const merged = await work.run([
    "restore",
    "t",
    "-o",
    "out",
    "--skip-existing",
  ]);
  equal(merged.code, 0, merged.stderr);
  match(merged.stdout, /skipped/);
  equal(
    shell(work, "cat out/none; cmp out/big src/big && ls -d out/mine"),
    "x\nout/mine\n",
  );
  equal((await work.run(["restore", "t", "-o", "out", "--overwrite"])).code, 0);
  equal(shell(work, "cat out/none; ls -A | grep blockframe-part || true"), "");
  shell(work, "chmod -R u+w out part src");
});
