// A health run by root in somebody's archive: what it makes anew is theirs, so that they can repair
// the next time themselves.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { remove, rot } from "./damage.ts";
import { Nobody } from "./nobody.ts";
import { canGiveAway } from "./owners.ts";
import { watchThreads } from "./threads.ts";
import {
  kib,
  smallConfig,
  temporaryFolder,
  twoBlocks,
  Workplace,
} from "./workplace.ts";

/** The owner and the permission bits of all that lies in a folder, the folder itself included. */
function ownersIn(path: string): Map<string, string> {
  const found = new Map<string, string>();
  const look = (name: string) => {
    const { uid, gid, mode, isDirectory } = Deno.lstatSync(path + name);
    found.set(name, `${uid}:${gid} ${(mode! & 0o7777).toString(8)}`);
    if (!isDirectory) return;
    for (const each of Deno.readDirSync(path + name)) {
      look(`${name}/${each.name}`);
    }
  };
  look("");
  return found;
}

function asRoot(name: string, body: () => Promise<void>): void {
  if (canGiveAway(temporaryFolder)) Deno.test(name, body);
}

for (
  const { what, bytes, config, segment } of [
    {
      what: "small",
      bytes: twoBlocks,
      config: smallConfig,
      segment: "blocks/block_0/segments/segment_00.dat",
    },
    // More than is done without threads.
    {
      what: "big",
      bytes: 40 * kib * kib,
      config: undefined,
      segment: "segments/segment_0.dat",
    },
  ]
) {
  asRoot(
    `what root's health makes anew in a ${what} entry of somebody else is theirs`,
    async () => {
      using work = new Workplace({ config });
      using nobody = new Nobody();
      const { folder } = await work.commit("it", bytes);
      await Deno.chmod(`${folder}/hashes`, 0o700);
      for await (const { name } of Deno.readDir(`${folder}/hashes`)) {
        await Deno.chmod(`${folder}/hashes/${name}`, 0o600);
      }
      nobody.own(work.path);
      const parts = [segment, "hashes_1", "hashes/manifest.json"];
      const before = ownersIn(work.archive);
      const harm = () => {
        for (const part of parts) remove(`${folder}/${part}`);
        // It cannot be mended in place: its bytes are somebody else's, too.
        const shared = `${folder}/hashes_2/manifest.json`;
        Deno.removeSync(work.at("shared"), { recursive: true });
        Deno.linkSync(shared, work.at("shared"));
        rot(shared, 5, 20);
      };
      work.write("shared", "");
      harm();
      using running = work.start(["health"]);
      const threads = await watchThreads(running.child.pid, running.ending);
      const { code, stdout, stderr } = await running.ending;
      deepEqual([code, stderr], [1, ""], stdout);
      equal(threads, what === "big");
      deepEqual(ownersIn(work.archive), before);
      harm();
      const again = await work.run(["health"], nobody.options);
      equal(again.code, 1, again.stdout + again.stderr);
      await work.expect(0, ["remove", "it", "--yes"], nobody.options);
    },
  );
}

asRoot(
  "where root may not give away, a repair is one all the same, and what stays root's is said once",
  async () => {
    using work = new Workplace();
    const { folder } = await work.commit("it", twoBlocks);
    for (const name of ownersIn(work.archive).keys()) {
      await Deno.chown(work.archive + name, 65534, 65534);
    }
    const parts = ["hashes_1", "hashes/manifest.json"];
    for (const part of parts) remove(`${folder}/${part}`);
    const prefix = ["setpriv", "--bounding-set=-chown", "--inh-caps=-chown"];
    const { code, stderr } = await work.run(["health"], { prefix });
    equal(code, 1, stderr);
    match(
      stderr,
      /^blockframe: warning: The repair made \d files and folders anew that could not be given to the owner of the folder: root has them now\n$/,
    );
    equal((await Deno.lstat(`${folder}/hashes_1`)).uid, 0);
    equal((await work.health(["--check"])).code, 0);
  },
);

asRoot("root's own archive is root's as ever", async () => {
  using work = new Workplace();
  const { folder } = await work.commit("it", twoBlocks);
  const before = ownersIn(work.archive);
  ok([...before.values()].every((owner) => owner.startsWith("0:0 ")));
  remove(`${folder}/hashes_1`);
  const { code, stderr } = await work.run(["health"]);
  deepEqual([code, stderr], [1, ""]);
  deepEqual(ownersIn(work.archive), before);
});
