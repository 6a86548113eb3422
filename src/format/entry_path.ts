// Entry paths: the names of folders and files that make an entry. All are portable to exFAT, FAT32
// and NTFS, bounded, and made by us alone: a user's name reaches the disk only in the harmless form
// that portableName gives it. The true name is in the manifest.

import { assert } from "../base/assert.ts";
import { encodeUtf8 } from "../base/bytes.ts";
import { idDigits, metadataCopyCount, nameBytesMax } from "../base/limits.ts";
import {
  blockCountOf,
  blockDataShards,
  blockParityShards,
  blockShardCount,
  columnCountOf,
  type Geometry,
  isColumn,
  placeOfColumn,
  segmentCountOf,
  segmentOf,
} from "./geometry.ts";

/** Folders of an entry that hold a copy of its metadata; "" is the entry's own folder. */
export const metadataFolders: readonly string[] = [
  "",
  "hashes",
  "hashes_1",
  "hashes_2",
];
assert(
  metadataFolders.length === metadataCopyCount,
  "every metadata copy has its folder",
);

/** Prefix of a folder in which an entry is made ready; nothing that begins with "." is an entry. */
export const stagingPrefix = ".staging_";

/** The file of the index, a cache, in the archive's folder. */
export const indexFile = ".index.sqlite";

const portableBytesMax = 80;
const reservedStem = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])$/i;

/** What is wrong with an entry's name, or undefined if it can be stored. */
export function nameProblem(name: string): string | undefined {
  if (name === "") return "it is empty";
  if (name === "." || name === "..") return "it stands for a folder";
  if (name.includes("/")) return 'it contains "/"';
  if (name.includes("\0")) return "it contains a NUL character";
  if (encodeUtf8(name).length > nameBytesMax) {
    return `it is longer than ${nameBytesMax} bytes`;
  }
  return undefined;
}

/** Whether `text` has the form of an entry's id. */
export function isId(text: string): boolean {
  return text.length === idDigits && /^[0-9a-f]+$/.test(text);
}

/** The folder of an entry: a portable form of its name, then its id, which makes it unique. */
export function entryFolder(name: string, id: string): string {
  assert(isId(id), "an id is 16 hexadecimal digits");
  return entryFolderPrefix(name) + id;
}

/** The id that a folder's name ends in, if it has the form of an entry's folder. */
export function idOfFolder(folder: string): string | undefined {
  const match = /^[^.].*_([0-9a-f]{16})$/s.exec(folder);
  return match?.[1];
}

/** The folder in which the entry is made ready. */
export function stagingFolder(id: string): string {
  return stagingPrefix + id;
}

/** The folder that takes what is to be removed out of sight, before its files go one by one. */
export function removalFolder(id: string): string {
  return `${stagingFolder(id)}_removed`;
}

/** The id of a folder that a commit or a removal works in; undefined for any other folder. */
export function idOfStaging(folder: string): string | undefined {
  if (!folder.startsWith(stagingPrefix)) return undefined;
  const id = folder.slice(stagingPrefix.length).replace(/_removed$/, "");
  return isId(id) ? id : undefined;
}

/** What the folders of all entries with this name begin with, before the id. */
export function entryFolderPrefix(name: string): string {
  return `${portableName(name)}_`;
}

/**
 * A folder's name in ASCII alone, for a file system that refuses the others: FAT32 on Linux takes
 * what its character set has, and that may be little.
 */
export function plainFolder(folder: string): string {
  return folder.replace(/[^ -~]/gu, "_");
}

