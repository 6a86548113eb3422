// Hashes: plain BLAKE3 digests of what an entry holds, for programs that are not ours. Those of the
// content come from the manifest. Those of the stored files come from the digests as far as these
// are whole streams; segments are read for theirs, and every leaf is verified on the way, so that no
// digest of rotten bytes is ever given out as right.

import { type Bytes, equalBytes, formatHex } from "../base/bytes.ts";
import { Failure } from "../base/errors.ts";
import { digestBytes } from "../base/limits.ts";
import {
  metadataFolders,
  metadataPath,
  shardFilesOf,
  shardPath,
} from "../format/entry_path.ts";
import {
  blockDataShards,
  payloadOffsetOf,
  rowCountOf,
  segmentCountOf,
  shardLength,
  slotOf,
} from "../format/geometry.ts";
import type { FileTable } from "../format/file_table.ts";
import { pageSlotCount } from "../format/outboard.ts";
import type { StoreFile } from "../store/store.ts";
import { type EngineContext, throwIfInterrupted } from "./context.ts";
import { causeOf } from "./damage_cause.ts";
import { findTablePages, openFileTable } from "./file_table_copies.ts";
import { type FoundManifest, readManifest } from "./manifest_copies.ts";
import { openOutboard } from "./outboard_copies.ts";
import type { EntrySummary, FileHash } from "./report.ts";
import type { OpenEntry } from "./scan_entry.ts";
import { StreamDigest } from "./stream_digest.ts";

const leavesPerRead = 16;

/** Bytes between two turns of the event loop, in which signals are heard: some tens of milliseconds. */
const bytesPerPause = 32 * 1024 * 1024;

/**
 * Digests of what was committed: of a file by its name, of a tree's files by their paths in it. Files
 * with holes so vast that nobody hashed them are left out, and a warning tells.
 * @throws {Failure} `damaged` when the file table of a tree is lost
 */
export async function* hashContent(
  entry: EntrySummary,
  context: EngineContext,
): AsyncGenerator<FileHash> {
  const { folder, name, root } = entry;
  const found = requireManifest(folder, context);
  const opened = await openFileTable(folder, found.manifest, context);
  if (opened === undefined) yield { file: name, blake3: root };
  else yield* hashTree(name, opened.table, context);
}

function* hashTree(
  name: string,
  table: FileTable,
  context: EngineContext,
): Generator<FileHash> {
  let unhashedCount = 0;
  for (const row of table.rows()) {
    if (row.kind !== "file" && row.kind !== "hardlink") continue;
    throwIfInterrupted(context);
    const file = row.kind === "file" ? row : table.findFile(row.target);
    if (file?.blake3 === undefined) unhashedCount++;
    else yield { file: row.path, blake3: file.blake3 };
  }
  if (unhashedCount === 0) return;
  const message =
    `Left out are files of "${name}" that nobody hashed because of their vast holes: ${unhashedCount}`;
  context.emit({ kind: "warning", message });
}

function requireManifest(
  folder: string,
  context: EngineContext,
): FoundManifest {
  const found = readManifest(folder, context);
  if (found.kind === "found") return found;
  throw new Failure(
    "damaged",
    `Cannot hash the files of "${folder}": ${found.problem}`,
  );
}

/**
 * Digests of all files of the entry, by their paths in its folder. A file whose digest cannot be
 * known, because it is damaged, has none.
 * @throws {Failure} `damaged`, `offline`, `interrupted`
 */
export async function* hashStored(
  { folder }: EntrySummary,
  context: EngineContext,
): AsyncGenerator<FileHash> {
  const found = requireManifest(folder, context);
  const { manifest } = found;
  const { outboard, lostPages } = openOutboard(folder, manifest, context);
  const manifestDigest = context.codec.digest(found.bytes);
  for (const each of metadataFolders) {
    const file = metadataPath(each, "manifest.json");
    yield { file, blake3: formatHex(manifestDigest) };
  }
  if (manifest.outboard.kind === "pages") {
    const digest = lostPages.length > 0
      ? undefined
      : context.codec.digest(outboard.digests);
    for (const each of metadataFolders) {
      yield hashOf(metadataPath(each, "outboard.bin"), digest);
    }
  }
  const table = findTablePages(folder, manifest, context);
  if (table !== undefined) {
    const digest = table.lostPages.length > 0
      ? undefined
      : context.codec.digest(table.bytes);
    for (const each of metadataFolders) {
      yield hashOf(metadataPath(each, "files.jsonl.gz"), digest);
    }
  }
  const shards = new ShardHashes(
    { folder, manifest, outboard },
    new Set(lostPages),
    context,
  );
  const { geometry } = manifest;
  for (const { block, shard, path } of shardFilesOf(geometry)) {
    throwIfInterrupted(context);
    yield hashOf(path, shards.digestOf(block, shard));
    if (shards.bytesRead < bytesPerPause) continue;
    shards.bytesRead = 0;
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
  }
}

