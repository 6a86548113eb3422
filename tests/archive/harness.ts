// Harness: an engine over stores in memory (or any other), seeded and with a clock that counts, and
// the ways to damage what it wrote. A damage that did not change anything throws, so that no test
// can believe in damage that never happened.

import { equal } from "node:assert/strict";
import { assert } from "../../src/base/assert.ts";
import {
  type Bytes,
  encodeUtf8,
  equalBytes,
  formatHex,
  joinBytes,
} from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import type { Clock } from "../../src/base/ports.ts";
import { Codec } from "../../src/codec/mod.ts";
import type {
  EngineContext,
  EngineSettings,
} from "../../src/archive/context.ts";
import { Engine } from "../../src/archive/engine.ts";
import { InlineExecutor } from "../../src/archive/executor.ts";
import type {
  ArchiveEvent,
  CommitReport,
  HealthReport,
  RestoreReport,
} from "../../src/archive/report.ts";
import { metadataFolders, metadataPath } from "../../src/format/entry_path.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import type { Store } from "../../src/store/store.ts";
import type { TreeStore } from "../../src/store/tree_store.ts";

export const kib = 1024;

/** Settings small enough that every tier fits into some kilobytes. */
export const smallSettings: EngineSettings = {
  tiers: { tier1Max: 8 * kib, tier2Max: 64 * kib, tier3Max: 100_000 * kib },
  segmentBytes: 16 * kib,
  leafBytesMax: 1 * kib,
  durable: true,
  runBytesMax: 40 * kib,
};

/** An engine whose archive, sources and outputs are stores of its own. */
export class Bench {
  readonly archive: Store;
  readonly sources: Store;
  readonly outputs: Store;
  readonly events: ArchiveEvent[] = [];
  readonly engine: Engine;
  readonly context: EngineContext;

  constructor(options: {
    archive?: Store;
    sources?: Store;
    outputs?: Store;
    settings?: Partial<EngineSettings>;
    seed?: number;
    startMs?: number;
    signal?: AbortSignal;
    index?: EngineContext["index"];
  } = {}) {
    this.archive = options.archive ?? new MemoryStore();
    this.sources = options.sources ?? new MemoryStore();
    this.outputs = options.outputs ?? new MemoryStore();
    const stores = new Map([
      ["archive", this.archive],
      ["sources", this.sources],
      ["outputs", this.outputs],
    ]);
    const storeOf = (root: string) => {
      const store = stores.get(root);
      assert(store !== undefined, `there is a store "${root}"`);
      return store;
    };
    const codec = Codec.open();
    this.context = {
      store: this.archive,
      root: "archive",
      codec,
      settings: { ...smallSettings, ...options.settings },
      clock: countingClock(options.startMs),
      chance: new Prng(options.seed ?? 1),
      emit: (event) => this.events.push(event),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.index === undefined ? {} : { index: options.index }),
      storeOf,
      treeStoreOf: (root) => {
        const store = storeOf(root);
        assert("capabilities" in store, `"${root}" holds a tree`);
        return store as TreeStore;
      },
      openExecutor: () => new InlineExecutor({ codec, storeOf }),
    };
    this.engine = new Engine(this.context);
  }

  /** Commits `bytes` as `name`. */
  async commit(
    name: string,
    bytes: Bytes,
    policy?: string,
  ): Promise<CommitReport> {
    writeFile(this.sources, "source", bytes);
    this.sources.setAttributes("source", { modifiedMs: 1_700_000_000_000 });
    return await this.engine.commit({
      source: { root: "sources", path: "source" },
      sourceLabel: "source",
      name,
      ...(policy === undefined ? {} : { policy }),
    });
  }

  /** Restores; the bytes are undefined where nothing was written. */
  async restore(
    selector: string,
    options: { partial?: boolean; overwrite?: boolean } = {},
  ): Promise<{ report: RestoreReport; bytes: Bytes | undefined }> {
    const path = "out";
    const report = await this.engine.restore(this.engine.select(selector), {
      target: { root: "outputs", path },
      label: path,
      overwrite: options.overwrite ?? true,
      partial: options.partial ?? false,
    });
    equal(
      this.outputs.list("").every((each) => each.name === path),
      true,
      "a restore leaves no temporary file",
    );
    return {
      report,
      bytes: report.output === undefined
        ? undefined
        : readFile(this.outputs, path),
    };
  }

  /** The health of all entries, or of those selected. */
  async health(
    repair: boolean,
    ...selectors: string[]
  ): Promise<HealthReport[]> {
    const reports: HealthReport[] = [];
    const request = selectors.length === 0 ? { repair } : { repair, selectors };
    for await (const report of this.engine.health(request)) {
      reports.push(report);
    }
    return reports;
  }

  /** The health of the only entry. */
  async healthOfOne(repair: boolean): Promise<HealthReport> {
    const reports = await this.health(repair);
    equal(reports.length, 1);
    return reports[0]!;
  }
}