/** A folder name made from `name` that nearly every file system takes; not reversible. */
export function portableName(name: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is replaced
  let portable = name.replace(/[\u0000-\u001f\u007f-\u009f<>:"/\\|?*]/g, "_");
  portable = portable.replace(/\p{Surrogate}/gu, "_").replace(/^[-. ]/, "_");
  if (reservedStem.test(portable.split(".", 1)[0]!.trimEnd())) {
    portable = `_${portable}`;
  }
  let bytes = 0, kept = "";
  for (const character of portable) {
    bytes += encodeUtf8(character).length;
    if (bytes > portableBytesMax) break;
    kept += character;
  }
  return kept;
}

/** A file of which every metadata folder may hold a copy. */
export type MetadataFile = "manifest.json" | "outboard.bin" | "files.jsonl.gz";

/** Path of a metadata file in a metadata folder. */
export function metadataPath(folder: string, file: MetadataFile): string {
  return folder === "" ? file : `${folder}/${file}`;
}

/** Path of a shard inside its entry's folder. Segments have the same in block and column. */
export function shardPath(
  geometry: Geometry,
  block: number,
  shard: number,
): string {
  const dataShards = blockDataShards(geometry, block);
  if (shard < dataShards) {
    const segment = segmentOf(geometry, block, shard);
    const folder = blockFolder(
      geometry,
      Math.floor(segment / geometry.dataShards),
    );
    return `${folder}segments/${segmentName(geometry, segment)}.dat`;
  }
  const parity = padIndex(
    shard - dataShards,
    blockParityShards(geometry, block),
  );
  if (isColumn(geometry, block)) {
    const { group, place } = placeOfColumn(geometry, block);
    const column = padIndex(place, geometry.dataShards);
    return `${
      groupFolder(geometry, group)
    }column_${column}_parity_${parity}.dat`;
  }
  if (geometry.dataShards === 1) {
    return `parity/${segmentName(geometry, block)}_parity_${parity}.dat`;
  }
  return `${blockFolder(geometry, block)}parity/parity_${parity}.dat`;
}

/** A shard's own file: a segment is named as its block's, not as its column's. */
export interface ShardFile {
  readonly block: number;
  readonly shard: number;
  /** Inside the entry's folder. */
  readonly path: string;
}

/** Every shard file of an entry once. */
export function* shardFilesOf(geometry: Geometry): Generator<ShardFile> {
  const blocks = blockCountOf(geometry);
  for (let block = 0; block < blocks + columnCountOf(geometry); block++) {
    const first = block < blocks ? 0 : blockDataShards(geometry, block);
    for (let shard = first; shard < blockShardCount(geometry, block); shard++) {
      yield { block, shard, path: shardPath(geometry, block, shard) };
    }
  }
}

/** All folders below the entry's own, parents before children. */
export function entryFolders(geometry: Geometry): string[] {
  const folders = metadataFolders.filter((folder) => folder !== "");
  const blocks = blockCountOf(geometry);
  if (blocks === 0) return folders;
  const hasParity = geometry.parityShards > 0;
  if (geometry.dataShards === 1) {
    folders.push("segments", ...(hasParity ? ["parity"] : []));
  } else {
    folders.push("blocks");
    for (let block = 0; block < blocks; block++) {
      const folder = blockFolder(geometry, block);
      folders.push(folder.slice(0, -1), `${folder}segments`);
      if (hasParity) folders.push(`${folder}parity`);
    }
  }
  const { crossBlock } = geometry;
  if (crossBlock === undefined) return folders;
  folders.push("groups");
  for (let group = 0; group < crossBlock.groups; group++) {
    folders.push(groupFolder(geometry, group).slice(0, -1));
  }
  return folders;
}

function segmentName(geometry: Geometry, segment: number): string {
  return `segment_${padIndex(segment, segmentCountOf(geometry))}`;
}

/** Prefix of the paths of a group's parity. */
function groupFolder(geometry: Geometry, group: number): string {
  const groups = geometry.crossBlock?.groups ?? 0;
  return `groups/group_${padIndex(group, groups)}/`;
}

/** Prefix of the paths of a block: with one data shard a block, there are no block folders. */
function blockFolder(geometry: Geometry, block: number): string {
  if (geometry.dataShards === 1) return "";
  return `blocks/block_${padIndex(block, blockCountOf(geometry))}/`;
}

/** Decimal, as wide as the largest index of `count`, so that names sort in their order. */
function padIndex(index: number, count: number): string {
  return String(index).padStart(String(Math.max(0, count - 1)).length, "0");
}
