// Self-test of the engine: a tiny archive is made, damaged, found damaged, healed and compared, byte
// for byte, with what went into it. The damage is proved before anything is believed of the healing.

import { assert, present } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { equalBytes } from "../base/bytes.ts";
import { Prng } from "../base/prng.ts";
import { DirTreeStore } from "../store/dir_tree_store.ts";
import { type Archive, openArchive } from "./archive.ts";
import type { HealthReport } from "./report.ts";

/** Several blocks, the last one not full, and the last segment neither. */
const payloadBytes = 200_003;
const segmentBytes = 16 * 1024;
const policy = "erasure:4+2";

/** What the round works with. */
export interface RoundRequest {
  /** An empty folder of its own. */
  readonly folder: string;
  /** Threads that heal; 0: this one. */
  readonly workers: number;
  readonly signal: AbortSignal;
}

/** Commits, damages, heals, restores and compares. @throws {Failure} @throws {AssertionError} */
export async function verifyArchive(request: RoundRequest): Promise<string> {
  const { folder, workers, signal } = request;
  const store = new DirTreeStore(folder);
  const payload = new Uint8Array(payloadBytes);
  new Prng(1).fill(payload);
  writeFile(store, "payload", payload);
  await using archive = await openArchive({
    path: `${folder}/archive`,
    create: true,
    workers,
    inlineBytesMax: 0,
    segmentBytes,
    signal,
  });
  const entry = await archive.commit({ source: `${folder}/payload`, policy });
  const place = `archive/${entry.folder}`;
  const files = listShards(store, place);
  const before = new Map(files.map((path) => [path, readFile(store, path)]));
  const damaged = damageFiles(store, files);

  const found = await examine(archive, false);
  assert(found.state === "repairable", `damage was called ${found.state}`);
  assert(
    found.damage.length === damaged.length,
    `${damaged.length} files were damaged, ${found.damage.length} found`,
  );
  await compareRestored(archive, store, "damaged", payload);
  const healed = await examine(archive, true);
  assert(healed.state === "repaired", `the repair came to ${healed.state}`);
  for (const [path, bytes] of before) {
    assert(equalBytes(readFile(store, path), bytes), `${path} was not healed`);
  }
  const last = await examine(archive, false);
  assert(last.state === "healthy", `after the repair it is ${last.state}`);
  await compareRestored(archive, store, "healed", payload);
  const how = workers === 0 ? "on this thread" : `on ${workers} threads`;
  return `${files.length} shards, ${damaged.length} damaged, found and healed ${how}; ` +
    "what was restored is what was committed";

  async function compareRestored(
    archive: Archive,
    store: DirTreeStore,
    output: string,
    wanted: Bytes,
  ) {
    await archive.restore({
      selector: entry.id,
      output: `${folder}/${output}`,
    });
    assert(
      equalBytes(readFile(store, output), wanted),
      `what was restored (${output}) is not what was committed`,
    );
  }
}

async function examine(
  archive: Archive,
  repair: boolean,
): Promise<HealthReport> {
  const reports: HealthReport[] = [];
  for await (const report of archive.health({ repair })) reports.push(report);
  return present(reports[0], "there is one entry");
}

/** As many shards of the first block as can be lost: one gone, one rotten. */
function damageFiles(store: DirTreeStore, files: readonly string[]): string[] {
  const [gone, rotten] = files;
  assert(gone !== undefined && rotten !== undefined, "an entry has shards");
  store.removeFile(gone);
  assert(store.stat(gone) === undefined, "a removed file is still there");
  const before = readFile(store, rotten);
  {
    using file = store.openFile(rotten, "update");
    const flipped = before.slice(1000, 1100).map((byte) => byte ^ 0xff);
    file.writeFrom(flipped, 1000);
  }
  assert(
    !equalBytes(readFile(store, rotten), before),
    "a file that was damaged is what it was",
  );
  return [gone, rotten];
}

/** Files of segments and parity, the first block's first. */
function listShards(store: DirTreeStore, folder: string): string[] {
  return store.list(folder).flatMap(({ name, kind }) => {
    const path = `${folder}/${name}`;
    if (kind === "folder") return listShards(store, path);
    return name.endsWith(".dat") ? [path] : [];
  });
}

function readFile(store: DirTreeStore, path: string): Bytes {
  using file = store.openFile(path, "read");
  const bytes = new Uint8Array(file.size());
  assert(file.readInto(bytes, 0) === bytes.length, `${path} cannot be read`);
  return bytes;
}

function writeFile(store: DirTreeStore, path: string, bytes: Bytes): void {
  using file = store.openFile(path, "create");
  file.writeFrom(bytes, 0);
}