/** A clock that goes on by one millisecond at every look. */
export function countingClock(startMs: number = Date.UTC(2026, 0, 1)): Clock {
  let ms = startMs;
  return { nowMs: () => ms++, monotonicMs: () => ms++ };
}

/** All bytes of a file. */
export function readFile(store: Store, path: string): Bytes {
  using file = store.openFile(path, "read");
  const bytes = new Uint8Array(file.size());
  equal(file.readInto(bytes, 0), bytes.length);
  return bytes;
}

/** Makes a file hold exactly `bytes`. */
export function writeFile(store: Store, path: string, bytes: Bytes): void {
  using file = store.openFile(path, "ensure");
  file.writeFrom(bytes, 0);
  file.truncate(bytes.length);
}

/** Changes some bytes of a file, every one of them for certain. */
export function rotBytes(
  store: Store,
  path: string,
  offset: number,
  length: number,
): void {
  using file = store.openFile(path, "update");
  const bytes = new Uint8Array(length);
  const count = file.readInto(bytes, offset);
  assert(count === length, `"${path}" has ${length} bytes at ${offset}`);
  const rotten = bytes.map((byte) => byte ^ 0x5a);
  file.writeFrom(rotten, offset);
  assert(!equalBytes(rotten, bytes), "rot changes bytes");
}

/** Flips one bit of a file. */
export function flipBit(store: Store, path: string, bit: number): void {
  using file = store.openFile(path, "update");
  const byte = new Uint8Array(1);
  assert(file.readInto(byte, bit >> 3) === 1, "the bit is inside the file");
  byte[0]! ^= 1 << (bit & 7);
  file.writeFrom(byte, bit >> 3);
}

/** Removes a file that is there. */
export function removeFile(store: Store, path: string): void {
  assert(store.stat(path)?.kind === "file", `"${path}" is a file`);
  store.removeFile(path);
}

/** Cuts a file to a smaller size. */
export function cutFile(store: Store, path: string, bytes: number): void {
  using file = store.openFile(path, "update");
  assert(file.size() > bytes, `"${path}" is longer than ${bytes}`);
  file.truncate(bytes);
}

/** Paths of all files below a folder. */
export function listFiles(store: Store, folder: string): string[] {
  const paths: string[] = [];
  for (const { name, kind } of store.list(folder)) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if (kind === "folder") paths.push(...listFiles(store, path));
    else paths.push(path);
  }
  return paths;
}

/** The content of all files below a folder, by path. */
export function readTree(store: Store, folder: string): Map<string, Bytes> {
  return new Map(
    listFiles(store, folder).map((path) => [path, readFile(store, path)]),
  );
}

/** Gives all manifest copies of an entry other members, with a check that is right for them. */
export function forgeManifest(
  store: Store,
  folder: string,
  change: (members: Record<string, unknown>) => void,
): void {
  const text = new TextDecoder().decode(
    readFile(store, `${folder}/manifest.json`),
  );
  const members = JSON.parse(text);
  delete members.manifest_blake3;
  change(members);
  const body = encodeUtf8(
    JSON.stringify(members, null, 2).replace(/\n}$/, ",\n"),
  );
  const check = formatHex(Codec.open().digest(body));
  const trailer = encodeUtf8(`  "manifest_blake3": "${check}"\n}\n`);
  for (const copy of metadataFolders) {
    const path = `${folder}/${metadataPath(copy, "manifest.json")}`;
    writeFile(store, path, joinBytes([body, trailer]));
  }
}
