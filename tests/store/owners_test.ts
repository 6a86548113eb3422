// What root makes in somebody's folder becomes theirs, and nothing else ever does: not what lies
// elsewhere, has another name, came to the place of what was made, or may have been moved. As root,
// who alone can give anything away.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Failure } from "../../src/base/errors.ts";
import { DirStore } from "../../src/store/dir_store.ts";
import { canGiveAway } from "../e2e/owners.ts";
import { whileWorking } from "./while_working.ts";

const user = 54321;
const group = 54322;

/** An entry of somebody's archive, and a folder of root's, where none of it may get to. */
class Scene implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "blockframe-own-" });
  readonly outside: string = `${this.path}/outside`;
  readonly store: DirStore;

  constructor() {
    for (const name of ["outside", "archive", "archive/e", "archive/e/s"]) {
      Deno.mkdirSync(`${this.path}/${name}`);
    }
    for (const name of ["archive", "archive/e", "archive/e/s"]) {
      Deno.chownSync(`${this.path}/${name}`, user, group);
    }
    this.store = new DirStore(`${this.path}/archive`);
  }

  at(name: string): string {
    return `${this.path}/archive/${name}`;
  }

  /** Makes a file as a repair does; gives when its place was last changed, as far as that is known. */
  make(name: string): number {
    this.store.openFile(name, "ensure")[Symbol.dispose]();
    return changedMs(this.at(name));
  }

  /** User, group and permission bits. */
  ownerOf(name: string): string {
    return ownerAt(this.at(name));
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

function ownerAt(path: string): string {
  const { uid, gid, mode } = Deno.lstatSync(path);
  return `${uid}:${gid} ${(mode! & 0o7777).toString(8)}`;
}

function changedMs(path: string): number {
  return Deno.lstatSync(path).ctime!.getTime();
}

/** Long after everything: whatever happened is known by now. */
function later(): number {
  return Date.now() + 60_000;
}

/** What belongs to root, and is to stay so. */
const roots = "0:0 644";

function asRoot(name: string, body: (scene: Scene) => void | Promise<void>) {
  if (!canGiveAway(Deno.env.get("TMPDIR") || "/tmp")) return;
  Deno.test(name, async () => {
    using scene = new Scene();
    await body(scene);
  });
}

asRoot(
  "what root made becomes the folder's owner's, deep ones and renamed ones too",
  (scene) => {
    const { store } = scene;
    Deno.chmodSync(scene.at("e/s"), 0o750);
    Deno.chmodSync(scene.at("e"), 0o2775);
    scene.make("e/s/x.rebuild");
    store.rename("e/s/x.rebuild", "e/s/x");
    store.makeFolder("e/new");
    store.makeFolder("e/new/deep");
    scene.make("e/new/deep/y");
    store.openFile("e/s/created", "create")[Symbol.dispose]();
    strictEqual(scene.ownerOf("e/s/x"), roots);
    strictEqual(store.owners.waitMs(later()), 0);
    strictEqual(store.owners.giveBack(later()), 0);
    deepStrictEqual(
      ["e/s/x", "e/new", "e/new/deep", "e/new/deep/y", "e/s/created"]
        .map((name) => scene.ownerOf(name)),
      [
        `${user}:${group} 640`,
        // New folders have its bit for the group by themselves.
        `${user}:${group} 2775`,
        `${user}:${group} 2775`,
        `${user}:${group} 664`,
        // That is no repair's.
        roots,
      ],
    );
    strictEqual(store.owners.waitMs(later()), undefined, "nothing is left");
  },
);

asRoot("root's own archive, and an entry of root's, stay root's", (scene) => {
  const { store } = scene;
  Deno.chownSync(scene.at("e"), 0, 0);
  Deno.chownSync(scene.at("e/s"), 0, 0);
  scene.make("e/s/x");
  strictEqual(store.owners.waitMs(later()), undefined);
  strictEqual(scene.ownerOf("e/s/x"), roots);
});

asRoot("nothing is given before the times of change can tell", (scene) => {
  const madeMs = scene.make("e/s/x");
  strictEqual(scene.store.owners.waitMs(madeMs), 1100);
  strictEqual(scene.store.owners.giveBack(madeMs + 1099), 1);
  strictEqual(scene.ownerOf("e/s/x"), roots);
});

asRoot(
  "what nothing tells from another stays root's, and is counted",
  (scene) => {
    const { owners } = scene.store;
    scene.make("e/s/x");
    const info = Deno.lstatSync(scene.at("e/s/x"));
    owners.take();
    owners.note("e/s/x", { ...info, birthtime: null });
    strictEqual(owners.waitMs(later()), 0);
    strictEqual(owners.giveBack(later()), 1);
    strictEqual(scene.ownerOf("e/s/x"), roots);
  },
);

/** Moves the folder away and back, with its own times as before: that of change cannot be set. */
function moveThereAndBack(scene: Scene): void {
  const { atime, mtime } = Deno.statSync(scene.at("e/s"));
  Deno.renameSync(scene.at("e/s"), scene.at("away"));
  Deno.renameSync(scene.at("away"), scene.at("e/s"));
  Deno.utimeSync(scene.at("e/s"), atime!, mtime!);
  Deno.utimeSync(scene.at("e"), atime!, mtime!);
}

asRoot(
  "nothing is given below a folder that was moved meanwhile",
  async (scene) => {
    const { store } = scene;
    const madeMs = scene.make("e/s/x");
    while (Date.now() < madeMs + 1100) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    moveThereAndBack(scene);
    ok(changedMs(scene.at("e/s")) > madeMs);
    strictEqual(store.owners.giveBack(changedMs(scene.at("e/s")) + 1099), 1);
    strictEqual(scene.ownerOf("e/s/x"), roots);
  },
);

asRoot("what has another name stays root's", (scene) => {
  scene.make("e/s/x");
  Deno.linkSync(scene.at("e/s/x"), `${scene.outside}/x`);
  strictEqual(scene.store.owners.giveBack(later()), 1);
  strictEqual(ownerAt(`${scene.outside}/x`), roots);
});

asRoot("what came to the place of what was made is not touched", (scene) => {
  const { store, outside } = scene;
  Deno.writeTextFileSync(`${outside}/secret`, "root's");
  Deno.chmodSync(`${outside}/secret`, 0o600);
  for (const name of ["file", "link", "gone", "fifo"]) {
    scene.make(`e/s/${name}`);
  }
  // Kept, so that its number cannot come back to one of the others.
  for (const name of ["file", "link", "fifo"]) {
    Deno.renameSync(scene.at(`e/s/${name}`), `${outside}/${name}`);
  }
  Deno.writeTextFileSync(scene.at("e/s/file"), "another of root's");
  Deno.symlinkSync(`${outside}/secret`, scene.at("e/s/link"));
  Deno.removeSync(scene.at("e/s/gone"));
  strictEqual(
    new Deno.Command("mkfifo", { args: [scene.at("e/s/fifo")] }).outputSync()
      .success,
    true,
  );
  strictEqual(
    store.owners.giveBack(later()),
    0,
    "nothing of it is to be given",
  );
  strictEqual(ownerAt(`${outside}/secret`), "0:0 600");
  for (const name of ["file", "link", "fifo"]) {
    strictEqual(ownerAt(`${outside}/${name}`), roots);
  }
  deepStrictEqual(
    [scene.ownerOf("e/s/file"), scene.ownerOf("e/s/fifo")],
    [roots, roots],
  );
});

asRoot("what lies behind a link in a folder's place stays root's", (scene) => {
  const { store, outside } = scene;
  scene.make("e/s/x");
  Deno.renameSync(scene.at("e/s/x"), `${outside}/x`);
  Deno.renameSync(scene.at("e/s"), scene.at("aside"));
  Deno.symlinkSync(outside, scene.at("e/s"));
  strictEqual(store.owners.giveBack(later()), 1);
  strictEqual(ownerAt(`${outside}/x`), roots);
});

asRoot(
  "another folder of root's in the place of the one that was made is not taken for it",
  (scene) => {
    const { store } = scene;
    Deno.mkdirSync(scene.at("e/private"), { mode: 0o700 });
    store.makeFolder("e/made");
    Deno.renameSync(scene.at("e/made"), scene.at("aside"));
    Deno.renameSync(scene.at("e/private"), scene.at("e/made"));
    store.owners.giveBack(later());
    strictEqual(scene.ownerOf("e/made"), "0:0 700");
  },
);

/** Makes files in a folder that may be a link to elsewhere at any instant. */
function makeMany(scene: Scene): void {
  for (let index = 0; index < 2000; index++) {
    try {
      scene.make(`e/s/f${index}`);
    } catch (error) {
      // The link was seen, or the folder was just away.
      const isExpected = error instanceof Failure ||
        error instanceof Deno.errors.NotFound;
      if (!isExpected) throw error;
    }
  }
}

asRoot(
  "a folder that is swapped for a link all the time gets nobody anything of root's",
  async (scene) => {
    const { store, outside, path } = scene;
    const trap = `${path}/trap`;
    await Deno.symlink(outside, trap);
    const message = { folder: scene.at("e/s"), trap };
    await whileWorking("./swapping_worker.ts", message, async () => {
      makeMany(scene);
      await new Promise((resolve) => setTimeout(resolve, 1200));
      store.owners.giveBack(Date.now());
    });
    for await (const { name } of Deno.readDir(outside)) {
      strictEqual(ownerAt(`${outside}/${name}`), roots, name);
    }
  },
);
