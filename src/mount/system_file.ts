// System file: the kernel's own small files (/proc, /sys), read and written through the C library:
// Deno gives them to a program with all permissions only.

import {
  type Bytes,
  decodeUtf8,
  encodeUtf8,
  joinBytes,
} from "../base/bytes.ts";
import type { LinuxCalls } from "../../ffi/fuse_library.ts";

const readOnly = 0, writeOnly = 1;
const closeOnExec = 0o2000000;

/** The text of the file; undefined where it cannot be read. */
export function readSystemFile(
  { system }: { readonly system: LinuxCalls },
  path: string,
): string | undefined {
  const file = system.open(cString(path), readOnly | closeOnExec);
  if (file < 0) return undefined;
  try {
    const buffer = new Uint8Array(64 * 1024);
    const parts: Bytes[] = [];
    while (true) {
      const count = Number(system.read(file, buffer, BigInt(buffer.length)));
      if (count < 0) return undefined;
      if (count === 0) break;
      parts.push(buffer.slice(0, count));
    }
    return decodeUtf8(joinBytes(parts));
  } finally {
    system.close(file);
  }
}

/** Writes the text; gives whether the system took it. */
export function writeSystemFile(
  { system }: { readonly system: LinuxCalls },
  path: string,
  text: string,
): boolean {
  const file = system.open(cString(path), writeOnly | closeOnExec);
  if (file < 0) return false;
  try {
    const bytes = encodeUtf8(text) as Uint8Array<ArrayBuffer>;
    return Number(system.write(file, bytes, BigInt(bytes.length))) ===
      bytes.length;
  } finally {
    system.close(file);
  }
}

/** Text as C has it. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return encodeUtf8(`${text}\0`) as Bytes as Uint8Array<ArrayBuffer>;
}

/** A mount as the system lists it. */
export interface MountRecord {
  readonly path: string;
  readonly type: string;
  /** `MAJOR:MINOR`. */
  readonly device: string;
}

/** The records of /proc/self/mountinfo (proc_pid_mountinfo(5)), in the order of mounting. */
export function parseMounts(text: string): MountRecord[] {
  const records: MountRecord[] = [];
  for (const line of text.split("\n")) {
    const [before, after] = line.split(" - ");
    const fields = before!.split(" ");
    const type = after?.split(" ")[0];
    const device = fields[2], path = fields[4];
    if (type === undefined || device === undefined || path === undefined) {
      continue;
    }
    records.push({ path: unescapePath(path), type, device });
  }
  return records;
}

// Blanks, tabs, line feeds and backslashes are written in octal.
function unescapePath(text: string): string {
  return text.replace(
    /\\([0-7]{3})/g,
    (_, digits: string) => String.fromCharCode(parseInt(digits, 8)),
  );
}
