// Lock record: what a lock file says of who holds the lock, for people and for file systems whose
// locks do not reach every machine. It decides nothing by itself; whatever a file says is only words.

import { type Bytes, decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { lockRecordBytes } from "../base/limits.ts";

/** The two locks of an archive: of what adds and removes entries, and of what mends them. */
export type LockName = "writer" | "repair";

/** Who holds a lock. */
export interface LockRecord {
  /** The command that is at work. */
  readonly command: string;
  readonly pid: number;
  /** The machine, where the sandbox lets it be known. */
  readonly host?: string;
  /** ISO 8601, UTC. */
  readonly since: string;
  /** Different for every opening of an archive anywhere. */
  readonly instance: string;
  /** Whether the file system's own lock is held besides. */
  readonly advisory: boolean;
  /** Counts up while the holder is alive. */
  readonly beat: number;
}

/** The file of a lock, in the archive's folder; the name makes it no entry. */
export function lockPath(name: LockName): string {
  return `.lock_${name}`;
}

/** A record as the lock file's bytes: always as many, so that one write replaces another. */
export function encodeLockRecord(record: LockRecord): Bytes {
  const cut = (text: string) =>
    text.replace(/[^ -~]|["\\]/g, "_").slice(0, textLengthMax);
  const { host } = record;
  const text = JSON.stringify({
    format: 1,
    ...record,
    command: cut(record.command),
    ...(host === undefined ? {} : { host: cut(host) }),
  });
  const bytes = new Uint8Array(lockRecordBytes).fill(0x20);
  bytes.set(encodeUtf8(text));
  bytes[lockRecordBytes - 1] = 0x0a;
  return bytes;
}

/** The record that a lock file holds, or undefined: whoever made it had no room, or it is another's. */
export function parseLockRecord(bytes: Bytes): LockRecord | undefined {
  const text = decodeUtf8(bytes);
  if (text === undefined || text.trim() === "") return undefined;
  let members: unknown;
  try {
    members = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof members !== "object" || members === null) return undefined;
  const { command, pid, host, since, instance, advisory, beat } =
    members as Record<string, unknown>;
  if (
    !isShort(command) || !isShort(since) || !isShort(instance) ||
    !Number.isSafeInteger(pid) || !Number.isSafeInteger(beat) ||
    typeof advisory !== "boolean" || (host !== undefined && !isShort(host))
  ) return undefined;
  return {
    command,
    pid: pid as number,
    ...(host === undefined ? {} : { host }),
    since,
    instance,
    advisory,
    beat: beat as number,
  };
}

/** Who holds a lock, in words: `commit (process 123 on nas, since 2026-01-01 12:00:00 UTC)`. */
export function describeHolder(record: LockRecord | undefined): string {
  if (record === undefined) return "another command";
  const since = record.since.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC");
  const where = record.host === undefined ? "" : ` on ${record.host}`;
  return `${record.command} (process ${record.pid}${where}, since ${since})`;
}

// Four of them, of plain ASCII, fit with room to spare.
const textLengthMax = 64;

function isShort(value: unknown): value is string {
  return typeof value === "string" && value.length <= textLengthMax;
}
