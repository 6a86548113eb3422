// Limits: every bound of the format and the engine, with the relations between them asserted.
// Decoders compare against these before they allocate.

import { assert } from "./assert.ts";

const kib = 1024;
const mib = 1024 * kib;

/** Bytes of one BLAKE3 digest or chaining value. */
export const digestBytes = 32;

/** Bytes of a BLAKE3 chunk, the smallest unit its tree can be cut at (BLAKE3 paper, section 2.1). */
export const leafBytesMin: number = 1 * kib;

/** The leaf of new entries, and the largest that a manifest may name. */
export const leafBytesMax: number = 64 * kib;

/** The segment size of new entries. */
export const segmentBytesDefault: number = 32 * mib;

/** The largest segment that a manifest may name: FAT32 holds no file of 4 GiB. */
export const segmentBytesMax: number = 2048 * mib;

/** Shards of a block, data and parity together: GF(2^8) has no more points. */
export const shardCountMax = 256;

/** Blocks of a full group: with its parity of 10 it has as many shards as a code can. */
export const groupBlocksMax = 246;

/**
 * Parity shards of a group, of its blocks and its columns: a leaf of each may have to be held at
 * once, 512 MiB in all. A full group of 30+3 has 1038.
 */
export const groupParityShardsMax = 8192;

/** UTF-8 bytes of an entry's name: what Linux file systems hold in one path component. */
export const nameBytesMax = 255;

/** Hexadecimal digits of an entry's id. */
export const idDigits = 16;

/** Bytes of one self-hashed page of the outboard. */
export const outboardPageBytes: number = 64 * kib;

/** An outboard up to this size lies inside the manifest. */
export const outboardInlineBytesMax: number = 16 * kib;

/** An outboard is held in memory; this one belongs to about 1.9 TB of shards with 64 KiB leaves. */
export const outboardBytesMax: number = 1024 * mib;

/** A manifest that is larger is not read: the page digests of the largest outboard take 1.1 MiB. */
export const manifestBytesMax: number = 4 * mib;

/** Shards of an entry: lists of their names are held in memory. With segments of 32 MiB it has 65,536. */
export const entryFileCountMax = 262_144;

/** Metadata copies of every entry (manifest and outboard), each in a folder of its own. */
export const metadataCopyCount = 4;

/** Bytes of a path inside a tree: what Linux takes as a path (PATH_MAX). */
export const treePathBytesMax = 4096;

/** A file table is held in memory, uncompressed: about four million files. */
export const fileTableBytesMax: number = 1024 * mib;

/** One line of a file table: a file's ranges of data and its extended attributes are all in it. */
export const fileTableLineBytesMax: number = 16 * mib;

/** Ranges of data that the row of one file may have; writers store small holes to stay below. */
export const dataRangeCountMax = 0x4_0000;

/** Names and values of the extended attributes of one row together. */
export const xattrsBytesMax: number = 1 * mib;

/** The largest payload: numbers stay exact up to here. */
export const payloadBytesMax: number = Number.MAX_SAFE_INTEGER;

/** Payload sizes at which the tiers of new entries end: 10 MB, 1 GB and 35 GB (decimal). */
export const tierLimitsDefault: {
  readonly tier1Max: number;
  readonly tier2Max: number;
  readonly tier3Max: number;
} = { tier1Max: 10_000_000, tier2Max: 1_000_000_000, tier3Max: 35_000_000_000 };

assert(
  leafBytesMax % leafBytesMin === 0,
  "leaf sizes are multiples of a BLAKE3 chunk",
);
assert(segmentBytesDefault % leafBytesMax === 0, "a segment is whole leaves");
assert(
  segmentBytesMax % leafBytesMax === 0,
  "the largest segment is whole leaves",
);
assert(outboardPageBytes % digestBytes === 0, "a page is whole digests");
assert(
  outboardInlineBytesMax <= outboardPageBytes,
  "an inline outboard is at most one page",
);

/** Fewest digits of an id that stand for it. */
export const idPrefixDigitsMin = 4;
assert(idPrefixDigitsMin <= idDigits, "a whole id stands for itself");

/**
 * A cleanup that could not have the archive's lock leaves alone what is younger: a slow disk may be
 * busy for minutes with one sync.
 */
export const leftoverAgeMsMin = 3_600_000;

/** Digests of one run: a run of 16 MiB in leaves of 1 KiB has half a MiB. */
export const runDigestBytesMax: number = 4 * mib;

/** A commit of less starts anew when it was cut off: that is sooner done than told. */
export const resumeBytesMinDefault: number = 64 * mib;

assert(
  dataRangeCountMax * 3 * 17 + xattrsBytesMax * 2 + treePathBytesMax * 12 <=
    fileTableLineBytesMax,
  "a row with all that it may have fits its line",
);
assert(
  (fileTableBytesMax + outboardBytesMax) / outboardPageBytes * 80 <=
    manifestBytesMax,
  "a manifest can list all pages of the largest outboard and file table",
);
/** Bytes of a lock file: one sector, which no disk writes by halves. */
export const lockRecordBytes = 512;

/** How often the holder of a lock says that it is alive. */
export const lockBeatMs = 2_000;

/** A holder that said nothing for so long is gone, where the file system cannot tell. */
export const lockStaleMs = 10_000;
assert(
  lockStaleMs >= 4 * lockBeatMs,
  "a holder may be late several times before it counts as gone",
);

/** How long a command waits for another that writes. */
export const lockWaitMsDefault = 60_000;

/** An archive of fewer entries is listed sooner than an index is opened. */
export const indexedEntriesMin = 1_000;

/** Entries of one page of the index: what a new entry has written anew. */
export const indexPageEntriesMax = 512;

/** An index that is larger is not opened: a row takes some 200 bytes. */
export const indexBytesMax: number = 1024 * mib;

/** Rows of the index whose manifests are looked at in each run, all if they are not more. */
export const indexSampleCount = 2_048;