function hashOf(file: string, digest: Bytes | undefined): FileHash {
  return digest === undefined ? { file } : { file, blake3: formatHex(digest) };
}

/** Digests of the shards of one entry, each as a file of its own. */
class ShardHashes {
  /** Bytes that were read so far. */
  bytesRead = 0;
  readonly #entry: OpenEntry;
  readonly #lostPages: ReadonlySet<number>;
  readonly #context: EngineContext;

  constructor(
    entry: OpenEntry,
    lostPages: ReadonlySet<number>,
    context: EngineContext,
  ) {
    this.#entry = entry;
    this.#lostPages = lostPages;
    this.#context = context;
  }

  /** The digest of what belongs in the shard's file; undefined where that cannot be known. */
  digestOf(block: number, shard: number): Bytes | undefined {
    const { manifest: { geometry, root } } = this.#entry;
    const dataShards = blockDataShards(geometry, block);
    if (shard >= dataShards) return this.#streamDigest(block, shard);
    if (segmentCountOf(geometry) === 1) return root;
    // With one data shard, parity is a copy of it.
    const copy = dataShards === 1 && geometry.parityShards > 0
      ? this.#streamDigest(block, dataShards)
      : undefined;
    return copy ?? this.#readSegment(block, shard);
  }

  /** Of a parity shard: its leaves are those of a stream of its own. */
  #streamDigest(block: number, shard: number): Bytes | undefined {
    const { manifest: { geometry } } = this.#entry;
    const digests = this.#digestsOf(
      slotOf(geometry, block, shard, 0),
      rowCountOf(geometry, block),
    );
    return digests && this.#context.codec.rootOf(digests);
  }

  #digestsOf(firstSlot: number, count: number): Bytes | undefined {
    const lastPage = Math.floor((firstSlot + count - 1) / pageSlotCount);
    for (
      let page = Math.floor(firstSlot / pageSlotCount);
      page <= lastPage;
      page++
    ) {
      if (this.#lostPages.has(page)) return undefined;
    }
    return this.#entry.outboard.digests.subarray(
      firstSlot * digestBytes,
      (firstSlot + count) * digestBytes,
    );
  }

  #readSegment(block: number, shard: number): Bytes | undefined {
    const { folder, manifest: { geometry } } = this.#entry;
    const path = `${folder}/${shardPath(geometry, block, shard)}`;
    try {
      using file = this.#context.store.openFile(path, "read");
      return this.#digestFile(file, block, shard);
    } catch (error) {
      causeOf(error);
      return undefined;
    }
  }

  #digestFile(
    file: StoreFile,
    block: number,
    shard: number,
  ): Bytes | undefined {
    const { manifest: { geometry } } = this.#entry;
    const { codec } = this.#context;
    const { leafBytes, payloadBytes } = geometry;
    const length = shardLength(geometry, block, shard);
    const readBytes = leavesPerRead * leafBytes;
    using room = codec.lease(readBytes + leavesPerRead * digestBytes);
    using stream = new StreamDigest(codec);
    for (let from = 0; from < length; from += readBytes) {
      const bytes = Math.min(readBytes, length - from);
      const target = room.view(0, bytes);
      if (file.readInto(target, from) !== bytes) return undefined;
      this.bytesRead += bytes;
      const count = Math.ceil(bytes / leafBytes);
      codec.digestLeaves({
        source: room.offset,
        bytes,
        leafBytes,
        streamOffset: payloadOffsetOf(geometry, block, shard, from),
        target: room.offset + readBytes,
        wholeStream: payloadBytes <= leafBytes,
      });
      const expected = this.#digestsOf(
        slotOf(geometry, block, shard, from / leafBytes),
        count,
      );
      const found = room.view(readBytes, count * digestBytes);
      if (expected === undefined || !equalBytes(found, expected)) {
        return undefined;
      }
      stream.append(room.view(0, bytes));
    }
    return stream.finish();
  }
}
