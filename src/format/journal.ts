// Journal: what a commit notes in its staging folder, so that another can go on where it was cut off.
// Not part of the archive format: no entry has it. Two files, each of which says by a BLAKE3 whether
// it is to be believed: what is being committed, and a list of runs that were written, with the
// digests that their leaves must have. Whatever the list says is verified before it is relied on.

import {
  type Bytes,
  decodeUtf8,
  encodeUtf8,
  equalBytes,
  formatHex,
  joinBytes,
  parseHex,
} from "../base/bytes.ts";
import { digestBytes, runDigestBytesMax } from "../base/limits.ts";
import type { RowRun } from "./geometry.ts";
import { Invalid, memberOf, readInteger, readObject } from "./members.ts";
import type { Digester } from "./pages.ts";

/** Names of the journal's files in a staging folder. */
export const journalFiles = {
  commit: "commit.json",
  progress: "progress.bin",
} as const;

/** The file `commit.json` is at most this long; a longer one is none of ours. */
export const commitRecordBytesMax: number = 16 * 1024;

/** What is being committed. */
export interface CommitRecord {
  readonly name: string;
  /** Where the payload comes from, in the words of whoever commits. */
  readonly source: string;
  readonly payloadBytes: number;
  /** Digest of all that must be the same for another commit to go on: source, shape, settings. */
  readonly plan: Bytes;
}

/** A run that was written. */
export interface RunRecord {
  readonly run: RowRun;
  /** Payload bytes of the run, near enough for telling how far a commit is. */
  readonly payloadBytes: number;
  /** As Outboard.readRun gives them. */
  readonly digests: Bytes;
}

/** The bytes of `commit.json`: a line of JSON, and its digest. */
export function encodeCommitRecord(
  record: CommitRecord,
  digest: Digester,
): Bytes {
  const { name, source, payloadBytes, plan } = record;
  const body = encodeUtf8(
    JSON.stringify({
      blockframe_commit: 1,
      name,
      source: source.slice(0, 1024),
      payload_bytes: payloadBytes,
      plan: formatHex(plan),
    }) + "\n",
  );
  return joinBytes([body, encodeUtf8(formatHex(digest(body)) + "\n")]);
}

/** What `commit.json` says, or undefined where it cannot be believed. */
export function decodeCommitRecord(
  bytes: Bytes,
  digest: Digester,
): CommitRecord | undefined {
  const end = bytes.indexOf(0x0a) + 1;
  const body = bytes.subarray(0, end);
  const check = encodeUtf8(formatHex(digest(body)) + "\n");
  if (end === 0 || !equalBytes(bytes.subarray(end), check)) return undefined;
  try {
    return readCommitRecord(JSON.parse(decodeUtf8(body) ?? ""));
  } catch (error) {
    if (error instanceof Invalid || error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}

function readCommitRecord(value: unknown): CommitRecord {
  const members = readObject(value, "the record");
  readInteger(members, "blockframe_commit", 1, 1);
  const name = memberOf(members, "name"), source = memberOf(members, "source");
  const plan = memberOf(members, "plan");
  const digest = typeof plan === "string" ? parseHex(plan) : undefined;
  if (
    typeof name !== "string" || typeof source !== "string" ||
    digest?.length !== digestBytes
  ) throw new Invalid("a member is missing");
  const payloadBytes = readInteger(
    members,
    "payload_bytes",
    0,
    Number.MAX_SAFE_INTEGER,
  );
  return { name, source, payloadBytes, plan: digest };
}

/** Bytes of a run record before its digests: five little-endian numbers, of 4, 4, 4, 4 and 8 bytes. */
export const runHeaderBytes = 24;

/** The bytes of a run record; the plan's digest keeps it from being taken for another commit's. */
export function encodeRunRecord(
  record: RunRecord,
  plan: Bytes,
  digest: Digester,
): Bytes {
  const { run, payloadBytes, digests } = record;
  const bytes = new Uint8Array(runHeaderBytes + digests.length + digestBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, run.block, true);
  view.setUint32(4, run.firstRow, true);
  view.setUint32(8, run.rowCount, true);
  view.setUint32(12, digests.length, true);
  view.setBigUint64(16, BigInt(payloadBytes), true);
  bytes.set(digests, runHeaderBytes);
  const body = bytes.subarray(0, -digestBytes);
  bytes.set(digest(joinBytes([plan, body])), body.length);
  return bytes;
}

/** Bytes of the whole record with this header, or undefined where no record begins so. */
export function runRecordBytesOf(header: Bytes): number | undefined {
  if (header.length < runHeaderBytes) return undefined;
  const view = new DataView(header.buffer, header.byteOffset);
  const bytes = view.getUint32(12, true);
  return bytes > runDigestBytesMax || bytes % digestBytes !== 0
    ? undefined
    : runHeaderBytes + bytes + digestBytes;
}

/** The record, or undefined where it cannot be believed. */
export function decodeRunRecord(
  bytes: Bytes,
  plan: Bytes,
  digest: Digester,
): RunRecord | undefined {
  if (runRecordBytesOf(bytes) !== bytes.length) return undefined;
  const body = bytes.subarray(0, -digestBytes);
  const check = digest(joinBytes([plan, body]));
  if (!equalBytes(bytes.subarray(-digestBytes), check)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    run: {
      block: view.getUint32(0, true),
      firstRow: view.getUint32(4, true),
      rowCount: view.getUint32(8, true),
    },
    payloadBytes: Number(view.getBigUint64(16, true)),
    digests: body.subarray(runHeaderBytes),
  };
}
